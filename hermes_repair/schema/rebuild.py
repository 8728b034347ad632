"""Make a table anew with another key, and bring in the rows of a leftover table (SC004).

Everything here runs inside the one transaction of the migration, so that no name of ours and no
half-filled table can stay behind.
"""

from __future__ import annotations

from hermes_repair.schema.sqltext import quote
from hermes_repair.schema.structure import Column, Index, Table

REBUILT = frozenset({"session_model_usage", "gateway_routing", "telegram_dm_topic_bindings"})
"""The tables whose key or reference changed in Hermes' history; no other is ever made anew."""

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


def rebuild_table(live: Table, wanted: Table, create: str, indexes: list[Index]) -> list[str]:
    """Return the statements that give a table its wanted shape with every row and rowid kept.

    ``indexes`` are those that hang on the live table by name: dropped here, made again later.
    """
    old = f"{live.name}_before"
    pairs = [(column.name, copied(column, live, "")) for column in wanted.columns]
    names = ["rowid", *(name for name, value in pairs if value)]
    values = ["rowid", *(value for _, value in pairs if value)]
    return [
        *(f"DROP INDEX {quote(index.name)}" for index in indexes if index.sql is not None),
        f"ALTER TABLE {quote(live.name)} RENAME TO {quote(old)}",
        create,
        f"INSERT INTO {quote(live.name)} ({', '.join(names)})\n"
        f"    SELECT {', '.join(values)} FROM {quote(old)}",
        f"DROP TABLE {quote(old)}",
    ]


def merge_leftover(leftover: Table, wanted: Table) -> list[str]:
    """Return the statements that bring the rows of ``leftover`` into its owner and remove it.

    Rows of the owner are the newer ones and win; rows whose session is gone stay out, as Hermes'
    own ON DELETE CASCADE has it. Usage that was counted on both sides of the interruption is added
    up; a row that had been copied before the interruption (``first_seen`` is the same, which no
    later write changes) is already counted.
    """
    owner = quote(wanted.name)
    source = quote(leftover.name)
    values = {column.name: copied(column, leftover, "l") for column in wanted.columns}
    same = " AND ".join(
        f"t.{quote(name)} IS {values[name] or default_of(wanted, name)}" for name in wanted.key
    )
    names = [name for name, value in values.items() if value]
    conditions = [f"NOT EXISTS (SELECT 1 FROM {owner} AS t WHERE {same})"]
    if wanted.column("session_id") is not None:
        conditions.append("EXISTS (SELECT 1 FROM sessions AS s WHERE s.id = l.session_id)")
    statements = []
    if wanted.name == "session_model_usage":
        sums = ",\n    ".join(
            f"{name} = t.{name} + {values[name]}" for name in USAGE_COUNTERS if values[name]
        )
        statements.append(
            f"UPDATE {owner} AS t SET\n    {sums},\n"
            "    first_seen = MIN(COALESCE(t.first_seen, l.first_seen), "
            "COALESCE(l.first_seen, t.first_seen))\n"
            f"    FROM {source} AS l WHERE {same} AND t.first_seen IS NOT l.first_seen"
        )
    statements.append(
        f"INSERT OR IGNORE INTO {owner} ({', '.join(quote(name) for name in names)})\n"
        f"    SELECT {', '.join(values[name] for name in names)} FROM {source} AS l\n"
        f"    WHERE {' AND '.join(conditions)}"
    )
    statements.append(f"DROP TABLE {source}")
    return statements


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
