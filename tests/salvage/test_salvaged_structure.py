"""A salvaged database has the tables that its file had, and nothing in it acts by itself."""

from __future__ import annotations

import pytest

from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.salvaged_structure import KeptObject, salvaged_structure
from hermes_repair.schema.search import layout_of_shape
from tests.homes.database import SHAPES, structured

NUMBERS = default_catalogue().known_numbers()


def kept_of(name: str, *more: str, certain: bool = True) -> list[KeptObject]:
    """Return sqlite_master of a structure file, after some statements."""
    db = structured(name, *more)
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return [KeptObject(kind, name, table, sql, certain) for kind, name, table, sql in rows]


@pytest.mark.parametrize("number", NUMBERS)
def test_without_any_schema_it_is_that_of_the_number(number: int) -> None:
    version = default_catalogue().versions[number]
    made = salvaged_structure(number, [], ())
    assert made.number == number and not made.left_out
    assert set(made.tables) == set(version.structure.tables)
    placed = {name for name, index in version.structure.indexes.items() if index.sql}
    assert set(made.indexes) == placed
    assert made.layout == layout_of_shape(version.structure)


@pytest.mark.parametrize("name", sorted({shape.file for shape in SHAPES.values()}))
def test_what_the_file_says_is_taken(name: str) -> None:
    kept = kept_of(name)
    number = next(shape.number for shape in SHAPES.values() if shape.file == name)
    made = salvaged_structure(number, kept, ())
    own = {one.name: one.sql for one in kept if one.type == "table"}
    assert all(own[table] == sql for table, sql in made.tables.items() if table in own)
    assert not made.left_out
    version = default_catalogue().versions[number]
    assert made.layout == layout_of_shape(version.shapes[name])


def test_an_upgraded_table_keeps_its_columns_in_their_order() -> None:
    kept = kept_of("11", "ALTER TABLE messages ADD COLUMN platform_message_id TEXT")
    made = salvaged_structure(12, kept, ())
    assert made.tables["messages"].endswith("platform_message_id TEXT)")


def test_an_older_statement_does_not_take_columns_away() -> None:
    """A page that hangs in no tree may be of the time before an upgrade."""
    made = salvaged_structure(22, kept_of("11", certain=False), ())
    assert "archived" in made.tables["sessions"] and "api_content" in made.tables["messages"]
    certain = salvaged_structure(22, kept_of("11"), ())
    assert "archived" not in certain.tables["sessions"], "then it is what the file says"


def test_what_acts_by_itself_stays_out_and_is_named() -> None:
    kept = kept_of(
        "22",
        "CREATE TRIGGER eat AFTER INSERT ON messages BEGIN DELETE FROM sessions; END",
        "CREATE VIEW spy AS SELECT content FROM messages",
        "CREATE INDEX mine ON messages(role)",
    )
    made = salvaged_structure(22, kept, ())
    assert made.left_out == ("index mine", "trigger eat", "view spy")
    assert not {"eat", "spy", "mine"} & {*made.tables, *made.indexes, *made.last}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE state_meta (key TEXT PRIMARY KEY, value TEXT, v AS (hex(value)))",
        "CREATE TABLE state_meta (key TEXT PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,"
        " value TEXT)",
        "CREATE TABLE state_meta (key TEXT, value TEXT); ATTACH '/tmp/x' AS y",
        "CREATE TABLE other (key TEXT, value TEXT)",
        "CREATE VIRTUAL TABLE state_meta USING fts5(key, value)",
        "CREATE TABLE state_meta AS SELECT 1 AS key, 2 AS value",
        "DROP TABLE sessions",
        "CREATE TABLE state_meta (",
        "\0",
        "",
    ],
)
def test_a_statement_that_is_not_a_plain_table_is_not_run(sql: str) -> None:
    kept = [KeptObject("table", "state_meta", "state_meta", sql, certain=True)]
    made = salvaged_structure(22, kept, ())
    assert made.tables["state_meta"] != sql
    assert "ATTACH" not in "".join(made.tables.values())


def test_a_table_of_somebody_else_comes_along_with_its_index() -> None:
    table, index = 'CREATE TABLE "My Notes" (a, b UNIQUE)', 'CREATE INDEX On_A ON "My Notes"(a)'
    made = salvaged_structure(22, kept_of("22", table, index), ())
    assert made.tables["My Notes"] == table
    assert made.indexes["On_A"] == index and not made.left_out


def test_tables_beside_the_schema_are_made_where_they_had_rows() -> None:
    made = salvaged_structure(22, [], {"telegram_dm_topic_bindings", "messages"})
    assert "telegram_dm_topic_bindings" in made.tables
    assert "idx_telegram_dm_topic_bindings_user" in made.indexes
    assert "delivery_obligations" not in made.tables


def test_an_unknown_number_needs_its_own_statements() -> None:
    newest = NUMBERS[-1]
    assert salvaged_structure(99, [], ()).number == newest
    assert salvaged_structure(99, kept_of("30"), ()).number == 99


def test_the_copied_text_tells_the_layout() -> None:
    assert salvaged_structure(25, [], {"messages_fts_content"}).layout == "11"
    assert salvaged_structure(25, [], ()).layout == "25"
