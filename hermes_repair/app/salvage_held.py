"""``salvage --from-process``: what only a running process still has of a database.

Where the -wal of a database was deleted or replaced under a process that has it open, what that
process wrote since is in no file with a name. It is read through its descriptors, and the process
goes on: killing it would lose that. (Of 3,954 rows the files with names had 3,754.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import why_not_to_close
from hermes_repair.app.salvage import Reading, reading
from hermes_repair.app.target_release import expected_number
from hermes_repair.home.layout import Home
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import InUse, Refused
from hermes_repair.model.salvage_ledger import WRITTEN_BESIDE, Noted
from hermes_repair.salvage import Bundle
from hermes_repair.store.private_copies import scratch

BESIDE = (
    "another process wrote to the database while process {} had its own -wal ({}): of two rows with"
    " one id this has the one of that process. What only the file has is there and not here. Keep"
    " this, end the process by kill -9 (closing the file it would damage it), then merge this"
)


@contextmanager
def salvaging_held(run: Run, pid: int) -> Iterator[Reading]:
    """Read what a process has open of the database of a home; it may go on meanwhile.

    Raises :class:`Refused` where it has none open or may not be looked into, :class:`InUse` where
    it writes all the time, and what :func:`~hermes_repair.app.salvage.reading` raises.
    """
    files = _files(run.home, pid)
    with scratch(2 * sum(path.stat().st_size for path in files.values())) as place:
        target = place / "state.db"
        if not host.copy_held(files, target):
            raise InUse(
                f"Process {pid} writes to the database all the time, so no copy is whole.",
                "Nothing was written. Run this again when it has less to do.",
            )
        beside = target.with_name(f"{target.name}-wal")
        bundle = Bundle(target, beside if beside.exists() else None, None)
        expected = expected_number(run, host.survey(run.home.database)[1])
        tell = run.environment.now_and_then()
        why = why_not_to_close(pid, run.home.database)
        notes = [Noted(WRITTEN_BESIDE, BESIDE.format(pid, why), 1)] if why else []
        with reading(bundle, tell, run.now(), notes=notes, expected=expected) as opened:
            yield opened


def _files(home: Home, pid: int) -> dict[str, Path]:
    try:
        files = dict(host.held_files(pid, home.database))
    except FileNotFoundError as error:
        raise Refused(
            f"There is no process {pid} any more, and with it went what only it had.",
            advice("`{}` says what the files have.", command("doctor")),
        ) from error
    except OSError as error:
        raise Refused(
            f"Process {pid} cannot be looked into: {error.strerror}.",
            advice("Run it as the user of that process; `{}` names it.", command("doctor")),
        ) from error
    if "" not in files:
        raise Refused(
            f"Process {pid} does not have {home.database} open.",
            advice("`{}` says who has.", command("doctor")),
        )
    return files
