"""One database as merging sees it: its chats, the mark of its message ids, and rows as keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.schema.data_steps import STEP

Key: TypeAlias = bytes
"""What a message is, as Hermes' loader gives it: role, content, tool call id, parsed tool calls."""

Fingerprint: TypeAlias = bytes
"""One message of one chat as a source had it (:func:`hermes_repair.merging.row_keys.fingerprint`):
what an earlier merge brought, kept by our records without any text."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two databases.

    ``sequence`` is the highest message id ever given (``sqlite_sequence``), None where the database
    does not say; then ``highest`` is all that is known. ``highest`` is the highest id of a row, 0
    without one. ``partial``: rows may be missing that the database had (a capture without its main
    file, the output of a salvage), so nothing follows from what is not here. ``schema`` is the
    number that it records, None without one.
    """

    sequence: int | None
    highest: int
    messages: int
    sessions: Mapping[str, SessionNode]
    partial: bool = False
    schema: int | None = None

    @property
    def marks_runs(self) -> bool:
        """Whether every delegate's run is marked: no step of an update marks one any more.

        From then on (0.17.0) a child without a mark is opened in place of its parent, by 0.18.0 and
        later. Up to then no release opens one so, and the step hides them.
        """
        return self.schema is None or self.schema >= STEP

    @property
    def continued_by_time(self) -> bool:
        """Whether some release that opens it takes what began after a chat's end for what continues
        it, also a branch: up to 0.17.0. Later ones ask for marks alone.
        """
        return self.schema is None or self.schema <= STEP

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever in it."""
        return self.sequence == 0 and not self.sessions and not self.messages

    @property
    def is_emptied(self) -> bool:
        """Whether it held messages once and has none now."""
        return bool(self.sequence) and not self.messages


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of ``messages``; ``timestamp`` is None where the column holds no finite number.

    ``active`` and ``compacted`` read as their defaults (true, false) where the schema has no such
    column. ``out_of_order``: an earlier row of the database is later by more than an hour.
    """

    id: int
    key: Key
    timestamp: float | None
    active: bool = True
    compacted: bool = False
    out_of_order: bool = False


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A row that both sides have, with other flags in the source: ``id`` is the home's.

    ``active`` and ``compacted`` are the source's, ``was_active`` and ``was_compacted`` the home's.
    """

    id: int
    was_active: bool
    was_compacted: bool
    active: bool
    compacted: bool


@dataclass(frozen=True, slots=True)
class TwoHistories:
    """One chat on both sides.

    ``shared`` counts the rows that it begins with on both sides, the same by id, chat, content and
    time; ``home`` and ``source`` are all rows after them, in the order of their ids. ``flags`` are
    the shared rows whose flags differ. ``kept``: the home shows a row of the common past.
    """

    session_id: str
    shared: int
    home: tuple[HistoryRow, ...]
    source: tuple[HistoryRow, ...]
    flags: tuple[FlagChange, ...] = ()
    kept: bool = False
