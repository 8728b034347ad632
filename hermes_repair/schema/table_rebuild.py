"""Make a table anew with another key, and bring in the rows of a leftover table (SC004).

Everything here runs inside the one transaction of the migration, so that no name of ours and no
half-filled table can stay behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hermes_repair.schema.structure import Column, Index, Structure, Table
from hermes_repair.schema.target_objects import column_words
from hermes_repair.store.connections import quote

BINDINGS = "telegram_dm_topic_bindings"
REBUILT = frozenset({"session_model_usage", "gateway_routing", BINDINGS})
"""The tables whose key or reference changed in Hermes' history."""
CONVERSATIONS = frozenset({"sessions", "messages"})
"""What is never made anew, whatever its key is. Any other table with a key of its own is: one that
a home rebuilt by hand has, as ``schema_version (version INTEGER PRIMARY KEY, applied_at REAL)``."""

USAGE_COUNTERS = (
    "api_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "estimated_cost_usd",
    "actual_cost_usd",
)

OWNERS = {
    "session_model_usage_v21": "session_model_usage",
    "session_model_usage_legacy_pk": "session_model_usage",
    "gateway_routing_legacy_pk": "gateway_routing",
    "telegram_dm_topic_bindings_new": "telegram_dm_topic_bindings",
}
"""Leftover tables, and the table whose rows they hold."""
TRASH_PREFIX = "fts_v22_trash_"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A table that an interrupted migration of Hermes left behind (SC004).

    Hermes rebuilds a table by renaming it, making a new one and copying, without a transaction.
    Killed in between, the rows stay in the renamed table for ever, and so do the indexes (schema 21
    to 22, Hermes #73541, #73823). ``table`` holds rows of ``owner``; ``indexes`` are those of
    ``owner`` that hang on it.
    """

    table: str
    owner: str
    indexes: tuple[str, ...]


def find_leftovers(structure: Structure) -> tuple[Leftover, ...]:
    """Return the leftover tables of ``structure``, those of ``optimize-storage`` (23+) included."""
    hanging: dict[str, list[str]] = {}
    for index in structure.indexes.values():
        if index.sql is not None:
            hanging.setdefault(index.table, []).append(index.name)
    return tuple(
        Leftover(table, OWNERS.get(table, "messages_fts"), tuple(sorted(hanging.get(table, ()))))
        for table in sorted(structure.tables)
        if table in OWNERS or table.startswith(TRASH_PREFIX)
    )


def rebuild_table(live: Table, target: Table, create: str, indexes: list[Index]) -> list[str]:
    """Return the statements that give a table its wanted shape with every row and value kept.

    ``indexes`` are those that hang on the live table by name: dropped here, made again later.
    Columns that no release has come along; a rowid stays where both have one.
    """
    old = f"{live.name}_before"
    added = [
        replace(column, pk=0, not_null=False)
        for column in live.columns
        if target.column(column.name) is None and not column.hidden
    ]
    pairs = [(column.name, copied(column, live, "")) for column in (*target.columns, *added)]
    numbered = [] if live.without_rowid or target.without_rowid else ["rowid"]
    names = [*numbered, *(quote(name) for name, value in pairs if value)]
    values = [*numbered, *(value for _, value in pairs if value)]
    columns = [words for column in added if (words := column_words(column)) is not None]
    return [
        *(f"DROP INDEX {quote(index.name)}" for index in indexes if index.sql is not None),
        f"ALTER TABLE {quote(live.name)} RENAME TO {quote(old)}",
        create,
        *(f"ALTER TABLE {quote(live.name)} ADD COLUMN {words}" for words in columns),
        f"INSERT INTO {quote(live.name)} ({', '.join(names)})\n"
        f"    SELECT {', '.join(values)} FROM {quote(old)}",
        f"DROP TABLE {quote(old)}",
    ]


def without_place(live: Table, target: Table) -> str:
    """Return the query for the number of rows of a table that its wanted shape has no place for.

    Rows that share a key with another, and rows without a value that the shape asks for.
    """
    needed = [c for c in target.columns if (c.not_null and c.default is None) or c.pk]
    if [c.name for c in needed if c.pk] and all(c.pk and _is_rowid(c, target) for c in needed):
        needed = []  # SQLite gives the number
    table = quote(live.name)
    if any(live.column(column.name) is None for column in needed):
        return f"SELECT COUNT(*) FROM {table}"
    null = " OR ".join(f"{quote(column.name)} IS NULL" for column in needed) or "0"
    asked = f"SELECT COUNT(*) FROM {table} WHERE {null}"
    key = ", ".join(quote(column.name) for column in needed if column.pk)
    if not key:
        return asked
    shared = f"SELECT COUNT(*) AS n FROM {table} GROUP BY {key} HAVING COUNT(*) > 1"
    return f"SELECT ({asked}) + (SELECT COALESCE(SUM(n), 0) FROM ({shared}))"


def _is_rowid(column: Column, table: Table) -> bool:
    return table.key == (column.name,) and column.type.upper() == "INTEGER"


def merge_leftover(leftover: Table, target: Table) -> list[str]:
    """Return the statements that bring the rows of ``leftover`` into its owner.

    Rows of the owner are the newer ones and win; rows whose session is gone stay out, as Hermes'
    own ON DELETE CASCADE has it. :func:`not_brought` counts both. Usage that was counted on both
    sides of the interruption is added up; a row that had been copied before the interruption is
    already counted: ``first_seen`` is the same, which no later write changes, or, without one, the
    counters are, or other rows had been copied (one statement copies all).
    """
    owner = quote(target.name)
    values = {column.name: copied(column, leftover, "l") for column in target.columns}
    names = [name for name, value in values.items() if value]
    source = f"{quote(leftover.name)} AS l"
    conditions = []
    statements = []
    if target.name == "session_model_usage":
        source = f"({_summed(leftover, target)}) AS l"
        values = {name: f"l.{quote(name)}" if values[name] else "" for name in values}
        statements.append(_add_usage(owner, source, target, values))
    if _alone(leftover, target):
        conditions.append(_alone(leftover, target))
    conditions.append(f"NOT EXISTS (SELECT 1 FROM {owner} AS t WHERE {_same(target, values)})")
    if target.column("session_id") is not None:
        conditions.append(_SESSION_IS_THERE)
    statements.append(
        f"INSERT INTO {owner} ({', '.join(quote(name) for name in names)})\n"
        f"    SELECT {', '.join(values[name] for name in names)} FROM {source}\n"
        f"    WHERE {' AND '.join(conditions)}"
    )
    return statements


_SESSION_IS_THERE = "EXISTS (SELECT 1 FROM sessions AS s WHERE s.id = l.session_id)"


def _same(target: Table, values: dict[str, str]) -> str:
    return " AND ".join(
        f"t.{quote(name)} IS {values[name] or default_of(target, name)}" for name in target.key
    )


def _summed(leftover: Table, target: Table) -> str:
    """Return the query that adds up usage rows which have one key now (NULL has become '')."""
    parts = []
    for column in target.columns:
        value = copied(column, leftover, "")
        if not value:
            continue
        if column.name in USAGE_COUNTERS:
            value = f"SUM({value})"
        elif column.name not in target.key:
            value = f"{'MIN' if column.name == 'first_seen' else 'MAX'}({value})"
        parts.append(f"{value} AS {quote(column.name)}")
    keys = [copied(column, leftover, "") for column in target.columns if column.name in target.key]
    grouped = ", ".join(key for key in keys if key)
    return f"SELECT {', '.join(parts)} FROM {quote(leftover.name)} GROUP BY {grouped}"


def _add_usage(owner: str, source: str, target: Table, values: dict[str, str]) -> str:
    counters = [name for name in USAGE_COUNTERS if values[name]]
    same = _same(target, values)
    equal = " AND ".join(f"t.{name} IS {values[name]}" for name in counters)
    sums = ",\n    ".join(f"{name} = t.{name} + {values[name]}" for name in counters)
    copied_one = f"SELECT 1 FROM {owner} AS t JOIN {source} ON {same}"
    return (
        f"UPDATE {owner} AS t SET\n    {sums},\n"
        "    first_seen = MIN(COALESCE(t.first_seen, l.first_seen), "
        "COALESCE(l.first_seen, t.first_seen))\n"
        f"    FROM {source} WHERE {same} AND (t.first_seen IS NOT l.first_seen\n"
        f"    OR (t.first_seen IS NULL AND NOT ({equal})\n"
        f"    AND NOT EXISTS ({copied_one} WHERE t.first_seen = l.first_seen)))"
    )


def _alone(leftover: Table, target: Table) -> str:
    """Return the condition that a row takes nobody's place but by its key, empty where it cannot.

    A chat's session has one topic (``idx_telegram_dm_topic_bindings_session`` is unique): the
    owner's, else the newest of the leftover.
    """
    if target.name != BINDINGS:
        return ""
    return (
        f"NOT EXISTS (SELECT 1 FROM {quote(target.name)} AS t"
        " WHERE t.session_id = l.session_id)"
        f" AND NOT EXISTS (SELECT 1 FROM {quote(leftover.name)} AS o"
        " WHERE o.session_id = l.session_id"
        " AND (o.updated_at, o.rowid) > (l.updated_at, l.rowid))"
    )


@dataclass(frozen=True, slots=True)
class NotBrought:
    """Queries for the rows of a leftover that have no place in its owner; empty where none can be.

    ``gone``: their session does not exist. ``older``: the owner has a newer row of the same key.
    ``contested``: another row stands in their place, and nothing tells which is right.
    """

    gone: str = ""
    older: str = ""
    contested: str = ""

    @property
    def all(self) -> str:
        """The query that counts all of them."""
        return "SELECT " + (" + ".join(f"({q})" for q in self._queries() if q) or "0")

    def _queries(self) -> tuple[str, str, str]:
        return self.gone, self.older, self.contested


def not_brought(leftover: Table, owner: Table | None, target: Table) -> NotBrought:
    """Return how to count what :func:`merge_leftover` leaves out; ``owner`` as it is now."""
    rows = f"SELECT COUNT(*) FROM {quote(leftover.name)} AS l WHERE"
    has_session = leftover.column("session_id") is not None
    gone = f"{rows} NOT {_SESSION_IS_THERE}" if has_session else ""
    if owner is None or target.name == "session_model_usage":
        return NotBrought(gone)
    there = f"{_SESSION_IS_THERE} AND " if has_session else ""
    # Live columns only: the leftover and its owner may be of different builds.
    shared = [c.name for c in leftover.columns if owner.column(c.name) is not None]
    identical = " AND ".join(f"t.{quote(name)} IS l.{quote(name)}" for name in shared)
    key = " AND ".join(
        f"t.{quote(name)} IS l.{quote(name)}" for name in target.key if name in shared
    )
    other = f"FROM {quote(owner.name)} AS t WHERE {key} AND NOT ({identical})"
    older = f"{rows} {there}EXISTS (SELECT 1 {other} AND t.updated_at >= l.updated_at)"
    contested = f"EXISTS (SELECT 1 {other} AND t.updated_at < l.updated_at)"
    if target.name == BINDINGS:
        unkeyed = f"NOT EXISTS (SELECT 1 FROM {quote(owner.name)} AS t WHERE {key})"
        contested += f" OR ({unkeyed} AND NOT ({_alone(leftover, target)}))"
    return NotBrought(gone, older, f"{rows} {there}({contested})")


def copied(column: Column, source: Table, alias: str) -> str:
    """Return the expression that carries ``column`` over from ``source``, empty where it cannot.

    A NULL where the wanted column takes none becomes its default.
    """
    if source.column(column.name) is None:
        return ""
    name = f"{alias}.{quote(column.name)}" if alias else quote(column.name)
    if column.not_null and column.default is not None:
        return f"COALESCE({name}, {column.default})"
    return name


def default_of(table: Table, name: str) -> str:
    """Return the default of a column as SQL text."""
    column = table.column(name)
    return "NULL" if column is None or column.default is None else column.default
