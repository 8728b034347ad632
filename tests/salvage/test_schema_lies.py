"""Tables of somebody's own, and a sqlite_master that lies: nothing stops the rest."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.model.values import Value
from tests.cli.speaking import Said, say
from tests.homes.database import connect
from tests.homes.home import opened
from tests.homes.small import small_home

Capture = pytest.CaptureFixture[str]
LYING = "PRAGMA writable_schema = ON"


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a salvage with --out."""

    said: Said
    path: Path
    messages: int

    @property
    def ledger(self) -> Any:
        return json.loads(self.path.with_name("new.db.ledger.json").read_text(encoding="utf-8"))

    def rows(self, sql: str) -> list[tuple[Value, ...]]:
        with closing(connect(self.path)) as db:
            return db.execute(sql).fetchall()

    def kept(self, source: str) -> list[Value]:
        """Return the values of a table that are in the side file, in their order."""
        with closing(connect(self.path.with_name("new.db.unassigned.db"))) as db:
            return [
                value
                for (value,) in db.execute(
                    "SELECT v.value FROM kept_rows AS r JOIN kept_values AS v ON v.row_id = r.id"
                    " WHERE r.source = ? ORDER BY r.id, v.place",
                    [source],
                )
            ]


def salvaged(tmp_path: Path, capsys: Capture, statements: Sequence[str]) -> Made:
    """Run statements on a small home, and salvage it; every message must come through."""
    home = small_home(tmp_path / "home")
    with opened(home) as db:
        for statement in statements:
            db.execute(statement)
        (messages,) = db.execute("SELECT COUNT(*) FROM messages").fetchone()
    said = say(capsys, "salvage", "--home", home, "--out", tmp_path / "new.db")
    made = Made(said, tmp_path / "new.db", messages)
    assert made.path.exists(), said
    assert made.rows("SELECT COUNT(*) FROM messages") == [(messages,)]
    return made


@pytest.mark.parametrize("name", ["MINE", "Mine", "ÄRGER"])
def test_a_name_in_capitals(name: str, tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        [f"CREATE TABLE {name} (A INT, Ö TEXT)", f"CREATE INDEX X{name} ON {name.upper()}(a)",
         f"INSERT INTO {name} VALUES (1, 'x'), (2, NULL)"],
    )  # fmt: skip
    assert made.said.code == 0, made.said
    assert made.rows(f"SELECT * FROM {name}") == [(1, "x"), (2, None)]
    assert made.rows("SELECT name FROM sqlite_master WHERE name LIKE 'Xm%'") == (
        [(f"X{name}",)] if name != "ÄRGER" else []
    )
    assert made.ledger["left_out"] == []


def test_a_table_of_hermes_in_capitals(tmp_path: Path, capsys: Capture) -> None:
    lie = "UPDATE sqlite_master SET name = 'Messages', tbl_name = 'Messages',"
    made = salvaged(
        tmp_path, capsys,
        [LYING, f"{lie} sql = replace(sql, 'CREATE TABLE messages', 'CREATE TABLE Messages')"
                " WHERE name = 'messages'"],
    )  # fmt: skip
    assert made.said.code == 0, made.said


def test_columns_that_are_none_of_messages(tmp_path: Path, capsys: Capture) -> None:
    """The pages then say what the table has."""
    lie = "UPDATE sqlite_master SET sql = 'CREATE TABLE messages(a, b)' WHERE name = 'messages'"
    made = salvaged(tmp_path, capsys, [LYING, lie])
    assert made.said.code in (0, 4), made.said
    assert made.rows("SELECT COUNT(*) FROM messages WHERE content IS NOT NULL") == [
        (made.messages,)
    ]


@pytest.mark.parametrize(
    ("table", "column"),
    [("messages", "tool_name"), ("sessions", "title"), ("schema_version", "version")],
)
def test_a_column_whose_name_is_damaged(
    table: str, column: str, tmp_path: Path, capsys: Capture
) -> None:
    """It is read when the search index is made, or another index: the table has it again."""
    lie = f"UPDATE sqlite_master SET sql = replace(sql, '{column}', 'daNaged')"
    made = salvaged(tmp_path, capsys, [LYING, f"{lie} WHERE name = '{table}'"])
    assert made.said.code == 4, made.said
    assert made.rows(f"SELECT {column} FROM {table} LIMIT 1")
    assert made.rows("SELECT COUNT(*) FROM messages_fts") == [(made.messages,)]


