"""In which tables a migration may break a reference, and that it is refused where it would."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.model.actions import Action, Ddl, RowDelete, RowUpdate
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.repair.foreign_keys import rewritten, violations
from hermes_repair.store.writer import writing
from tests.homes.populated import populated


def unit(*actions: Action) -> Unit:
    return Unit("migration", "1 -> 2", "a step", actions, Safety.SAFE, False, (), ())


def ddl(sql: str) -> Unit:
    return unit(Ddl(sql, "1 a step"))


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ('ALTER TABLE "messages" ADD COLUMN "active" INTEGER NOT NULL DEFAULT 1', set()),
        ("CREATE INDEX i ON messages(session_id)", set()),
        ("CREATE VIRTUAL TABLE messages_fts USING fts5(content)", set()),
        ("CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM x; END", set()),
        ("CREATE TABLE session_model_usage (\n    session_id TEXT)", {"session_model_usage"}),
        ("INSERT OR IGNORE INTO session_model_usage (a)\nSELECT 1", {"session_model_usage"}),
        ('INSERT INTO "gateway_routing" (a) VALUES (1)', {"gateway_routing"}),
        ("UPDATE messages SET active = 1 WHERE active IS NULL", {"messages"}),
        ("  DELETE FROM schema_version WHERE rowid > 1", {"schema_version"}),
        ('DROP TABLE "session_model_usage_v21"', {"session_model_usage_v21"}),
    ],
)
def test_tables_of_statements(sql: str, tables: set[str]) -> None:
    assert rewritten(ddl(sql)) == tables


def test_tables_of_rows() -> None:
    title = RowUpdate("sessions", {"id": "a"}, {"title": "x"}, {"title": "y"})
    parent = RowUpdate(
        "sessions", {"id": "a"}, {"parent_session_id": "x"}, {"parent_session_id": None}
    )
    assert rewritten(unit(title)) == frozenset()
    assert rewritten(unit(parent)) == {"sessions"}
    assert rewritten(unit(RowDelete("messages", {"id": 1}, {"id": 1}))) == {"messages"}


@pytest.mark.parametrize(
    ("made", "broken", "table"),
    [
        (
            "CREATE TABLE usage (session_id TEXT REFERENCES sessions(id))",
            "INSERT INTO usage VALUES ('nobody')",
            "usage",
        ),
        ("SELECT 1", "UPDATE messages SET session_id = 'nobody' WHERE id = 1", "messages"),
        ("SELECT 1", "DELETE FROM sessions WHERE rowid = 1", "messages"),
    ],
)
def test_a_broken_reference_is_seen(made: str, broken: str, table: str, tmp_path: Path) -> None:
    home = populated(tmp_path / "home", 14)
    step = unit(Ddl(made, "1"), Ddl(broken, "1"))
    with writing(home / "state.db", live=False) as writer:
        assert violations(writer, step) == frozenset()
        writer.execute(made)
        writer.execute(broken)
        assert table in {violation[0] for violation in violations(writer, step)}
