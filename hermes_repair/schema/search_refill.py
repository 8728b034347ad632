"""Make a search table of schema 11 to 22 (or older) anew and fill it from ``messages``."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_repair.schema.sql_text import kind_of
from hermes_repair.schema.structure import SHADOW_SUFFIXES, Structure
from hermes_repair.store.connections import quote


def is_right(structure: Structure, final: Structure, statements: Sequence[str]) -> bool:
    """Whether what ``statements`` make, a search table and its triggers, is as the target has it.

    A missing trigger means that rows may have passed the index by, so it is not right then either.
    """
    (_, table), *triggers = map(kind_of, statements)
    return structure.virtual_tables.get(table) == final.virtual_tables.get(table) and all(
        structure.triggers.get(name) == final.triggers.get(name) for _, name in triggers
    )


def refill(
    structure: Structure, table: str, statements: Sequence[str], fill: str, bounds: Sequence[int]
) -> list[str]:
    """Return the statements that remove what there is of ``table``, make it and fill it.

    ``fill`` fills the ids from ``:first`` to ``:last`` and is repeated for every range between the
    ``bounds``, so that progress can be shown. The triggers are made last.
    """
    create, *triggers = statements
    return [
        *_drops(structure, table, triggers),
        create,
        *_chunks(fill, bounds),
        *triggers,
    ]


def _drops(structure: Structure, table: str, triggers: Sequence[str]) -> list[str]:
    names = [kind_of(sql)[1] for sql in triggers]
    drops = [f"DROP TRIGGER {quote(name)}" for name in names if name in structure.triggers]
    if table in structure.virtual_tables:
        return [*drops, f"DROP TABLE {quote(table)}"]
    strays = [f"{table}_{suffix}" for suffix in SHADOW_SUFFIXES]
    return drops + [f"DROP TABLE {quote(name)}" for name in strays if name in structure.tables]


def _chunks(fill: str, bounds: Sequence[int]) -> list[str]:
    firsts = [-(2**63), *(bound + 1 for bound in bounds)]
    lasts = [*bounds, 2**63 - 1]
    return [
        fill.replace(":first", str(first)).replace(":last", str(last))
        for first, last in zip(firsts, lasts, strict=True)
    ]
