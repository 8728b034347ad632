"""What an action expects against what is there: the ground of refusing, undo and recovery."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum
from typing import TYPE_CHECKING

from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import (
    Action,
    FileRewrite,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Row, row_digest, same_value
from hermes_repair.store.writer import Writer

if TYPE_CHECKING:
    from hermes_repair.repair.file_writes import HomeFiles


class Found(Enum):
    """Which image of an action the database shows."""

    BEFORE = "before"
    AFTER = "after"
    NEITHER = "neither"
    SAME = "same"  # before and after cannot be told apart by looking


def differing(row: Row, expected: Row) -> list[str]:
    """Return the columns of ``expected`` that ``row`` does not show."""
    return [
        column
        for column, value in expected.items()
        if column not in row or not same_value(row[column], value)
    ]


def find(writer: Writer, action: Action, derived: Collection[str] = ()) -> Found:
    """Say which image of one action is there. DDL and files are not told by rows: SAME.

    ``derived`` are columns of messages that triggers of Hermes' own write.
    """
    match action:
        case RowUpdate():
            row = writer.select(action.table, action.key, tuple(action.before))
            if row is None:
                return Found.NEITHER
            is_before = not differing(row, action.before)
            is_after = not differing(row, action.after)
            if is_before and is_after:
                return Found.SAME
            return Found.BEFORE if is_before else Found.AFTER if is_after else Found.NEITHER
        case RowInsert():
            row = writer.select(action.table, action.key)
            if row is None:
                return Found.BEFORE
            return Found.AFTER if is_inserted(row, action, derived) else Found.NEITHER
        case RowDelete():
            row = writer.select(action.table, action.key)
            if row is None:
                return Found.AFTER
            return Found.NEITHER if differing(row, action.before) else Found.BEFORE
        case RowMove():
            if _is_moved(writer, action.old_id, action):
                return Found.BEFORE
            if _is_moved(writer, action.new_id, action):
                return Found.AFTER
            return Found.NEITHER
    return Found.SAME


def went_on_since(writer: Writer, unit: Unit) -> bool:
    """Whether a row that a unit changed shows more than that now: a counter that counted on.

    Undo leaves it without either image then, so after a kill nothing would tell that it was undone.
    """
    for action in unit.actions:
        if isinstance(action, RowUpdate):
            left = {**action.before, **action.after}
            row = writer.select(action.table, action.key, tuple(left))
            if row is None or differing(row, left):
                return True
    return False


def derived_columns(writer: Writer) -> frozenset[str]:
    """Return the columns of messages that triggers of this database write by themselves."""
    triggers = writer.query("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    columns = writer.query(f"PRAGMA main.table_info({trigger_columns.TABLE})")
    return trigger_columns.derived_columns(
        (str(c[1]) for c in columns), (str(t[0]) for t in triggers)
    )


def is_inserted(row: Row, action: RowInsert, derived: Collection[str] = ()) -> bool:
    """Whether ``row`` is what the insert left, columns that are newer than the insert aside.

    ``derived`` are columns that triggers of Hermes' own write.
    """
    if set(differing(row, action.values)).difference(derived):
        return False
    return action.digest is None or row_digest(row, action.columns) == action.digest


def _is_moved(writer: Writer, number: int, action: RowMove) -> bool:
    row = writer.select(action.table, {"id": number})
    return row is not None and row_digest(row, action.columns) == action.digest


def _find_in_file(files: HomeFiles, action: FileRewrite) -> Found:
    there = files.read(action.path)
    if there == action.before:
        return Found.BEFORE
    return Found.AFTER if there == action.after else Found.NEITHER


def committed(
    writer: Writer, unit: Unit, like_backup: Callable[[Writer], bool], files: HomeFiles
) -> bool | None:
    """Say whether a unit was committed, by what the database shows, or the file that it writes.

    True iff an after-image that differs from its before-image is found; a unit of deletes is done
    when its before-images are gone. None where neither image is there. A unit of DDL alone has no
    images: ``like_backup`` says whether the structure is that of the backup taken before it.
    """
    derived = derived_columns(writer)
    states = [
        _find_in_file(files, action)
        if isinstance(action, FileRewrite)
        else find(writer, action, derived)
        for action in unit.actions
    ]
    if Found.AFTER in states:
        return True
    if Found.BEFORE in states:
        return False
    if all(state is Found.SAME for state in states):
        return unit.needs_backup and not like_backup(writer)
    return None
