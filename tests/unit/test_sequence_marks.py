"""Whether a database knows the highest id that it ever gave, and for how long it knows that not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hermes_repair.store.backup import raise_sequences, sequences
from hermes_repair.store.look import Look, View
from hermes_repair.store.new_database import FileFormat, new_database
from hermes_repair.store.sequence_marks import known_mark, set_mark

MESSAGES = "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT)"
OTHER = "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT)"


def made(path: Path, *, known: bool) -> Path:
    """Make a database whose messages ended at 9 and go up to 3, and whose runs ended at 4."""
    with new_database(path, FileFormat()) as database:
        database.run(MESSAGES)
        database.run(OTHER)
        database.run("INSERT INTO messages VALUES (1, 'a'), (3, 'b')")
        set_mark(database, "messages", 9, known=known)
        set_mark(database, "runs", 4, known=True)
    return path


@contextmanager
def look(path: Path) -> Iterator[Look]:
    with closing(sqlite3.connect(path)) as db:
        yield Look(db, View.MAIN, path)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def test_a_mark_that_was_read_is_known(tmp_path: Path) -> None:
    path = made(tmp_path / "state.db", known=True)
    run(path, "INSERT INTO messages (content) VALUES ('c')", "DELETE FROM messages", "VACUUM")
    with look(path) as now:
        assert (known_mark(now), known_mark(now, "runs")) == (10, 4)


def test_a_lower_bound_stays_one_whatever_is_written(tmp_path: Path) -> None:
    path, copy = made(tmp_path / "state.db", known=False), tmp_path / "copy.db"
    run(path, "INSERT INTO messages (content) VALUES ('c')")
    with look(path) as now:
        assert now.one("SELECT MAX(id) FROM messages") == (10,), "no id below the bound is given"
    run(
        path,
        "DELETE FROM messages",
        "ALTER TABLE messages RENAME TO old",
        MESSAGES,
        "INSERT INTO messages SELECT * FROM old",
        "DROP TABLE old",
        "VACUUM",
    )
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    for one in (path, copy):
        with look(one) as now:
            assert known_mark(now) is None and known_mark(now, "runs") == 4
            assert now.one("PRAGMA integrity_check") == ("ok",)


def test_a_backup_that_takes_its_place_gets_the_lower_bound_too(tmp_path: Path) -> None:
    """What the database that is replaced had given out is not known in the one from before."""
    path, backup = made(tmp_path / "state.db", known=False), made(tmp_path / "old.db", known=True)
    raise_sequences(backup, sequences(path))
    with look(backup) as now:
        assert known_mark(now) is None and known_mark(now, "runs") == 4


@pytest.mark.parametrize(
    ("statement", "mark"),
    [
        ("DELETE FROM sqlite_sequence", None),
        ("UPDATE sqlite_sequence SET seq = 2", None),
        ("UPDATE sqlite_sequence SET seq = 'x'", None),
        ("UPDATE sqlite_sequence SET seq = NULL", None),
        ("INSERT INTO sqlite_sequence VALUES ('messages', 3)", None),
        ("DELETE FROM messages", 9),
    ],
)
def test_a_mark_that_cannot_be_is_not_known(
    statement: str, mark: int | None, tmp_path: Path
) -> None:
    path = made(tmp_path / "state.db", known=True)
    run(path, statement)
    with look(path) as now:
        assert known_mark(now) == mark


def test_a_table_that_never_gave_an_id(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    run(path, MESSAGES)
    with look(path) as now:
        assert known_mark(now) == 0


def test_a_database_without_marks(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    run(path, "CREATE TABLE messages (id INTEGER PRIMARY KEY)")
    with look(path) as now:
        assert known_mark(now) is None
