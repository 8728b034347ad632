"""Databases for the tests of the page reader: every schema, page size, encoding and auto-vacuum."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from hermes_repair.model.values import Value, decode_text
from hermes_repair.salvage import (
    Cell,
    Leaf,
    PageImage,
    SchemaRow,
    Survey,
    Trust,
    cells,
)
from tests.homes.database import SHAPES, STRUCTURES, connect, insert
from tests.homes.rows import rows_by_table

PAGE_SIZES = tuple(1 << bits for bits in range(9, 17))
ENCODINGS = ("UTF-8", "UTF-16le", "UTF-16be")
AUTO_VACUUMS = (0, 1, 2)

EXTRA = """
CREATE TABLE keyed (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (c, a)) WITHOUT ROWID;
CREATE TABLE wide (id INTEGER PRIMARY KEY, t TEXT, b BLOB, r REAL);
CREATE INDEX wide_t ON wide (t);
CREATE TABLE emptied (x);
"""


class Variant(NamedTuple):
    """A shape of ``tests.homes.database``, and how SQLite lays it out."""

    shape: str = "0.19.0"
    page_size: int = 4096
    encoding: str = "UTF-8"
    auto_vacuum: int = 0


@cache
def image_of(variant: Variant) -> bytes:
    """Return a database with the rows of its shape, and tables with what those have not.

    Long overflow chains, rowids below 0 and of nine bytes, a NUL, bad UTF-8, numbers of every size,
    a table WITHOUT ROWID of many pages, deleted rows.
    """
    with closing(connect(":memory:")) as db:
        db.execute(f"PRAGMA page_size = {variant.page_size}")
        db.execute(f"PRAGMA encoding = '{variant.encoding}'")
        db.execute(f"PRAGMA auto_vacuum = {variant.auto_vacuum}")
        db.execute("PRAGMA secure_delete = OFF")
        db.executescript((STRUCTURES / f"{SHAPES[variant.shape].file}.sql").read_text("utf-8"))
        db.executescript(EXTRA)
        for table, rows in rows_by_table().items():
            insert(db, table, rows)
        random = Random(13)
        for n in range(300):
            values = (f"a{n}" * (n % 60), n**3 - 5000, "ü€" * (n % 40) + str(n))
            db.execute("INSERT INTO keyed VALUES (?, ?, ?)", values)
        for n in range(200):
            text = f"{n} words and €" * (n * n % (40 if n % 9 else 900))
            blob = random.randbytes(n * 7 % 3000) if n % 5 else None
            number: Value = n / 3 if n % 3 else n
            values_of_wide = (n**5 - 2**40, text, blob, number)
            db.execute("INSERT INTO wide VALUES (?, ?, ?, ?)", values_of_wide)
        db.execute("DELETE FROM wide WHERE id % 7 = 1")
        for rowid, half in ((-(2**62), "ff4100d8"), (2**61, "ff41d800d8")):
            text = f"CAST(x'{half}' AS TEXT)"  # in UTF-16 half a pair, and an odd byte
            db.execute(f"INSERT INTO wide VALUES (?, {text}, x'', 1e300)", (rowid,))
        text = "'a' || char(0) || 'b'"
        db.execute(f"INSERT INTO wide VALUES (?, {text}, zeroblob(9), ?)", (2**62, -0.0))
        return db.serialize()


def written(variant: Variant, folder: Path) -> Path:
    """Write a database to a folder."""
    path = folder / "state.db"
    path.write_bytes(image_of(variant))
    return path


class Row(NamedTuple):
    """A row as SQLite gives it: the rowid (None in a table WITHOUT ROWID), and the values."""

    rowid: int | None
    values: tuple[Value, ...]


def rows_of_sqlite(path: Path) -> dict[str, list[Row]]:
    """Return every table with its rows in order, as SQLite reads them."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        db.text_factory = decode_text
        names = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND rootpage")
        found: dict[str, list[Row]] = {}
        for name, sql in names.fetchall():
            if "WITHOUT ROWID" in sql.upper():
                found[name] = [Row(None, row) for row in db.execute(f'SELECT * FROM "{name}"')]
            else:
                asked = db.execute(f'SELECT rowid, * FROM "{name}" ORDER BY rowid')
                found[name] = [Row(row[0], row[1:]) for row in asked]
        return found


def named_tables(survey: Survey) -> dict[str, SchemaRow]:
    """Return the tables that sqlite_master names by a row of its tree."""
    return {
        row.name: row
        for row in survey.schema_rows
        if row.type == "table" and row.root and row.trust is Trust.TREE
    }


def rows_of_ours(image: PageImage, survey: Survey, table: SchemaRow, like: list[Row]) -> list[Row]:
    """Return the rows of one table as we read them, values in the words of SQLite.

    SQLite gives the rowid for an INTEGER PRIMARY KEY and a float for an integer in a REAL column:
    both are told by what SQLite reads (``like``). Rows WITHOUT ROWID come with their key first.
    """
    read = [cell for leaf in survey.leaves_of(table.root) for cell in cells(image, leaf)]
    ours = [Row(cell.rowid, whole(cell)) for cell in read]
    if table.name == "keyed":
        ours = [Row(None, (a, b, c)) for _, (c, a, b) in ours]
    return [
        Row(row.rowid, tuple(map(_as_read, row.values, theirs.values, [row.rowid] * 99)))
        for row, theirs in zip(ours, like, strict=True)
    ]


def whole(cell: Cell) -> tuple[Value, ...]:
    """Return the values of a cell that is not broken."""
    assert cell.broken is None and cell.values is not None, cell
    return cell.values


def _as_read(ours: Value, theirs: Value, rowid: int | None) -> Value:
    if ours is None and theirs == rowid and isinstance(theirs, int):
        return rowid
    return float(ours) if isinstance(ours, int) and isinstance(theirs, float) else ours


def all_rows(image: PageImage, survey: Survey) -> Iterator[tuple[Leaf, Cell]]:
    """Yield every cell of every page with rows that is in use."""
    for leaf in survey.leaves():
        for cell in cells(image, leaf):
            yield leaf, cell
