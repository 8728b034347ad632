"""What indexes and the search copy say of the rows: SQLite has no checksum of its pages."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import NamedTuple

from hermes_repair.model.values import RawText, Row, Value, whole
from hermes_repair.salvage.assignment import AssignedIndex, Assignment
from hermes_repair.salvage.cells import Cell, cells
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.said_by_rowid import SaidByRowid
from hermes_repair.salvage.salvaged_rows import Mark
from hermes_repair.salvage.search_texts import (
    COPIED,
    COPIES,
    COUNTS,
    UNDECIDED,
    copied_text,
    copies,
    counted,
)
from hermes_repair.salvage.stored_table import ANYTHING, Stored, class_of

MESSAGES = "messages"
PICTURE = "\0json:"
"""What Hermes begins the content of a message with that has parts: the only NUL it writes."""


class Proof(Flag):
    """What proves that a row was there."""

    INDEX = auto()
    DOCSIZE = auto()  # the search index counts the words of every message
    SEARCH_COPY = auto()


class LostRow(NamedTuple):
    """A row that was there and cannot be read; ``known`` are the columns that indexes say."""

    table: str
    rowid: int
    known: Row
    proof: Proof


@dataclass(slots=True)
class _Index:
    """One index as it was read. ``whole``: a row that it does not have is no row."""

    index: AssignedIndex
    whole: bool
    said: SaidByRowid = field(default_factory=SaidByRowid)


class Witnesses:
    """What was found beside the rows, read once. A few bytes are kept per row and index."""

    def __init__(self, image: PageImage, assignment: Assignment) -> None:
        """Read the indexes and the search copy."""
        self._image, self._assignment = image, assignment
        self._indexes: dict[str, list[_Index]] = {}
        for index in assignment.indexes:
            self._indexes.setdefault(index.table, []).append(self._read_index(index))
        self._copies = [
            said for table in (*COPIES, UNDECIDED) if (said := self._read_copy(table)).count
        ]
        self._counts = [
            said for table in (*COUNTS, UNDECIDED) if (said := self._read_counts(table)).count
        ]

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]:
        """Return what speaks against a row."""
        marks = set()
        if rowid is not None:
            marks |= self._by_indexes(table, rowid, values)
        agreed = frozenset[str]()
        if table == MESSAGES and rowid is not None and self._copies:
            said = self._by_copies(rowid, values)
            if not said:
                marks.add(Mark.UNWITNESSED)
            elif not any(said):
                marks.add(Mark.CONTRADICTED)
            else:
                agreed = frozenset(COPIED)
                sure = all(said) and not any(copy.differs(rowid) for copy in self._copies)
                marks |= set() if sure else {Mark.DISPUTED}
        for name, value in values.items():
            if type(value) is str:
                if "\0" in value and name not in agreed and not _is_picture(name, value):
                    marks.add(Mark.NUL)
            elif type(value) is RawText and name not in agreed:
                marks.add(Mark.NOT_TEXT)
        return frozenset(marks)

    def knows(self, table: str, rowid: int) -> bool:
        """Whether an index or the search index says that there is such a row."""
        said = [one.said for one in self._indexes.get(table, ())]
        if table == MESSAGES:
            said += [*self._copies, *self._counts]
        return any(rowid in one for one in said)

    def has_all(self, table: str) -> bool:
        """Whether an index that lost nothing names every row of a table."""
        return any(one.whole and not one.index.partial for one in self._indexes.get(table, ()))

    def covered(self, table: str) -> frozenset[str]:
        """Return the columns of a table that an index or the search copy says for its rows."""
        found = {
            column
            for one in self._indexes.get(table, ())
            if not one.index.partial and one.said.count
            for column in one.index.columns
        }
        return frozenset(found | set(COPIED if table == MESSAGES and self._copies else ()))

    def lost(self, table: str, read: Container[int]) -> Iterator[LostRow]:
        """Yield the rows that are proven to have been there and are not among ``read``, by rowid.

        A gap in the rowids alone proves nothing, and is not among them; nor is what one witness has
        and an index without a loss has not: that was deleted.
        """
        proofs: dict[int, Proof] = {}
        indexes = self._indexes.get(table, ())
        for proof, sources in (
            (Proof.INDEX, [one.said for one in indexes]),
            (Proof.DOCSIZE, self._counts if table == MESSAGES else []),
            (Proof.SEARCH_COPY, self._copies if table == MESSAGES else []),
        ):
            for said in sources:
                for rowid in said.rowids():
                    if rowid not in read and not self.denies(table, rowid):
                        proofs[rowid] = proofs.get(rowid, Proof(0)) | proof
        known: dict[int, dict[str, Value]] = {rowid: {} for rowid in proofs}
        for one in indexes if proofs else ():
            for rowid, columns in self._entries(one.index):
                if rowid in known:
                    known[rowid].update(zip(one.index.columns, columns, strict=True))
        for rowid in sorted(proofs):
            yield LostRow(table, rowid, known[rowid], proofs[rowid])

    def highest(self, table: str) -> int:
        """Return the highest rowid that anything says; 0 for none.

        A row, an index, the search index, or the mark of sqlite_sequence, which never goes back.
        """
        said = [one.said for one in self._indexes.get(table, ())]
        if table == MESSAGES:
            said += [*self._copies, *self._counts]
        rows = self._assignment.tables.get(table)
        found = [one.highest for one in said]
        found += [self._highest_row(table)] if rows is not None else []
        found += self._sequence(table)
        return max(found, default=0)

    def _by_indexes(self, table: str, rowid: int, values: Row) -> set[Mark]:
        """Hold a row against the indexes of its table.

        A row that none has was deleted, if there are several and none has lost a page. One alone
        may be of an earlier moment itself, and so proves nothing by what it does not have.
        """
        full = [one for one in self._indexes.get(table, ()) if not one.index.partial]
        speaking = table == MESSAGES and any(rowid in said for said in self._counts)
        contradicted = disputed = False
        for one in self._indexes.get(table, ()):
            try:
                own = tuple([values[name] for name in one.index.columns])
            except KeyError:  # a column whose place is not known
                speaking = speaking or rowid in one.said
                continue
            agrees = one.said.agrees(rowid, own)
            speaking = speaking or agrees is not None
            contradicted = contradicted or agrees is False
            disputed = disputed or (agrees is True and one.said.differs(rowid))
        if contradicted:
            return {Mark.CONTRADICTED}
        if disputed:
            return {Mark.DISPUTED}
        if full and not speaking:
            denied = len(full) > 1 and all(one.whole for one in full)
            return {Mark.CONTRADICTED if denied else Mark.UNWITNESSED}
        return set()

    def _by_copies(self, rowid: int, values: Row) -> list[bool]:
        """Return of each copy that has the text of a message whether it is the same."""
        own = copied_text(values) if all(name in values for name in COPIED) else None
        if own is None:
            return []
        said = [copy.agrees(rowid, own) for copy in self._copies]
        return [one for one in said if one is not None]

    def denies(self, table: str, rowid: int) -> bool:
        """Whether an index that lost nothing does not have a row: it was deleted."""
        return any(
            one.whole and not one.index.partial and rowid not in one.said
            for one in self._indexes.get(table, ())
        )

    def _read_index(self, index: AssignedIndex) -> _Index:
        found = _Index(index, index.whole)
        allowed = self._allowed(index)
        for leaf in self._assignment.survey.leaves_of(index.root):
            if leaf.stale or leaf.trust is not Trust.TREE:
                found.whole = False
            for cell in cells(self._image, leaf):
                entry = _entry(index, allowed, cell)
                if entry is None:
                    found.whole = False
                elif not leaf.stale:
                    found.said.add(*entry)
        return found

    def _allowed(self, index: AssignedIndex) -> tuple[int, ...]:
        """Return what may stand in each column of an index: a page of another may be in its tree.

        A REAL that is whole stands in an index as one, or as an integer in a table.
        """
        columns = self._assignment.tables[index.table].stored.columns
        # A key may be NULL in SQLite, but for one that is declared NOT NULL.
        by_name = {
            column.name: column.allowed | (Stored(0) if column.not_null else Stored.NULL)
            for column in columns
            if column is not None
        }
        rowid = self._assignment.tables[index.table].stored.rowid_column
        by_name |= {rowid: Stored.INTEGER} if rowid is not None else {}
        return tuple(int(by_name.get(name, ANYTHING)) for name in index.columns)

    def _entries(self, index: AssignedIndex) -> Iterator[tuple[int, tuple[Value, ...]]]:
        allowed = self._allowed(index)
        for leaf in self._assignment.survey.leaves_of(index.root):
            for cell in cells(self._image, leaf):
                entry = _entry(index, allowed, cell)
                if entry is not None and not leaf.stale:
                    yield entry

    def _read_copy(self, table: str) -> SaidByRowid:
        said = SaidByRowid()
        for copied in copies(self._image, self._assignment, table):
            if not copied.stale:
                said.add(copied.rowid, copied.text)
        return said

    def _read_counts(self, table: str) -> SaidByRowid:
        said = SaidByRowid()
        for rowid in counted(self._image, self._assignment, table):
            said.add(rowid, None)
        return said

    def _highest_row(self, table: str) -> int:
        """Return the highest rowid on the last page of a table, and of those that overlap it."""
        pages = self._assignment.tables[table].pages
        top = max(pages.lows, default=0)
        last = [
            leaf
            for page, high in zip(pages.pages, pages.highs, strict=True)
            if high >= top and (leaf := self._assignment.survey.leaf(page)) is not None
        ]
        rowids = (cell.rowid for leaf in last for cell in cells(self._image, leaf, wanted=()))
        return max((rowid for rowid in rowids if rowid is not None), default=0)

    def _sequence(self, table: str) -> list[int]:
        if "sqlite_sequence" not in self._assignment.tables:
            return []
        return [
            whole(cell.values[1])
            for leaf in self._assignment.leaves("sqlite_sequence")
            for cell in cells(self._image, leaf)
            if cell.values is not None and len(cell.values) == 2 and cell.values[0] == table
        ]


def _entry(
    index: AssignedIndex, allowed: Sequence[int], cell: Cell
) -> tuple[int, tuple[Value, ...]] | None:
    """Return the rowid of an index entry and what it says; None where it is none of this index."""
    if cell.values is None or len(cell.values) != len(index.columns) + 1:
        return None
    *columns, rowid = cell.values
    if not isinstance(rowid, int):
        return None
    for value, here in zip(columns, allowed, strict=True):
        if not class_of(value) & here:
            return None
    return rowid, tuple(columns)


def _is_picture(name: str, value: str) -> bool:
    return name == "content" and value.startswith(PICTURE) and value.count("\0") == 1
