"""``salvage``: a sound database out of the bytes of a damaged one.

A child process reads the damaged files as bytes and opens SQLite on the new file only: so no lock
of SQLite's is dropped by closing a descriptor, and a hostile file cannot take this process down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.salvage_ledger import Ledger
from hermes_repair.salvage import Bundle


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A database that was made, verified and is on disk, and what lies beside it.

    ``ledger_file`` is the ledger as JSON. ``unassigned`` is a SQLite file of ours with what could
    not be given a place in the new one, ``deleted`` one with what was deleted before; None where
    there is none.
    """

    database: Path
    ledger: Ledger
    ledger_file: Path
    unassigned: Path | None
    deleted: Path | None


class Reading:
    """A damaged database that was read and of which nothing is written yet.

    ``ledger`` says what can be read, before anything is written.
    """

    ledger: Ledger

    def make(self, target: Path, *, deleted: bool = False) -> Salvaged:
        """Write the new database to ``target``, check it, and say what it has.

        The files appear whole, fsynced and verified, or not at all: the ledger
        (``TARGET.ledger.json``), the side files (``TARGET.unassigned.db``, ``TARGET.deleted.db``)
        and last ``target`` itself. Nothing that is there is overwritten. They belong to this user,
        mode 0600. Raises :class:`~hermes_repair.model.errors.Refused` where a file of such a name
        is there or the disk has no room, and
        :class:`~hermes_repair.model.errors.HermesRepairError` where the new file is not sound.
        """
        raise NotImplementedError


@contextmanager
def reading(bundle: Bundle, tell: Callable[[str], None]) -> Iterator[Reading]:
    """Read a damaged database in a process of its own, which ends on the way out.

    The bundle must not change meanwhile: that nobody has it open is the caller's to know. ``tell``
    hears how far it is, a sentence at a time. Raises :class:`~hermes_repair.salvage.bundle.NoPages`
    where there is nothing to read, and :class:`OSError` for a file that may not be read.
    """
    raise NotImplementedError
