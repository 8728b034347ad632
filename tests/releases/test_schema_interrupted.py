"""What Hermes leaves when it is killed in the middle of its own migration, and how it is finished.

The real 0.19.0 is killed just before a statement of its step 22 (a SQLite trace ends the process),
then opens the database again as a user would. Hermes strands the rows; the route brings them back.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure_difference import diff
from tests.homes.database import STRUCTURES, build_database, connect, structured
from tests.releases import run_release
from tests.unit.schema_support import (
    check_search,
    interrupted,
    known,
    migrate,
    plan,
    rows_of,
    structure_of,
)

KILLED = """
import os, sqlite3, sys
from pathlib import Path
real = sqlite3.connect
def connect(*args, **kwargs):
    connection = real(*args, **kwargs)
    def trace(sql):
        if " ".join(sql.split()).startswith(sys.argv[2]):
            os._exit(9)
    connection.set_trace_callback(trace)
    return connection
sqlite3.connect = connect
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""
OPEN = """
import sys
from pathlib import Path
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""
USED_SINCE = """
import sys
from pathlib import Path
from hermes_state import SessionDB
db = SessionDB(Path(sys.argv[1]))
row = db._conn.execute("SELECT session_id, model FROM session_model_usage_v21 LIMIT 1").fetchone()
db.update_token_counts(row[0], input_tokens=1000, output_tokens=10, model=row[1], api_call_count=1)
db.update_token_counts(row[0], input_tokens=7, output_tokens=1, model="another", api_call_count=1)
db.close()
"""
MOMENTS = [
    "CREATE TABLE session_model_usage (",
    "INSERT INTO session_model_usage (",
    "DROP TABLE session_model_usage_v21",
]


def killed(fixture: str, moment: str, home: Path, version: str = "0.19.0") -> Path:
    home.mkdir()
    database = build_database(fixture, home / "state.db")
    run_release(version, KILLED, home, str(database), moment, check=False)
    return database


def usage(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute("SELECT session_id, model, input_tokens FROM session_model_usage")
    return {(session, model): tokens for session, model, tokens in rows}


@pytest.mark.parametrize("moment", MOMENTS)
def test_stranded_usage_rows_come_back(moment: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    reference = build_database("v21", whole / "state.db")
    run_release("0.19.0", OPEN, whole, str(reference))
    database = killed("v21", moment, tmp_path / "home")
    run_release("0.19.0", OPEN, tmp_path / "home", str(database))

    connection = connect(database)
    found = recognise(structure_of(connection))
    assert interrupted(found)
    assert [left.table for left in found.leftovers] == ["session_model_usage_v21"]
    stranded = len(usage(connection)) < len(usage(connect(reference)))
    assert stranded == (moment != MOMENTS[2])

    way, _ = plan(connection, 22)
    assert {part.finding for part in way.parts} == {"SC004"}
    migrate(connection, 22)
    assert diff(known(22), structure_of(connection)).lines() == []
    assert rows_of(connection) == rows_of(connect(reference))
    assert plan(connection, 22)[0].parts == ()


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_used_since_is_added_and_nothing_counted_twice(
    moment: str, tmp_path: Path
) -> None:
    database = killed("v21", moment, tmp_path / "home")
    connection = connect(database)
    tables = structure_of(connection).tables
    source = "session_model_usage_v21"
    before = {
        (session, model): tokens
        for session, model, tokens in connection.execute(
            f"SELECT session_id, model, input_tokens FROM {source}"
        )
    }
    assert before and source in tables
    connection.close()
    run_release("0.19.0", USED_SINCE, tmp_path / "home", str(database))

    connection = connect(database)
    first = next(iter(before))
    migrate(connection, 22)
    expected = before | {first: before[first] + 1000, (first[0], "another"): 7}
    assert usage(connection) == expected
    assert diff(known(22), structure_of(connection)).lines() == []


def test_first_shape_of_schema_20_which_the_release_crashes_on(tmp_path: Path) -> None:
    straight = connect(build_database("v20first", tmp_path / "straight.db"))
    before = usage(straight)
    assert before
    migrate(straight, 22)
    assert usage(straight) == before

    home = tmp_path / "home"
    home.mkdir()
    database = build_database("v20first", home / "state.db")
    for _ in range(2):
        run_release("0.19.0", OPEN, home, str(database), check=False)
    connection = connect(database)
    assert usage(connection) == {}  # this is how Hermes leaves it
    migrate(connection, 22)
    assert usage(connection) == before
    assert diff(known(22), structure_of(connection)).lines() == []
    # billing_base_url was NULL and is '' now, as every later release writes it
    column = "SELECT DISTINCT billing_base_url FROM session_model_usage"
    assert connection.execute(column).fetchall() == [("",)]


@pytest.mark.parametrize("version", ["0.13.0", "0.19.0"])
@pytest.mark.parametrize(
    "moment",
    ["CREATE VIRTUAL TABLE", "INSERT INTO messages_fts(", "INSERT INTO messages_fts_trigram("],
)
def test_search_tables_half_made(version: str, moment: str, tmp_path: Path) -> None:
    database = killed("v10", moment, tmp_path / "home", version)
    connection = connect(database)
    number = recognise(structure_of(connection)).number
    assert number < 11
    migrate(connection, 22)
    check_search(connection)
    ids = [row[0] for row in connection.execute("SELECT id FROM messages ORDER BY id")]
    for table in ("messages_fts", "messages_fts_trigram"):
        found = connection.execute(f"SELECT id FROM {table}_docsize ORDER BY id").fetchall()
        assert [row[0] for row in found] == ids
    assert diff(known(22), structure_of(connection)).lines() == []


def test_a_lost_version_row_and_what_the_release_makes_of_it(tmp_path: Path) -> None:
    """0.19.0 takes such a schema 6 database for new and keeps its search table of schema 1."""
    home = tmp_path / "home"
    home.mkdir()
    database = build_database("v6", home / "state.db")
    connection = connect(database)
    connection.execute("DELETE FROM schema_version")
    connection.close()
    run_release("0.19.0", OPEN, home, str(database))
    connection = connect(database)
    found = recognise(structure_of(connection))
    assert (found.number, found.search.layout, found.search.outdated) == (22, None, True)
    assert interrupted(found)
    migrate(connection, 22)
    assert diff(known(22), structure_of(connection)).lines() == []
    check_search(connection)


TOPICS = """
INSERT INTO sessions (id, source, started_at) VALUES ('a', 'telegram', 1.0), ('b', 'telegram', 2.0);
"""
BINDING = "('c{0}', 't{0}', 'u', 'k{0}', '{1}', 'auto', 1.0, 1.0)"


def topics(*statements: str) -> sqlite3.Connection:
    """Make schema 14 with the Telegram tables as they were before their rebuild (2026-05-04)."""
    connection = structured("14", version=14)
    side = (STRUCTURES / "side.sql").read_text(encoding="utf-8")
    connection.executescript(side.replace(" ON DELETE CASCADE", "") + TOPICS)
    for sql in statements:
        connection.execute(sql)
    return connection


COPY = (
    "CREATE TABLE telegram_dm_topic_bindings_new (chat_id TEXT NOT NULL, thread_id TEXT NOT NULL,"
    " user_id TEXT NOT NULL, session_key TEXT NOT NULL, session_id TEXT NOT NULL"
    " REFERENCES sessions(id) ON DELETE CASCADE, managed_mode TEXT NOT NULL DEFAULT 'auto',"
    " linked_at REAL NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY (chat_id, thread_id))"
)
OLD = "telegram_dm_topic_bindings"


@pytest.mark.parametrize(
    "statements",
    [
        [f"INSERT INTO {OLD} VALUES {BINDING.format(1, 'a')}, {BINDING.format(2, 'b')}", COPY],
        [f"INSERT INTO {OLD} VALUES {BINDING.format(1, 'a')}, {BINDING.format(2, 'b')}", COPY,
         f"INSERT INTO {OLD}_new SELECT * FROM {OLD}"],
        [COPY, f"INSERT INTO {OLD}_new VALUES {BINDING.format(1, 'a')}, {BINDING.format(2, 'b')}",
         f"DROP TABLE {OLD}"],
        [COPY, f"INSERT INTO {OLD}_new VALUES {BINDING.format(1, 'a')}",
         f"INSERT INTO {OLD} VALUES {BINDING.format(2, 'b')}"],
    ],
)  # fmt: skip
def test_topic_bindings_of_a_stopped_rebuild(statements: list[str]) -> None:
    connection = topics(*statements)
    assert interrupted(recognise(structure_of(connection)))
    migrate(connection, 14)
    rows = connection.execute(f"SELECT chat_id, session_id FROM {OLD} ORDER BY 1").fetchall()
    assert rows == [("c1", "a"), ("c2", "b")]
    side = structured("14")
    side.executescript((STRUCTURES / "side.sql").read_text(encoding="utf-8"))
    assert diff(structure_of(side), structure_of(connection)).lines() == []


def test_topic_bindings_without_a_stopped_rebuild_are_left_alone() -> None:
    connection = topics(f"INSERT INTO {OLD} VALUES {BINDING.format(1, 'a')}")
    before = structure_of(connection).tables[OLD]
    migrate(connection, 22)
    assert structure_of(connection).tables[OLD] == before


def test_routing_of_the_first_builds_of_19_gets_its_scope() -> None:
    connection = connect(":memory:")
    script = (STRUCTURES / "19.sql").read_text(encoding="utf-8")
    script = script.replace("    scope TEXT NOT NULL DEFAULT '',\n", "")
    script = script.replace("PRIMARY KEY (scope, session_key)", "PRIMARY KEY (session_key)")
    connection.executescript(script)
    connection.execute("INSERT INTO schema_version VALUES (19)")
    connection.execute("INSERT INTO gateway_routing VALUES ('k', '{}', 1.5)")
    found = recognise(structure_of(connection))
    assert found.wrong_keys == ("gateway_routing",)
    migrate(connection, 19)
    assert diff(known(19), structure_of(connection)).lines() == []
    rows = connection.execute("SELECT * FROM gateway_routing").fetchall()
    assert rows == [("", "k", "{}", 1.5)]


def test_a_copy_of_the_file_is_enough_to_try(tmp_path: Path) -> None:
    """The route is values only: the same structure gives the same statements again."""
    path = build_database("v21", tmp_path / "a.db")
    shutil.copy(path, tmp_path / "b.db")
    first, second = (plan(connect(tmp_path / name), 22)[0] for name in ("a.db", "b.db"))
    assert first == second
