"""Foreign-key violations around the sessions that a unit touches.

Hermes runs with foreign keys on, we with them off (R4), so a unit proves for itself that it
leaves no reference broken that was whole. Violations are named by (table, column, missing value),
which stays the same when a message gets another id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import TypeAlias

from hermes_repair.model.actions import (
    Ddl,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.plans import ADOPTION, UNBINDING, Unit
from hermes_repair.model.values import Value, stored
from hermes_repair.store.broken_references import broken_references
from hermes_repair.store.connections import placeholder, quote
from hermes_repair.store.writer import Writer

Violation: TypeAlias = tuple[str, str, Value]
_BATCH = 400  # below SQLite's oldest limit of 999 parameters


def columns_naming_sessions(writer: Writer) -> tuple[tuple[str, str], ...]:
    """Return (table, column) of every foreign key to ``sessions(id)``."""
    return tuple(
        (str(table), str(column))
        for table, column in writer.query(
            'SELECT m.name, f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f'
            " WHERE m.type = 'table' AND f.\"table\" = 'sessions' ORDER BY 1, 2"
        )
    )


def touched(unit: Unit) -> frozenset[str]:
    """Return every session id that a unit's actions could leave somebody pointing at."""
    ids = set(unit.sessions)
    for action in unit.actions:
        rows = []
        if isinstance(action, RowUpdate):
            rows = [action.key, action.before, action.after]
        elif isinstance(action, RowInsert):
            rows = [action.values]
        elif isinstance(action, RowDelete):
            rows = [action.before]
        for row in rows:
            for column in ("id", "session_id", "parent_session_id"):
                value = row.get(column)
                if isinstance(value, str):
                    ids.add(value)
    return frozenset(ids)


def violations(writer: Writer, unit: Unit) -> frozenset[Violation]:
    """Return the broken references to sessions around a unit, of whole tables for a migration."""
    if any(isinstance(action, Ddl | IndexRefill) for action in unit.actions):
        return violations_in(writer, rewritten(unit))
    broken: set[Violation] = set()
    targets = columns_naming_sessions(writer)
    tables = {"sessions", *(table for table, _ in targets)}
    if not any(getattr(action, "table", None) in tables for action in unit.actions):
        return frozenset()  # a lock names its session without a foreign key
    for ids in _batches(sorted(touched(unit))):
        keys = [stored(id) for id in ids]
        marks = ", ".join(map(placeholder, keys))
        for table, column in targets:
            among = f"c.{quote(column)} IN ({marks})"
            parameters: list[Value] = [*keys]
            if table == "sessions":
                among = f"({among} OR c.id IN ({marks}))"
                parameters += keys
            broken.update(
                (table, column, row[0])
                for row in writer.query(
                    f"SELECT DISTINCT c.{quote(column)} FROM {quote(table)} c"
                    f" LEFT JOIN sessions s ON s.id = c.{quote(column)}"
                    f" WHERE {among} AND c.{quote(column)} IS NOT NULL AND s.id IS NULL",
                    parameters,
                )
            )
    return frozenset(broken)


def violations_in(writer: Writer, tables: frozenset[str]) -> frozenset[Violation]:
    """Return the rows of ``foreign_key_check`` for those tables that are there, as SQLite names
    them; for all where ``sessions`` is among them, because everything refers to it."""
    asked = None if "sessions" in tables else tables
    return frozenset(
        (str(row[0]), str(row[2]), row[1]) for row in broken_references(writer.connection, asked)
    )


_WRITES = re.compile(
    r"\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|CREATE\s+TABLE|DROP\s+TABLE)"
    r'\s+"?(\w+)',
    re.IGNORECASE,
)
_KEYS = frozenset({"id", "parent_session_id", "session_id"})


def rewritten(unit: Unit) -> frozenset[str]:
    """Return the tables in which a unit with DDL may break a reference.

    New columns and indexes refer to nothing; an update that leaves the keys alone breaks nothing.
    """
    tables = set()
    for action in unit.actions:
        if isinstance(action, Ddl):
            match = _WRITES.match(action.sql)
            if match is not None:
                tables.add(match.group(1))
        elif isinstance(action, RowInsert | RowDelete | RowMove) or (
            isinstance(action, RowUpdate) and _KEYS & action.after.keys()
        ):
            tables.add(action.table)
    return frozenset(tables)


def was_there_before(writer: Writer, unit: Unit, violation: Violation) -> bool:
    """Whether a broken link comes only from rows that were there before the repair.

    A session that only a file has is brought back because a row names it as its parent, or beside
    messages of it that lost its row: undo leaves those as they were. A session that came later is
    not among the unit's; a message that came later has an id above those that the unit gave out.
    """
    table, column, value = violation
    if (table, column) == ("messages", "session_id"):
        return not _came_later(writer, unit, value)
    if (table, column) != ("sessions", "parent_session_id"):
        return False
    rows = writer.query("SELECT id FROM sessions WHERE parent_session_id = ?", [value])
    return all(row[0] in unit.sessions for row in rows)


def _came_later(writer: Writer, unit: Unit, session: Value) -> bool:
    """Whether a session has messages that the unit did not find there; nobody knows without ids."""
    given = [
        action.new_id if isinstance(action, RowMove) else action.key.get("id")
        for action in unit.actions
        if isinstance(action, RowMove | RowInsert) and action.table == "messages"
    ]
    numbers = [number for number in given if isinstance(number, int)]
    asked = "SELECT 1 FROM messages WHERE session_id = ? AND id >= ? LIMIT 1"
    return not numbers or bool(writer.query(asked, [session, min(numbers)]))


def restored_by_undo(unit: Unit) -> frozenset[Value]:
    """Return the references that undo may leave broken, because they were before the repair.

    A unit of kind ``adoption`` makes the session that messages refer to already. Where Hermes wrote
    to that session since, its counts are others than those of the insert, and that refuses. What
    one of kind ``unbinding`` deleted referred to nothing.
    """
    parents = (
        action.before.get("parent_session_id")
        for action in unit.actions
        if isinstance(action, RowUpdate | RowDelete)
    )
    adopted = (
        action.key.get("id")
        for action in unit.actions
        if unit.kind == ADOPTION and isinstance(action, RowInsert) and action.table == "sessions"
    )
    unbound = (
        action.before.get("session_id")
        for action in unit.actions
        if unit.kind == UNBINDING and isinstance(action, RowDelete)
    )
    return frozenset([*parents, *adopted, *unbound])


def _batches(ids: list[str]) -> Iterable[list[str]]:
    iterator = iter(ids)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
