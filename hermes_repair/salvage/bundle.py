"""The files of one database as they lie there: what salvage reads, as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import ExitCode, HermesRepairError


class NoPages(HermesRepairError):
    """Neither the file nor what lies beside it has a page of a database."""

    exit_code = ExitCode.REFUSED


@dataclass(frozen=True, slots=True)
class Bundle:
    """The main file, its -wal and its rollback journal; None for one that is not to be read.

    Any path of a regular file will do, ``/proc/PID/fd/N`` too. An absent or empty file counts as
    None. Whether a side file belongs to the main file is the caller's to judge: what is named here
    is laid over it.
    """

    main: Path | None
    wal: Path | None = None
    journal: Path | None = None

    @classmethod
    def beside(cls, main: Path) -> Bundle:
        """Return a database with the side files that lie beside it by SQLite's names."""
        return cls(main, main.with_name(f"{main.name}-wal"), main.with_name(f"{main.name}-journal"))
