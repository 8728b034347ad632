"""What a home and its database are, as values that can be compared."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import stat
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from tests.homes.folders import new_folder

Content: TypeAlias = dict[str, Any]

RECORDS = "hermes-repair"


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
    with new_folder() as folder:
        copy = folder / "state.db"
        for suffix in ("", "-wal", "-journal"):
            side = database.with_name(database.name + suffix)
            if side.exists():
                shutil.copy(side, folder / f"state.db{suffix}")
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


def fingerprint(home: Path, *, records: bool = True) -> dict[str, tuple[str, int, int]]:
    """Return hash, mtime and mode of every entry of a home; ``records``: ours too."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if not records and Path(name).parts[0] == RECORDS:
            continue
        facts = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        found[name] = (content, facts.st_mtime_ns, facts.st_mode)
    return found


def rows(database: Path, *, besides: Collection[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of a database at rest, search storage by content and ids.

    FTS5 may lay the same index out differently, so of its own tables only ids and text count; the
    AUTOINCREMENT marks are left out, because undo never lowers them (R5). ``besides`` are sessions
    whose own rows are left out, in all tables.
    """
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.text_factory = bytes
    connection.execute("PRAGMA writable_schema = ON")  # also where something is listed twice
    try:
        listed = connection.execute("SELECT name, sql FROM sqlite_master WHERE type='table'")
        tables = {bytes(name).decode(): bytes(sql or b"").decode() for name, sql in listed}
        virtual = [name for name, sql in tables.items() if sql.startswith("CREATE VIRTUAL")]
        skipped = {f"{owner}{part}" for owner in virtual for part in ("_data", "_idx", "_config")}
        skipped |= {*virtual, "sqlite_sequence"}
        stored = {f"{owner}{part}" for owner in virtual for part in ("_content", "_docsize")}
        found = {}
        for name in sorted(tables.keys() - skipped):
            columns = sorted(
                bytes(row[0]).decode()
                for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            )
            what = ", ".join(f'"{column}"' for column in columns)
            where = _not_of(name, columns, stored) if besides else "1"
            named = [json.dumps(sorted(besides))] if "?" in where else []
            found[name] = connection.execute(
                f'SELECT {what} FROM "{name}" WHERE {where}', named
            ).fetchall()
            found[name].sort(key=repr)
        return found
    finally:
        connection.close()


def _not_of(table: str, columns: Collection[str], stored: Collection[str]) -> str:
    """Return the condition under which a row belongs to none of the sessions named by ``?``."""
    named = "(SELECT value FROM json_each(?))"
    if table == "sessions":
        return f"id NOT IN {named}"
    if table in stored:
        return f"id NOT IN (SELECT id FROM messages WHERE session_id IN {named})"
    return f"session_id IS NULL OR session_id NOT IN {named}" if "session_id" in columns else "1"


def sound(database: Path) -> None:
    """Assert that a database at rest and its search indexes are whole."""
    connection = sqlite3.connect(database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'"
        ).fetchall():
            connection.execute(f"INSERT INTO {name}({name}) VALUES ('integrity-check')")
        connection.rollback()
    finally:
        connection.close()
