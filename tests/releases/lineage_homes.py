"""Forked homes made by real releases, read and repaired as a caller of ``lineage`` would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
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
from tests.releases import run_release

SESSION_ROWS = "SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))"

T = 1_779_969_600.0  # when the parent ended, 2026-05-28 12:00 UTC

FORK = """
import sys, pathlib
from hermes_state import SessionDB
db = SessionDB(pathlib.Path(sys.argv[1]) / "state.db")
def session(sid, parent=None, title=None):
    db.create_session(sid, source="telegram", user_id="u7", parent_session_id=parent)
    if title:
        db.set_session_title(sid, title)
def say(sid, *words):
    for word in words:
        role = "assistant" if word.startswith("a") else "user"
        db.append_message(sid, role, word)
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
session("P", title="Trip")
say("P", "u1", "a1", "u2", "a2")
db.end_session("P", "compression")
session("L", "P", db.get_next_title_in_lineage("Trip"))
say("L", "u1", SUMMARY, "u2", "a2", "u-live", "a-live")
"""

PLAIN = """
session("O", "P", db.get_next_title_in_lineage("Trip"))
say("O", "u1", SUMMARY, "u2", "a2", "u-other", "a-other")
"""

CONTINUED = """
db.end_session("O", "compression")
session("O2", "O", db.get_next_title_in_lineage("Trip"))
say("O2", "u1", SUMMARY, "u-other", "a-other", "u-more", "a-more")
session("E", "P")
"""

REVIEWED = """
session("R", "P", db.get_next_title_in_lineage("Trip"))
say("R", "u1", SUMMARY, "Review the conversation above and update the skill library. Now.", "a-r")
"""


def build_fork(home: Path, siblings: str, version: str = "0.15.2") -> None:
    """Let a release write parent P, live L and ``siblings``; L has the earlier start, later words.

    Only times are set by SQL: a race of minutes cannot be waited for.
    """
    home.mkdir(parents=True)
    run_release(version, FORK + siblings + "db.close()\n", home, str(home))
    starts = {"P": T - 900, "L": T + 1, "O": T + 2, "O2": T + 60, "R": T + 3, "E": T + 4}
    last = {"P": T - 10, "L": T + 5000, "O": T + 40, "O2": T + 90, "R": T + 5, "E": T}
    connection = sqlite3.connect(home / "state.db")
    for session_id, start in starts.items():
        connection.execute("UPDATE sessions SET started_at = ? WHERE id = ?", (start, session_id))
        connection.execute(
            "UPDATE messages SET timestamp = ? - 0.001 * (SELECT COUNT(*) FROM messages later "
            "WHERE later.session_id = messages.session_id AND later.id > messages.id) "
            "WHERE session_id = ?",
            (last[session_id], session_id),
        )
    for session_id, end in (("P", T), ("O", T + 50)):
        connection.execute(
            "UPDATE sessions SET ended_at = ? WHERE id = ? AND end_reason IS NOT NULL",
            (end, session_id),
        )
    connection.commit()
    connection.close()


def read_graph(database: Path) -> Graph:
    """Read a database as callers do: one statement, every session."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        have = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")}
            for table in ("sessions", "messages")
        }
        rows = select(connection, node_query(have["sessions"], have["messages"]))
    finally:
        connection.close()
    return Graph.build(node_from_row(row) for row in rows)


def select(connection: sqlite3.Connection, statement: str, *values: str) -> list[Row]:
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
        found = select(connection, SESSION_ROWS, json.dumps(sessions_of(fork)))
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


def run_sql(database: Path, statements: Sequence[str]) -> None:
    """Run statements on a database at rest."""
    connection = sqlite3.connect(database)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
