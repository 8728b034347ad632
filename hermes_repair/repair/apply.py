"""Doing and taking back one action inside an open transaction.

Each function checks what it expects before it writes, and raises without having written: the
caller rolls the unit back.
"""

from __future__ import annotations

from collections.abc import Callable

from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.errors import Changed, Refused
from hermes_repair.model.values import Row, Value, row_digest, same_value
from hermes_repair.repair.images import differing, is_inserted
from hermes_repair.store.writing import Writer

Resolve = Callable[[RowInsert], Row]
"""Reads the source of an insert again and returns the whole row."""

PLAN_AGAIN = "Nothing of this step was changed. Run `hermes-repair repair --dry-run` to plan again."
UNDO_BY_HAND = (
    "Nothing was taken back. `hermes-repair history` shows what was done; what came later stays."
)


def where(table: str, key: Row) -> str:
    """Return the words that name a row to a reader."""
    return f"{table} {', '.join(str(value) for value in key.values())}"


def apply(writer: Writer, action: Action, resolve: Resolve) -> None:
    """Do one action. Raises :class:`Changed` where the row is not as the plan expects."""
    match action:
        case RowUpdate():
            row = writer.select(action.table, action.key, tuple(action.before))
            _expect(row, action.before, action.table, action.key)
            writer.update(action.table, action.key, action.after)
        case RowInsert():
            if writer.select(action.table, action.key) is not None:
                raise _changed(action.table, action.key, "exists already")
            row = action.values if action.source is None else resolve(action)
            if action.digest is not None and row_digest(row, action.columns) != action.digest:
                raise _changed(action.table, action.key, "would not be the row that was planned")
            writer.insert(action.table, row)
        case RowDelete():
            row = writer.select(action.table, action.key)
            _expect(row, action.before, action.table, action.key)
            writer.delete(action.table, action.key)
        case RowMove():
            row = writer.select(action.table, {"id": action.old_id})
            if row is None or row_digest(row, action.columns) != action.digest:
                raise _changed(action.table, {"id": action.old_id}, "is not as it was")
            _move(writer, action.table, row, action.old_id, action.new_id)
        case Ddl():
            writer.execute(action.sql)
        case IndexRefill():
            for statement in action.statements:
                writer.execute(statement)
        case FileCopy():
            raise ValueError("files are copied before a transaction begins")


def check_invert(writer: Writer, action: Action) -> None:
    """See that one action can be taken back, and write nothing.

    Raises :class:`Refused`, naming the row, where a value that we wrote was changed since.
    """
    match action:
        case RowUpdate():
            row = writer.select(action.table, action.key, tuple(action.after))
            if row is None:
                raise _changed_since(action.table, action.key, "was deleted")
            written = {c: v for c, v in action.after.items() if c not in action.counters}
            for column in differing(row, written):
                raise _changed_since(action.table, action.key, f"had {column} changed")
        case RowInsert():
            row = writer.select(action.table, action.key)
            if row is None:
                raise _changed_since(action.table, action.key, "was deleted")
            if not is_inserted(row, action):
                raise _changed_since(action.table, action.key, "was changed")
        case RowDelete():
            if writer.select(action.table, action.key) is not None:
                raise _changed_since(action.table, action.key, "exists again")
        case RowMove():
            if writer.select(action.table, {"id": action.new_id}, ("id",)) is None:
                raise _changed_since(action.table, {"id": action.new_id}, "was deleted")
            if writer.select(action.table, {"id": action.old_id}, ("id",)) is not None:
                raise _changed_since(action.table, {"id": action.old_id}, "exists again")
        case Ddl() | IndexRefill():
            raise ValueError("a change of structure is taken back by restoring its backup")


def invert(writer: Writer, action: Action) -> None:
    """Take one action back, after :func:`check_invert`. Copies of files stay: they harm nobody."""
    match action:
        case RowUpdate():
            row = writer.select(action.table, action.key, tuple(action.after)) or {}
            writer.update(
                action.table,
                action.key,
                {
                    column: _without_ours(row[column], action.before[column], written)
                    if column in action.counters
                    else action.before[column]
                    for column, written in action.after.items()
                },
            )
        case RowInsert():
            writer.delete(action.table, action.key)
        case RowDelete():
            writer.insert(action.table, action.before)
        case RowMove():
            row = writer.select(action.table, {"id": action.new_id}) or {}
            _move(writer, action.table, row, action.new_id, action.old_id)


def _without_ours(now: Value, before: Value, after: Value) -> Value:
    """Return a counter less what we added: Hermes may have counted on since (R5)."""
    if same_value(now, after) or not isinstance(now, int) or not isinstance(after, int):
        return before
    return now - (after - (before if isinstance(before, int) else 0))


def _move(writer: Writer, table: str, row: Row, old: int, new: int) -> None:
    # From schema 23 on an UPDATE of a message id corrupts both search indexes (design 6.6).
    writer.delete(table, {"id": old})
    writer.insert(table, {**row, "id": new})


def _expect(row: Row | None, expected: Row, table: str, key: Row) -> None:
    if row is None:
        raise _changed(table, key, "is gone")
    columns = differing(row, expected)
    if columns:
        raise _changed(table, key, f"has another {', '.join(columns)}")


def _changed(table: str, key: Row, how: str) -> Changed:
    return Changed(
        f"The database changed after the plan was made: {where(table, key)} {how}.", PLAN_AGAIN
    )


def _changed_since(table: str, key: Row, how: str) -> Refused:
    return Refused(
        f"This cannot be taken back: {where(table, key)} {how} after the repair.", UNDO_BY_HAND
    )
