"""Rows of a leftover table that have no place where they belong: counted, said, never dropped."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.schema.catalogue import default_catalogue
from tests.command import run
from tests.homes.content import content
from tests.homes.home import of_schema, opened

USAGE = "session_model_usage"
LEGACY = f"{USAGE}_v21"
BINDINGS = "telegram_dm_topic_bindings"


def execute(home: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on the database at rest and return the rows of the last."""
    with opened(home) as db:
        rows = [db.execute(sql).fetchall() for sql in statements]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows[-1]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home of schema 22 with the sessions s1 and s2 and nothing counted."""
    home = of_schema("0.19.0", tmp_path / "home")
    session = "INSERT OR IGNORE INTO sessions (id, source, started_at) VALUES ('{}', 'cli', 1.0)"
    execute(home, f"DELETE FROM {USAGE}", session.format("s1"), session.format("s2"))
    return home


def legacy(*rows: str) -> list[str]:
    """Return the statements that make the usage table as it was before, with these rows."""
    (sql,) = [
        item.sql
        for step in default_catalogue().steps.values()
        for item in step.objects
        if item.kind == "table" and item.name == USAGE
    ][-1:]
    made = sql.replace(f"CREATE TABLE {USAGE}", f"CREATE TABLE {LEGACY}", 1)
    made = made.replace("billing_mode, task)", "billing_mode)")
    made = "\n".join(line for line in made.splitlines() if not line.strip().startswith("task "))
    columns = "(session_id, model, input_tokens, first_seen)"
    return [made, *(f"INSERT INTO {LEGACY} {columns} VALUES {row}" for row in rows)]


def select(home: Path, *words: str) -> tuple[int, str]:
    done = run("repair", "--select", "SC004", *words, home=home)
    return done.code, done.out + done.err


def test_usage_of_a_session_that_is_gone_is_counted_and_in_the_backup(home: Path) -> None:
    execute(home, *legacy("('s1', 'm', 5, 1.0)", "('gone', 'm', 7, 1.0)"))
    before = content(home)
    said = "Not moved, but kept in the backup: 1 row of a session that is gone"
    found = run("doctor", "--json", "--select", "SC004", home=home).document["findings"]
    assert [(f["repair"], said in f["message"]) for f in found] == [("safe", True)]
    code, out = select(home, "--dry-run")
    assert code == 0 and said in out
    (shown,) = [
        part
        for part in run("migrate", "--to", "22", "--dry-run", "--json", home=home).document["plan"][
            "actions"
        ]
        if part["what"].startswith(f"table {LEGACY} removed")
    ]
    assert shown["rows"] == 1
    assert select(home, "--yes")[0] == 0
    assert execute(home, f"SELECT session_id, input_tokens FROM {USAGE}") == [("s1", 5)]
    (backup,) = (home / "hermes-repair" / "backups").glob("*/state.db")
    with closing(sqlite3.connect(f"file:{backup}?immutable=1", uri=True)) as db:
        kept = db.execute(f"SELECT input_tokens FROM {LEGACY} WHERE session_id = 'gone'")
        assert kept.fetchall() == [(7,)]
    assert run("undo", "--yes", home=home).code == 0
    assert content(home) == before


def test_counters_without_a_time_on_both_sides_are_added(home: Path) -> None:
    owner = f"INSERT INTO {USAGE} (session_id, model, input_tokens, first_seen) VALUES "
    execute(home, *legacy("('s1', 'm', 5, NULL)"), f"{owner} ('s1', 'm', 40, NULL)")
    assert select(home, "--yes")[0] == 0
    assert execute(home, f"SELECT input_tokens FROM {USAGE}") == [(45,)]


def test_counters_that_had_been_copied_are_not_added_again(home: Path) -> None:
    """One statement copies all rows: one that was surely copied proves the other."""
    owner = f"INSERT INTO {USAGE} (session_id, model, input_tokens, first_seen) VALUES "
    rows = legacy("('s1', 'm', 5, NULL)", "('s2', 'm', 6, 3.0)")
    execute(home, *rows, f"{owner} ('s1', 'm', 9, NULL)", f"{owner} ('s2', 'm', 8, 3.0)")
    assert select(home, "--yes")[0] == 0
    assert execute(home, f"SELECT input_tokens FROM {USAGE} ORDER BY 1") == [(8,), (9,)]


def test_rows_that_have_one_key_now_are_added_up(home: Path) -> None:
    """In the first builds a billing address could be NULL, which is '' now."""
    made, *_ = legacy()
    made = made.replace("billing_base_url TEXT NOT NULL", "billing_base_url TEXT")
    row = f"INSERT INTO {LEGACY} (session_id, model, billing_base_url, input_tokens) VALUES "
    execute(home, made, f"{row} ('s1', 'm', NULL, 5)", f"{row} ('s1', 'm', '', 6)")
    assert select(home, "--yes")[0] == 0
    assert execute(home, f"SELECT billing_base_url, input_tokens FROM {USAGE}") == [("", 11)]


def binding(table: str, chat: str, session: str, updated: float) -> str:
    values = f"('{chat}', 't', 'u', 'k', '{session}', 'auto', 1.0, {updated})"
    return f"INSERT INTO {table} VALUES {values}"


def bindings() -> list[str]:
    """Return the statements that make the tables of a rebuild that was cut off."""
    items = {item.name: item.sql for item in default_catalogue().side_objects}
    copy = items[BINDINGS].replace(f"CREATE TABLE {BINDINGS}", f"CREATE TABLE {BINDINGS}_new", 1)
    return [items[BINDINGS], items[f"idx_{BINDINGS}_session"], copy]


@pytest.mark.parametrize("updated", [1.0, 9.0])
def test_two_topics_of_one_session_are_a_judgement(updated: float, home: Path) -> None:
    """It failed with a UNIQUE constraint on every run, and was called safe for ever."""
    rows = [
        binding(BINDINGS, "here", "s1", 5.0),
        binding(f"{BINDINGS}_new", "there", "s1", updated),
    ]
    execute(home, f"DROP TABLE IF EXISTS {BINDINGS}", *bindings(), *rows)
    before = content(home)
    found = run("doctor", "--json", "--select", "SC004", home=home).document["findings"]
    assert [f["repair"] for f in found] == ["unsafe"]
    assert "1 row whose place another row takes" in found[0]["message"]
    assert select(home, "--yes")[0] == 0
    assert content(home) == before, "nothing is done, and nothing is tried again and again"
    assert not list((home / "hermes-repair").glob("receipts/*"))
    assert select(home, "--yes", "--unsafe")[0] == 0
    assert execute(home, f"SELECT chat_id, session_id FROM {BINDINGS}") == [("here", "s1")]
    assert run("doctor", "--json", "--select", "SC004", home=home).document["findings"] == []
    assert run("undo", "--yes", home=home).code == 0
    assert content(home) == before


@pytest.mark.parametrize(("updated", "repair"), [(1.0, "safe"), (9.0, "unsafe")])
def test_of_two_rows_of_one_topic_the_newer_counts(updated: float, repair: str, home: Path) -> None:
    rows = [binding(BINDINGS, "one", "s1", 5.0), binding(f"{BINDINGS}_new", "one", "s2", updated)]
    execute(home, f"DROP TABLE IF EXISTS {BINDINGS}", *bindings(), *rows)
    found = run("doctor", "--json", "--select", "SC004", home=home).document["findings"]
    assert [f["repair"] for f in found] == [repair]
    words = "older than what is there" if repair == "safe" else "whose place another row takes"
    assert f"1 row {words}" in found[0]["message"]
    code, out = select(home, "--yes", "--unsafe")
    assert code == 0, out
    assert execute(home, f"SELECT session_id FROM {BINDINGS}") == [("s1",)]
