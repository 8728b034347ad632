"""Whether a unit may be written: what stands in its way in the database, and what a file may say.

The structure of the database is asked again beside each unit. A digest shows that a plan file is as
it was written, not who wrote it: what its steps may do is asked of the plan alone and of the
structure of the database that it is for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import (
    HANDOFF_COLUMNS,
    LOCK_TABLE,
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowRef,
    RowUpdate,
)
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Value, same_value
from hermes_repair.store.writer import Writer

if TYPE_CHECKING:
    from hermes_repair.schema.foreign_objects import ForeignObject
    from hermes_repair.schema.structure import Structure, Table

_PAUSE = "compression_failure_"
"""What the columns of ``sessions`` begin with that may be cleared beside a live Hermes."""
_DIGEST_LENGTH = 64  # of a sha256 in hexadecimal digits


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan for one home may touch.

    ``tables`` are names of tables of Hermes', ``sources`` folders that files are taken from, below
    ``home`` or not. ``structural`` are the changes of structure that are due in this database: what
    a plan of now would do, and nothing else, because no row says what such a statement may do.
    ``rewritten`` is what may become of files, for the same reason: what a plan of now would do.
    """

    structure: Structure
    tables: Collection[str]
    home: Path
    sources: tuple[Path, ...]
    structural: Collection[Action]
    rewritten: Collection[Action] = ()


def objection(unit: Unit, bounds: Bounds) -> str:
    """Return why a step is none that a plan of this home can have, the empty text where it is."""
    return next(_objections(unit, bounds), "")


def _objections(unit: Unit, bounds: Bounds) -> Iterator[str]:
    for action in unit.actions:
        if unit.live and not _may_run_beside_others(action):
            yield "it would write something that must not be written while Hermes runs"
        match action:
            case Ddl() | IndexRefill():
                if action not in bounds.structural:
                    yield "it has a statement that no plan for this database has"
            case FileCopy():
                if action.target in ("", ".", "..") or Path(action.target).name != action.target:
                    yield f"it would write to {action.target!r}, outside the folder of copies"
                yield from _of_source(action.source, bounds)
            case FileRewrite():
                if action not in bounds.rewritten:
                    yield f"it would write {action.path!r} as no plan for this home does"
                if not all(isinstance(other, FileCopy | FileRewrite) for other in unit.actions):
                    yield f"it would write {action.path!r} beside rows"
            case _:
                table = bounds.structure.tables.get(action.table)
                if table is None or action.table.lower() not in bounds.tables:
                    yield f"it would write to {action.table!r}, which is not a table of Hermes"
                else:
                    yield from _of_row(action, table, bounds)


def _of_source(source: str, bounds: Bounds) -> Iterator[str]:
    """Object to a file outside the home and its folder of transcripts, by its name alone."""
    place = Path(os.path.normpath(bounds.home / source))
    if not any(place.is_relative_to(folder) for folder in (bounds.home, *bounds.sources)):
        yield f"it takes {source!r}, which is not a file of this home"


def _of_row(
    action: RowUpdate | RowInsert | RowDelete | RowMove, table: Table, bounds: Bounds
) -> Iterator[str]:
    columns = {column.name for column in table.columns}
    named: set[str] = set()
    match action:
        case RowUpdate():
            named = {*action.key, *action.before, *action.after}
            if (
                not action.key
                or not action.after
                or not action.after.keys() <= action.before.keys()
            ):
                yield f"it would change {table.name} without saying what was there"
            if not action.counters <= action.after.keys():
                yield f"it counts a column of {table.name} that it does not change"
        case RowInsert():
            named = {*action.key, *action.values, *action.columns}
            if not action.key or not _is_key_of(action):
                yield f"it would add a row to {table.name} under a key that is not the row's own"
            if isinstance(action.source, RowRef):
                yield "it takes a row of another database, which only a merge does"
            elif action.source is not None:
                yield from _of_source(action.source.path, bounds)
                if not _is_digest(action.digest) or not action.columns:
                    yield f"it would add a row to {table.name} without saying which"
        case RowDelete():
            named = {*action.key, *action.before}
            if not action.key or not columns <= action.before.keys():
                yield f"it would delete a row of {table.name} without keeping all of it"
        case RowMove():
            named = set(action.columns)
            whole = columns - {"id", *trigger_columns.COLUMNS}
            if (
                action.table != trigger_columns.TABLE
                or not whole <= named
                or not _is_digest(action.digest)
            ):
                yield f"it would move a row of {table.name} without saying which"
    if not named <= columns:
        yield f"it names {min(named - columns)!r}, which is not a column of {table.name}"


def _is_key_of(action: RowInsert) -> bool:
    return all(
        column in action.values and same_value(action.values[column], value)
        for column, value in action.key.items()
    )


def _is_digest(value: str | None) -> bool:
    return value is not None and len(value) == _DIGEST_LENGTH


def _may_run_beside_others(action: Action) -> bool:
    match action:
        case FileCopy():
            return True
        case RowDelete():
            return action.table == LOCK_TABLE
        case RowUpdate():
            pauses = all(column.startswith(_PAUSE) for column in action.after)
            handoff = action.after.keys() == {*HANDOFF_COLUMNS}
            return action.table == "sessions" and (pauses or handoff)
    return False


SEE_DB009 = advice("Nothing was changed. `{}` says more.", command("doctor", "--select", "DB009"))


def lawful() -> Callable[[Writer, Unit], None]:
    """Return a function that raises :class:`Refused` where DB009 stands in a unit's way.

    A plan was made from a look that may be long ago, and a receipt may be older still. The
    structure is read again only where SQLite's own mark says that it is another one.
    """
    mark: Value = None
    foreign: tuple[ForeignObject, ...] = ()

    def require(writer: Writer, unit: Unit) -> None:
        nonlocal mark, foreign
        if _frees_locks_alone(unit) and not _watched(writer, LOCK_TABLE):
            return
        # Not needed where locks are cleaned, which is done every few minutes.
        from hermes_repair.schema.foreign_objects import find_foreign_objects, refusal
        from hermes_repair.schema.recognise import recognise
        from hermes_repair.schema.structure import read_structure

        now = writer.query("PRAGMA main.schema_version")[0][0]
        if now != mark:
            structure = read_structure(writer.query)
            foreign, mark = find_foreign_objects(structure, recognise(structure).number), now
        for action in unit.actions if foreign else ():
            why = refusal(foreign, action)
            if why:
                raise Refused(f"{why}.", SEE_DB009)

    return require


def _frees_locks_alone(unit: Unit) -> bool:
    return all(isinstance(a, RowDelete) and a.table == LOCK_TABLE for a in unit.actions)


def _watched(writer: Writer, table: str) -> bool:
    """Whether a table is anything but a table without a trigger."""
    entries = writer.query(
        "SELECT type, sql FROM sqlite_master WHERE lower(name) = ?1 OR"
        " (type = 'trigger' AND lower(tbl_name) = ?1)",
        [table],
    )
    return [kind for kind, _ in entries] != ["table"] or "virtual" in str(entries[0][1]).lower()
