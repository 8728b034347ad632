"""Doing and taking back one action inside an open transaction.

Each function checks what it expects before it writes, and raises without having written. What it
writes is read back (:class:`Rows`): what the database did not take as it was meant is an error.
Columns that triggers of Hermes' own write (:mod:`hermes_repair.model.trigger_columns`) are theirs
and not compared. The caller rolls the unit back.
"""

from __future__ import annotations

from collections.abc import Callable

from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Changed, Refused
from hermes_repair.model.values import Row, Value, row_digest, same_value, whole
from hermes_repair.repair.row_images import differing, is_inserted
from hermes_repair.repair.row_writes import Rows, where
from hermes_repair.repair.step_errors import PLAN_AGAIN

Resolve = Callable[[RowInsert], Row]
"""Reads the source of an insert again and returns the whole row."""

Keep = Callable[[RowMove, Row], None]
"""Keeps a row that is about to be moved, durable before the unit is committed."""

Kept = Callable[[RowMove], Row | None]
"""Returns a row as it was before it was moved, None where its receipt has it not."""

UNDO_BY_HAND = advice("Nothing was undone. `{}` shows what was done since.", command("history"))


def apply(rows: Rows, action: Action, resolve: Resolve, keep: Keep) -> None:
    """Do one action. Raises :class:`Changed` where the row is not as the plan expects."""
    match action:
        case RowUpdate():
            row = _expected(rows, action.table, action.key, action.before)
            rows.update(action.table, action.key, row, action.after)
        case RowInsert():
            if rows.select(action.table, action.key) is not None:
                raise _changed(action.table, action.key, "already exists")
            row = action.values if action.source is None else resolve(action)
            if action.digest is not None and row_digest(row, action.columns) != action.digest:
                raise _changed(action.table, action.key, "would not be the planned row")
            rows.insert(action.table, action.key, row)
        case RowDelete():
            _expected(rows, action.table, action.key, action.before)
            rows.delete(action.table, action.key)
        case RowMove():
            live = rows.select(action.table, {"id": action.old_id})
            if live is None or row_digest(live, action.columns) != action.digest:
                raise _changed(action.table, {"id": action.old_id}, "is not as it was")
            keep(action, live)
            rows.move(action.table, live, action.old_id, action.new_id)
        case Ddl():
            rows.execute(action.sql)
        case IndexRefill():
            for statement in action.statements:
                rows.execute(statement)
        case FileCopy() | FileRewrite():
            raise ValueError("what is done to a file is no row's")


def check_invert(rows: Rows, action: Action, kept: Kept) -> None:
    """See that one action can be undone, and write nothing.

    Raises :class:`Refused`, naming the row, where a value that we wrote was changed since.
    """
    match action:
        case RowUpdate():
            row = rows.select(action.table, action.key, tuple(action.after))
            if row is None:
                raise _changed_since(action.table, action.key, "was deleted")
            written = {c: v for c, v in action.after.items() if c not in action.counters}
            for column in differing(row, written):
                raise _changed_since(action.table, action.key, f"had {column} changed")
        case RowInsert():
            row = rows.select(action.table, action.key)
            if row is None:
                raise _changed_since(action.table, action.key, "was deleted")
            if not is_inserted(row, action, rows.derived(action.table)):
                raise _changed_since(action.table, action.key, "was changed")
        case RowDelete():
            if rows.select(action.table, action.key) is not None:
                raise _changed_since(action.table, action.key, "exists again")
        case RowMove():
            there = rows.select(action.table, {"id": action.new_id}, ("id",)) is not None
            if not there and kept(action) is None:
                raise _changed_since(action.table, {"id": action.new_id}, "was deleted")
            if rows.select(action.table, {"id": action.old_id}, ("id",)) is not None:
                raise _changed_since(action.table, {"id": action.old_id}, "exists again")
        case Ddl() | IndexRefill():
            raise ValueError("a change of structure is undone by restoring its backup")


def invert(rows: Rows, action: Action, kept: Kept) -> None:
    """Take one action back, after :func:`check_invert`. Copies of files stay: they harm nobody.

    A moved row that is gone is given back as it was before the move.
    """
    match action:
        case RowUpdate():
            row = rows.select(action.table, action.key) or {}
            values = {
                column: _without_ours(row[column], action.before[column], written)
                if column in action.counters
                else action.before[column]
                for column, written in action.after.items()
            }
            rows.update(action.table, action.key, row, values)
        case RowInsert():
            rows.delete(action.table, action.key)
        case RowDelete():
            rows.insert(action.table, action.key, action.before)
        case RowMove():
            moved = rows.select(action.table, {"id": action.new_id})
            if moved is not None:
                rows.move(action.table, moved, action.new_id, action.old_id)
            else:
                rows.give_back(action.table, {"id": action.old_id}, kept(action) or {})


def _without_ours(now: Value, before: Value, after: Value) -> Value:
    """Return a counter less what we added: Hermes may have counted on since."""
    if same_value(now, after) or not isinstance(now, int) or not isinstance(after, int):
        return before
    return now - (after - whole(before))


def _expected(rows: Rows, table: str, key: Row, expected: Row) -> Row:
    """Return the whole row; raises :class:`Changed` where it is not as the plan expects."""
    row = rows.select(table, key)
    if row is None:
        raise _changed(table, key, "is gone")
    columns = differing(row, expected)
    if columns:
        raise _changed(table, key, f"has a different {', '.join(columns)}")
    return row


def _changed(table: str, key: Row, how: str) -> Changed:
    return Changed(
        f"The database changed after the plan was made: {where(table, key)} {how}.", PLAN_AGAIN
    )


def _changed_since(table: str, key: Row, how: str) -> Refused:
    return Refused(
        f"This cannot be undone: {where(table, key)} {how} after the repair.", UNDO_BY_HAND
    )
