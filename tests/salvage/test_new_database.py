"""A new database takes every value as it is, and says of each row that it does not take."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.model.errors import Refused
from hermes_repair.model.values import RawText, Value
from hermes_repair.store.new_database import FileFormat, new_database
from hermes_repair.store.side_file import SideFile
from tests.homes.database import connect

VALUES: list[Value] = [
    None, 0, 1, -(2**63), 2**63 - 1, 0.0, -0.0, 1.5e300, float("inf"), "", "a\0b", "Straße 天気",
    b"", b"\0\xff", RawText(b"\xff\xfe broken"), "\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("page_size", [512, 65536])
def test_every_value_comes_back(tmp_path: Path, encoding: str, page_size: int) -> None:
    path = tmp_path / "new.db"
    refused: list[str] = []
    with new_database(path, FileFormat(page_size, encoding, auto_vacuum=True)) as database:
        database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        rows = [(number, value) for number, value in enumerate(VALUES, 1)]
        taken = database.fill("t", ["id", "v"], rows, lambda _, why: refused.append(why))
    assert taken == len(VALUES) and not refused
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA page_size").fetchone() == (page_size,)
        assert db.execute("PRAGMA encoding").fetchone() == (encoding,)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (1,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        found = [value for (value,) in db.execute("SELECT v FROM t ORDER BY id")]
    kept = [value for value in found if not isinstance(value, RawText)]
    if encoding == "UTF-8":
        assert repr(found) == repr(VALUES)
    else:  # those bytes are another text there, and SQLite gives it as UTF-8
        assert repr(kept[:14]) == repr(VALUES[:14])


@pytest.mark.parametrize("beside", ["text", RawText(b"\xff")])
def test_a_number_that_sqlite_does_not_have_sets_its_row_aside(
    beside: Value, tmp_path: Path
) -> None:
    rows: list[tuple[Value, ...]] = [(1, 1, "a"), (2, 2**63, beside), (3, -(2**63), "c")]
    with (
        SideFile(tmp_path / "side.db") as side,
        new_database(tmp_path / "new.db", FileFormat()) as database,
    ):
        database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, v TEXT)")

        def refused(row: Sequence[Value], reason: str) -> None:
            side.keep("t", reason, zip(("id", "n", "v"), row, strict=True))

        assert database.fill("t", ["id", "n", "v"], iter(rows), refused) == 2
        assert database.query("SELECT id FROM t") == [(1,), (3,)]
    with closing(connect(tmp_path / "side.db")) as db:
        kept = db.execute("SELECT value FROM kept_values ORDER BY place").fetchall()
    assert kept == [(2,), (str(2**63),), (beside,)]


def test_what_the_table_does_not_take_is_named_and_the_rest_goes_in(tmp_path: Path) -> None:
    refused: list[tuple[object, str]] = []
    with new_database(tmp_path / "new.db", FileFormat()) as database:
        database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL, u UNIQUE)")
        rows: list[tuple[Value, ...]] = [
            (1, "a", 1), (2, None, 2), (1, "again", 3), (3, RawText(b"\xff"), 4),
            (3, RawText(b"\xfe"), 5), (4, "b", 1), (5, "c", 6),
        ]  # fmt: skip
        taken = database.fill(
            "t", ["id", "v", "u"], iter(rows), lambda row, why: refused.append((row[0], why))
        )
        assert taken == 3
        assert database.query("SELECT id FROM t ORDER BY id") == [(1,), (3,), (5,)]
    assert refused == [
        (2, "NOT NULL constraint failed: t.v"),
        (1, "UNIQUE constraint failed: t.id"),
        (3, "UNIQUE constraint failed: t.id"),
        (4, "UNIQUE constraint failed: t.u"),
    ]


def test_an_error_of_the_rows_is_raised_as_it_is(tmp_path: Path) -> None:
    def rows() -> object:
        yield (1,)
        raise OSError(5, "Input/output error", "state.db")

    with (
        pytest.raises(OSError, match="Input/output"),
        new_database(tmp_path / "new.db", FileFormat()) as database,
    ):
        database.run("CREATE TABLE t (v)")
        database.fill("t", ["v"], rows(), lambda *_: None)  # type: ignore[arg-type]


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError), new_database(path, FileFormat()):
        pass
    assert path.read_bytes() == b"mine"


def test_a_full_disk_is_refused_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(Refused, match="has no room for the new database"),
        new_database(tmp_path / "new.db", FileFormat()) as database,
    ):
        database.run("CREATE TABLE t (v)")
        database.run("PRAGMA max_page_count=40")
        database.fill("t", ["v"], ((b"x" * 1000,) for _ in range(600)), lambda *_: None)


def test_a_side_file_keeps_rows_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "side.db"
    with SideFile(path) as side:
        assert not path.exists(), "no row, no file"
        side.keep("messages", "twice", [("id", 1), (None, RawText(b"\xff"))], page=7, rowid=1)
        side.keep(None, "no table", [(None, value) for value in VALUES], page=8)
        assert side.rows == 2
    with closing(connect(path)) as db:
        assert db.execute("SELECT * FROM kept_rows").fetchall() == [
            (1, "messages", "twice", 7, 1),
            (2, None, "no table", 8, None),
        ]
        named = db.execute("SELECT place, column_name, value FROM kept_values WHERE row_id = 1")
        assert named.fetchall() == [(0, "id", 1), (1, None, RawText(b"\xff"))]
        values = db.execute("SELECT value FROM kept_values WHERE row_id = 2 ORDER BY place")
        assert repr([value for (value,) in values]) == repr(VALUES)


def test_a_side_file_without_rows_is_none(tmp_path: Path) -> None:
    with SideFile(tmp_path / "side.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_no_transaction_behind(tmp_path: Path) -> None:
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        new_database(tmp_path / "new.db", FileFormat()) as database,
    ):
        database.run("INSERT INTO nowhere VALUES (1)")
