"""What a lineage repair changes in ``sessions``, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Row, Value, same_value


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """The columns of one session that a repair changes: what is there now, what will be."""

    session_id: str
    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class Resolution:
    """A repair of one place, whole or not at all.

    ``reason`` is a plain clause: why it is safe or a judgement, or, without ``changes``, why
    nothing can be done and what to do first.
    """

    changes: tuple[ColumnChanges, ...]
    safety: Safety
    reason: Hint


def refused(reason: Hint) -> Resolution:
    """Return a resolution that changes nothing, with the reason why not."""
    return Resolution((), Safety.UNSAFE, reason)


def changes_of(session_id: str, row: Row, wanted: Mapping[str, Value]) -> ColumnChanges | None:
    """Return what differs between ``row`` and ``wanted`` in columns that this schema has."""
    after = {
        column: value
        for column, value in wanted.items()
        if column in row and not same_value(row[column], value)
    }
    if not after:
        return None
    return ColumnChanges(session_id, {column: row[column] for column in after}, after)


def resolution(changes: list[ColumnChanges | None], safety: Safety, reason: str) -> Resolution:
    """Put the changes that there are into one resolution."""
    return Resolution(tuple(change for change in changes if change is not None), safety, reason)
