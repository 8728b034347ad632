"""A home: a folder with ``state.db`` and ``sessions/``, and what a test asks and changes there."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jsonlines

from sample_data.build import structure_sql
from tests.homes.database import build_database


@contextmanager
def new_home(
    root: Path, number: int, *, wal: bool = True, page_size: int | None = None
) -> Iterator[sqlite3.Connection]:
    """Make a home with the structure of a schema; what the block writes is one transaction.

    The database is at rest afterwards, without ``-wal`` or ``-shm``.
    """
    (root / "sessions").mkdir(parents=True)
    with opened(root) as db:
        if page_size is not None:
            db.execute(f"PRAGMA page_size={page_size}")
        if wal:
            db.execute("PRAGMA journal_mode=WAL")
        db.executescript(structure_sql(number))
        db.execute("BEGIN")
        db.execute("INSERT INTO schema_version VALUES (?)", (number,))
        yield db
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def of_schema(name: str, root: Path) -> Path:
    """Make a home whose database is the one of ``name``, a key of ``database.SHAPES``."""
    (root / "sessions").mkdir(parents=True)
    build_database(name, root / "state.db")
    return root


def write_transcript(root: Path, session: str, lines: Sequence[Mapping[str, Any]]) -> Path:
    """Write the transcript of a session and return it."""
    path = root / "sessions" / f"{session}.jsonl"
    with jsonlines.open(path, "w", dumps=json.dumps) as file:
        file.write_all(lines)
    return path


def copy_home(source: Path, target: Path) -> Path:
    """Copy a home at rest: contents, modes, times and links."""
    return Path(shutil.copytree(source, target, symlinks=True))


@contextmanager
def opened(root: Path, *, timeout: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open a home's database as another program would; autocommit, closed at the end.

    ``timeout`` is how many seconds it waits for a lock.
    """
    with closing(sqlite3.connect(root / "state.db", isolation_level=None, timeout=timeout)) as db:
        yield db


@contextmanager
def changing(root: Path) -> Iterator[sqlite3.Connection]:
    """Open a home's database for one transaction, foreign keys off; an error rolls it back."""
    with opened(root, timeout=30) as db:
        db.execute("BEGIN")
        with db:
            yield db


def query(root: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows that a statement answers."""
    with opened(root) as db:
        return db.execute(sql, values).fetchall()


def query_at_rest(root: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows that a statement answers from the main file alone, which stays as it is."""
    with closing(sqlite3.connect(f"file:{root / 'state.db'}?immutable=1", uri=True)) as db:
        return db.execute(sql, values).fetchall()


def execute(root: Path, sql: str, *values: object) -> int:
    """Run one statement, foreign keys off, and return how many rows it changed."""
    with opened(root) as db:
        return db.execute(sql, values).rowcount


def execute_all(root: Path, *statements: str) -> None:
    """Run statements in one transaction, foreign keys off."""
    with changing(root) as db:
        for sql in statements:
            db.execute(sql)


def locks(root: Path) -> dict[str, str]:
    """Return the holder of every compression lock, by session."""
    with opened(root, timeout=30) as db:
        return dict(db.execute("SELECT session_id, holder FROM compression_locks"))


def receipts(root: Path) -> list[Path]:
    """Return our receipts, oldest first."""
    return sorted((root / "hermes-repair" / "receipts").glob("*"))
