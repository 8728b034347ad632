"""Rows of sqlite_master, wherever a page still holds them."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.model.values import Value
from hermes_repair.salvage.btree_page import PageHeader, varint
from hermes_repair.salvage.cells import cells
from hermes_repair.salvage.leaves import Leaf, SchemaRow
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.records import NoRecord, read_header

_TYPES = frozenset({"table", "index", "view", "trigger"})
_COLUMNS = 5  # type, name, tbl_name, rootpage, sql
_LONGEST_HEADER = 16  # bytes: five serial types take at most that, but for texts of megabytes
_TRIED = 4


def may_hold_schema_rows(data: bytes, header: PageHeader) -> bool:
    """Whether one of the first cells of a table leaf has the serial types of a schema row.

    The header of the first or the last record has to be as short as one of theirs.
    """
    ends = {header.pointers[0], header.pointers[-1]} if header.pointers else ()
    if not any(_is_short(data, at) for at in ends):
        return False
    for at in header.pointers[:_TRIED]:
        try:
            record = _record_of(data, at)
            is_short = _COLUMNS < data[record] <= _LONGEST_HEADER
            if is_short and is_schema_shape(read_header(data, record).types):
                return True
        except (IndexError, NoRecord):
            continue
    return False


def _record_of(data: bytes, cell: int) -> int:
    """Return where the record of a table leaf's cell begins: after its size and rowid."""
    return varint(data, varint(data, cell)[1])[1]


def _is_short(data: bytes, cell: int) -> bool:
    try:
        return data[_record_of(data, cell)] <= _LONGEST_HEADER
    except IndexError:
        return False


def is_schema_shape(types: tuple[int, ...]) -> bool:
    """Whether a row of sqlite_master can have these serial types."""
    if len(types) != _COLUMNS:
        return False
    texts, root, sql = types[:3], types[3], types[4]
    is_root = 0 <= root <= 9 and root != 7
    return all(_is_text(kind) for kind in texts) and is_root and (sql == 0 or _is_text(sql))


def _is_text(kind: int) -> bool:
    return kind > 12 and bool(kind & 1)


def schema_rows(image: PageImage, leaf: Leaf) -> Iterator[SchemaRow]:
    """Yield the schema's rows of a table leaf; what is none is left out.

    A text ends before a NUL, as for SQLite when it reads the schema.
    """
    for cell in cells(image, leaf):
        if cell.values is not None and cell.rowid is not None:
            row = _row(cell.values, cell.rowid, leaf)
            if row is not None:
                yield row


def _row(values: tuple[Value, ...], rowid: int, leaf: Leaf) -> SchemaRow | None:
    match values:
        case (str() as kind, str() as name, str() as table, int() | None as root, sql) if (
            kind in _TYPES and (sql is None or isinstance(sql, str))
        ):
            name, table = name.partition("\0")[0], table.partition("\0")[0]
            sql = sql and sql.partition("\0")[0]
            trust = leaf.trust_of(rowid)
            return SchemaRow(kind, name, table, root or 0, sql, rowid, leaf.page, trust, leaf.stale)
    return None
