"""What is salvaged of a home: its state.db with what lies beside it, while nobody writes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hermes_repair import host
from hermes_repair.app.environment import Environment, folder_of
from hermes_repair.app.file_status import FileStatus, read_file_status
from hermes_repair.app.install_salvaged import require_settled
from hermes_repair.app.preflight import require_alone, require_same_base
from hermes_repair.app.salvage import Reading, reading
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.errors import Refused
from hermes_repair.salvage import Bundle


@contextmanager
def salvaging(
    home: Home, environment: Environment, wal: WalChoice | None = None
) -> Iterator[Reading]:
    """Read the database of a home for what can be salvaged of it; nothing is written yet.

    The -wal is laid over it unless the user says otherwise, or it is proven to be of another
    state.db. Raises :class:`~hermes_repair.model.errors.InUse` where somebody has it open, and what
    :func:`~hermes_repair.app.salvage.reading` raises.
    """
    file_status = read_file_status(home)
    require_alone(home, file_status)
    require_settled(folder_of(home))
    tell = environment.now_and_then()
    bundle = _bundle(home, file_status, wal, environment)
    marks = file_status.marks
    with reading(bundle, tell, environment.now(), lambda: require_same_base(home, marks)) as found:
        yield found


def _bundle(
    home: Home, file_status: FileStatus, wal: WalChoice | None, environment: Environment
) -> Bundle:
    """Return the files to read: a link or a folder in the place of one is not followed."""
    facts = file_status.facts
    for found in (facts.wal, facts.journal):
        if found.errno is not None:
            raise Refused(
                f"This user may not read {found.path}.",
                "Run this as the owner of the Hermes folder.",
            )
    files = Bundle.beside(home.database)
    with_wal = wal is not WalChoice.IGNORE and bool(file_status.sides.wal) and files.wal is not None
    if with_wal and wal is None and files.wal is not None:
        why = host.read_wal(home.database, files.wal).contradiction()
        if why is not None:
            environment.tell(f"The -wal is left out: {why}. `--wal use` takes it all the same.")
            with_wal = False
    return Bundle(
        files.main if file_status.sides.main else None,
        files.wal if with_wal and facts.wal.kind == "file" else None,
        files.journal if file_status.sides.journal and facts.journal.kind == "file" else None,
    )
