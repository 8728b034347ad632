"""What a home holds, read so that nothing in it can stop the reading."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.homes.folders import new_folder

Tables = dict[str, Any]
Master = list[tuple[bytes, bytes, bytes | None]]
STORAGE = (b"_data", b"_idx", b"_docsize", b"_config")
LINES = 10_000  # of integrity_check


@dataclass(frozen=True)
class State:
    """Damage, broken references, texts and all rows of a database; None where it has none to read.

    ``damage`` is how much integrity_check finds, pages that belong to nothing aside; ``texts`` are
    the messages' contents, each as often as it is there; ``tables`` hold every row but the
    AUTOINCREMENT marks and, of the search index, ids alone: what is written to a message is indexed
    anew, whatever the index held. An index that lacks triggers or messages is left out.
    ``searched``: none lacks triggers or storage.
    """

    damage: int | None
    references: Counter[tuple[object, ...]] | None
    texts: Counter[bytes] | None
    tables: Tables | None
    searched: bool = True


def files_beside(home: Path) -> dict[str, tuple[object, ...]]:
    """Return kind, mode and bytes of everything in a home but our folder and the database."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name.split("/")[0] == "hermes-repair" or name.startswith("state.db"):
            continue
        facts = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(facts.st_mode) else None
        found[name] = (stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode), data)
    return found


def state_of(home: Path) -> State:
    """Return what the database of a home holds, its WAL included; read from a private copy."""
    with new_folder() as folder:
        copy = folder / "state.db"
        for suffix in ("", "-wal", "-journal"):
            side = home / f"state.db{suffix}"
            if side.is_file():
                shutil.copyfile(side, copy.with_name(copy.name + suffix))
        if not copy.exists():
            return State(None, None, None, None)
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            db.text_factory = bytes
            return State(_damage(db), _references(db), _texts(db), _tables(db), _searched(db))


def _damage(db: sqlite3.Connection) -> int | None:
    try:
        lines: list[bytes] = [line for (line,) in db.execute(f"PRAGMA integrity_check({LINES})")]
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return sum(line != b"ok" and not line.endswith(b"never used") for line in lines)


def _references(db: sqlite3.Connection) -> Counter[tuple[object, ...]] | None:
    try:
        return Counter((row[0], row[2]) for row in db.execute("PRAGMA foreign_key_check"))
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _texts(db: sqlite3.Connection) -> Counter[bytes] | None:
    try:
        rows = db.execute("SELECT CAST(content AS BLOB) FROM messages")
        # MS004 gives invalid UTF-8 the character that stands for it; the receipt keeps the bytes.
        return Counter(row[0] and row[0].decode("utf-8", "replace").encode() for row in rows)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _tables(db: sqlite3.Connection) -> Tables | None:
    found: Tables = {}
    try:
        master = db.execute("SELECT name, type, sql FROM sqlite_master ORDER BY 1").fetchall()
        virtual = _virtual(master)
        layout = {owner + part for owner in virtual for part in (b"_data", b"_idx", b"_config")}
        stored = {owner + part for owner in virtual for part in (b"_content", b"_docsize")}
        adrift = {name for name in stored if not _follows(db, name.rpartition(b"_")[0], master)}
        found["sqlite_master"] = [row for row in master if row[0] not in layout]
        for name, kind, _ in master:
            if kind != b"table" or name in {*layout, *virtual, *adrift, b"sqlite_sequence"}:
                continue
            quoted = '"' + name.decode().replace('"', '""') + '"'
            columns = db.execute("SELECT name FROM pragma_table_info(?)", (name.decode(),))
            names = [row[0].decode() for row in columns]
            if name in stored:
                names = ["id"]
            named = ['"' + one.replace('"', '""') + '"' for one in names]
            listed = ", ".join(f"typeof({one}), {one}" for one in named)
            found[name.decode()] = sorted(
                db.execute(f"SELECT {listed} FROM {quoted}").fetchall(), key=repr
            )
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return found


def _searched(db: sqlite3.Connection) -> bool:
    try:
        master = db.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return True
    names = {name for name, *_ in master}
    return all(
        _is_kept(index, master) and {index + part for part in STORAGE} <= names
        for index in _virtual(master)
    )


def _virtual(master: Master) -> list[bytes]:
    return [name for name, _, sql in master if (sql or b"").startswith(b"CREATE VIRTUAL")]


def _follows(db: sqlite3.Connection, index: bytes, master: Master) -> bool:
    """Whether a search index has the messages that there are, and its triggers."""
    docsize = index + b"_docsize"
    if not _is_kept(index, master) or docsize not in {name for name, *_ in master}:
        return False
    found = [
        {row[0] for row in db.execute(f"SELECT id FROM {table}")}
        for table in (f'"{docsize.decode()}"', "messages")
    ]
    return found[0] == found[1]


def _is_kept(index: bytes, master: Master) -> bool:
    """Whether a search index has its triggers for INSERT, DELETE and UPDATE."""
    writes = [b"INTO " + index + b"(", b"FROM " + index + b" "]
    texts = [sql or b"" for _, kind, sql in master if kind == b"trigger"]
    return sum(any(write in text for write in writes) for text in texts) >= 3
