"""Where rows may be written, and that what is allowed leaves the search index sound."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.model.values import Row, Value
from hermes_repair.schema.allowed_writes import AllowedWrites, allowed_writes
from hermes_repair.schema.recognise import recognise
from tests.homes.database import (
    LATER_FIXTURES,
    OLD_FIXTURES,
    Unpack,
    columns_of,
    connect,
    structured,
)
from tests.unit.schema_support import check_search, structure_of

KEY: Row = {"id": "s"}


def session(before: dict[str, Value], after: dict[str, Value]) -> RowUpdate:
    return RowUpdate("sessions", KEY, before, after)


LOCK = RowDelete("compression_locks", {"session_id": "s"}, {"session_id": "s"})
COOLDOWN = session(
    {"compression_failure_cooldown_until": 1.0}, {"compression_failure_cooldown_until": None}
)
LINK = session({"parent_session_id": "p"}, {"parent_session_id": None})
SOURCE = session({"source": "cli"}, {"source": "cron"})
BRANCHED = session({"model_config": "{}"}, {"model_config": '{"_branched_from": "p"}'})
SAME_MARK = session(
    {"model_config": '{"_delegate_from": "p"}'},
    {"model_config": '{"x": 1, "_delegate_from": "p"}'},
)
UNMARK = session({"model_config": '{"_delegate_from": "p"}'}, {"model_config": "{}"})
SALVAGE = session({"model_config": "{torn"}, {"model_config": '{"_delegate_from": "p"}'})
FIRST_WINS = session(
    {"model_config": '{"_delegate_from": "a", "_delegate_from": "b"}'},
    {"model_config": '{"_delegate_from": "b"}'},
)
NEW_SESSION = RowInsert("sessions", KEY, {"id": "s"})
MESSAGE = RowInsert("messages", {"id": 1}, {"id": 1})
MOVE = RowMove("messages", 1, 2, "digest", ("content",))
REMOVE = RowDelete("messages", {"id": 1}, {"id": 1})
HIDE = RowUpdate("messages", {"id": 1}, {"active": 1}, {"active": 0})
RENUMBER = RowUpdate("messages", {"id": 1}, {"id": 1}, {"id": 2})
ROUTE = RowDelete("gateway_routing", {"session_key": "k"}, {"session_key": "k"})
STATEMENT = Ddl("SELECT 1", "x")
REFILL = IndexRefill("messages_fts", ())
COPY = FileCopy("a", "b", 1, "c")

LOCKS_ONLY = {"LOCK", "COOLDOWN", "COPY"}
SESSIONS_TOO = LOCKS_ONLY | {"LINK", "BRANCHED", "SAME_MARK"}
SEARCH = {"REFILL"}
MESSAGES_TOO = SESSIONS_TOO | SEARCH | {"NEW_SESSION", "MESSAGE", "MOVE", "REMOVE", "HIDE"}
WRITTEN = [*(name for name, number in OLD_FIXTURES.items() if number >= 11), *LATER_FIXTURES]
NAMES = [
    "LOCK", "COOLDOWN", "LINK", "SOURCE", "BRANCHED", "SAME_MARK", "UNMARK", "SALVAGE",
    "FIRST_WINS", "NEW_SESSION", "MESSAGE", "MOVE", "REMOVE", "HIDE", "RENUMBER", "ROUTE",
    "STATEMENT", "REFILL", "COPY",
]  # fmt: skip


def allowed_names(allowed: AllowedWrites) -> set[str]:
    actions: dict[str, Action] = {name: globals()[name] for name in NAMES}
    return {name for name, action in actions.items() if not allowed.refusal(action)}


def judged(connection: sqlite3.Connection) -> AllowedWrites:
    structure = structure_of(connection)
    return allowed_writes(recognise(structure), structure)


@pytest.mark.parametrize(("fixture", "number"), OLD_FIXTURES.items())
def test_old_schemas(fixture: str, number: int, tmp_path: Path, unpack: Unpack) -> None:
    allowed = judged(connect(unpack(fixture, tmp_path / "state.db")))
    assert allowed_names(allowed) == (set(NAMES) if number >= 11 else {"COPY"})
    assert ("migrate it first" in allowed.reason) == (number < 11)


@pytest.mark.parametrize("fixture", LATER_FIXTURES)
def test_later_schemas_as_releases_make_them(fixture: str, tmp_path: Path, unpack: Unpack) -> None:
    connection = connect(unpack(fixture, tmp_path / "state.db"))
    assert allowed_names(judged(connection)) == MESSAGES_TOO


@pytest.mark.parametrize(
    ("name", "version", "statements", "words"),
    [
        ("25", 25, ["DROP TRIGGER messages_fts_update"], "search index"),
        ("25", 25, ["DROP VIEW messages_fts_trigram_src"], "search index"),
        ("25", 25, ["INSERT INTO state_meta VALUES ('fts_rebuild_progress', '5')"], "unfinished"),
        ("25", 25, ["INSERT INTO state_meta VALUES ('fts_stale', '1')"], "unfinished"),
        ("25", 25, ["CREATE TRIGGER messages_fts_cjk_insert AFTER INSERT ON messages BEGIN"
                    " SELECT 1; END"], "cjk"),
        ("25", 25, ["ALTER TABLE messages ADD COLUMN mood TEXT"], "messages and sessions tables"),
        ("25", 26, ["ALTER TABLE sessions ADD COLUMN git_metadata_generation INTEGER"],
         "unknown"),
        ("30", 29, [], "unknown"),
        ("30", 30, ["DROP TRIGGER messages_display_order_insert"], "triggers"),
        ("22", 27, [], "unknown"),
    ],
)  # fmt: skip
def test_doubts_about_a_later_schema_keep_messages_out(
    name: str, version: int, statements: list[str], words: str
) -> None:
    allowed = judged(structured(name, *statements, version=version))
    assert allowed_names(allowed) == SESSIONS_TOO | (SEARCH if words != "cjk" else set())
    assert words in allowed.reason


@pytest.mark.parametrize(
    ("name", "version", "table", "lost"),
    [
        ("22", 22, "messages", {"MESSAGE", "MOVE", "REMOVE", "HIDE", "RENUMBER"}),
        ("22", 22, "sessions", {"COOLDOWN", "LINK", "SOURCE", "BRANCHED", "SAME_MARK", "UNMARK",
                                "SALVAGE", "FIRST_WINS", "NEW_SESSION"}),
        ("22", 22, "gateway_routing", {"ROUTE"}),
        ("22", 22, "compression_locks", {"LOCK"}),
        ("25", 25, "sessions", {"COOLDOWN", "LINK", "BRANCHED", "SAME_MARK"}),
        # Whose it is cannot be told there; it stands in the way of what it fires on.
        ("30", 31, "sessions", set()),
    ],
)  # fmt: skip
def test_a_trigger_of_no_release_keeps_its_table_from_being_written(
    name: str, version: int, table: str, lost: set[str]
) -> None:
    without = allowed_names(judged(structured(name, version=version)))
    trigger = f"CREATE TRIGGER other AFTER DELETE ON {table} BEGIN SELECT 1; END"
    allowed = judged(structured(name, trigger, version=version))
    structural = {"STATEMENT", "REFILL"}
    messages = {"NEW_SESSION", "MESSAGE", "MOVE", "REMOVE", "HIDE"} if version == 25 else set()
    assert allowed_names(allowed) == without - lost - structural - messages
    (foreign_object,) = allowed.foreign_objects
    assert foreign_object.tables == (table,) and foreign_object.events == {"delete"}


@pytest.mark.parametrize(
    ("name", "version", "statements"),
    [
        ("23", 23, ["INSERT INTO state_meta VALUES ('fts_storage_version', '1')"]),
        ("25-upgraded", 25, ["INSERT INTO state_meta VALUES ('fts_optimize_available', '1')"]),
        ("22", 23, ["INSERT INTO state_meta VALUES ('fts_optimize_available', '1')"]),
    ],
)
def test_settled_layouts_are_no_doubt(name: str, version: int, statements: list[str]) -> None:
    assert allowed_names(judged(structured(name, *statements, version=version))) == MESSAGES_TOO


@pytest.mark.parametrize(("name", "version"), [("30", 31), ("22", 40)])
def test_newer_than_known_means_locks_only(name: str, version: int) -> None:
    allowed = judged(structured(name, version=version))
    assert allowed_names(allowed) == LOCKS_ONLY
    assert "newer" in allowed.reason
    reindex = IndexRefill("messages", ("REINDEX idx_messages_session",))
    for action in (reindex, FileRewrite("sessions/sessions.json", b"", b"{}")):
        assert allowed.refusal(action) == allowed.reason
        assert not judged(structured("30", version=30)).refusal(action)


def test_no_store_means_nothing() -> None:
    assert allowed_names(judged(connect(":memory:"))) == {"COPY"}


@pytest.mark.parametrize("fixture", WRITTEN)
def test_moving_and_adding_messages_keeps_the_search_sound(
    fixture: str, tmp_path: Path, unpack: Unpack
) -> None:
    connection = connect(unpack(fixture, tmp_path / "state.db"))
    assert not judged(connection).refusal(MOVE)
    check_search(connection)
    tables = [t for t in structure_of(connection).virtual_tables if t.startswith("messages_fts")]
    before = {table: ids(connection, table) for table in tables}
    connection.execute("CREATE TEMP TABLE held AS SELECT * FROM messages")
    connection.execute("BEGIN")
    connection.execute("DELETE FROM messages")
    columns = columns_of(connection, "messages")
    others = ", ".join(name for name in columns if name != "id")
    connection.execute(
        f"INSERT INTO messages (id, {others}) SELECT id + 1000, {others} FROM held ORDER BY id"
    )
    connection.execute("COMMIT")
    check_search(connection)
    for table in tables:
        assert ids(connection, table) == [number + 1000 for number in before[table]]


def ids(connection: sqlite3.Connection, table: str) -> list[int]:
    return [row[0] for row in connection.execute(f"SELECT id FROM {table}_docsize ORDER BY id")]
