"""After a kill: say what became of every unit, and close the receipt (RP001)."""

from __future__ import annotations

from hermes_repair.app.applying import close_receipt
from hermes_repair.app.outside import from_outside
from hermes_repair.app.preflight import require_alone
from hermes_repair.app.world import World
from hermes_repair.home.layout import Home
from hermes_repair.model.plans import UnitState
from hermes_repair.records import planfile
from hermes_repair.records.folder import Folder
from hermes_repair.repair.executor import settle
from hermes_repair.report.escape import count
from hermes_repair.store.writing import writing

# `locks clean` beside a live Hermes neither finishes nor closes what another command began.


def recover(home: Home, folder: Folder, world: World) -> list[str]:
    """Settle every unfinished receipt; return one sentence each. Nothing is applied here.

    The rest of an unfinished repair is found again by the next look, because a unit is whole or
    not there at all. Raises :class:`InUse` where somebody has the database open.
    """
    said: list[str] = []
    for path in folder.receipt_paths():
        with planfile.read(path) as receipt:
            header = receipt.header()
            open_undo = header.undoing is not None and header.undone is None
            if header.closed is not None and not open_undo:
                continue
        require_alone(home, from_outside(home))
        with writing(home.database, live=False) as writer, planfile.edit(path) as receipt:
            noted = settle(writer, receipt, undoing=open_undo)
            if open_undo:
                rest = [s for _, s in receipt.states() if s is UnitState.DONE]
                receipt.set_header(undoing=None, undone=None if rest else world.now())
        close_receipt(path, folder, world)
        done = sum(1 for state in noted.values() if state in (UnitState.DONE, UnitState.UNDONE))
        unknown = sum(1 for state in noted.values() if state is UnitState.UNKNOWN)
        verb = "taken back" if open_undo else "done"
        sentence = (
            f"Receipt {path.stem} was cut off: {count(done, 'step')} of {len(noted)} found {verb}"
        )
        said.append(sentence + (f", {unknown} cannot be told." if unknown else "."))
    return said
