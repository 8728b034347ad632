"""The schema catalogue: what ``schema/db/`` says about every number, loaded once, as values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.sql_text import kind_of, statements
from hermes_repair.schema.structure import (
    Structure,
    Table,
    VirtualTable,
    read_structure,
    virtual_table_of,
)
from hermes_repair.schema.structure_document import from_document
from hermes_repair.store.connections import made_in_memory

WRITTEN_STRUCTURES = "structures.json"
"""What the scripts make, below ``schema/db/``: see :mod:`.structure_document`."""

NEWEST_TARGET = 22
"""The newest number that we migrate to (0.19.0); from 23 on Hermes' own code does it."""

DEFAULT_TARGET = 14
"""The target where no installed Hermes is known: what the first supported releases share."""


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One statement of a step; ``kind`` and ``name`` as :func:`.sql_text.kind_of` gives them."""

    kind: str
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class DataStep:
    """What a step does to rows: a set-based statement, or the name of the rule that computes it.

    ``count`` tells beforehand how many rows. ``nullable`` names the column whose being nullable is
    the reason for the step: it runs then whatever the number, and never otherwise.
    """

    what: str
    sql: str = ""
    count: str = ""
    by: str = ""
    nullable: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one number brought. ``fills`` fill a search table, ids :first to :last at a time."""

    number: int
    title: str
    since: str
    date: str
    additive: bool
    touches: str
    objects: tuple[SchemaObject, ...]
    fills: Mapping[str, str]
    data: tuple[DataStep, ...]

    @property
    def label(self) -> str:
        """How plans and receipts name the step."""
        return f"{self.number} {self.title}"


@dataclass(frozen=True, slots=True)
class Version:
    """One number. ``shapes`` holds its structures by file name, the canonical one first.

    ``shapes`` is empty for numbers whose structure is not known to us. ``early`` are names
    (``table.column``, ``table`` or ``index name``) that early builds of the number lack;
    ``marks`` are names that tell a number whose structure is not known.
    """

    number: int
    releases: tuple[str, ...]
    shapes: Mapping[str, Structure]
    early: frozenset[str]
    marks: frozenset[str]

    @property
    def structure(self) -> Structure:
        """The structure that the newest release of this number makes in an empty database."""
        return next(iter(self.shapes.values()))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every number in order, every step in order, and the tables that may lie beside them."""

    versions: Mapping[int, Version]
    steps: Mapping[int, Step]
    side: Structure
    side_objects: tuple[SchemaObject, ...]

    def structure(self, number: int) -> Structure:
        """Return the whole structure at ``number``; ``KeyError`` where it is not known."""
        version = self.versions[number]
        if not version.shapes:
            raise KeyError(number)
        return version.structure

    def nearest(self, number: int) -> Version:
        """Return the newest version with a known structure up to ``number``, else the first."""
        known = self.known_numbers()
        return self.versions[max((n for n in known if n <= number), default=known[0])]

    def rows(self) -> tuple[tuple[Step, Version], ...]:
        """Return what ``migrate --list`` shows: every number with its step, in order."""
        return tuple((step, self.versions[number]) for number, step in self.steps.items())

    def known_numbers(self) -> tuple[int, ...]:
        """Return the numbers whose structure is known, in order."""
        return tuple(number for number, version in self.versions.items() if version.shapes)


def read_scripts(root: Path) -> dict[str, Structure]:
    """Return what the scripts of ``db/structure/`` below ``root`` make, by the names of the files.

    SQLite runs each of them, some dozens of milliseconds in all.
    """
    tables_by_sql: dict[str, Table] = {}
    return {
        path.stem: read_script(path.read_text(encoding="utf-8"), tables_by_sql)
        for path in sorted((root / "db" / "structure").glob("*.sql"))
    }


def load_catalogue(root: Path, structures: Mapping[str, Structure] | None = None) -> Catalogue:
    """Read ``db/`` below ``root``; ``OSError``, ``KeyError``, ``ValueError`` when it is broken.

    ``structures`` are what :func:`read_scripts` gives, where they are known already.
    """
    folder = root / "db"
    known = read_scripts(root) if structures is None else structures
    with (folder / "versions.toml").open("rb") as file:
        rows = tomllib.load(file)["version"]
    versions = {row["number"]: _version(row, known) for row in rows}
    steps = {}
    for path in sorted((folder / "steps").glob("*.toml")):
        with path.open("rb") as file:
            step = _step(tomllib.load(file))
        if path.name.split("_")[0] != f"{step.number:02d}" or step.number in steps:
            raise ValueError(f"{path.name} does not hold its own number once")
        steps[step.number] = step
    side = (folder / "structure" / "side.sql").read_text(encoding="utf-8")
    return Catalogue(
        versions=dict(sorted(versions.items())),
        steps=steps,
        side=known["side"],
        side_objects=_objects(side),
    )


@cache
def default_catalogue() -> Catalogue:
    """Return the catalogue that this install of hermes-repair ships with."""
    root = catalogue_root()
    written = (root / "db" / WRITTEN_STRUCTURES).read_text(encoding="utf-8")
    return load_catalogue(root, from_document(json.loads(written)))


def _version(row: Mapping[str, Any], known: Mapping[str, Structure]) -> Version:
    names = [row["structure"], *row.get("others", [])] if "structure" in row else []
    return Version(
        number=row["number"],
        releases=tuple(row["releases"]),
        shapes={name: known[name] for name in names},
        early=frozenset(row.get("early", ())),
        marks=frozenset(row.get("marks", ())),
    )


def _objects(script: str) -> tuple[SchemaObject, ...]:
    return tuple(SchemaObject(*kind_of(sql), sql) for sql in statements(script))


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        number=data["number"],
        title=data["title"],
        since=data["since"],
        date=data["date"],
        additive=data["additive"],
        touches=data["touches"],
        objects=_objects(data.get("objects", "")),
        fills={fill["table"]: fill["sql"].strip() for fill in data.get("fill", ())},
        data=tuple(
            DataStep(**{key: value.strip() for key, value in entry.items()})
            for entry in data.get("data", ())
        ),
    )


_VIRTUAL = re.compile(r"^CREATE VIRTUAL TABLE (\w+)[^;]*;?", re.MULTILINE)


def read_script(script: str, tables_by_sql: dict[str, Table] | None = None) -> Structure:
    """Return the structure that a script of CREATE statements makes in an empty database.

    SQLite runs it in memory. All but the search tables, that is: an SQLite without FTS5, or without
    a tokenizer of Hermes', is to look at a home all the same. They are taken from their text, as in
    a database of Hermes'.

    ``tables_by_sql`` as for :func:`.structure.read_structure`: one number has most tables of the
    last one. Raises ``ValueError`` for anything else, so that a mistake in a data file cannot
    pass unseen.
    """
    search = {match[1]: _search_table(match[1], match[0]) for match in _VIRTUAL.finditer(script)}
    with made_in_memory(_VIRTUAL.sub("", script)) as query:
        structure = read_structure(query, tables_by_sql)
    return replace(
        structure,
        virtual_tables=search,
        shadow_tables=frozenset(name for one in search.values() for name in one.storage),
    )


@cache
def made_table(create: str) -> Table:
    """Return the table of one CREATE TABLE."""
    (table,) = read_script(create).tables.values()
    return table


def _search_table(name: str, sql: str) -> VirtualTable:
    table = virtual_table_of(name, sql)
    if table is None or table.module != "fts5":
        raise ValueError(f"only FTS5 tables are known: {sql[:60]}")
    return table