def test_columns_of_another_table(tmp_path: Path, capsys: Capture) -> None:
    lie = "UPDATE sqlite_master SET sql = 'CREATE TABLE state_meta(a, b)' WHERE name = 'state_meta'"
    made = salvaged(tmp_path, capsys, ["INSERT INTO state_meta VALUES ('mine', 'x')", LYING, lie])
    assert made.said.code == 4, made.said
    assert made.kept("state_meta")[-2:] == ["mine", "x"]


def test_a_schema_that_has_a_nul(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine(a)", "CREATE INDEX x ON mine(a)", LYING,
         "UPDATE sqlite_master SET sql = sql || char(0) || 'y' WHERE name IN ('mine', 'x')"],
    )  # fmt: skip
    assert made.said.code == 0, made.said
    assert made.rows("SELECT sql FROM sqlite_master WHERE name = 'x'") == [
        ("CREATE INDEX x ON mine(a)",)
    ]


def test_a_constraint_that_fails_by_itself(tmp_path: Path, capsys: Capture) -> None:
    """Each row that it does not let in is kept apart."""
    lie = "UPDATE sqlite_master SET sql = replace(sql, 'b)', 'b, CHECK (a OR load_extension(b)))')"
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine(a, b)", "INSERT INTO mine VALUES (0, 'x'), (1, 'y'), (0, 'z')", LYING,
         f"{lie} WHERE name = 'mine'"],
    )  # fmt: skip
    assert made.said.code == 4, made.said
    assert made.rows("SELECT * FROM mine") == [(1, "y")]
    assert made.kept("mine") == [1, 0, "x", 3, 0, "z"]


def test_a_table_that_cannot_be_made(tmp_path: Path, capsys: Capture) -> None:
    """It stops none of the others, and its rows are kept apart."""
    lie = "UPDATE sqlite_master SET sql = replace(sql, 'b)', 'b, CHECK (nowhere(b)))')"
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine(a, b)", "INSERT INTO mine VALUES (1, 'x')", LYING,
         f"{lie} WHERE name = 'mine'"],
    )  # fmt: skip
    assert made.said.code == 4, made.said
    assert made.ledger["left_out"] == ["table mine"]
    assert made.kept("mine") == [1, "x"]


def test_a_table_with_the_name_of_a_search_table(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine(a)", "INSERT INTO mine VALUES ('x')", LYING,
         "DELETE FROM sqlite_master WHERE name LIKE 'messages_fts_trigram%'",
         "UPDATE sqlite_master SET name = 'messages_fts_trigram',"
         " tbl_name = 'messages_fts_trigram', sql = 'CREATE TABLE messages_fts_trigram(a)'"
         " WHERE name = 'mine'"],
    )  # fmt: skip
    assert made.said.code == 4, made.said
    assert made.kept("messages_fts_trigram") == ["x"]
    assert made.rows("SELECT COUNT(*) FROM messages_fts_trigram") == [(made.messages,)]


def test_storage_of_a_search_table_whose_name_is_damaged(tmp_path: Path, capsys: Capture) -> None:
    name = "messages_fts_trigram_idx"
    lie = f"name = '{name.capitalize()}', tbl_name = '{name.capitalize()}'"
    made = salvaged(
        tmp_path, capsys,
        [f"INSERT INTO {name} VALUES (99, x'30', 2)", LYING,
         f"UPDATE sqlite_master SET {lie} WHERE name = '{name}'"],
    )  # fmt: skip
    assert made.said.code == 4, made.said
    assert made.rows("SELECT COUNT(*) FROM messages_fts_trigram") == [(made.messages,)]


def test_a_search_table_of_somebodys_own(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        ["CREATE VIRTUAL TABLE mine USING fts5(a, b)", "INSERT INTO mine VALUES ('hello', 'you')"],
    )  # fmt: skip
    assert made.said.code == 4 and "Everything can be read" not in made.said.out
    assert "it cannot be made: table mine." in made.said.out
    assert made.ledger["left_out"] == ["table mine"] and not made.ledger["complete"]
    assert made.kept("mine_content") == [1, "hello", "you"]


