"""What our own receipts of a home say about its database; gathered by ``app``, read by checks."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.model.actions import FileCopy
from hermes_repair.model.plans import Header


@dataclass(frozen=True, slots=True)
class ProofRow:
    """A row that a unit of ours left: its id, and its ``row_digest`` over ``columns``."""

    id: int
    digest: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Freed:
    """Message ids that a unit of ours took rows away from, so that nobody has them.

    ``proof_rows`` are some of the rows that it left instead: where one of them is there, the unit
    was done in this database and not in one that it replaced. A unit that was undone leaves none.
    ``at`` is when its run began (epoch seconds). ``lost``: nobody took these rows, the file that
    the run replaced had lost them; the proof rows are some that it brought over.
    """

    ids: frozenset[int]
    proof_rows: tuple[ProofRow, ...]
    at: float
    lost: bool = False

    @property
    def earlier(self) -> bool:
        """Whether only what was said before ``at`` can have had these ids."""
        return self.lost or not self.proof_rows


@dataclass(frozen=True, slots=True)
class Brought:
    """Lines of a transcript that a unit of ours brought back and that no undo took out again.

    ``source`` names the file as receipts do; its first ``size`` bytes had the hash ``sha256``.
    ``offsets`` are those of the lines.
    """

    source: str
    size: int
    sha256: str
    offsets: Sequence[int] = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, slots=True)
class ReceiptHistory:
    """What our own receipts say about this database.

    ``written`` are ids of messages that repairs of ours inserted or moved and that were not taken
    back, ``inserted`` those of them that were new, ``deactivated`` ids of those that they took out
    of a chat; ``freed`` are ids that they left without a row; ``brought`` are, by session, the
    lines that they brought back, ``merged`` fingerprints of what merges took from other databases
    (:mod:`hermes_repair.merging.row_keys`) and no undo took out again, ``withdrawn`` the ids of
    messages that came so and that an undo took out, ``undone`` those with the fingerprints of the
    messages, as far as they had other ids there. ``counted`` are sessions that once counted
    more messages than they had, and how many (MS002 lowers that). ``kept`` are copies of files
    that they made and that are there; ``birth`` is what the earliest of them knew of the age of the
    database; ``migrations`` are those of ours whose result is still there. ``unfinished`` are
    receipts of runs that did not come to their end (path, header, units that are neither done nor
    given up); ``unreadable`` are files of ours by name that cannot be read, and why.
    """

    written: frozenset[int] = frozenset()
    inserted: frozenset[int] = frozenset()
    deactivated: frozenset[int] = frozenset()
    freed: tuple[Freed, ...] = ()
    brought: Mapping[str, Sequence[Brought]] = field(default_factory=dict)
    kept: frozenset[FileCopy] = frozenset()
    merged: frozenset[bytes] = frozenset()
    withdrawn: frozenset[int] = frozenset()
    undone: frozenset[tuple[int, bytes]] = frozenset()
    counted: Mapping[str, int] = field(default_factory=dict)
    birth: float | None = None
    migrations: tuple[Header, ...] = ()
    unfinished: tuple[tuple[Path, Header, int], ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every receipt could be read: else it is not known what else we wrote."""
        return not any(name.endswith(".db") for name, _ in self.unreadable)


NO_HISTORY = ReceiptHistory()
