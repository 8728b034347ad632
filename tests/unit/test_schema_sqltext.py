"""SQL texts are compared by their tokens."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hermes_repair.schema.sql_text import normal, split_arguments, statements, tokens
from hermes_repair.store.connections import quote


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("CREATE INDEX i ON t(a, b)", 'create  index "i"\n on t ( "a" ,b ) ;'),
        ("CREATE INDEX IF NOT EXISTS i ON t(a)", "CREATE INDEX i ON t(a)"),
        ("CREATE TRIGGER IF NOT EXISTS x AFTER", "create trigger [x] after"),
        ("SELECT a -- why\n FROM t", "SELECT a /* what */ FROM `t`"),
        ("a<>b", "a <> b"),
    ],
)
def test_the_same_thing_written_twice(left: str, right: str) -> None:
    assert normal(left) == normal(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("WHERE a = 'x y'", "WHERE a = 'x  y'"),
        ("WHERE a = 'X'", "WHERE a = 'x'"),
        ("a || ' ' || b", "a || '' || b"),
        ("ON t(a DESC)", "ON t(a)"),
        ("x = 'it''s'", "x = 'its'"),
    ],
)
def test_what_differs_stays_different(left: str, right: str) -> None:
    assert normal(left) != normal(right)


def test_statements_of_a_script_with_triggers() -> None:
    script = """
    -- first
    CREATE TABLE t (a TEXT DEFAULT ';');
    CREATE TRIGGER g AFTER INSERT ON t WHEN new.a = CASE WHEN 1 THEN 'end' ELSE 'x' END
    BEGIN
        UPDATE t SET a = CASE WHEN a THEN 1 END; DELETE FROM t;
    END;
    CREATE INDEX i ON t(a)
    """
    found = list(statements(script))
    assert [sql.split()[1] for sql in found] == ["TABLE", "TRIGGER", "INDEX"]
    connection = sqlite3.connect(":memory:")
    for sql in found:
        connection.execute(sql)


def test_arguments_are_split_at_the_outer_commas() -> None:
    assert split_arguments(list(tokens("a, f(b, c), d"))) == [
        ["a"],
        ["f", "(", "b", ",", "c", ")"],
        ["d"],
    ]


@given(st.text())
def test_any_text_gives_tokens_and_ends(text: str) -> None:
    list(tokens(text))
    list(statements(text))
    assert normal(normal(text)) == normal(normal(normal(text)))


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1))
def test_quoted_identifiers_name_what_they_say(name: str) -> None:
    assume(not name.lower().startswith("sqlite_"))  # SQLite keeps those for itself
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE {quote(name)} (a)")
    found = connection.execute("SELECT name FROM sqlite_master").fetchone()
    assert found == (name,)