def test_a_view_of_somebodys_own(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(tmp_path, capsys, ["CREATE VIEW mine AS SELECT id FROM messages"])
    assert made.said.code == 4 and made.ledger["left_out"] == ["view mine"]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("a TEXT, b INT, c TEXT, PRIMARY KEY (a, b, a)) WITHOUT ROWID", "('x', 1, 'p')"),
        ("a TEXT, b INT, c TEXT, PRIMARY KEY (b, a, b, a)) WITHOUT ROWID", "('x', 1, 'p')"),
        ("id INTEGER PRIMARY KEY DESC, v TEXT)", "(50, 'a'), (7, 'b'), (9, 'c')"),
        ("id INTEGER, v TEXT, PRIMARY KEY (id DESC))", "(50, 'a'), (7, 'b'), (9, 'c')"),
    ],
)
def test_keys_as_sqlite_stores_them(
    columns: str, rows: str, tmp_path: Path, capsys: Capture
) -> None:
    statements = [f"CREATE TABLE mine ({columns}", f"INSERT INTO mine VALUES {rows}"]
    with closing(connect(tmp_path / "healthy.db")) as db:
        for statement in statements:
            db.execute(statement)
        expected = db.execute("SELECT * FROM mine").fetchall()
    made = salvaged(tmp_path, capsys, statements)
    assert made.said.code == 0, made.said
    assert made.rows("SELECT * FROM mine") == expected


def test_a_row_that_breaks_a_check_is_kept_apart(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine (a INT CHECK (a > 0), b TEXT)", "PRAGMA ignore_check_constraints = ON",
         "INSERT INTO mine VALUES (-1, 'x'), (1, 'y')"],
    )  # fmt: skip
    assert made.said.code == 4
    assert made.rows("SELECT * FROM mine") == [(1, "y")]
    assert made.kept("mine")[-2:] == [-1, "x"]


@pytest.fixture
def little() -> Iterator[None]:
    """Let this process and the children that it starts take 400 MiB more than it has now."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (held,) = (line for line in status if line.startswith("VmSize"))
    limit = (int(held.split()[1]) << 10) + (400 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    ("changed", "name", "left_out"),
    [
        ("replace(sql, 'b)', 'b CHECK (length({much})))')", "mine", []),
        ("replace(sql, 'b)', 'b, c AS ({much}) STORED)')", "mine", []),
        ("replace(sql, '(b)', '({much})')", "by_b", ["index by_b (string or blob too big)"]),
        ("replace(sql, 'b)', 'b DEFAULT (1 CHECK (length({much}))))')", "mine",
         ["index by_b", "table mine"]),
    ],
)  # fmt: skip
def test_an_expression_that_asks_for_much_memory(
    changed: str, name: str, left_out: list[str], tmp_path: Path, capsys: Capture, little: None
) -> None:
    """It gets no more than a value of the file could take: here a gigabyte was asked, each time."""
    lie = changed.format(much="hex(zeroblob(490000000))")
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine (a, b)", "CREATE INDEX by_b ON mine (b)",
         "INSERT INTO mine VALUES (1, 'x'), (2, 'y')", LYING,
         f"UPDATE sqlite_master SET sql = {lie} WHERE name = '{name}'"],
    )  # fmt: skip
    assert made.said.code == 4
    assert made.ledger["left_out"] == left_out
    if name == "mine":
        assert {1, "x", 2, "y"} <= {*made.kept("mine")}
    else:
        assert made.rows("SELECT a, b FROM mine") == [(1, "x"), (2, "y")]


def test_keys_of_null_are_all_different(tmp_path: Path, capsys: Capture) -> None:
    made = salvaged(
        tmp_path, capsys,
        ["CREATE TABLE mine (k TEXT PRIMARY KEY, v TEXT)",
         "INSERT INTO mine VALUES (NULL, 'a'), (NULL, 'b'), ('x', 'c')",
         "CREATE TABLE two (a INTEGER, b TEXT, v, PRIMARY KEY (a, b))",
         "INSERT INTO two VALUES (NULL, NULL, 1), (NULL, NULL, 2), (1, NULL, 3), (1, 'x', 4)"],
    )  # fmt: skip
    assert made.said.code == 0, made.said
    assert made.rows("SELECT * FROM mine") == [(None, "a"), (None, "b"), ("x", "c")]
    assert made.rows("SELECT v FROM two") == [(1,), (2,), (3,), (4,)]
