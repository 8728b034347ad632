"""Is an index that was made anew what it is to be? Asked before it is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hermes_repair.evidence.search_coverage import read_search_index
from hermes_repair.model.actions import IndexRefill
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Value
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.search import TABLES
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.integrity import require_agreement
from hermes_repair.store.look import Look, View
from hermes_repair.store.writer import Writer


def require_made_anew(writer: Writer, unit: Unit) -> None:
    """Raise where an index that the unit made anew does not have exactly the rows of its table.

    Of a search table ids are compared both ways, its storage is read page by page, and it is
    searched once, which no release could do on an index that it cannot open.
    """
    tables = {action.table for action in unit.actions if isinstance(action, IndexRefill)}
    look = Look(writer.connection, View.MAIN, writer.path)
    for name in sorted(tables - {*TABLES}):
        require_agreement(look, name, however_large=True)
    wrong = incomplete_search_tables(look, tables & {*TABLES})
    if wrong:
        raise HermesRepairError(
            f"{wrong[0]} would not have every message after the step {unit.summary!r}.",
            "Nothing of it was written. Please report this.",
        )


def incomplete_search_tables(look: Look, names: Collection[str]) -> list[str]:
    """Return those of the search tables ``names`` that do not have exactly their messages.

    Ids are compared both ways, the storage is read page by page, and each is searched once.
    Raises :class:`~hermes_repair.model.errors.DatabaseUnreadable` where one cannot be searched.
    """
    if not names:
        return []

    def query(sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        return list(look.rows(sql, parameters))

    structure = read_structure(query)
    index = read_search_index(look, structure, recognise(structure), deep=True)
    by_name = {table.name: table for table in index.tables}
    wrong = []
    for name in sorted(names):
        table = by_name.get(name)
        coverage = table.coverage if table is not None else None
        if coverage is None or not coverage.same_rows or coverage.stale:
            wrong.append(name)
        else:
            look.one(f"SELECT rowid FROM {name} WHERE {name} MATCH 'hermes' LIMIT 1")
    return wrong
