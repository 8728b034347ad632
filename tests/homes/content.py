"""What a home and its database are, as values that can be compared."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

Content: TypeAlias = dict[str, Any]


def files(root: Path, *, but: str | None = None) -> dict[str, tuple[Any, ...]]:
    """Return every entry below ``root``: kind, mode, mtime, and for files size and sha256.

    Folders count with their mtime too, so that a file that came and went is seen. ``but`` names an
    entry of ``root`` to leave out; the mtime of ``root`` itself is then left out as well.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        name = str(path.relative_to(root))
        if but is not None and (name == but or name.startswith(f"{but}/")):
            continue
        facts = path.lstat()
        kind = stat.S_IFMT(facts.st_mode)
        entry: tuple[Any, ...] = (kind, facts.st_mode, facts.st_uid, facts.st_mtime_ns)
        if but is not None and path == root:
            entry = entry[:-1]
        if path.is_symlink():
            entry += (str(path.readlink()),)
        elif path.is_file():
            entry += (facts.st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        found[name] = entry
    return found


def content(root: Path) -> Content:
    """Return every row of every table of a home's database, what is in its WAL included.

    Read from a private copy. Of the search tables: their rows, the ids of their documents and the
    answers to a question; not how FTS5 lays out its index. Asserts that SQLite and FTS5 find the
    file sound.
    """
    database = (root / "state.db").resolve()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        copy = Path(folder) / "state.db"
        for suffix in ("", "-wal", "-journal"):
            side = database.with_name(database.name + suffix)
            if side.exists():
                shutil.copy(side, Path(folder) / f"state.db{suffix}")
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return _content(db)


def _content(db: sqlite3.Connection) -> Content:
    db.text_factory = bytes
    master = [
        tuple(part.decode() if isinstance(part, bytes) else part for part in row)
        for row in db.execute("SELECT name, type, sql FROM sqlite_master ORDER BY name")
    ]
    virtual = [name for name, _, sql in master if (sql or "").upper().startswith("CREATE VIRTUAL")]
    layout = {owner + part for owner in virtual for part in ("_data", "_idx", "_config")}
    found: Content = {"structure": [row for row in master if row[0] not in layout]}
    for name, kind, _ in master:
        if kind != "table" or name in layout or name in virtual:
            continue
        columns = [row[1].decode() for row in db.execute(f'PRAGMA table_info("{name}")')]
        listed = ", ".join(f'typeof("{column}"), "{column}"' for column in columns)
        found[name] = sorted(db.execute(f'SELECT {listed} FROM "{name}"').fetchall(), key=repr)
    for name in virtual:
        db.execute(f'INSERT INTO "{name}"("{name}") VALUES (\'integrity-check\')')
        found[name] = db.execute(
            f'SELECT rowid FROM "{name}" WHERE "{name}" MATCH ? ORDER BY rowid', ("heron OR hello",)
        ).fetchall()
    return found


def without_sequence(found: Content) -> Content:
    """Return the content less the AUTOINCREMENT marks, which undo never lowers (R5)."""
    return {name: rows for name, rows in found.items() if name != "sqlite_sequence"}


def sequence(found: Content) -> dict[bytes, int]:
    """Return the AUTOINCREMENT marks by table."""
    return {row[1]: row[3] for row in found["sqlite_sequence"]}


def fast_folder() -> str | None:
    """Return a folder in memory where there is one: fsync costs nothing there."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
