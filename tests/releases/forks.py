"""Forks in a database, read and resolved as a caller of ``lineage`` would."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from hermes_repair.gateway_routing import Routing, build_routing
from hermes_repair.lineage.column_changes import Resolution
from hermes_repair.lineage.compared_messages import Message, nature_of
from hermes_repair.lineage.fork_resolution import Basis, sessions_of
from hermes_repair.lineage.forks import Fork, find_fork
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.queries import node_query
from hermes_repair.lineage.session_node import Titles, node_from_row
from hermes_repair.model.values import Row
from hermes_repair.program_texts import default_harness

SESSION_ROWS = "SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))"


def read_graph(database: Path) -> Graph:
    """Read a database as callers do: one statement, every session."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        have = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")}
            for table in ("sessions", "messages")
        }
        rows = select_rows(connection, node_query(have["sessions"], have["messages"]))
    finally:
        connection.close()
    return Graph.build(node_from_row(row) for row in rows)


def select_rows(connection: sqlite3.Connection, statement: str, *values: str) -> list[Row]:
    """Return rows as mappings by column."""
    cursor = connection.execute(statement, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def read_messages(connection: sqlite3.Connection, session_id: str) -> list[Message]:
    """Return the messages of a session with the plainest key that tells them apart."""
    harness = default_harness()
    return [
        Message(
            id=number,
            role=role,
            key=(role, content),
            at=at,
            nature=nature_of(role, harness.kind(content)),
        )
        for number, role, content, at in connection.execute(
            "SELECT id, role, content, timestamp FROM messages WHERE session_id = ? ORDER BY id",
            (session_id,),
        )
    ]


def routes_to(*session_ids: str) -> Routing:
    """Return the routing of a home where these sessions are routed, by keys k0, k1 and so on."""
    entries = {f"k{number}": {"session_id": name} for number, name in enumerate(session_ids)}
    return build_routing(json.dumps(entries).encode())


def read_fork(database: Path, routing: Routing) -> tuple[Basis, Fork]:
    """Read the fork below P and what its resolutions need."""
    graph = read_graph(database)
    connection = sqlite3.connect(database)
    try:
        messages = {name: read_messages(connection, name) for name in graph.nodes}
        fork = find_fork(graph, "P", messages, routing)
        found = select_rows(connection, SESSION_ROWS, json.dumps(sessions_of(fork)))
    finally:
        connection.close()
    rows = {str(row["id"]): row for row in found}
    titles = Titles.of(graph.nodes.values())
    return Basis(graph, rows, titles, taken=titles.exact), fork


def write(database: Path, resolution: Resolution) -> None:
    """Write a resolution, each column against its before-image."""
    connection = sqlite3.connect(database)
    for change in resolution.changes:
        for column, value in change.after.items():
            done = connection.execute(
                f"UPDATE sessions SET {column} = ? WHERE id = ? AND {column} IS ?",
                (value, change.session_id, change.before[column]),
            )
            assert done.rowcount == 1, (change.session_id, column)
    connection.commit()
    connection.close()
