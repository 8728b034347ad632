"""What a repair run did, also where it could not go on after a part of it was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.app.apply_units import Applied
from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.app.preflight import Space
from hermes_repair.model.errors import HermesRepairError, from_os
from hermes_repair.model.plans import Outline, Unit


@dataclass(slots=True)
class Repaired:
    """What a repair run did. ``waiting`` could not be done now: what, and the reason in words.

    ``later`` are steps done that the first plan could not name, because only what was done before
    them brought them to light. ``stopped`` is why it went no further after something was done;
    ``wal_left`` the size of a ``-wal`` that could not be taken into state.db.
    """

    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    left: tuple[Outline, ...] = ()
    later: list[Outline] = field(default_factory=list)
    declined: bool = False
    after: Diagnosis | None = None
    stopped: HermesRepairError | None = None
    wal_left: int = 0

    @property
    def receipt(self) -> Path | None:
        """The newest receipt of this run, where something was tried."""
        return self.receipts[-1] if self.receipts else None

    @property
    def receipts(self) -> tuple[Path, ...]:
        """The receipts of this run in order; what undo restores from a backup has its own (R5)."""
        found = (applied.receipt for applied in self.applied)
        return tuple(dict.fromkeys(receipt for receipt in found if receipt is not None))

    @property
    def units(self) -> int:
        return sum(applied.units for applied in self.applied)

    @property
    def actions(self) -> int:
        return sum(applied.actions for applied in self.applied)

    @property
    def space(self) -> Space | None:
        """What the hungriest round needed of the disk, and what was free before it."""
        found = (applied.space for applied in self.applied if applied.space is not None)
        return max(found, key=lambda disk: disk.needed, default=None)

    @property
    def refused(self) -> list[tuple[Unit, HermesRepairError]]:
        return [pair for applied in self.applied for pair in applied.refused]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done and looked at again (exit 0, else 4)."""
        return not (self.refused or self.waiting or self.declined or self.stopped)

    def add(self, applied: Applied, new: Sequence[Outline]) -> None:
        """Take in what became of one round, of which the first plan had not named ``new``."""
        self.applied.append(applied)
        not_done = {unit.id for unit, _ in applied.refused}
        self.later += [one for one in new if one.unit.id not in not_done]

    def go_on(self, work: Callable[[], None]) -> None:
        """Do what comes next; where something was done already, keep what stops it beside that.

        A disk that is full stops the look after a step as well, and what was done must be told all
        the same. Raises where nothing was done yet.
        """
        try:
            work()
        except (HermesRepairError, OSError) as error:
            if not self.units:
                raise
            if self.stopped is None:
                self.stopped = from_os(error) if isinstance(error, OSError) else error
