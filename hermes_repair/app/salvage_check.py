"""Is a database that was made of a damaged one sound? Asked before it gets its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.salvage_ledger import Ledger
from hermes_repair.model.values import whole
from hermes_repair.repair.made_indexes import incomplete_search_tables
from hermes_repair.schema.search_source import search_sources
from hermes_repair.store.broken_references import broken_references
from hermes_repair.store.connections import open_immutable, quote
from hermes_repair.store.integrity import soundness
from hermes_repair.store.look import Look, View

MADE = {"sessions": "sessions_made"}
"""Rows of a table that were not read but made, by their name in ``Ledger.changed``."""


def require_sound_salvage(path: Path, ledger: Ledger, layout: str | None) -> Mapping[str, int]:
    """Raise where a new database is not what the ledger says of it, and sound to the last page.

    SQLite's own check of every page and index; as many rows in each table as were read; every
    message in each search table of ``layout``, and nothing else, and each can be searched. Returns
    how many references of each table lead to no row, which is how a session is left whose parent
    is lost.
    """
    with closing(open_immutable(path)) as connection:
        look = Look(connection, View.MAIN, path)
        complaints = [*soundness(look).complaints]
        there = {
            str(name)
            for (name,) in look.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        searched = search_sources(layout) if layout is not None else ()
        for table in ledger.tables:
            if not table.read and (table.name not in there or table.name in searched):
                continue  # not made again: its rows, if it had any, are in the side file
            row = look.one(f"SELECT COUNT(*) FROM {quote(table.name)}")
            found = whole(row[0]) if row is not None else 0
            due = table.read + ledger.changed.get(MADE.get(table.name, ""), 0)
            if found != due and table.name != "schema_version":
                complaints.append(f"{table.name} has {found:,} rows instead of {due:,}")
        if layout is not None and not complaints:
            wrong = incomplete_search_tables(look, [*searched])
            complaints += [f"{name} does not have every message" for name in wrong]
        if complaints:
            raise HermesRepairError(
                f"The database that was made is not sound ({complaints[0]}).",
                "It was removed again, and the damaged one is as it was. Please report this.",
            )
        return Counter(str(table) for table, *_ in broken_references(connection))
