"""What ``schema_version`` says, and what is wrong with it (SC005).

Hermes reads the first row and writes all of them; a text makes it crash, a missing row makes it
take an old database for a new one and skip every data step (0.13.0 to 0.19.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.values import Value
from hermes_repair.schema.structure import Structure


class VersionProblem(Enum):
    """Why the version row cannot be taken at its word."""

    NO_TABLE = "there is no table schema_version"
    NO_ROW = "schema_version has no row"
    SEVERAL = "schema_version has more than one row"
    NULL = "the version is NULL"
    NOT_A_NUMBER = "the version is not a whole number"
    IMPOSSIBLE = "no schema has this number"


@dataclass(frozen=True, slots=True)
class Stamp:
    """``number`` is the stamped number where one is usable; ``values`` are the rows as they are."""

    number: int | None
    problem: VersionProblem | None
    values: tuple[Value, ...]


def read_stamp(structure: Structure, by_structure: int) -> Stamp:
    """Judge the version rows; ``by_structure`` breaks the tie where there are several."""
    values = tuple(row.value for row in structure.version_rows)
    if not structure.has_column("schema_version", "version"):
        return Stamp(None, VersionProblem.NO_TABLE, values)
    if not values:
        return Stamp(None, VersionProblem.NO_ROW, values)
    if len(values) > 1:
        usable = [v for v in values if isinstance(v, int) and 1 <= v <= max(by_structure, 1)]
        return Stamp(usable[0] if usable else None, VersionProblem.SEVERAL, values)
    value = values[0]
    if value is None:
        return Stamp(None, VersionProblem.NULL, values)
    if not isinstance(value, int):
        return Stamp(None, VersionProblem.NOT_A_NUMBER, values)
    if value < 1:
        return Stamp(None, VersionProblem.IMPOSSIBLE, values)
    return Stamp(value, None, values)


def version_actions(structure: Structure, number: int, step: str) -> list[Action]:
    """Return what leaves ``schema_version`` with one row that says ``number``; maybe nothing.

    The first row stays and is updated, later ones are removed. The table must be there by then.
    """
    rows = structure.version_rows
    if not rows:
        return [Ddl(f"INSERT INTO schema_version (version) VALUES ({number})", step)]
    actions: list[Action] = []
    if len(rows) > 1:
        first_only = "rowid > (SELECT MIN(rowid) FROM schema_version)"
        actions.append(Ddl(f"DELETE FROM schema_version WHERE {first_only}", step))
    first = rows[0]
    if first.value != number:
        key: dict[str, Value] = {"rowid": first.rowid}
        before, after = {"version": first.value}, {"version": number}
        actions.append(RowUpdate("schema_version", key, before, after))
    return actions
