"""The way to a number: complete, in one transaction, and empty where nothing is to be done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hermes_repair.model.actions import Ddl, RowUpdate
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.route import message_bounds, route
from hermes_repair.schema.route_parts import RouteFacts
from hermes_repair.schema.route_preview import preview
from hermes_repair.schema.structure_difference import diff
from tests.homes.database import (
    LATER_FIXTURES,
    OLD_FIXTURES,
    build_database,
    connect,
    structured,
)
from tests.unit.schema_support import (
    answers,
    apply,
    asking,
    check_search,
    known,
    migrate,
    plan,
    rows_of,
    structure_of,
)

TARGETS = [n for n in default_catalogue().known_numbers() if n <= 22]


WAYS = [
    (fixture, target)
    for fixture, start in OLD_FIXTURES.items()
    for target in TARGETS
    if target >= start
]


@pytest.mark.parametrize(("fixture", "target"), WAYS)
def test_every_start_reaches_every_later_number(fixture: str, target: int, tmp_path: Path) -> None:
    connection = connect(build_database(fixture, tmp_path / "state.db"))
    before = rows_of(connection)
    migrate(connection, target)
    after = rows_of(connection)
    found = diff(known(target), structure_of(connection))
    if fixture == "v7alt" and target == 7:
        assert found.lines() == ["extra: column sessions.api_call_count"]
    else:
        assert found.lines() == []
    assert connection.execute("SELECT version FROM schema_version").fetchall() == [(target,)]
    assert len(after["messages"]) == len(before["messages"])
    assert len(after["sessions"]) == len(before["sessions"])
    assert after["sqlite_sequence"] == before["sqlite_sequence"]
    check_search(connection)
    assert route(structure_of(connection), target, RouteFacts()).parts == ()


def test_the_way_from_13_to_14_is_small_and_additive(tmp_path: Path) -> None:
    connection = connect(build_database("v13", tmp_path / "state.db"))
    way, _ = plan(connection, 14)
    texts = [action.sql for action in way.actions if isinstance(action, Ddl)]
    assert [text.split("(")[0].strip() for text in texts] == [
        "CREATE TABLE compression_locks",
        'ALTER TABLE "sessions" ADD COLUMN "cwd" TEXT',
        'ALTER TABLE "sessions" ADD COLUMN "rewind_count" INTEGER NOT NULL DEFAULT 0',
        'ALTER TABLE "sessions" ADD COLUMN "archived" INTEGER NOT NULL DEFAULT 0',
        'ALTER TABLE "messages" ADD COLUMN "active" INTEGER NOT NULL DEFAULT 1',
        "CREATE INDEX idx_compression_locks_expires ON compression_locks",
        "CREATE INDEX idx_messages_session_active ON messages",
    ]
    assert way.actions[-1] == RowUpdate(
        "schema_version", {"rowid": 1}, {"version": 13}, {"version": 14}
    )
    assert all(part.finding is None for part in way.parts)


def test_a_failure_in_the_middle_leaves_everything_as_it_was(tmp_path: Path) -> None:
    connection = connect(build_database("v1", tmp_path / "state.db"))
    before = rows_of(connection)
    way, _ = plan(connection, 22)
    for most in range(0, len(way.actions), 7):
        broken = [*way.actions[:most], Ddl("SELECT nothing_such()", "x")]
        with pytest.raises(sqlite3.OperationalError):
            apply(connection, broken)
        connection.execute("ROLLBACK")
    assert rows_of(connection) == before
    assert diff(known(1), structure_of(connection)).lines() == []
    apply(connection, way.actions)
    assert diff(known(22), structure_of(connection)).lines() == []


@pytest.mark.parametrize("target", [0, 3, 23, 30, 99])
def test_numbers_that_are_no_targets(target: int) -> None:
    with pytest.raises(UsageError):
        route(structure_of(structured("13", version=13)), target, RouteFacts())


@pytest.mark.parametrize("fixture", LATER_FIXTURES)
def test_later_schemas_are_left_to_hermes(fixture: str, tmp_path: Path) -> None:
    structure = structure_of(connect(build_database(fixture, tmp_path / "state.db")))
    for target in (14, 22):
        with pytest.raises(Refused, match="Hermes' own code"):
            route(structure, target, RouteFacts())


def test_no_way_back_and_no_way_from_nothing() -> None:
    with pytest.raises(Refused, match="cannot go back"):
        route(structure_of(structured("14", version=14)), 13, RouteFacts())
    with pytest.raises(Refused, match="nothing to migrate"):
        route(structure_of(connect(":memory:")), 14, RouteFacts())


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE async_delegations (x)", "INSERT INTO async_delegations VALUES (1)"],
        ["CREATE TABLE compression_locks (session_id TEXT, holder TEXT, acquired_at REAL,"
         " expires_at REAL)", "INSERT INTO compression_locks VALUES ('a', 'b', 1, 2), "
         "('a', 'c', 3, 4)"],
        ["CREATE TABLE gateway_routing (scope TEXT, session_key TEXT, updated_at REAL,"
         " PRIMARY KEY(scope, session_key))"],
        ["CREATE VIEW gateway_routing AS SELECT 1"],
        ["CREATE VIRTUAL TABLE compression_locks USING fts5(a)"],
        ["DROP TABLE messages_fts", "CREATE TABLE messages_fts (a)"],
    ],
)  # fmt: skip
def test_a_table_that_hermes_did_not_make_is_refused_not_broken(statements: list[str]) -> None:
    connection = structured("13", *statements, version=13)
    with pytest.raises(Refused, match="Hermes did not create it"):
        plan(connection, 22)


@pytest.mark.parametrize(
    ("statements", "rows"),
    [
        (["CREATE TABLE async_delegations (x)"], {"async_delegations": []}),
        (
            ["DROP TABLE schema_version",
             "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at REAL)",
             "INSERT INTO schema_version VALUES (11, 1.5), (13, 2.5)"],
            {"schema_version": [(22, 1.5)]},
        ),
        (
            ["DROP TABLE state_meta",
             "CREATE TABLE state_meta (key TEXT, value TEXT, note TEXT NOT NULL, PRIMARY KEY (key,"
             " note)) WITHOUT ROWID",
             "INSERT INTO state_meta VALUES ('a', 'one', 'mine')"],
            {"state_meta": [("a", "one", "mine")]},
        ),
    ],
)  # fmt: skip
def test_a_side_table_of_another_shape_is_made_anew_with_every_value(
    statements: list[str], rows: dict[str, list[tuple[object, ...]]]
) -> None:
    connection = structured("13", *statements, version=None)
    way, _ = plan(connection, 22)
    assert way.kept == ()
    apply(connection, way.actions)
    assert diff(known(22), structure_of(connection)).changed == ()
    for table, wanted in rows.items():
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == wanted


def test_columns_that_are_ahead_are_skipped_and_missing_ones_come() -> None:
    connection = structured(
        "11", "ALTER TABLE messages ADD COLUMN observed INTEGER DEFAULT 0", version=13
    )
    way, _ = plan(connection, 14)
    assert {part.what: part.finding for part in way.parts[:2]} == {
        "column messages.platform_message_id": "SC002",
        "index idx_messages_platform_msg_id": "SC006",
    }
    apply(connection, way.actions)
    assert diff(known(14), structure_of(connection)).lines() == []


def test_extra_columns_and_tables_stay(tmp_path: Path) -> None:
    connection = structured(
        "13",
        "ALTER TABLE sessions ADD COLUMN icon TEXT",
        "CREATE TABLE notes (a)",
        "INSERT INTO notes VALUES ('kept')",
        "INSERT INTO sessions (id, source, started_at, icon) VALUES ('s', 'cli', 1.0, 'x')",
        version=13,
    )
    migrate(connection, 22)
    assert diff(known(22), structure_of(connection)).lines() == [
        "extra: column notes.a",
        "extra: column sessions.icon",
        "extra: table notes",
    ]
    assert connection.execute("SELECT icon FROM sessions").fetchall() == [("x",)]
    assert connection.execute("SELECT a FROM notes").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE schema_version"],
        [],
        ["INSERT INTO schema_version VALUES (6), (99)"],
        ["INSERT INTO schema_version VALUES (99), (6)"],
        ["INSERT INTO schema_version VALUES ('six')"],
        ["INSERT INTO schema_version VALUES (6.5)"],
    ],
)
def test_version_rows_are_put_right(statements: list[str]) -> None:
    connection = structured("13", *statements)
    way, _ = plan(connection, 14)
    last = way.parts[-1]
    assert last.finding == "SC005"
    apply(connection, way.actions)
    assert connection.execute("SELECT version FROM schema_version").fetchall() == [(14,)]
    assert diff(known(14), structure_of(connection)).lines() == []


def test_indexes_that_are_missing_or_wrong_come_back() -> None:
    connection = structured(
        "14",
        "DROP INDEX idx_messages_session",
        "DROP INDEX idx_sessions_source",
        "CREATE INDEX idx_sessions_source ON sessions(source, title)",
        version=14,
    )
    way, _ = plan(connection, 14)
    assert [part.finding for part in way.parts] == ["SC006", "SC006"]
    apply(connection, way.actions)
    assert diff(known(14), structure_of(connection)).lines() == []


def test_null_active_flags_become_active() -> None:
    connection = structured(
        "13",
        "ALTER TABLE messages ADD COLUMN active INTEGER",
        "INSERT INTO sessions (id, source, started_at) VALUES ('s', 'cli', 1.0)",
        "INSERT INTO messages (session_id, role, timestamp, active) VALUES"
        " ('s', 'user', 1.0, NULL), ('s', 'user', 2.0, 0)",
        version=13,
    )
    way, _ = plan(connection, 14)
    part = next(part for part in way.parts if part.finding == "SC007")
    assert connection.execute(part.count).fetchone() == (1,)
    apply(connection, way.actions)
    flags = connection.execute("SELECT active FROM messages ORDER BY id").fetchall()
    assert flags == [(1,), (0,)]
    assert plan(connection, 14)[0].parts == ()
    assert diff(known(14), structure_of(connection)).lines() == [
        "differs: column messages.active: expected INTEGER NOT NULL DEFAULT 1; found INTEGER"
    ]


def test_search_is_made_anew_where_a_trigger_is_missing() -> None:
    connection = structured(
        "13",
        "INSERT INTO sessions (id, source, started_at) VALUES ('s', 'cli', 1.0)",
        "DROP TRIGGER messages_fts_insert",
        "INSERT INTO messages (session_id, role, timestamp, content) VALUES"
        " ('s', 'user', 1.0, 'passed by the index')",
        version=13,
    )
    assert answers(connection, ["passed"]) == {
        "messages_fts passed": [],
        "messages_fts_trigram passed": [1],
    }
    way, _ = plan(connection, 13)
    assert [(part.what, part.finding) for part in way.parts] == [
        ("search table messages_fts rebuilt", "FT001")
    ]
    apply(connection, way.actions)
    assert answers(connection, ["passed"])["messages_fts passed"] == [1]


def test_shadow_tables_without_their_owner_are_no_obstacle() -> None:
    connection = structured(
        "13",
        "DROP TABLE messages_fts",
        "CREATE TABLE messages_fts_data (id INTEGER PRIMARY KEY, block BLOB)",
        version=13,
    )
    migrate(connection, 14)
    assert diff(known(14), structure_of(connection)).lines() == []
    check_search(connection)


def test_the_filling_is_cut_so_that_each_row_comes_once() -> None:
    connection = structured("10", version=10)
    connection.execute("INSERT INTO sessions (id, source, started_at) VALUES ('s', 'cli', 1.0)")
    ids = [-(2**63), -5, 0, 1, 2, 3, 7, 100, 101, 5000, 2**63 - 1]
    connection.executemany(
        "INSERT INTO messages (id, session_id, role, timestamp, content)"
        " VALUES (?, 's', 'user', 1.0, 'same')",
        [(number,) for number in ids],
    )
    bounds = message_bounds(asking(connection), 3)
    assert bounds == (0, 3, 101)
    structure = structure_of(connection)
    way = route(structure, 11, RouteFacts(message_bounds=bounds))
    apply(connection, way.actions)
    assert answers(connection, ["same"]) == {
        "messages_fts same": ids,
        "messages_fts_trigram same": ids,
    }
    check_search(connection)


def test_preview_shows_statements_and_counts_but_no_values() -> None:
    connection = structured("01", version=1)
    connection.executemany(
        "INSERT INTO sessions (id, source, started_at, input_tokens) VALUES (?, 'cli', 1.0, ?)",
        [("a", 5), ("b", 0), ("c", None)],
    )
    structure = structure_of(connection)
    way = route(structure, 22, RouteFacts(message_bounds=tuple(range(10, 100, 10))))
    shown = {part.what: part for part in preview(way)}
    usage = shown["one usage row per session with tokens"]
    assert connection.execute(usage.count).fetchone() == (1,)
    search = shown["search table messages_fts rebuilt"]
    assert ("BETWEEN ? AND ?" in search.statements[10][0], search.statements[10][1]) == (True, 10)
    for part in shown.values():
        if part.count:
            connection.execute(part.count).fetchone()
    assert shown["the number becomes 22"].statements == (
        ('UPDATE "schema_version" SET version = ? WHERE rowid = ?', 1),
    )


def test_titles_that_are_shared_are_told_apart_before_the_index_comes() -> None:
    connection = structured(
        "13",
        "DROP INDEX idx_sessions_title_unique",
        "INSERT INTO sessions (id, source, started_at, title) VALUES"
        " ('a', 'cli', 1777000000.0, 'Plans'), ('b', 'cli', 1778000000.0, 'Plans'),"
        " ('c', 'cli', 1779000000.0, 'Plans'), ('d', 'cli', 1.0, NULL), ('e', 'cli', 1.0, NULL)",
        version=13,
    )
    way, _ = plan(connection, 14)
    titles = next(part for part in way.parts if part.what == "titles that sessions share")
    assert titles.finding == "SC006"
    apply(connection, way.actions)
    assert connection.execute("SELECT id, title FROM sessions").fetchall() == [
        ("a", "Plans (older, 2026-04-24)"),
        ("b", "Plans (older, 2026-05-05)"),
        ("c", "Plans"),
        ("d", None),
        ("e", None),
    ]
    assert not recognise(structure_of(connection)).indexes_missing
