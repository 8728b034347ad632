"""Chats that are there but in no list: what real releases hide, and that our values bring back."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from hermes_repair.lineage.column_changes import Resolution
from hermes_repair.lineage.links import (
    LinkedSession,
    cut_orphan,
    mark_branch,
    reopen_parent,
    unhide,
)
from hermes_repair.lineage.person_proof import counts_from_row, person_facts, person_proof
from hermes_repair.lineage.queries import facts_query
from hermes_repair.lineage.session_node import DelegateMark, SessionNode
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Row
from hermes_repair.program_texts import default_harness
from tests.homes.home import copy_home, execute_all
from tests.releases import run_release
from tests.releases.forks import SESSION_ROWS, read_graph, select_rows, write
from tests.support import NO_ROUTING

SIX = ("0.13.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0")

BUILD = """
import pathlib, sys
from hermes_state import SessionDB
db = SessionDB(pathlib.Path(sys.argv[1]) / "state.db")
LIMIT = "You've reached the maximum number of tool-calling iterations allowed. Please stop."
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
def chat(sid, *words, parent=None, config=None):
    db.create_session(sid, source="cli", parent_session_id=parent, model_config=config)
    for word in words:
        role = {"a": "assistant", "t": "tool"}.get(word[0], "user")
        db.append_message(sid, role, word, tool_name="terminal" if role == "tool" else None)
chat("person", "u1", "t1", "a1", "u2", "a2")
chat("delegate", "do it", "t1", "a1", LIMIT, "a2")
chat("open", "u1", "a1", "u2", "a2")
db.set_session_title("open", "Open")
chat("tui-branch", "u1", "a1", "u2", "a2", "u3", "a3", parent="open")
chat("subagent", "do this", "t1", "a1", parent="open")
chat("reopened", "u4", "a4", "u5", "a5")
db.set_session_title("reopened", "Again")
db.end_session("reopened", "compression")
chat("continued", "u4", SUMMARY, "u5", "a5", "u6", "a6", parent="reopened")
db.reopen_session("reopened")
chat("gone", "u7", "a7")
chat("orphan", "u7", SUMMARY, "u8", "t8", "a8", parent="gone")
chat("orphan-delegate", "do that", "t9", "a9", parent="gone",
     config={"max_iterations": 9, "_delegate_from": "gone"})
chat("closed", "u10", "a10")
db.end_session("closed", "compression")
chat("after-reset-parent", "u11", "a11")
db.end_session("after-reset-parent", "session_reset")
chat("after-reset", "u12", "a12", "u13", "a13", parent="after-reset-parent")
db.close()
"""

LIST = """
import json, pathlib, sys
from hermes_state import SessionDB
for _ in range(2):
    db = SessionDB(pathlib.Path(sys.argv[1]) / "state.db")
    shown = sorted(line["id"] for line in db.list_sessions_rich(limit=1000))
    db.close()
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let 0.15.2 write the home, then lose one parent as a salvage does."""
    home = tmp_path_factory.mktemp("hidden") / "home"
    home.mkdir()
    run_release("0.15.2", BUILD, home, str(home))
    execute_all(
        home,
        "DELETE FROM messages WHERE session_id = 'gone'",
        "DELETE FROM sessions WHERE id = 'gone'",
    )
    return home


def listed(version: str, home: Path) -> set[str]:
    """Open a home twice with a release and return what its list shows the second time."""
    return set(json.loads(run_release(version, LIST, home, str(home))))


def rows_of(database: Path) -> dict[str, Row]:
    connection = sqlite3.connect(database)
    ids = [row[0] for row in connection.execute("SELECT id FROM sessions")]
    found = {str(row["id"]): row for row in select_rows(connection, SESSION_ROWS, json.dumps(ids))}
    connection.close()
    return found


def proofs(database: Path, nodes: list[SessionNode]) -> dict[str, str]:
    """Return those sessions that are proven to be a person's by their own messages."""
    openings = default_harness().openings()
    connection = sqlite3.connect(database)
    columns = {row[1] for row in connection.execute("PRAGMA table_xinfo(messages)")}
    ids = json.dumps([node.id for node in nodes])
    counts = dict(
        counts_from_row(row)
        for row in select_rows(connection, facts_query(columns, openings), *openings, ids)
    )
    connection.close()
    found = (
        (node.id, person_proof(person_facts(node, counts[node.id], NO_ROUTING))) for node in nodes
    )
    return {name: proof for name, proof in found if proof is not None}


