"""A process writes to a deleted -wal, and another one to the file: neither's messages are lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.cli.test_salvage_install import HELD
from tests.command import run
from tests.engine.neighbours import neighbour
from tests.homes.home import query
from tests.homes.small import HEALTHY, small_home

COUNTS = "SELECT SUM(content = 'only here'), SUM(content LIKE 'theirs%') FROM messages"


def write_meanwhile(home: Path) -> None:
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as db:
        for number in range(60):
            db.execute(
                "INSERT INTO messages (session_id, role, content, timestamp)"
                " SELECT MIN(id), 'user', ?, ? FROM sessions WHERE id <> ?",
                (f"theirs {number} " + "x" * 300, 2.0 + number, HEALTHY),
            )


def test_what_both_wrote_is_brought_together(tmp_path: Path) -> None:
    """Closed in the ordinary way the process would lay its older pages over the newer ones."""
    home, out = small_home(tmp_path / "home"), tmp_path / "copy.db"
    with neighbour(HELD, home / "state.db") as process:
        write_meanwhile(home)
        told = run("doctor", home=home)
        assert told.code == 4 and f"end it by `kill -9 {process.pid}`" in told.err
        assert "would be damaged if this one closed it" in told.err and "merge --home" in told.err
        done = run("salvage", "--from-process", str(process.pid), "--out", out, home=home)
        assert done.code == 4 and "What only the file has is there and not here" in done.out
        process.kill()
        process.wait()
    assert query(home, COUNTS) == [(0, 60)]
    assert run("merge", out, "--yes", home=home).code in (0, 4)
    assert query(home, COUNTS) == [(1, 60)]


def test_another_wal_beside_it_is_somebody_elses(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    with neighbour(HELD, home / "state.db"):
        (home / "state.db-wal").write_bytes(b"not empty")
        assert "`kill -9" in run("doctor", home=home).err


def test_a_process_that_ended(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    said = run("salvage", "--from-process", str(ended.pid), "--out", tmp_path / "x", home=home)
    assert said.code == 4 and f"There is no process {ended.pid} any more" in said.err


def test_a_journal_of_another_file_is_set_aside(tmp_path: Path) -> None:
    """SQLite would lay it over a sound database at the next opening."""
    home, other = small_home(tmp_path / "home"), tmp_path / "other.db"
    shutil.copy(home / "state.db", other)
    with closing(sqlite3.connect(other, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("CREATE TABLE filler AS SELECT zeroblob(400000) AS a")
        db.execute("PRAGMA cache_size=2")
        db.execute("BEGIN")
        db.execute("UPDATE filler SET a = randomblob(400000)")
        db.execute("UPDATE messages SET content = content || 'x'")
        db.execute("UPDATE sessions SET model = model || 'x'")
        shutil.copy(f"{other}-journal", home / "state.db-journal")
        db.execute("ROLLBACK")
    told = run("doctor", home=home)
    assert "The rollback journal beside state.db does not belong to it" in told.out
    made = run("salvage", "--out", tmp_path / "new.db", home=home)
    assert made.code == 0 and "the journal was left out" in made.out
    assert run("repair", "--wal", "ignore", "--yes", home=home).code == 0
    assert not (home / "state.db-journal").exists()
    assert query(home, "SELECT content FROM messages WHERE id = 1") == [("hello",)]
    assert "DB002" not in run("doctor", home=home).out
