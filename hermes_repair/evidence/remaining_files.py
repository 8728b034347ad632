"""What a home has besides state.db: transcripts and copies, for where the database gives nothing.

Directory entries only; no file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair.home.layout import Home
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy, other_databases, profile_of
from hermes_repair.model.words import count
from hermes_repair.transcripts.listing import FileKind, TranscriptFile, list_sessions

NAMED = 3
"""Copies that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class RemainingFiles:
    """Files of one home: how many transcripts and session logs, and copies of its database."""

    transcripts: int
    logs: int
    copies: tuple[DatabaseCopy, ...]

    @property
    def files(self) -> str:
        """A sentence about the files of chats, empty where there are none."""
        found = [
            count(number, noun)
            for number, noun in ((self.transcripts, "transcript"), (self.logs, "session log"))
            if number
        ]
        if not found:
            return ""
        are = "is" if self.transcripts + self.logs == 1 else "are"
        return f"{' and '.join(found)} of chats {are} in its sessions folder."

    @property
    def named_copies(self) -> str:
        """A sentence that names the copies, empty where there are none."""
        if not self.copies:
            return ""
        named = [f"{copy.path} ({copy.kind.value})" for copy in self.copies[:NAMED]]
        more = len(self.copies) - len(named)
        named += [f"{more} more"] if more else []
        return f"Copies of a database here: {', '.join(named)}."


def find_remaining_files(home: Home) -> RemainingFiles:
    """Return what lies there; other profiles' databases and copies are none of this home's."""
    kinds = [file.kind for file in _chat_files(home)]
    return RemainingFiles(
        transcripts=kinds.count(FileKind.TRANSCRIPT),
        logs=kinds.count(FileKind.LOG),
        copies=tuple(
            copy
            for copy in other_databases(home)
            if copy.kind is not CopyKind.PROFILE and profile_of(copy.path) in (None, home.profile)
        ),
    )


def _chat_files(home: Home) -> Iterator[TranscriptFile]:
    for folder in dict.fromkeys((home.sessions_dir, home.logs_dir)):
        yield from list_sessions(folder).files
