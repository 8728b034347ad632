"""An export of Hermes' as a database, so that it is merged as any other source is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from hermes_repair.app.begin_anew import structure_of
from hermes_repair.app.merge_sources import Place, Source
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value, number
from hermes_repair.schema.catalogue import NEWEST_TARGET
from hermes_repair.store.new_database import FileFormat, NewDatabase, new_database
from hermes_repair.transcripts.hermes_export import read_export

SEARCH = "messages_fts"
"""What the names of search tables and triggers begin with; a source needs none."""

LACKS = (
    "An export has what Hermes shows: messages that were undone or compacted, tokens by model and"
    " routing are not in it."
)
_UNNUMBERED = 1 << 40
"""Ids for messages of an export that has none: far above those that Hermes gives."""


def from_export(place: Place, target: Path, number: int) -> Source:
    """Write an export to a new database of schema ``number``, and return it as a source.

    Raises :class:`Refused` where the file is no export of sessions.
    """
    assert place.file is not None
    schema = min(number, NEWEST_TARGET)
    with new_database(target, FileFormat()) as database:
        for statement in structure_of(schema):
            if SEARCH not in statement:
                database.run(statement)
        try:
            _fill(database, place)
        except ValueError as error:
            raise Refused(
                f"{place.named} is no export of Hermes' sessions: {error}.",
                "Nothing was changed. `hermes sessions export FILE` writes one.",
            ) from error
    named = place.named
    return Source(named, named, place.kind, target, schema, partial=True, notes=(LACKS,))


def _fill(database: NewDatabase, place: Place) -> None:
    assert place.file is not None
    columns = {
        table: [str(row[1]) for row in database.query(f"PRAGMA table_info({table})")]
        for table in ("sessions", "messages")
    }
    unnumbered = count(_UNNUMBERED)
    given: set[Value] = set()
    seen: set[Value] = set()
    for session in read_export(place.file):
        if session.columns["id"] in seen:
            continue  # a lineage that was exported twice
        seen.add(session.columns["id"])
        _add(database, "sessions", columns["sessions"], session.columns)
        for message in session.messages:
            row = dict(message)
            if not isinstance(row.get("id"), int) or row["id"] in given:
                row["id"] = next(unnumbered)
            given.add(row["id"])
            if number(row.get("timestamp")) is None:
                row["timestamp"] = session.columns["started_at"]
            _add(database, "messages", columns["messages"], row)


def _add(database: NewDatabase, table: str, known: list[str], row: Mapping[str, Value]) -> None:
    """Add one row, with the columns that the table has; the others keep their default."""
    names = [name for name in known if row.get(name) is not None]

    def refused(_row: object, why: str) -> None:
        raise ValueError(f"a row that {table} does not take ({why})")

    database.fill(table, names, [[row[name] for name in names]], refused)
