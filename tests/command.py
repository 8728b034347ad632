"""Running hermes-repair as a user types it, and comparing homes to the byte and to the row."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forked import server

RECORDS = "hermes-repair"


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def run(
    *arguments: str | Path,
    home: Path | None = None,
    environ: dict[str, str] | None = None,
    largest: int | None = None,
) -> Ran:
    """Run one command line, off a terminal, with an environment that names no Hermes.

    ``largest`` bytes are as much as a file can have: what a full disk is.
    """
    known = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
    }
    known["HOME"] = "/nonexistent"
    words = [str(argument) for argument in arguments]
    if home is not None:
        words += ["--home", str(home)]
    return Ran(*server().run(words, known | (environ or {}), largest))


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
