"""The search index: which layout a database has, and whether it is whole.

The number alone tells no layout: 10 has two, 25 has its own or the one it was upgraded with. So a
layout is told by its tables, views and triggers together, and named after the structure file that
shows it first: ``01`` and ``10`` keep the text outside (schema 1 to 10), ``10b`` is the broken one
of a day, ``11`` keeps its own copy (11 to 22 and whatever was upgraded from there), ``25-upgraded``
the same with narrower triggers, ``23``, ``25`` and ``30`` read ``messages`` again.

The SQL of a layout is in its structure file: what begins with ``messages_fts``. There too it says
what is indexed: the table or view that ``content=`` names, whose WHERE says what is left out on
purpose; where a table keeps its own text, the trigger that inserts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hermes_repair.schema.catalogue import NEWEST_TARGET, default_catalogue
from hermes_repair.schema.structure import Structure
from hermes_repair.schema.structure_difference import compare, normalised

TABLES = ("messages_fts", "messages_fts_trigram")
CJK = "messages_fts_cjk"
"""The optional third table, of schema 23 and later; its triggers are named after it."""
FIRST_WITH_CJK = 23

FILLED = {"messages_fts": 2.0, "messages_fts_trigram": 5.0}
"""What filling a table takes, in bytes per byte of text that it indexes: measured with 100,000
messages of ordinary prose (SQLite 3.40.1) and rounded up."""
EMPTIED = {"messages_fts": 0.4, "messages_fts_trigram": 2.8}
"""What dropping it gives back at least: its index, without a copy of the text."""

SETTLED_MARKERS = frozenset({"fts_optimize_available", "fts_storage_version"})
"""``fts_`` keys of ``state_meta`` that say which layout there is, not that work is unfinished."""

_PREFIXES = ("virtual table messages_fts", "trigger messages_fts", "view messages_fts")


@dataclass(frozen=True, slots=True)
class Search:
    """``layout`` is ``None`` where there is no ``messages_fts`` (``present``) or none of a release.

    ``likely`` is the layout, or where ``messages_fts`` is gone the expected one that the rest fits
    best. ``expected`` are the layouts that the schema number may have. ``missing``, ``different``
    and ``extra`` are object names (``trigger messages_fts_insert``) against the likely layout,
    against the first of the expected ones where there is none. The optional cjk index of schema 23
    and later is not counted; ``cjk_triggers`` says whether its triggers are there. ``unfinished``
    are the keys of ``state_meta`` by which Hermes knows that it has work left.
    """

    present: bool
    layout: str | None
    likely: str | None
    expected: tuple[str, ...]
    missing: tuple[str, ...]
    different: tuple[str, ...]
    extra: tuple[str, ...]
    cjk_triggers: bool
    unfinished: frozenset[str]

    @property
    def outdated(self) -> bool:
        """Whether the search tables are of another generation than the number's (SC004)."""
        return self.present and self.layout not in self.expected

    @property
    def whole(self) -> bool:
        """Whether every object of the layout is there as some release made it, and no other."""
        return self.layout is not None and not (self.missing or self.different or self.extra)


def search_objects(structure: Structure) -> dict[str, str]:
    """Return the tables, triggers and views of the search index, normalised, cjk left out."""
    kept = Structure(
        triggers=structure.triggers,
        views=structure.views,
        virtual_tables=structure.virtual_tables,
    )
    return {
        name: text
        for name, text in normalised(kept).items()
        if name.startswith(_PREFIXES) and CJK not in name
    }


def missing_storage(structure: Structure) -> tuple[str, ...]:
    """Return the tables that FTS5 keeps a search index in and that are not there.

    Without one of them every write to the index fails, and with it that of the message.
    """
    return tuple(
        sorted(
            table
            for index in structure.virtual_tables.values()
            if index.module == "fts5"
            for table in index.storage
            if table not in structure.shadow_tables
        )
    )


@cache
def layouts() -> Mapping[str, Mapping[str, str]]:
    """Return every layout of the catalogue by name, each once."""
    known: dict[str, dict[str, str]] = {}
    for version in default_catalogue().versions.values():
        for name, shape in version.shapes.items():
            objects = search_objects(shape)
            if objects not in known.values():
                known[name] = objects
    return known


def layout_of_shape(structure: Structure) -> str:
    """Return the layout that a structure of the catalogue has."""
    objects = search_objects(structure)
    return next(name for name, known in layouts().items() if known == objects)


@cache
def expected_layouts(number: int) -> tuple[str, ...]:
    """Return the layouts that a schema number may have, in the order of their names.

    From 23 on Hermes leaves what was there until the owner runs ``optimize-storage``.
    """
    catalogue = default_catalogue()
    own = sorted({layout_of_shape(shape) for shape in catalogue.nearest(number).shapes.values()})
    if number <= NEWEST_TARGET:
        return tuple(own)
    later = (version for n, version in catalogue.versions.items() if n >= NEWEST_TARGET)
    shapes = (shape for version in later for shape in version.shapes.values())
    return tuple(sorted({own[0], *map(layout_of_shape, shapes)}))


def read_search(structure: Structure, number: int) -> Search:
    """Say which layout the live ``structure`` has, whose schema number is ``number``."""
    live = search_objects(structure)
    known = layouts()
    expected = expected_layouts(number)
    fitting = [name for name, objects in known.items() if _same_tables(objects, live)]
    layout = min(fitting, key=lambda name: _distance(known[name], live), default=None)
    likely = layout
    if f"virtual table {TABLES[0]}" not in live:
        likely = min(expected, key=lambda name: _distance(known[name], live))
    differences = compare(known[likely or expected[0]], live)
    return Search(
        present=f"virtual table {TABLES[0]}" in live,
        layout=layout,
        likely=likely,
        expected=expected,
        missing=differences.missing,
        different=tuple(change.name for change in differences.changed),
        extra=differences.extra,
        cjk_triggers=any(name.startswith(f"{CJK}_") for name in structure.triggers),
        unfinished=structure.search_markers - SETTLED_MARKERS,
    )


def _same_tables(layout: Mapping[str, str], live: Mapping[str, str]) -> bool:
    """Whether ``messages_fts`` is there and each search table is as in ``layout`` or missing."""
    if f"virtual table {TABLES[0]}" not in live:
        return False
    return all(
        live.get(name, layout.get(name)) == layout.get(name)
        for name in (f"virtual table {table}" for table in TABLES)
    )


def _distance(layout: Mapping[str, str], live: Mapping[str, str]) -> int:
    differences = compare(layout, live)
    return len(differences.missing) + len(differences.extra) + len(differences.changed)
