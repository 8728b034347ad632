"""What counts as made by nobody's release, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.model.actions import Ddl, FileCopy, RowInsert, RowUpdate
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.foreign_objects import ForeignObject, find_foreign_objects, refusal
from hermes_repair.schema.recognise import recognise
from tests.homes.database import (
    LATER_FIXTURES,
    OLD_FIXTURES,
    STRUCTURES,
    Unpack,
    connect,
    structured,
)
from tests.unit.schema_support import structure_of


def foreign_objects(name: str, version: int, *statements: str) -> tuple[ForeignObject, ...]:
    connection = structured(name, *statements, version=version)
    structure = structure_of(connection)
    return find_foreign_objects(structure, recognise(structure).number)


def told(name: str, version: int, *statements: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(s.kind, s.name, s.tables) for s in foreign_objects(name, version, *statements)]


@pytest.mark.parametrize("fixture", [*OLD_FIXTURES, *LATER_FIXTURES])
def test_no_release_has_any(fixture: str, tmp_path: Path, unpack: Unpack) -> None:
    structure = structure_of(connect(unpack(fixture, tmp_path / "state.db")))
    assert find_foreign_objects(structure, recognise(structure).number) == ()


@pytest.mark.parametrize("name", sorted(path.stem for path in STRUCTURES.glob("[0-9]*.sql")))
def test_no_structure_of_the_catalogue_has_any(name: str) -> None:
    number = int("".join(letter for letter in name[:2] if letter.isdigit()))
    assert foreign_objects(name, number) == ()


NOTHING = "BEGIN SELECT 1; END"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (f"CREATE TRIGGER x BEFORE INSERT ON messages {NOTHING}", ("x", {"insert"})),
        (f"CREATE TRIGGER x AFTER UPDATE OF title ON Sessions {NOTHING}", ("x", {"update"})),
        (f"create trigger x delete on [messages] when old.id > 1 {NOTHING}", ("x", {"delete"})),
        (f'CREATE TRIGGER "on insert" AFTER DELETE ON "messages" {NOTHING}',
         ("on insert", {"delete"})),
        (f"CREATE TRIGGER before AFTER UPDATE ON messages {NOTHING}", ("before", {"update"})),
        # A name of Hermes' own with a text of somebody else's.
        (f"CREATE TRIGGER messages_fts_added AFTER INSERT ON messages {NOTHING}",
         ("messages_fts_added", {"insert"})),
        (f"CREATE TRIGGER messages_fts_cjk_insert AFTER INSERT ON messages {NOTHING}",
         ("messages_fts_cjk_insert", {"insert"})),
    ],
)  # fmt: skip
def test_triggers(sql: str, expected: tuple[str, set[str]]) -> None:
    (found,) = foreign_objects("14", 14, sql)
    assert (found.kind, found.name, set(found.events)) == ("trigger", *expected)
    assert found.tables in (("messages",), ("sessions",)) and found.certain


def test_a_known_name_with_another_text_is_none_of_hermes() -> None:
    drop = "DROP TRIGGER messages_fts_delete"
    made = f"CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages {NOTHING}"
    assert told("14", 14, drop, made) == [("trigger", "messages_fts_delete", ("messages",))]


def test_layouts_of_other_numbers_are_known() -> None:
    """A build of February that 0.19.0 opened has the old triggers under the new number."""
    assert told("01", 22) == []


def test_the_cjk_index_is_hermes_own_from_23_on() -> None:
    sql = f"CREATE TRIGGER messages_fts_cjk_insert AFTER INSERT ON messages {NOTHING}"
    assert told("25", 25, sql) == []


def test_a_trigger_on_what_the_search_index_is_kept_in() -> None:
    sql = f"CREATE TRIGGER x AFTER INSERT ON messages_fts_docsize {NOTHING}"
    assert told("14", 14, sql) == [("trigger", "x", ("messages",))]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["ALTER TABLE messages RENAME TO m", "CREATE VIEW messages AS SELECT * FROM m"],
         ("view", "messages", ("messages",))),
        (["DROP TABLE state_meta", "CREATE VIRTUAL TABLE state_meta USING fts5(key, value)"],
         ("virtual table", "state_meta", ("state_meta",))),
        (["ALTER TABLE sessions ADD COLUMN short TEXT AS (substr(title, 1, 3))"],
         ("generated column", "sessions.short", ("sessions",))),
        (["ALTER TABLE messages ADD COLUMN other TEXT REFERENCES sessions(id) ON DELETE SET NULL"],
         ("foreign key", "messages(other)", ("messages", "sessions"))),
        (["ALTER TABLE sessions ADD COLUMN first INTEGER REFERENCES messages ON UPDATE CASCADE"],
         ("foreign key", "sessions(first)", ("messages", "sessions"))),
    ],
)  # fmt: skip
def test_other_objects(statements: list[str], expected: tuple[str, str, tuple[str, ...]]) -> None:
    found = told("14", 14, *statements)
    assert expected in found
    # The search triggers of a table that was renamed have another text.
    assert all(kind == "trigger" for kind, *_ in set(found) - {expected})


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW talk AS SELECT role, content FROM messages",
        "CREATE TABLE mine (id TEXT REFERENCES sessions(id) ON DELETE CASCADE)",
        "ALTER TABLE messages ADD COLUMN other TEXT REFERENCES sessions(id)",
        "CREATE UNIQUE INDEX mine ON messages(session_id, content)",
        "ALTER TABLE messages ADD COLUMN mood TEXT DEFAULT 'good'",
    ],
)
def test_what_is_somebodys_own_and_decides_nothing(sql: str) -> None:
    assert told("14", 14, sql) == []


def test_a_trigger_on_somebodys_own_table_is_none_of_our_business() -> None:
    table = "CREATE TABLE mine (id)"
    trigger = f"CREATE TRIGGER x AFTER INSERT ON mine {NOTHING}"
    assert told("14", 14, table, trigger) == []


def test_where_the_structure_is_not_known_it_may_be_hermes_own() -> None:
    sql = f"CREATE TRIGGER guard BEFORE DELETE ON sessions {NOTHING}"
    for number in (27, 31, 40):
        (found,) = foreign_objects("30", number, sql)
        assert not found.certain
        update = RowUpdate("sessions", {"id": "s"}, {"title": "a"}, {"title": "b"})
        assert refusal([found], update) == ""
        assert "does not know" in refusal([found], RowInsert("sessions", {"id": "s"}, {"id": "s"}))


def test_the_refusal_names_it() -> None:
    sql = f"CREATE TRIGGER ign BEFORE INSERT ON messages {NOTHING}"
    found = foreign_objects("14", 14, sql)
    why = refusal(found, RowInsert("messages", {"id": 1}, {"id": 1}))
    assert why.startswith("DB009: the trigger ign") and why.endswith("to messages")
    assert refusal(found, Ddl("CREATE TABLE x (a)", "14")) == why
    assert refusal(found, FileCopy("a", "b", 1, "c")) == ""
    assert refusal(found, RowInsert("sessions", {"id": "s"}, {"id": "s"})) == ""


def test_every_table_that_is_written_is_one_of_the_catalogue() -> None:
    shapes = [s for v in default_catalogue().versions.values() for s in v.shapes.values()]
    tables = {name for shape in shapes for name in shape.tables}
    assert {"sessions", "messages", "compression_locks", "schema_version"} <= tables
