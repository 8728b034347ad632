"""What a home has beside state.db: the files of chats, copies, other profiles, backups, snapshots.

A chat whose profile was changed or copied may have one half here and the other there. Where the
database gives nothing, :func:`find_remaining_files` names what is there by directory entries alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.evidence.opened_copies import as_surveyed, look_at
from hermes_repair.evidence.ownership import LineageEvidence
from hermes_repair.home.layout import Home
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy, other_databases, profile_of
from hermes_repair.lineage.column_changes import BRANCHED_FROM, DELEGATE_FROM
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.values import Value, text
from hermes_repair.model.words import count
from hermes_repair.records.folder import DAMAGED
from hermes_repair.schema.model_config import read_config
from hermes_repair.store.backup import sound
from hermes_repair.transcripts.session_files import FileKind, TranscriptFile, list_sessions

IN_A_FILE = {FileKind.TRANSCRIPT: "a transcript file", FileKind.LOG: "an agent's log file"}


@dataclass(frozen=True, slots=True)
class Place:
    """One place that has the session: ``kind`` in words, the file, and whether it is a database.

    ``copy``: it is a copy of a database, which a merge reads, and no other profile's own.
    """

    kind: str
    path: Path
    database: bool
    copy: bool = False

    def __str__(self) -> str:
        return f"{self.kind} ({self.path})"


@dataclass(frozen=True, slots=True)
class Continuation:
    """A session of another database that continues one of this."""

    session_id: str
    place: Place

    def __str__(self) -> str:
        return f"{self.session_id} in {self.place}"


@dataclass(frozen=True, slots=True)
class OlderCopy:
    """A copy that has chats from before this database: how many of them, and their messages."""

    path: Path
    sessions: int
    messages: int


def find_elsewhere(snapshot: LineageEvidence) -> Mapping[str, tuple[Place, ...]]:
    """Return where the missing parents of orphans still are, by the parent's id.

    What could not be looked at is in ``snapshot.notes``.
    """
    parents = {snapshot.node[name].parent_id or "" for name in snapshot.graph.orphans}
    if not parents:
        return {}
    places_of: defaultdict[str, list[Place]] = defaultdict(list)
    for file in _chat_files(snapshot.home):
        if file.session_id in parents and file.kind in IN_A_FILE:
            places_of[file.session_id].append(Place(IN_A_FILE[file.kind], file.path, False))
    ids: list[Value] = [json.dumps(sorted(parents))]
    for copy in snapshot.other_databases:
        for (id,) in _asked(snapshot, copy, _WITH_ID, ids, "missing parents"):
            place = Place(copy.kind.value, copy.named, True, copy=not copy.kind.in_use)
            places_of[text(id) or ""].append(place)
    return {session_id: tuple(places) for session_id, places in places_of.items()}


_WITH_ID = "SELECT id FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
_WITH_PARENT = (
    "SELECT parent_session_id, id, source, model_config FROM sessions"
    " WHERE parent_session_id IN (SELECT value FROM json_each(?)) ORDER BY id"
)


def find_continuations(snapshot: LineageEvidence) -> Mapping[str, tuple[Continuation, ...]]:
    """Return what continues, in other profiles, the sessions that nothing here continues, by id.

    A branch and a delegate's run are no continuation, and a backup proves nothing of what is now.
    """
    closed = [
        node.id
        for node in snapshot.nodes
        if node.end_reason == "compression" and not _has_messages_below(snapshot, node.id)
    ]
    if not closed:
        return {}
    continuations: defaultdict[str, list[Continuation]] = defaultdict(list)
    for copy in snapshot.other_databases:
        if copy.kind is not CopyKind.PROFILE:
            continue
        for parent, child, source, config in _asked(
            snapshot, copy, _WITH_PARENT, [json.dumps(closed)], "continuations"
        ):
            marks = read_config(config) or {}
            if source != "tool" and BRANCHED_FROM not in marks and DELEGATE_FROM not in marks:
                place = Place(copy.kind.value, copy.path, True)
                continuations[text(parent) or ""].append(Continuation(text(child) or "", place))
    return {session_id: tuple(places) for session_id, places in continuations.items()}


_BEFORE = "SELECT id, message_count FROM sessions WHERE started_at < ? AND message_count > 0"


def find_older_copies(snapshot: LineageEvidence) -> tuple[OlderCopy, ...]:
    """Return the copies with chats that began before anything here and that are not here.

    Newest first. Empty where it is not known how old this database is.
    """
    if snapshot.birth is None:
        return ()
    older: list[OlderCopy] = []
    for copy in snapshot.other_databases:
        if copy.kind is CopyKind.PROFILE:
            continue
        rows = _asked(snapshot, copy, _BEFORE, [snapshot.birth], "chats from before")
        counts = [number for id, number in rows if text(id) not in snapshot.node]
        if counts:
            whole = sum(number for number in counts if isinstance(number, int))
            older.append(OlderCopy(copy.named, len(counts), whole))
    return tuple(older)


def _has_messages_below(snapshot: LineageEvidence, session_id: str) -> bool:
    return any(snapshot.node[name].rows for name in snapshot.graph.continuations(session_id))


def _asked(
    snapshot: LineageEvidence, copy: DatabaseCopy, sql: str, parameters: list[Value], what: str
) -> list[tuple[Value, ...]]:
    """Return what another database answers; ``what`` is looked for, in words."""
    try:
        rows = _answer(snapshot, copy, sql, parameters)
    except HermesRepairError as error:
        snapshot.notes.append(f"{copy.path} could not be searched for {what}: {error.message}")
        return []
    if rows is None:
        snapshot.notes.append(f"{copy.path} may be in use and was not searched for {what}.")
    return rows or []


def _answer(
    snapshot: LineageEvidence, copy: DatabaseCopy, sql: str, parameters: list[Value]
) -> list[tuple[Value, ...]] | None:
    """Return what another database answers, None where it may be in use and cannot be asked.

    Who has it open was asked for all of them at once, maybe seconds ago. What was read while
    somebody began to write counts for nothing, and is read again with a survey of its own.
    """
    seen = snapshot.surveyed.get(copy.path)
    for surveyed in (seen, None) if seen is not None else (None,):
        with look_at(copy, surveyed) as look:
            rows = list(look.rows(sql, parameters)) if look is not None else None
        if surveyed is None or look is None or look.live or as_surveyed(surveyed):
            break
    return rows


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
        kinds = [
            count(number, noun)
            for number, noun in ((self.transcripts, "transcript"), (self.logs, "session log"))
            if number
        ]
        if not kinds:
            return ""
        are = "is" if self.transcripts + self.logs == 1 else "are"
        return f"{' and '.join(kinds)} of chats {are} in its sessions folder."

    @property
    def named_copies(self) -> str:
        """A sentence that names the copies, empty where there are none."""
        if not self.copies:
            return ""
        named = [f"{copy.path} ({copy.kind.value})" for copy in self.copies[:NAMED]]
        more = len(self.copies) - len(named)
        named += [f"{more} more"] if more else []
        return f"Copies of a database here: {', '.join(named)}."


def sound_copies(remaining: RemainingFiles) -> list[DatabaseCopy]:
    """Return the newest copies that `restore` would take: whole, and with nothing beside them.

    So many are looked at as are named.
    """
    asked = remaining.copies[:NAMED]
    return [copy for copy in asked if not _with_sides(copy.path) and not sound(copy.path)]


def _with_sides(path: Path) -> bool:
    sides = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    return any(side.exists() and side.stat().st_size for side in sides)


def find_remaining_files(home: Home) -> RemainingFiles:
    """Return what lies there; other profiles' databases and copies are none of this home's."""
    kinds = [file.kind for file in _chat_files(home)]
    return RemainingFiles(
        transcripts=kinds.count(FileKind.TRANSCRIPT),
        logs=kinds.count(FileKind.LOG),
        copies=tuple(
            copy
            for copy in other_databases(home)
            if not copy.kind.in_use
            and profile_of(copy.path) in (None, home.profile)
            and not copy.path.parent.name.startswith(DAMAGED)
        ),
    )


def _chat_files(home: Home) -> Iterator[TranscriptFile]:
    for folder in dict.fromkeys((home.sessions_dir, home.logs_dir)):
        yield from list_sessions(folder).files


@dataclass(frozen=True, slots=True)
class SharedChats:
    """Sessions that another profile has under the same id, and that differ there.

    ``ahead_here`` and ``ahead_there`` are those of them of which one side has the later message.
    """

    profile: str
    path: Path
    sessions: tuple[str, ...]
    ahead_here: int
    ahead_there: int


_MESSAGES_OF = (
    "SELECT session_id, COUNT(*), MAX(timestamp) FROM messages WHERE session_id IN"
    f" ({_WITH_ID}) GROUP BY session_id"
)
"""Of these ids alone: there may be as many profiles as there are sessions here."""


def find_shared(snapshot: LineageEvidence) -> tuple[SharedChats, ...]:
    """Return which chats other profiles have too, but not the same; those archived here left out.

    A chat that was taken to another profile is archived where it was, and goes on there.
    A profile that cannot be looked at is left out: `doctor` says that it saw this one alone.
    """
    mine = [node.id for node in snapshot.nodes if node.rows and not node.archived]
    if not mine:
        return ()
    ids: list[Value] = [json.dumps(mine)]
    found: list[SharedChats] = []
    for copy in snapshot.other_databases:
        if copy.kind is not CopyKind.PROFILE:
            continue
        try:
            rows = _answer(snapshot, copy, _MESSAGES_OF, ids) or []
        except HermesRepairError:
            continue
        there = {text(id): (number, last) for id, number, last in rows}
        here = {id: (snapshot.node[id].rows, snapshot.node[id].last_message_at) for id in mine}
        differing = sorted(id for id in mine if id in there and here[id] != there[id])
        if differing:
            later = [_later(here[id][1], there[id][1]) for id in differing]
            shared = SharedChats(
                profile_of(copy.path) or "default",
                copy.path,
                tuple(differing),
                later.count(1),
                later.count(-1),
            )
            found.append(shared)
    return tuple(found)


def _later(here: float | None, there: Value) -> int:
    """Return 1 where this side has the later message, -1 where the other has, else 0."""
    if here is None or not isinstance(there, int | float):
        return 0
    return (here > there) - (here < there)
