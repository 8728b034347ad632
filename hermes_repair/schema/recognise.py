"""Recognise a database by structure first and by number second.

``schema_version`` alone does not tell a shape: columns came without a new number, the number can
be ahead of the columns (lock contention), two shapes went under 7, 10 and 20, and the row itself
can be missing, double or no number (Hermes #8030, #14097, #51646).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from hermes_repair.schema.catalogue import NEWEST_TARGET, Version, default_catalogue
from hermes_repair.schema.search import Search, read_search
from hermes_repair.schema.structure import Structure, Table
from hermes_repair.schema.structure_difference import Differences, diff
from hermes_repair.schema.table_rebuild import Leftover, find_leftovers

FIRST_REPAIRED = 11
FIRST_LATER = 23
FIRST_UNKNOWN = 31

TRANSIENT_COLUMNS = frozenset(
    {"sessions.handoff_pending", "sessions.icon", "messages.anthropic_content_blocks"}
)
"""Columns of builds that lived for hours (2026-05-10, 06-04, 06-10); Hermes keeps them."""

STORE = {
    "sessions": ("id", "source", "started_at"),
    "messages": ("id", "session_id", "role", "content", "timestamp"),
}
"""What every schema of Hermes has since 1; without them nothing is a store of conversations."""


class Family(Enum):
    """What may be done with a schema at all."""

    EMPTY = "empty"  # no sessions and messages: not a store of conversations
    OLD = "old"  # 1 to 10: migrate first
    REPAIRED = "repaired"  # 11 to 22: every repair
    LATER = "later"  # 23 to 30: locks, most of sessions, messages where the structure is known
    NEWER = "newer"  # 31 and beyond: locks only


class VersionProblem(Enum):
    """Why what ``schema_version`` says cannot be taken at its word (SC005).

    Hermes reads the first row and writes all of them; a text makes it crash, a missing row makes it
    take an old database for a new one and skip every data step (0.13.0 to 0.19.0).
    """

    NO_TABLE = "there is no table schema_version"
    NO_ROW = "schema_version has no row"
    SEVERAL = "schema_version has more than one row"
    NULL = "the version is NULL"
    NOT_A_NUMBER = "the version is not a whole number"
    IMPOSSIBLE = "no schema has this number"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ``schema_version`` says: ``number`` where one is usable, and what is wrong with it."""

    number: int | None
    problem: VersionProblem | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a live database is. Names are ``table``, ``table.column`` or an index's name.

    ``number`` is what we go by: the stamped number where it is usable, else the newest number whose
    objects are there. ``differences`` is the live structure against the nearest known structure of
    that number. ``missing`` are tables and columns that every build of the number has (SC002),
    ``extra`` those of no known release. ``indexes_missing`` (SC006) and ``indexes_elsewhere``
    (there, but on another table or column) are indexes of the shape. ``wrong_keys`` are tables
    whose primary key is not the number's, for want of a rebuild.
    """

    number: int
    stamp: Stamp
    family: Family
    differences: Differences
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    indexes_missing: tuple[str, ...]
    indexes_elsewhere: tuple[str, ...]
    wrong_keys: tuple[str, ...]
    leftovers: tuple[Leftover, ...]
    search: Search
    active_nullable: bool

    @property
    def unfinished(self) -> frozenset[str]:
        """Tables whose rebuild Hermes did not finish, by a leftover or by a key that stayed."""
        return frozenset({*(leftover.owner for leftover in self.leftovers), *self.wrong_keys})


def recognise(structure: Structure) -> Recognition:
    """Say what the database behind ``structure`` is; any structure gives an answer."""
    known = default_catalogue()
    by_structure = newest_number(structure)
    stamp = read_stamp(structure, by_structure)
    number = _number(stamp, by_structure)
    version = known.nearest(number)
    expected = _nearest(version, structure)
    missing = _without(set(_names(expected)) - set(_names(structure)), version.early)
    beyond = set(_names(structure)) - set(_names(expected))
    later = {name for sign in _signs() if sign.number > number for name in sign.names}
    side = set(_names(known.side)) | TRANSIENT_COLUMNS
    placed = {name: index for name, index in expected.indexes.items() if index.sql is not None}
    absent = placed.keys() - structure.indexes.keys()
    leftovers = find_leftovers(structure)
    left = {leftover.table for leftover in leftovers}
    return Recognition(
        number=number,
        stamp=stamp,
        family=_family(structure, number),
        differences=diff(expected, structure),
        missing=tuple(sorted(missing)),
        extra=tuple(
            sorted(name for name in beyond - later - side if name.split(".")[0] not in left)
        ),
        indexes_missing=tuple(sorted(n for n in absent if f"index {n}" not in version.early)),
        indexes_elsewhere=tuple(
            sorted(
                name for name in placed.keys() - absent if structure.indexes[name] != placed[name]
            )
        ),
        wrong_keys=_wrong_keys(structure, version.structure),
        leftovers=leftovers,
        search=read_search(structure, number),
        active_nullable=_active_nullable(structure),
    )


def read_stamp(structure: Structure, by_structure: int) -> Stamp:
    """Judge the version rows; ``by_structure`` breaks the tie where there are several."""
    values = tuple(row.value for row in structure.version_rows)
    if not structure.has_column("schema_version", "version"):
        return Stamp(None, VersionProblem.NO_TABLE)
    if not values:
        return Stamp(None, VersionProblem.NO_ROW)
    if len(values) > 1:
        usable = [v for v in values if isinstance(v, int) and 1 <= v <= max(by_structure, 1)]
        return Stamp(usable[0] if usable else None, VersionProblem.SEVERAL)
    value = values[0]
    if value is None:
        return Stamp(None, VersionProblem.NULL)
    if not isinstance(value, int):
        return Stamp(None, VersionProblem.NOT_A_NUMBER)
    if value < 1:
        return Stamp(None, VersionProblem.IMPOSSIBLE)
    return Stamp(value)


def _number(stamp: Stamp, by_structure: int) -> int:
    """Return the number to go by: the stamp, unless the structure says 'hands off' and it does not.

    A later number without its objects is believed, an earlier one with later objects is not.
    """
    number = by_structure if stamp.number is None else stamp.number
    for first in (FIRST_LATER, FIRST_UNKNOWN):
        if number < first <= by_structure:
            number = by_structure
    return number


def newest_number(structure: Structure) -> int:
    """Return the newest number that left a table, a column or a search table here; 0 for none."""
    names = set(_names(structure))
    live = names.union(_search_names(structure))
    reached = (
        sign.number
        for sign in _signs()
        if sign.new & live and any(needed <= names for needed in sign.required)
    )
    return max(reached, default=0)


@dataclass(frozen=True, slots=True)
class _Sign:
    """What tells that a number was reached: ``names`` it has, ``new`` with it, ``required`` by it.

    Numbers up to 22 must have left all that one of their builds has, later ones any one thing:
    a database with something of 23 or later is not ours to migrate, whatever else it lacks.
    """

    number: int
    names: frozenset[str]
    new: frozenset[str]
    required: tuple[frozenset[str], ...]


@cache
def _signs() -> tuple[_Sign, ...]:
    """Return the signs of every number, in order."""
    signs = []
    before: set[str] = set()
    for number, version in default_catalogue().versions.items():
        shapes = version.shapes.values()
        names = version.marks.union(*(_names(shape) for shape in shapes))
        new = names.union(*(_search_names(shape) for shape in shapes)) - before
        optional = version.early | {"schema_version"}
        builds = (frozenset(_without(set(_names(shape)), optional)) for shape in shapes)
        nothing = (frozenset[str](),)
        required = nothing if number > NEWEST_TARGET else tuple(builds)
        signs.append(_Sign(number, names, new, required))
        before |= version.marks
        if version.shapes:
            before.update(_names(version.structure), _search_names(version.structure))
    return tuple(signs)


def _nearest(version: Version, structure: Structure) -> Structure:
    """Return the shape of ``version`` that ``structure`` differs least from, the first in a tie."""

    live = set(_names(structure))

    def distance(shape: Structure) -> tuple[int, int]:
        differences = diff(shape, structure)
        lacking = _without(set(_names(shape)) - live, version.early)
        return len(lacking) + len(differences.changed), len(differences.extra)

    return min(version.shapes.values(), key=distance)


def _family(structure: Structure, number: int) -> Family:
    if not holds_conversations(structure):
        return Family.EMPTY if number < FIRST_LATER else Family.NEWER
    if number < FIRST_REPAIRED:
        return Family.OLD
    if number < FIRST_LATER:
        return Family.REPAIRED
    return Family.LATER if number < FIRST_UNKNOWN else Family.NEWER


def holds_conversations(structure: Structure) -> bool:
    """Whether the tables of conversations are there, with what every schema has of them."""
    return all(
        structure.has_column(table, column)
        for table, columns in STORE.items()
        for column in columns
    )


def is_of_a_store(table: Table) -> bool:
    """Whether a table has what every schema has of it; true of a table that a store can lack."""
    return all(table.column(column) is not None for column in STORE.get(table.name, ()))


def _wrong_keys(structure: Structure, expected: Structure) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name, table in expected.tables.items()
            if name in structure.tables and structure.tables[name].key != table.key
        )
    )


def _active_nullable(structure: Structure) -> bool:
    messages = structure.tables.get("messages")
    column = messages.column("active") if messages else None
    return column is not None and not column.not_null


def _names(structure: Structure) -> Iterator[str]:
    """Yield the tables and columns of a structure by name."""
    for table in structure.tables.values():
        yield table.name
        for column in table.columns:
            yield f"{table.name}.{column.name}"


def _without(names: set[str], left_out: frozenset[str]) -> set[str]:
    """Return ``names`` less those in ``left_out`` and less the columns of a table in it."""
    return {name for name in names if not {name, name.split(".")[0]} & left_out}


def _search_names(structure: Structure) -> Iterator[str]:
    for virtual in structure.virtual_tables.values():
        yield f"{virtual.name}({', '.join(virtual.arguments)})"
