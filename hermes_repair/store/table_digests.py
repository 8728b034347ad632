"""What a database says, as one digest for each table: whether anybody wrote to it since."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from hermes_repair.model.receipt_history import ProofRow
from hermes_repair.model.values import encode_value, row_digest, whole
from hermes_repair.store.backup import table_names
from hermes_repair.store.connections import open_immutable, quote, unreadable
from hermes_repair.store.file_state import main_alone

PROOF_ROWS = 8
"""About so many messages are remembered: a later repair may move or change some of them."""
PROOF_COLUMNS = ("session_id", "role", "timestamp")


def table_digests(path: Path) -> dict[str, str]:
    """Return a digest over all rows of each table of a database at rest, without side files.

    Tables are those of :func:`~hermes_repair.store.backup.table_names`; a table that is new, or has
    other columns, has another digest. Generated columns say nothing of their own, and to work out
    one of somebody else's can take any time and memory: they are left out. Raises
    :class:`DatabaseUnreadable`.
    """
    with closing(open_immutable(path)) as connection:
        try:
            return {
                table: _digest(connection, table)
                for table in sorted(table_names(connection, "main"))
            }
        except sqlite3.DatabaseError as error:
            raise unreadable(path, error) from error


def _digest(connection: sqlite3.Connection, table: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    stored = connection.execute("SELECT name FROM pragma_table_info(?)", [table])
    listed = ", ".join(quote(str(name)) for (name,) in stored)
    rows = connection.execute(f"SELECT {listed} FROM {quote(table)} NOT INDEXED")
    for column, *_ in rows.description:
        digest.update(_framed(str(column).encode("utf-8", "surrogateescape")))
    for row in rows:
        for value in row:
            storage, data = encode_value(value)
            digest.update(storage[:1].encode() + _framed(data))
    return digest.hexdigest()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data


def some_messages(path: Path) -> tuple[ProofRow, ...]:
    """Return some messages of a database at rest, by which it is known again."""
    with main_alone(path) as look:
        ids = [id for (id,) in look.rows("SELECT id FROM messages ORDER BY id")]
        chosen = ids[:: max(1, len(ids) // PROOF_ROWS)]
        return tuple(
            ProofRow(whole(row["id"]), row_digest(row, PROOF_COLUMNS), PROOF_COLUMNS)
            for id in chosen
            for row in look.rows_of("messages", "id = ?", [id])
        )
