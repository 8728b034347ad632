"""The proof that a session is a person's chat."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from hermes_repair.gateway_routing import build_routing
from hermes_repair.lineage.person_proof import (
    MessageCounts,
    PersonFacts,
    counts_from_row,
    person_facts,
    person_proof,
)
from hermes_repair.lineage.queries import facts_query
from hermes_repair.lineage.session_node import DelegateMark, SessionNode
from hermes_repair.program_texts import default_harness
from tests.support import NO_ROUTING

NOTHING = PersonFacts("telegram", DelegateMark.NONE, False, MessageCounts(1))
TALK = replace(NOTHING, counts=MessageCounts(2))
WROTE = "a person wrote 2 different messages in it"
SENT = "its messages have ids of a message platform"
COPIED = f"it copies a chat that is a person's: {WROTE}"


@pytest.mark.parametrize(
    ("facts", "proof"),
    [
        (NOTHING, None),
        (replace(NOTHING, counts=MessageCounts(0)), None),
        (TALK, WROTE),
        (replace(NOTHING, tied=True), "a gateway chat leads to it or did"),
        (
            replace(NOTHING, counts=MessageCounts(1, 1)),
            "its messages have ids of a message platform",
        ),
        (replace(NOTHING, copies=TALK), COPIED),
        (replace(NOTHING, copies=NOTHING), None),
        (replace(NOTHING, copies=replace(NOTHING, copies=TALK)), COPIED),
        (replace(NOTHING, copies=replace(TALK, source="subagent")), None),
        (replace(TALK, mark=DelegateMark.STEP_16), WROTE),
        (replace(NOTHING, mark=DelegateMark.STEP_16), None),
        (replace(TALK, tied=True, mark=DelegateMark.DELEGATE), None),
        (replace(TALK, source="subagent"), None),
        (replace(TALK, source="cron", tied=True), None),
        (replace(TALK, source="tool"), None),
        (replace(TALK, source=None), WROTE),
    ],
)
def test_what_proves_a_person(facts: PersonFacts, proof: str | None) -> None:
    assert person_proof(facts) == proof


def test_facts_come_from_the_row_and_the_routing() -> None:
    node = SessionNode("s", source="cli")
    assert not person_facts(node, MessageCounts(), NO_ROUTING).tied
    assert person_facts(replace(node, session_key="k"), MessageCounts(), NO_ROUTING).tied
    routing = build_routing(b'{"k": {"session_id": "s"}}')
    assert person_facts(node, MessageCounts(), routing).tied


@pytest.mark.parametrize("platform_column", [True, False])
def test_a_delegates_rows_prove_nothing_and_a_persons_do(platform_column: bool) -> None:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    extra = ", platform_message_id TEXT" if platform_column else ""
    connection.execute(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT, "
        f"timestamp REAL{extra})"
    )
    limit = next(one for one in default_harness().openings() if one.startswith("You've reached"))
    rows = [
        # A delegate at its limit: the task, its work, the program's request, its report.
        ("delegate", "user", "find the bug", 1.0),
        ("delegate", "assistant", None, 2.0),
        ("delegate", "tool", "no bug", 3.0),
        ("delegate", "user", limit + " allowed. Please report.", 4.0),
        ("delegate", "assistant", "none", 5.0),
        # The task written twice is still one task.
        ("doubled", "user", "find the bug", 1.0),
        ("doubled", "user", "find the bug", 2.0),
        ("person", "user", "hello", 1.0),
        ("person", "assistant", "hello, you", 2.0),
        ("person", "user", "and now?", 3.0),
        ("person", "user", "  ", 9.0),
        ("person", "user", None, 9.0),
        ("left out", "user", "not asked for", 1.0),
    ]
    connection.executemany(
        "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)", rows
    )
    columns = {row["name"] for row in connection.execute("PRAGMA table_xinfo(messages)")}
    openings = default_harness().openings()
    found = dict(
        counts_from_row(dict(row))
        for row in connection.execute(
            facts_query(columns, openings), (*openings, '["delegate", "doubled", "person", "x"]')
        )
    )
    assert found == {
        "delegate": MessageCounts(1, 0),
        "doubled": MessageCounts(1, 0),
        "person": MessageCounts(2, 0),
    }
    if platform_column:
        connection.execute("UPDATE messages SET platform_message_id = '77' WHERE id = 6")
        row = connection.execute(
            facts_query(columns, openings), (*openings, '["doubled"]')
        ).fetchone()
        assert counts_from_row(dict(row))[1].platform_rows == 1
