"""What our work is measured against, and our own work with a part of it timed.

Each function is one child process: ``python -m benchmarks.baselines NAME ARGUMENT...``. Imports are
made where they are needed, so that no process pays for another's.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import closing
from pathlib import Path


def integrity_check(database: str) -> None:
    """SQLite's own check of the file."""
    import sqlite3

    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise ValueError(f"integrity_check says {found}")


def scan(database: str) -> None:
    """Read every message once."""
    import sqlite3

    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        connection.execute("SELECT SUM(LENGTH(content)) FROM messages").fetchall()


def decode(folder: str) -> None:
    """Decode every line of every transcript; a torn one counts as read."""
    import orjson

    for path in sorted(Path(folder).glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue


def copy(source: str, target: str) -> None:
    """Copy the file and bring it to the disk."""
    shutil.copyfile(source, target)
    for place in (target, str(Path(target).parent)):
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def sqlite_backup(source: str, target: str) -> None:
    """Copy the database through SQLite, which brings it to the disk as well."""
    import sqlite3

    with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(target)) as made:
        held.backup(made)


def rewrite(database: str, sessions: str) -> None:
    """Delete and insert all rows of the sessions named in a file; print the seconds of that."""
    import sqlite3

    names = [(line,) for line in Path(sessions).read_text(encoding="utf-8").splitlines()]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        rows = [
            row
            for name in names
            for row in connection.execute(
                "SELECT * FROM messages WHERE session_id = ? ORDER BY id", name
            )
        ]
        marks = ", ".join("?" * len(rows[0]))
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM messages WHERE session_id = ?", names)
        connection.executemany(f"INSERT INTO messages VALUES ({marks})", rows)
        connection.execute("COMMIT")
        print(time.perf_counter() - begun)


def backup_aside(*arguments: str) -> None:
    """Run hermes-repair with ``arguments``; print the seconds that its file backup took."""
    from hermes_repair.app import apply_units
    from hermes_repair.cli import main as hermes_repair

    spent = 0.0
    names = vars(apply_units)
    work = names["back_up"]

    def timed(*given: object, **named: object) -> None:
        nonlocal spent
        begun = time.perf_counter()
        work(*given, **named)
        spent += time.perf_counter() - begun

    names["back_up"] = timed
    sys.argv = ["hermes-repair", *arguments]
    try:
        hermes_repair()
    except SystemExit as ended:
        if ended.code:
            raise
    if not spent:
        raise LookupError("no backup was taken, so none can be set aside")
    print(spent)


WORK = {
    work.__name__: work
    for work in (integrity_check, scan, decode, copy, sqlite_backup, rewrite, backup_aside)
}

if __name__ == "__main__":
    WORK[sys.argv[1]](*sys.argv[2:])
