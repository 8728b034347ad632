"""What lets a person tell which chat is meant, in one line."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.model.escape import shorten
from hermes_repair.model.words import count, day

TITLE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class SessionLabel:
    """What lets a person tell which chat is meant. ``title`` only where it may be shown (R9)."""

    started_at: float | None
    source: str | None
    messages: int
    title: str | None = None

    def words(self) -> str:
        """Return ``2026-05-02, telegram, 12 messages, "Trip to ..."``."""
        parts = []
        if self.started_at is not None:
            parts.append(day(self.started_at))
        if self.source:
            parts.append(shorten(self.source, 20))
        parts.append(count(self.messages, "message"))
        if self.title:
            parts.append(f'"{shorten(self.title, TITLE_LENGTH)}"')
        return ", ".join(parts)
