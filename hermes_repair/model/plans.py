"""Units and their fate: what is committed together, and what became of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import TypeAlias

from hermes_repair.model.actions import (
    WITH_TABLE,
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    SourceRef,
)
from hermes_repair.model.commands_to_type import Command, command, salvage_command

ADOPTION = "adoption"
"""The kind of a unit that makes a session for messages that are there already (MS003)."""

UNBINDING = "unbinding"
"""The kind of a unit that deletes rows which refer to a session that is gone (GW003)."""


MESSAGES = "messages"

SCHEMA_ENTRIES = "schema-entries"
"""The kind of a unit that removes what the schema lists a second time (DB007)."""


Step: TypeAlias = tuple[str, str, tuple[str, ...]]
"""What a unit mends of what: kind, subject and ids of findings."""


class Safety(Enum):
    """SAFE loses nothing, derives from the data, undoes exactly. UNSAFE is a judgement."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Stage(IntEnum):
    """When a kind of repair is done in a run: each rests on what those before it set right."""

    STRUCTURE = 1
    VALUES = 2  # what makes queries raise
    TRANSCRIPTS = 3
    LINEAGE = 4
    DUPLICATES = 5
    SESSIONS = 6
    LOCKS = 7
    COUNTS = 8
    SEARCH = 9  # what is derived of the messages, once they are as they stay
    FILES = 10  # what lies beside the database and names what is in it


class UnitState(Enum):
    """What became of a unit (R4)."""

    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Unit:
    """What is done whole or not at all, in one transaction.

    ``kind`` is what it is about (``session``, ``family``, ``migration``, ``lock``, ``copy``,
    ``adoption``, ``unbinding``, ``file``); ``subject`` names it for a reader (a session id,
    ``13 -> 14``).
    ``summary`` is one line of what it does, without conversation text. ``findings`` are
    fingerprints. ``sessions`` are the ids that it touches: two units of one stage that share one
    are merged or ordered by the planner.
    ``room`` are bytes that it takes on the disk beside a backup; plan files do not keep it.
    """

    kind: str
    subject: str
    summary: str
    actions: tuple[Action, ...]
    safety: Safety
    live: bool
    findings: tuple[str, ...]
    finding_ids: tuple[str, ...]
    sessions: frozenset[str] = frozenset()
    room: int = 0

    @property
    def id(self) -> str:
        """What it mends of what, whatever is displayed of it; equal for one step of two looks."""
        identity = json.dumps([self.kind, self.subject, self.finding_ids, self.findings])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def step(self) -> Step:
        """What it mends of what, also where a later look counts other rows."""
        return self.kind, self.subject, self.finding_ids

    @property
    def needs_backup(self) -> bool:
        """Whether undo needs a file backup because an action cannot be inverted row by row."""
        return any(isinstance(action, Ddl | IndexRefill) for action in self.actions)

    @property
    def rewrites_file(self) -> bool:
        """Whether it writes a file of the home anew, which it does alone."""
        return any(isinstance(action, FileRewrite) for action in self.actions)


@dataclass(frozen=True, slots=True)
class Outline:
    """A unit of a draft plan without its actions, which stay in the draft's file.

    ``number`` is its place there. ``actions`` counts them, ``tables`` are those that they write,
    ``source_bytes`` is what they read from transcript files, ``copied_bytes`` the size of the files
    that they copy whole. ``messages`` is how many more there are after it, below zero where some
    are removed, and ``since`` the time of the first of those that it adds, in epoch seconds. What
    is undone by a backup (``needs_backup``), in a file (``rewrites_file``) or row by row has a
    receipt of its own.
    """

    number: int
    unit: Unit
    actions: int
    tables: tuple[str, ...]
    source_bytes: int
    copied_bytes: int
    needs_backup: bool
    rewrites_file: bool
    messages: int = 0
    since: float | None = None

    @property
    def undone_by(self) -> tuple[bool, bool]:
        """What undo takes it back by; equal for those that may share a receipt."""
        return self.needs_backup, self.rewrites_file


def written_by(unit: Unit) -> set[str]:
    """Return the tables that the actions of a unit name; SQL of a migration step names none."""
    return {action.table for action in unit.actions if isinstance(action, WITH_TABLE)}


def outline(number: int, unit: Unit) -> Outline:
    """Return what is kept in memory of a unit whose actions were written down."""
    sources = (a.source for a in unit.actions if isinstance(a, RowInsert))
    rows = [a for a in unit.actions if isinstance(a, RowInsert | RowDelete) and a.table == MESSAGES]
    added = [action.values for action in rows if isinstance(action, RowInsert)]
    times = [at for values in added if isinstance(at := values.get("timestamp"), float)]
    return Outline(
        number=number,
        unit=replace(unit, actions=()),
        actions=len(unit.actions),
        tables=tuple(sorted(written_by(unit))),
        source_bytes=sum(source.length for source in sources if isinstance(source, SourceRef)),
        copied_bytes=sum(a.size for a in unit.actions if isinstance(a, FileCopy)),
        needs_backup=unit.needs_backup,
        rewrites_file=unit.rewrites_file,
        messages=2 * len(added) - len(rows),
        since=min(times, default=None),
    )


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit as a receipt keeps it: its place in the run, and what became of it."""

    number: int
    unit: Unit
    state: UnitState


VACUUM = "vacuum"
"""What receipts are called of a database that was written anew and put in its own place: an install
like any other, but that every row is as it was."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a plan or receipt is about, apart from its units.

    ``command`` is the subcommand that made it. ``created`` and ``closed`` are epoch seconds;
    ``closed`` is None while a run is unfinished (RP001). ``database`` is the path of state.db,
    ``base`` the marks of the file that the plan was made on. ``backup`` is the folder of the file
    backup below the records, where one was due. ``birth`` is the time of message id 1, which says
    since when the database exists, kept because later moves may hide it. ``undoing`` and ``undone``
    are when an undo of it began and ended. ``restored`` is the copy that a restore put back, by its
    path, and ``restored_from`` the moment whose state that copy has, in epoch seconds. ``left`` are
    the marks of state.db and of a -wal that a run could not take into it: the two as they lay when
    it ended. ``home`` is the identity of the home that a receipt belongs to; it moves with its
    folder. ``schema`` is the number of the database before the run, ``target`` that of a migration.
    ``installed`` are the marks of a database that a run put in the place of another one,
    ``content`` is a JSON object with a digest of each of its tables, and ``lost`` one of the
    messages that are proven lost with the other one. ``store`` names the database where that is
    not state.db, by its path below the folder of all profiles. ``continues`` is the receipt of a
    run of the same command that was cut off, and that this one went on with.
    """

    tool_version: str
    command: str
    created: float
    database: str
    base: str
    schema: int | None
    birth: float | None = None
    backup: str | None = None
    closed: float | None = None
    undoing: float | None = None
    undone: float | None = None
    restored: str | None = None
    restored_from: float | None = None
    left: str | None = None
    home: str | None = None
    target: int | None = None
    installed: str | None = None
    content: str | None = None
    lost: str | None = None
    store: str | None = None
    continues: str | None = None

    @property
    def begins_again(self) -> Command:
        """What settles a run that was cut off while it put a database in place, and does it."""
        if self.command == VACUUM:
            return command(VACUUM)
        return salvage_command(self.store, "--install")
