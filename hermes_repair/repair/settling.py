"""What became of the units of a run that was killed, read from the database itself."""

from __future__ import annotations

from collections.abc import Callable

from hermes_repair.model.plans import UnitState
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair.file_writes import HomeFiles
from hermes_repair.repair.row_images import committed
from hermes_repair.store.writer import Writer


def settle(
    writer: Writer,
    receipt: PlanFile,
    like_backup: Callable[[Writer], bool],
    files: HomeFiles,
    *,
    undoing: bool,
) -> dict[int, UnitState]:
    """After a kill: note for each open unit what the database shows became of it.

    A pending unit is DONE where it was committed, SKIPPED where not, UNKNOWN where neither image is
    there (R4). While ``undoing``, a done unit whose before-image is back is UNDONE.
    ``like_backup`` is asked for units without images, ``files`` for those that write one. Returns
    the state of every unit that was open.
    """
    noted: dict[int, UnitState] = {}
    unfinished = UnitState.DONE if undoing else UnitState.PENDING
    absent = UnitState.UNDONE if undoing else UnitState.SKIPPED
    for number, state in receipt.states():
        if state is not unfinished:
            continue
        answer = committed(writer, receipt.record(number).unit, like_backup, files)
        if answer is None:
            noted[number] = UnitState.DONE if undoing else UnitState.UNKNOWN
        else:
            noted[number] = UnitState.DONE if answer else absent
    for became in set(noted.values()):
        receipt.set_states([n for n, state in noted.items() if state is became], became)
    return noted