@pytest.mark.parametrize("version", ["0.17.0", "0.18.2", "0.19.0"])
def test_what_step_16_hid_comes_back_and_delegates_stay(
    version: str, built: Path, tmp_path: Path
) -> None:
    home = copy_home(built, tmp_path / "home")
    before = listed("0.16.0", home)
    assert {"person", "delegate", "open"} <= before
    hidden = {"person", "delegate", "tui-branch", "subagent", "continued", "after-reset"}
    assert hidden.isdisjoint(listed(version, home))

    graph = read_graph(home / "state.db")
    tagged = [node for node in graph.nodes.values() if node.delegate_mark is DelegateMark.STEP_16]
    assert {node.id for node in tagged} >= hidden
    persons = proofs(home / "state.db", tagged)
    assert persons.keys() & hidden == {"person", "tui-branch", "continued", "after-reset"}
    rows = rows_of(home / "state.db")
    for node in tagged:
        if node.id in persons and node.id in hidden:
            resolved = unhide(
                LinkedSession(graph, node, rows[node.id], NO_ROUTING), persons[node.id]
            )
            assert resolved.safety is Safety.SAFE
            write(home / "state.db", resolved)

    after = listed(version, home)
    assert {"person", "tui-branch", "continued", "after-reset", "open", "reopened"} <= after
    assert after.isdisjoint({"delegate", "subagent", "orphan-delegate"})


@pytest.mark.parametrize("version", SIX)
def test_an_orphan_of_a_persons_is_listed_by_every_release(
    version: str, built: Path, tmp_path: Path
) -> None:
    home = copy_home(built, tmp_path / "home")
    database = home / "state.db"
    graph = read_graph(database)
    assert graph.orphans == ("orphan", "orphan-delegate")
    nodes = [graph.nodes[name] for name in graph.orphans]
    persons = proofs(database, nodes)
    assert persons.keys() == {"orphan"}
    rows = rows_of(database)
    for node in nodes:
        resolved = cut_orphan(
            LinkedSession(graph, node, rows[node.id], NO_ROUTING), persons.get(node.id)
        )
        assert resolved.safety is Safety.SAFE
        write(database, resolved)
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    after = listed(version, home)
    assert "orphan" in after
    # Before 0.17.0 no release knows the mark of a delegate.
    assert ("orphan-delegate" in after) is (version < "0.17")


@pytest.mark.parametrize("version", SIX)
def test_a_closed_parent_is_open_again_and_listed(
    version: str, built: Path, tmp_path: Path
) -> None:
    home = copy_home(built, tmp_path / "home")
    database = home / "state.db"
    graph = read_graph(database)
    row = rows_of(database)["closed"]
    write(database, reopen_parent(LinkedSession(graph, graph.nodes["closed"], row, NO_ROUTING)))
    assert "closed" in listed(version, home)
    now = rows_of(database)["closed"]
    assert (now["ended_at"], now["end_reason"]) == (None, None)


@pytest.mark.parametrize("version", SIX)
def test_a_marked_branch_is_listed_by_every_release(
    version: str, built: Path, tmp_path: Path
) -> None:
    home = copy_home(built, tmp_path / "home")
    database = home / "state.db"
    graph = read_graph(database)
    rows = rows_of(database)
    changes: list[Resolution] = [
        mark_branch(
            LinkedSession(graph, graph.nodes["tui-branch"], rows["tui-branch"], NO_ROUTING),
            None,
            copied=True,
        ),
        mark_branch(
            LinkedSession(graph, graph.nodes["after-reset"], rows["after-reset"], NO_ROUTING),
            None,
            copied=False,
        ),
    ]
    assert {"tui-branch", "after-reset"}.isdisjoint(listed("0.15.2", home))
    assert [made.safety for made in changes] == [Safety.SAFE, Safety.UNSAFE]
    for resolved in changes:
        write(database, resolved)
    assert {"tui-branch", "after-reset"} <= listed(version, home)
