"""host.wal: which -wal is provably not of the present state of the file that it lies beside."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hermes_repair.host import byte_worker, read_wal
from hermes_repair.host.observations import PageOne, WalFacts

LONG = "Tell me all. " * 800  # more than a page


def opened(path: Path, checkpoint: int = 0) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA wal_autocheckpoint={checkpoint}")
    return db


def made(path: Path) -> Path:
    with closing(opened(path)) as db:
        db.execute("CREATE TABLE m (id INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT, t TEXT)")
        db.execute("CREATE INDEX i ON m (s)")
    return path


def crashed(path: Path, *statements: str) -> Path:
    """Write without a checkpoint, and return a folder with the files as a kill leaves them."""
    left = path.with_name("left")
    shutil.rmtree(left, ignore_errors=True)
    left.mkdir()
    with closing(opened(path)) as db:
        for statement in statements:
            db.execute(statement)
        for file in (path, path.with_name(path.name + "-wal")):
            shutil.copyfile(file, left / file.name)
    return left


def said(main: Path, wal: Path) -> str | None:
    return read_wal(main, wal).contradiction()


INSERT = f"INSERT INTO m (s, t) VALUES ('a', '{LONG}')"
SHORT = "INSERT INTO m (s, t) VALUES ('a', 'x')"


@pytest.mark.parametrize("statement", [INSERT, SHORT, "DELETE FROM m", "CREATE TABLE n (x)"])
def test_of_this_state(tmp_path: Path, statement: str) -> None:
    path = made(tmp_path / "a.db")
    with closing(opened(path)) as db:
        db.execute(INSERT)
    left = crashed(path, statement)
    assert said(left / "a.db", left / "a.db-wal") is None


def test_taken_into_the_file_in_part(tmp_path: Path) -> None:
    """A checkpoint takes page 1 in first; the rest of the -wal goes on from there."""
    path = made(tmp_path / "a.db")
    with closing(opened(path)) as db:
        db.execute(INSERT)
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        for file in (path, tmp_path / "a.db-wal"):
            shutil.copyfile(file, file.with_name(file.name.replace("a.db", "b.db")))
    assert said(tmp_path / "b.db", tmp_path / "b.db-wal") is None


def test_the_file_went_on(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db")
    left = crashed(path, INSERT)
    for _ in range(2):
        with closing(opened(path)) as db:
            db.execute("DELETE FROM m")
            db.execute(INSERT)
    assert said(path, left / "a.db-wal") == "state.db was written to after its last change"


def test_the_file_is_older(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db")
    older = tmp_path / "older.db"
    shutil.copyfile(path, older)
    for _ in range(3):
        with closing(opened(path)) as db:
            db.execute(INSERT)
    left = crashed(path, INSERT)
    assert said(older, left / "a.db-wal") == "it continues a later state.db than this one"


def test_no_commit_has_a_first_page(tmp_path: Path) -> None:
    """Then the number of pages never changed, and the file has to have so many."""
    path = made(tmp_path / "a.db")
    with closing(opened(path)) as db:
        db.execute(SHORT)
    left = crashed(path, "UPDATE m SET t = 'y'")
    assert read_wal(left / "a.db", left / "a.db-wal").written == ()
    assert said(left / "a.db", left / "a.db-wal") is None
    with closing(opened(path)) as db:
        db.execute(INSERT)
    found = said(path, left / "a.db-wal")
    assert found is not None and found.startswith("it was written to a database of 4 pages, and")


def test_another_page_size(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db")
    left = crashed(path, INSERT)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("PRAGMA page_size=65536")
        db.execute("CREATE TABLE m (x)")
    found = said(other, left / "a.db-wal")
    assert found == "its pages have 4096 bytes, those of state.db 65536"


@pytest.mark.parametrize("bytes_of_it", [b"", b"\0" * 32, b"7\x7f\x06\x82" * 20, b"x" * 9000])
def test_what_is_no_wal_proves_nothing(tmp_path: Path, bytes_of_it: bytes) -> None:
    path = made(tmp_path / "a.db")
    wal = tmp_path / "b-wal"
    wal.write_bytes(bytes_of_it)
    assert said(path, wal) is None


@pytest.mark.parametrize("head", [b"", b"no database".ljust(100), b"SQLite format 3\0"])
def test_a_main_file_without_a_header_proves_nothing(head: bytes) -> None:
    page = PageOne(b"SQLite format 3\0".ljust(100, b"\1"))
    assert WalFacts(PageOne(head), (page,), (9,), 4096).contradiction() is None


def test_nothing_is_proven_of_an_ordinary_crash(tmp_path: Path) -> None:
    """Whatever is written, by how many connections, checkpointed or rolled back in between."""
    draw = random.Random(12)
    for _ in range(12):
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        (tmp_path / "home").mkdir()
        path = made(tmp_path / "home" / "a.db")
        with ExitStack() as stack:
            connections = [stack.enter_context(closing(opened(path)))]
            for _ in range(40):
                db = draw.choice(connections)
                step(db, draw)
                if draw.random() < 0.1:
                    more = opened(path, draw.choice([0, 5, 1000]))
                    connections.append(stack.enter_context(closing(more)))
                main, wal = tmp_path / "home" / "b.db", tmp_path / "home" / "b.db-wal"
                shutil.copyfile(path, main)
                shutil.copyfile(path.with_name("a.db-wal"), wal)
                assert said_quickly(main, wal) is None


def said_quickly(main: Path, wal: Path) -> str | None:
    """Read without a process of its own: hundreds of these would take most of the test."""
    answer = byte_worker.wal(str(main).encode(), str(wal).encode())
    written = tuple(map(PageOne, answer["first"]))
    facts = WalFacts(PageOne(answer["main"]), written, tuple(answer["sizes"]), answer["page_size"])
    return facts.contradiction()


def step(db: sqlite3.Connection, draw: random.Random) -> None:
    """Do one thing that a program does with its database."""
    kind = draw.randrange(8)
    if kind == 0:
        mode = draw.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
        db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    elif kind == 1:
        db.execute("DELETE FROM m WHERE id % 3 = 0")
    elif kind == 2:
        db.execute("UPDATE m SET t = 'y' WHERE id % 2 = 0")
    elif kind == 3:
        db.execute(f"CREATE TABLE IF NOT EXISTS x{draw.randrange(5)} (a)")
    elif kind == 4:
        db.execute("VACUUM")
    else:
        db.execute("BEGIN IMMEDIATE")
        for _ in range(draw.choice([1, 1, 20])):
            db.execute(draw.choice([INSERT, SHORT]))
        db.execute(draw.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
