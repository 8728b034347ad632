"""Whether the structure of a database lets a unit be written, asked again beside each unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hermes_repair.model.actions import RowDelete
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Value
from hermes_repair.store.writer import Writer

if TYPE_CHECKING:
    from hermes_repair.schema.foreign_objects import ForeignObject

LOCK_TABLE = "compression_locks"
SEE_DB009 = advice("Nothing was changed. `{}` says more.", command("doctor", "--select", "DB009"))


def lawful() -> Callable[[Writer, Unit], None]:
    """Return a function that raises :class:`Refused` where DB009 stands in a unit's way.

    A plan was made from a look that may be long ago, and a receipt may be older still. The
    structure is read again only where SQLite's own mark says that it is another one.
    """
    mark: Value = None
    found: tuple[ForeignObject, ...] = ()

    def require(writer: Writer, unit: Unit) -> None:
        nonlocal mark, found
        if _frees_locks_alone(unit) and not _watched(writer, LOCK_TABLE):
            return
        # Not needed where locks are cleaned, which is done every few minutes.
        from hermes_repair.schema.foreign_objects import find_foreign_objects, refusal
        from hermes_repair.schema.recognise import recognise
        from hermes_repair.schema.structure import read_structure

        now = writer.query("PRAGMA main.schema_version")[0][0]
        if now != mark:
            structure = read_structure(writer.query)
            found, mark = find_foreign_objects(structure, recognise(structure).number), now
        for action in unit.actions if found else ():
            why = refusal(found, action)
            if why:
                raise Refused(f"{why}.", SEE_DB009)

    return require


def _frees_locks_alone(unit: Unit) -> bool:
    return all(isinstance(a, RowDelete) and a.table == LOCK_TABLE for a in unit.actions)


def _watched(writer: Writer, table: str) -> bool:
    """Whether a table is anything but a table without a trigger."""
    found = writer.query(
        "SELECT type, sql FROM sqlite_master WHERE lower(name) = ?1 OR"
        " (type = 'trigger' AND lower(tbl_name) = ?1)",
        [table],
    )
    return [kind for kind, _ in found] != ["table"] or "virtual" in str(found[0][1]).lower()
