"""What the schema lists twice (DB007) is removed on a private copy first, and looked at there."""

from __future__ import annotations

from dataclasses import astuple

from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, copy_private
from hermes_repair.app.receipts import header_of
from hermes_repair.checks.ways_back import SALVAGE
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.model.plans import Unit, UnitState
from hermes_repair.records import plan_database
from hermes_repair.repair.executor import replay
from hermes_repair.schema.recognise import holds_conversations
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import soundness
from hermes_repair.store.private_copies import scratch
from hermes_repair.store.writer import writing


def require_mendable(run: Run, file_status: FileStatus, unit: Unit) -> None:
    """Raise :class:`Refused` where a copy without the repetition is no sound database.

    What is wrong with an index alone is no reason: the next round makes it anew. Nobody may have
    the database open. Takes the room of the database below a temporary folder.
    """
    home = run.home
    with scratch(sum(astuple(file_status.sides))) as place:
        copy = place / home.database.name
        copy_private(file_status.copies(home.database, copy))
        header = header_of(run, "repair", file_status.marks)
        with plan_database.create(place / "plan.db", header) as plan:
            numbers = [outline.number for outline in plan.append([unit])]
            plan.set_states(numbers, UnitState.DONE)
            try:
                with writing(copy, live=False, malformed=True) as writer:
                    replay(writer, plan, numbers, run.environment.random)
                    writer.query("PRAGMA wal_checkpoint(TRUNCATE)")
                with main_alone(copy) as look:
                    structure = read_structure(look.rows)
                    damage = soundness(look).damage
            except DatabaseUnreadable as error:
                raise _refused(error.message) from error
        if damage or not holds_conversations(structure):
            raise _refused(damage[0] if damage else "it has no conversations")


def _refused(why: str) -> Refused:
    return Refused(
        "DB007: a copy of the database without what its schema lists twice is not sound either"
        f" ({why.rstrip('.')}), so nothing was changed.",
        advice("`{}` shows what can be read, and makes a new database of that.", SALVAGE),
    )
