"""A database without the room that it does not need (VACUUM INTO), and the proof that it is one.

SQLite may give new rowids to tables without a number of their own when it writes a file anew, and
the search index of some layouts names messages by rowid. So what it wrote is read again, every row
of every table with its rowid, and held against the file that it is of.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value, encode_value, whole
from hermes_repair.store.broken_references import broken_references
from hermes_repair.store.connections import open_private, quote, unreadable
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import require_sound, soundness
from hermes_repair.store.look import Look

_KEPT = ("page_size", "encoding", "auto_vacuum", "application_id", "user_version")
"""What a file says of itself, and keeps."""
_ROWIDS = ("rowid", "_rowid_", "oid")  # names of the rowid; a column may have taken one
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


@dataclass(frozen=True, slots=True)
class Room:
    """What a database takes, in bytes, and how much of that are free pages.

    So much at least a VACUUM gives back; pages that are half empty come on top of that.
    """

    file: int
    free: int

    @property
    def used(self) -> int:
        """What the new file takes at most."""
        return self.file - self.free

    @property
    def needed(self) -> int:
        """What of the disk a VACUUM takes on top of the file: the new one, and the old one kept."""
        return self.file + self.used


def room_in(look: Look) -> Room:
    """Return the room that a database takes."""
    free, pages, page = (
        whole(row[0]) if (row := look.one(f"PRAGMA {name}")) else 0
        for name in ("freelist_count", "page_count", "page_size")
    )
    return Room(pages * page, free * page)


def write_vacuumed(look: Look, target: Path, *, wal_mode: bool) -> None:
    """Write a database anew into ``target`` (mode 0600), in the journal mode that it had.

    Raises :class:`Refused` where there is no room for it; what there is of the file stays then.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        look.connection.execute("VACUUM INTO ?", (os.fspath(target),))
        with closing(open_private(target)) as new:
            new.execute(f"PRAGMA journal_mode={'WAL' if wal_mode else 'DELETE'}").fetchall()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NO_ROOM:
            raise unreadable(look.path, error) from error
        raise Refused(
            f"The disk of {target.parent} has no room for the new file ({error}).",
            "Nothing was changed. Free some space, then run the same command again.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise unreadable(look.path, error) from error


def require_equal(look: Look, target: Path) -> None:
    """Raise :class:`Refused` where a new file is not sound, or does not say what the old one does.

    That is every row with its rowid, every table, index, trigger and view, what AUTOINCREMENT
    counted, the storage of the search index, broken references, and what the file says of itself.
    """
    with main_alone(target) as new:
        require_sound(soundness(new))
        different = [what for what, ask in _ASKED.items() if ask(look) != ask(new)]
        different += [
            table
            for table in _tables(look)
            if table not in different and _digest(look, table) != _digest(new, table)
        ]
    if different:
        raise Refused(
            f"SQLite did not write the same again ({', '.join(different)}), so it is not taken.",
            "Nothing was changed, and nothing needs to be.",
        )


def _says(look: Look) -> list[tuple[Value, ...]]:
    return [row for name in _KEPT for row in look.rows(f"PRAGMA {name}")]


def _objects(look: Look) -> list[tuple[Value, ...]]:
    asked = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    return list(look.rows(asked))


def _broken_references(look: Look) -> list[tuple[Value, ...]]:
    return list(broken_references(look.connection))


_ASKED = {
    "what the file says of itself": _says,
    "tables, indexes and triggers": _objects,
    "broken references": _broken_references,
}


def _tables(look: Look) -> list[str]:
    """Return the tables with rows of their own; a virtual one has them in others."""
    asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    return [str(name) for (name,) in look.rows(asked)]


def _digest(look: Look, table: str) -> str:
    """Return a digest over the rows of a table, in the order of their keys."""
    digest = hashlib.blake2b(digest_size=16)
    for row in _rows(look, table):
        for value in row:
            storage, data = encode_value(value)
            digest.update(storage[:1].encode() + len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _rows(look: Look, table: str) -> Iterator[tuple[Value, ...]]:
    columns = {column.lower() for column in look.columns(table)}
    named = [name for name in _ROWIDS if name not in columns]
    of_sqlite = table.startswith("sqlite_")  # no index names one of their rows by its number
    without = look.one(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", [table]
    )
    if of_sqlite or (without is not None and without[0]):
        return look.rows(f"SELECT * FROM {quote(table)} NOT INDEXED")
    if not named:
        raise Refused(
            f"Every name of the rowid is a column of {table}, so its rows cannot be compared.",
            "Nothing was changed.",
        )
    return look.rows(f"SELECT {named[0]}, * FROM {quote(table)} NOT INDEXED ORDER BY {named[0]}")
