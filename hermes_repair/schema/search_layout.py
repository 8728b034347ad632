"""Which layout of the search index a database has, and whether it is whole.

Layouts are named after the structure file that shows them first: ``01`` and ``10`` keep the text
outside (schema 1 to 10), ``10b`` is the broken one of a day, ``11`` keeps its own copy (11 to 22
and whatever was upgraded from there), ``25-upgraded`` the same with narrower triggers, ``23``,
``25`` and ``30`` read ``messages`` again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hermes_repair.schema.catalogue import Catalogue
from hermes_repair.schema.structure import Structure
from hermes_repair.schema.structure_difference import compare, normalised

TABLES = ("messages_fts", "messages_fts_trigram")
CURRENT = "11"
"""The layout of schemas 11 to 22, which is what we migrate to."""

_PREFIXES = ("virtual table messages_fts", "trigger messages_fts", "view messages_fts")
_CJK = "messages_fts_cjk"


@dataclass(frozen=True, slots=True)
class Search:
    """``layout`` is ``None`` where there is no ``messages_fts`` (``present``) or none of a release.

    ``missing``, ``different`` and ``extra`` are object names (``trigger messages_fts_insert``)
    against that layout, against the expected one where there is none. The optional cjk index of
    schema 23 and later is not counted; ``cjk_triggers`` says whether its triggers are there.
    """

    present: bool
    layout: str | None
    missing: tuple[str, ...]
    different: tuple[str, ...]
    extra: tuple[str, ...]
    cjk_triggers: bool

    @property
    def whole(self) -> bool:
        """Whether every object of the layout is there as some release made it, and no other."""
        return self.layout is not None and not (self.missing or self.different or self.extra)


def search_objects(structure: Structure) -> dict[str, str]:
    """Return the tables, triggers and views of the search index, normalised, cjk left out."""
    beside = replace(structure, tables={}, indexes={})  # none of the search index is among them
    return {
        name: text
        for name, text in normalised(beside).items()
        if name.startswith(_PREFIXES) and _CJK not in name
    }


def layouts(catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Return every layout of the catalogue by name, each once."""
    found: dict[str, dict[str, str]] = {}
    for version in catalogue.versions.values():
        for name, shape in version.shapes.items():
            objects = search_objects(shape)
            if objects not in found.values():
                found[name] = objects
    return found


def layout_of_shape(structure: Structure, catalogue: Catalogue) -> str:
    """Return the layout that a structure of the catalogue has."""
    objects = search_objects(structure)
    return next(name for name, known in layouts(catalogue).items() if known == objects)


def read_search(structure: Structure, expected: str, catalogue: Catalogue) -> Search:
    """Say which layout the live ``structure`` has; ``expected`` is the one its number asks for."""
    live = search_objects(structure)
    known = layouts(catalogue)
    fitting = [name for name, objects in known.items() if _same_tables(objects, live)]
    layout = min(fitting, key=lambda name: _distance(known[name], live), default=None)
    found = compare(known[expected if layout is None else layout], live)
    return Search(
        present=f"virtual table {TABLES[0]}" in live,
        layout=layout,
        missing=found.missing,
        different=tuple(change.name for change in found.changed),
        extra=found.extra,
        cjk_triggers=any(name.startswith(f"{_CJK}_") for name in structure.triggers),
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
    found = compare(layout, live)
    return len(found.missing) + len(found.extra) + len(found.changed)
