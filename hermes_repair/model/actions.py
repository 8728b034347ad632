"""The closed set of things a plan can do (R3), as values.

An action says what it expects to find (``before``) and what it leaves (``after``). Applying and
inverting are functions of :mod:`hermes_repair.repair`, which alone writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hermes_repair.model.values import Row

LOCK_TABLE = "compression_locks"
"""The one table of which rows may go beside a live Hermes (schema 14 on)."""
HANDOFF_COLUMNS = ("handoff_state", "handoff_error")
"""Columns of ``sessions`` that say how a chat's handoff to the gateway stands (0.13.0 on)."""


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Bytes of a transcript file that a message comes from.

    ``path`` is relative to the home where the file lies inside it, else absolute. ``offset`` and
    ``length`` are bytes of one JSON record; ``sha256`` is of exactly those bytes.
    """

    path: str
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RowRef:
    """A row of another database that an inserted row is made of (``merge``).

    ``database`` names the source as the user does, ``rowid`` is the row's in its private copy,
    whose table is that of the insert. ``content`` is what a later merge knows it again by
    (:mod:`hermes_repair.merging.row_keys`), empty where it never asks. ``original`` is what the row
    has there in columns that are not taken over as they are.
    """

    database: str
    rowid: int
    content: str
    original: Row


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """Change named columns of one row; the others are neither read nor written.

    ``counters`` are columns that undo takes back as a difference, because Hermes counts on.
    """

    table: str
    key: Row
    before: Row
    after: Row
    counters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RowInsert:
    """Add one row.

    Without a ``source`` the whole row is in ``values``. With one, ``values`` holds only what the
    plan decided (id, session, time) and the rest is read from the source again, a line of a file or
    a row of another database; ``digest`` is
    :func:`~hermes_repair.model.values.row_digest` of the whole row over ``columns``, so that a
    message's text stays out of plans and receipts and is still recognised to the byte.
    """

    table: str
    key: Row
    values: Row
    source: SourceRef | RowRef | None = None
    digest: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowDelete:
    """Remove one row whose every column is kept in ``before``."""

    table: str
    key: Row
    before: Row


@dataclass(frozen=True, slots=True)
class RowMove:
    """Give a message another id by DELETE and INSERT, every other value kept.

    ``digest`` is :func:`~hermes_repair.model.values.row_digest` over ``columns``, less the id.
    """

    table: str
    old_id: int
    new_id: int
    digest: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ddl:
    """One SQL statement of a migration step: DDL, or a set-based data step. Undone by restore."""

    sql: str
    step: str


@dataclass(frozen=True, slots=True)
class IndexRefill:
    """Make an index of a table anew, or a search table from ``messages``. Undone by restore."""

    table: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileCopy:
    """Copy a file of the user's, compressed and verified, below ``<home>/hermes-repair/``."""

    source: str
    target: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileRewrite:
    """Replace a small file of the home whole: ``before`` and ``after`` are all of its bytes.

    ``path`` is as that of :class:`SourceRef`. It stands in a unit with nothing but copies, so that
    the unit is done if and only if the file has the new bytes. Its receipt keeps both.
    """

    path: str
    before: bytes
    after: bytes


Action: TypeAlias = (
    RowUpdate | RowInsert | RowDelete | RowMove | Ddl | IndexRefill | FileCopy | FileRewrite
)
RowAction: TypeAlias = RowUpdate | RowInsert | RowDelete | RowMove
WITH_TABLE = (RowUpdate, RowInsert, RowDelete, RowMove, IndexRefill)
