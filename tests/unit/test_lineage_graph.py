"""The graph of sessions: kinds of edges, cycles, missing parents, size."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from hermes_repair.lineage.graph import EdgeKind, Graph, early_children, edge_kind
from hermes_repair.lineage.queries import facts_query, node_query
from hermes_repair.lineage.release_rules import (
    RULES,
    compression_tip,
    picker,
    resume_target,
)
from hermes_repair.lineage.session_node import DelegateMark, SessionNode, node_from_row
from hermes_repair.model.values import RawText
from tests.homes.database import NEVER_FOUND, SHAPES, Unpack

ENDED = SessionNode("p", started_at=1.0, ended_at=5.0, end_reason="compression")
BRANCHED = SessionNode("p", started_at=1.0, ended_at=5.0, end_reason="branched")
OPEN = SessionNode("p", started_at=1.0)
DELEGATE = SessionNode("p", end_reason="compression", delegate_from="boss")


@pytest.mark.parametrize(
    ("parent", "child", "kind"),
    [
        (ENDED, SessionNode("c", parent_id="p", started_at=5.1), EdgeKind.CONTINUATION),
        (ENDED, SessionNode("c", parent_id="p", started_at=4.9), EdgeKind.CONTINUATION),
        (ENDED, SessionNode("c", parent_id="p", source="tool"), EdgeKind.TOOL),
        (ENDED, SessionNode("c", parent_id="p", branched_from="p"), EdgeKind.BRANCH),
        (ENDED, SessionNode("c", parent_id="p", delegate_from="p"), EdgeKind.DELEGATE),
        (DELEGATE, SessionNode("c", parent_id="p", delegate_from="boss"), EdgeKind.CONTINUATION),
        (DELEGATE, SessionNode("c", parent_id="p", delegate_from="p"), EdgeKind.DELEGATE),
        (OPEN, SessionNode("c", parent_id="p", source="subagent"), EdgeKind.DELEGATE),
        (OPEN, SessionNode("c", parent_id="p", source="cron"), EdgeKind.CRON),
        (OPEN, SessionNode("c", parent_id="p"), EdgeKind.UNKNOWN),
        (BRANCHED, SessionNode("c", parent_id="p", started_at=5.0), EdgeKind.BRANCH),
        (BRANCHED, SessionNode("c", parent_id="p", started_at=4.0), EdgeKind.UNKNOWN),
        (BRANCHED, SessionNode("c", parent_id="p"), EdgeKind.UNKNOWN),
    ],
)
def test_the_kind_of_an_edge(parent: SessionNode, child: SessionNode, kind: EdgeKind) -> None:
    assert edge_kind(child, parent) is kind


def test_a_child_from_before_the_end_continues_only_what_it_summarises() -> None:
    """A branch and a delegate of 0.13.0 to 0.16.0 have no mark, and begin while the parent is
    open."""
    nodes = [
        SessionNode("p", started_at=1.0, ended_at=50.0, end_reason="compression"),
        SessionNode("helper", parent_id="p", started_at=9.0),
        SessionNode("timer", parent_id="p", started_at=9.0, source="cron"),
        SessionNode("marked", parent_id="p", started_at=9.0, branched_from="p"),
        SessionNode("moments", parent_id="p", started_at=49.5),
        SessionNode("when", parent_id="p"),
        SessionNode("after", parent_id="p", started_at=50.1),
    ]
    early = early_children({node.id: node for node in nodes})
    assert early == ["helper", "timer"]
    graph = Graph.build(nodes, early={"helper", "timer"})
    assert graph.continuations("p") == ("moments", "when", "after")
    assert graph.kinds["helper"] is EdgeKind.UNKNOWN
    assert graph.kinds["timer"] is EdgeKind.CRON
    assert graph.closed_if_unused("helper"), "Hermes asks only how the parent ended"
    assert not graph.closed_if_unused("p")
    # A continuation of a chat that was opened and compressed again is older than its second end.
    assert Graph.build(nodes).kinds["helper"] is EdgeKind.CONTINUATION


def test_orphans_cycles_and_reviews_are_found() -> None:
    graph = Graph.build(
        [
            SessionNode("self", parent_id="self", started_at=3.0),
            SessionNode("b", parent_id="a", started_at=2.0),
            SessionNode("a", parent_id="c", started_at=1.0),
            SessionNode("c", parent_id="b", started_at=3.0),
            SessionNode("below", parent_id="c"),
            SessionNode("lost", parent_id="gone"),
            ENDED,
            SessionNode("r", parent_id="p"),
            SessionNode("s", parent_id="p"),
        ],
        reviews={"r"},
    )
    assert graph.cycles == (("self",), ("a", "c", "b"))
    assert graph.orphans == ("lost",)
    assert graph.kinds["lost"] is EdgeKind.ORPHAN
    assert graph.kinds["r"] is EdgeKind.REVIEW
    assert graph.continuations("p") == ("r", "s")
    assert graph.forked_parents == ("p",)
    assert graph.ancestors("below") == ("c", "b", "a")
    assert set(graph.family("below")) == {"a", "b", "c", "below"}
    assert graph.ancestors("self") == ()
    for rules in RULES.values():
        for session_id in graph.nodes:
            compression_tip(graph, session_id, rules)
            resume_target(graph, session_id, rules)


def test_a_chain_ends_on_a_cycle_of_continuations() -> None:
    graph = Graph.build(
        [
            SessionNode("a", parent_id="b", ended_at=1.0, end_reason="compression"),
            SessionNode("b", parent_id="a", ended_at=1.0, end_reason="compression"),
        ]
    )
    assert graph.chain("a") == ("a", "b")


def test_a_hundred_thousand_sessions_take_well_under_a_second() -> None:
    nodes = [
        SessionNode(
            f"s{number}",
            parent_id=f"s{number - 1}" if number % 5 else None,
            started_at=float(number),
            ended_at=float(number) if number % 5 != 4 else None,
            end_reason="compression" if number % 5 != 4 else None,
            rows=3,
        )
        for number in range(100_000)
    ]
    start = time.process_time()
    graph = Graph.build(nodes)
    lines = picker(graph, RULES["0.19.0"])
    took = time.process_time() - start
    assert len(lines) == 20_000
    assert lines[0].shown == "s99999"
    assert took < 3.0, f"{took:.2f} s"  # of this process: others may share the machine


def test_step_16_is_told_from_a_delegate_by_who_wrote_the_json() -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE sessions (id TEXT, parent_session_id TEXT, model_config TEXT)")
    connection.execute("CREATE TABLE messages (id INTEGER, session_id TEXT, timestamp REAL)")
    rows = [
        ("tagged", "p", '{"max_iterations": 90, "x": 1.50}'),
        ("tagged-null", "p", None),
        ("orphaned", None, '{"_delegate_from": "__orphaned__"}'),
        ("delegate", "p", '{"max_iterations": 90, "_delegate_from": "p"}'),
        ("none", "p", '{"max_iterations":90}'),
        ("broken", "p", '{"_delegate_from": "p"'),
        ("list", "p", "[1, 2]"),
    ]
    connection.executemany("INSERT INTO sessions VALUES (?, ?, ?)", rows)
    connection.execute(  # what step 16 of 0.17.0 runs, on two of the rows
        "UPDATE sessions SET model_config = json_set(COALESCE(model_config, '{}'), "
        "'$._delegate_from', parent_session_id) WHERE id LIKE 'tagged%'"
    )
    connection.execute("INSERT INTO sessions VALUES (?, 'p', ?)", ("blob", b'{"a":1}'))
    statement = node_query({"id", "parent_session_id", "model_config"}, {"timestamp"})
    nodes = {row["id"]: node_from_row(dict(row)) for row in connection.execute(statement)}
    marks = {name: node.delegate_mark for name, node in nodes.items()}
    assert marks == {
        "tagged": DelegateMark.STEP_16,
        "tagged-null": DelegateMark.STEP_16,
        "orphaned": DelegateMark.STEP_16,
        "delegate": DelegateMark.DELEGATE,
        "none": DelegateMark.NONE,
        "broken": DelegateMark.NONE,
        "list": DelegateMark.NONE,
        "blob": DelegateMark.NONE,
    }
    valid = {name: node.config_valid for name, node in nodes.items()}
    assert valid == {**dict.fromkeys(nodes, True), "broken": False, "blob": False}
    assert nodes["tagged-null"].archived == 0


def test_values_of_a_wrong_type_do_no_harm() -> None:
    row = dict.fromkeys(
        (
            *("source", "parent_session_id", "started_at", "ended_at", "end_reason", "title"),
            *("session_key", "chat_type", "chat_id", "message_count"),
            *("api_call_count", "rewind_count", "archived", "branched_from", "delegate_from"),
            *("row_count", "active_count", "last_message_at"),
        )
    )
    node = node_from_row(
        {
            **row,
            "id": RawText(b"a\xff"),
            "parent_session_id": RawText(b"a\xff"),
            "started_at": "soon",
            "ended_at": float("inf"),
            "title": RawText(b"\xff"),
            "message_count": "many",
            "config_valid": 1,
            "config_minified": None,
        }
    )
    assert (node.started_at, node.ended_at, node.message_count) == (None, None, None)
    assert node.titled and node.title is None
    assert Graph.build([node]).cycles == ((node.id,),)


def test_the_queries_run_on_every_schema_and_read_messages_by_index_only(
    tmp_path: Path, unpack: Unpack
) -> None:
    sessions = 0
    for name in SHAPES.keys() - set(NEVER_FOUND):
        connection = sqlite3.connect(unpack(name, tmp_path / name))
        connection.row_factory = sqlite3.Row
        have = {
            table: {row["name"] for row in connection.execute(f"PRAGMA table_xinfo({table})")}
            for table in ("sessions", "messages")
        }
        statement = node_query(have["sessions"], have["messages"])
        nodes = [node_from_row(dict(row)) for row in connection.execute(statement)]
        assert all(node.id for node in nodes), name
        sessions += len(Graph.build(nodes).nodes)
        plan = " ".join(
            row["detail"] for row in connection.execute("EXPLAIN QUERY PLAN " + statement)
        )
        assert "SCAN m USING COVERING INDEX" in plan, (name, plan)
        found = connection.execute(facts_query(have["messages"], ["x"]), ("x", "[]")).fetchall()
        assert found == []
        connection.close()
    assert sessions > len(SHAPES)
