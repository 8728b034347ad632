"""Other homes of this machine that are used as this one is (Hermes #90898, #41517)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hermes_repair.evidence.opened_copies import look_at
from hermes_repair.evidence.ownership import LineageEvidence
from hermes_repair.home.layout import DATABASE
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.values import number
from hermes_repair.store.look import Look

IN_USE_DAYS = 30
"""A home whose last message is older is one that was left."""


@dataclass(frozen=True, slots=True)
class OtherHome:
    """Another home in use: what names it, and the times of the last messages there and here."""

    root: Path
    by: str
    newest: float
    newest_here: float


def find_homes_in_use(snapshot: LineageEvidence) -> tuple[OtherHome, ...]:
    """Return the other homes that something names and that had a message lately, as this one had.

    Empty where nothing names this home: it is a copy of one, perhaps. What cannot be looked at is
    in ``snapshot.notes``.
    """
    named = snapshot.named_homes
    here = _lately(snapshot.look, snapshot.now) if named.by is not None and named.others else None
    if here is None:
        return ()
    found = []
    for other in named.others:
        copy = DatabaseCopy(CopyKind.HOME, other.root / DATABASE)
        try:
            with look_at(copy) as look:
                there = _lately(look, snapshot.now) if look is not None else None
        except HermesRepairError as error:
            snapshot.notes.append(f"{copy.path} could not be looked at: {error.message}")
            continue
        if there is not None:
            found.append(OtherHome(other.root, other.by, there, here))
    return tuple(found)


def _lately(look: Look, now: float) -> float | None:
    """Return when the newest message was written, None where that is long ago or there is none."""
    row = look.one("SELECT timestamp FROM messages ORDER BY id DESC LIMIT 1")
    newest = number(row[0]) if row else None
    return newest if newest is not None and newest > now - IN_USE_DAYS * 86400 else None
