"""What indexes and the search copy say of the rows: SQLite has no checksum of its pages."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from operator import and_
from typing import NamedTuple, TypeAlias

from hermes_repair.model.values import RawText, Row, Value, whole
from hermes_repair.salvage.assignment import AssignedIndex, Assignment
from hermes_repair.salvage.cells import cells, rows_of
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.older_pages import MESSAGES, OlderPages
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.record_values import values_of
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.said_by_rowid import Rowids, SaidByRowid
from hermes_repair.salvage.salvaged_rows import SalvagedRow
from hermes_repair.salvage.search_texts import COPIED
from hermes_repair.salvage.search_witness import NOTHING, SearchWitness
from hermes_repair.salvage.stored_table import ANYTHING, Stored, StoredTable, class_of

ACTIVE = "active"
PICTURE = "\0json:"
"""What Hermes begins the content of a message with that has parts: the only NUL it writes."""


class Proof(Flag):
    """What proves that a row was there."""

    INDEX = auto()
    DOCSIZE = auto()  # the search index counts the words of every message
    SEARCH_COPY = auto()


class LostRow(NamedTuple):
    """A row that was there and cannot be read; ``known`` are the columns that indexes say.

    ``hidden``: whether it is a message that its chat no longer shows, because it was undone or
    compacted (``active``, schema 14 and later); None where no index tells.
    """

    table: str
    rowid: int
    known: Row
    proof: Proof
    hidden: bool | None = False


Entry: TypeAlias = tuple[int, tuple[Value, ...]]
"""The rowid that an entry of an index ends with, and the columns before it."""
_MOST_KEPT = 20_000
"""Entries of rows on lost pages that are kept of an index; where it has more, it is read again."""
_NOT_AGREED = frozenset({Mark.CONTRADICTED, Mark.UNWITNESSED})


@dataclass(slots=True)
class _Index:
    """One index as it was read. ``whole``: a row that it does not have is no row.

    ``own`` takes what it should say of a row out of its values; ``KeyError`` where the place of a
    column is not known. ``of_lost_places``: its entries of rows whose pages the tree of the table
    has lost; None where these are too many to be kept.
    """

    index: AssignedIndex
    whole: bool
    said: SaidByRowid = field(default_factory=SaidByRowid)
    of_lost_places: list[Entry] | None = field(default_factory=list)
    own: Callable[[Row], tuple[Value, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.own = values_of(self.index.columns)


class Witnesses:
    """What was found beside the rows, read once. A few bytes are kept per row and index."""

    def __init__(self, image: PageImage, assignment: Assignment) -> None:
        """Read the indexes and the search copy."""
        self._image, self._assignment = image, assignment
        self._indexes: dict[str, list[_Index]] = {}
        self._older_pages = OlderPages(image, assignment, self)
        for index in assignment.indexes:
            self._indexes.setdefault(index.table, []).append(self._read_index(index))
        self._search = SearchWitness(image, assignment)

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]:
        """Return what speaks against a row."""
        marks = NOTHING
        if rowid is not None:
            marks = self._by_indexes(table, rowid, values)
        agreed = False
        if table == MESSAGES and rowid is not None:
            by_search = self._search.marks(rowid, values)
            agreed = self._search.has_texts and not by_search & _NOT_AGREED
            marks |= by_search
        for value in filter(None, values.values()):
            if (type(value) is str and "\0" in value) or type(value) is RawText:
                return marks | _odd_texts(values, COPIED if agreed else ())
        return marks

    def newest(
        self, stored: StoredTable, older: Mapping[int, SalvagedRow], torn: Mapping[int, SalvagedRow]
    ) -> Iterator[SalvagedRow]:
        """Yield the rows of a page whose last image is torn as they are today."""
        return self._older_pages.newest(stored, older, torn)

    def knows(self, table: str, rowid: int) -> bool:
        """Whether an index or the search index says that there is such a row."""
        return any(rowid in one for one in self._of(table))

    def proofs(self, table: str) -> int:
        """Return how many witnesses have to agree to a row of a table that has no mark."""
        full = any(not one.index.partial and one.said.count for one in self._indexes.get(table, ()))
        return full + (table == MESSAGES and self._search.has_texts)

    def _of(self, table: str) -> list[Rowids | SaidByRowid]:
        """Return everything that says of rows of a table that they are there."""
        said: list[Rowids | SaidByRowid] = [one.said for one in self._indexes.get(table, ())]
        return [*said, *self._search.copies, *self._search.counts] if table == MESSAGES else said

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
        return frozenset(
            found | set(COPIED if table == MESSAGES and self._search.has_texts else ())
        )

    def lost(self, table: str, read: Iterable[int]) -> Iterator[LostRow]:
        """Yield the rows that are proven to have been there and are not among ``read``, by rowid.

        A gap in the rowids alone proves nothing, and is not among them; nor is what one witness has
        and an index without a loss has not: that was deleted.
        """
        proofs: dict[int, Proof] = {}
        indexes = self._indexes.get(table, ())
        there = read if isinstance(read, Rowids) else Rowids(read)
        sources: list[tuple[Proof, Rowids | SaidByRowid]] = [
            (Proof.INDEX, one.said) for one in indexes
        ]
        if table == MESSAGES:
            sources += [(Proof.DOCSIZE, said) for said in self._search.counts]
            sources += [(Proof.SEARCH_COPY, said) for said in self._search.copies]
        for proof, said in sources:
            for rowid in said.besides(there):
                if not self.denies(table, rowid):
                    proofs[rowid] = proofs.get(rowid, Proof(0)) | proof
        known = self.said_of(table, proofs)
        can_hide = self._can_hide(table)
        for rowid in sorted(proofs):
            row = known[rowid]
            hidden = None if ACTIVE not in row else row[ACTIVE] != 1
            yield LostRow(table, rowid, row, proofs[rowid], hidden if can_hide else False)

    def said_of(self, table: str, rowids: Collection[int]) -> dict[int, dict[str, Value]]:
        """Return what the indexes say of rows; nothing of a column of which two say two things."""
        known: dict[int, dict[str, Value]] = {rowid: {} for rowid in rowids}
        disputed: set[tuple[int, str]] = set()
        lie_there = all(map(self._is_lost_place(table), rowids))
        for one in self._indexes.get(table, ()) if rowids else ():
            kept = one.of_lost_places if lie_there else None
            for rowid, columns in self._entries(one.index) if kept is None else kept:
                row = known.get(rowid)
                if row is None:
                    continue
                for name, value in zip(one.index.columns, columns, strict=True):
                    if row.setdefault(name, value) != value:
                        disputed.add((rowid, name))
        for rowid, name in disputed:
            del known[rowid][name]
        return known

    def _is_lost_place(self, table: str) -> Callable[[int], bool]:
        """Return what tells whether a rowid lies where the tree of a table has lost a page."""
        rows = self._assignment.tables.get(table)
        places = rows.places_lost if rows is not None else ()
        firsts = [first for first, _ in places]
        lasts = [last for _, last in places]

        def is_lost(rowid: int) -> bool:
            at = bisect_right(firsts, rowid) - 1
            return at >= 0 and rowid <= lasts[at]

        return is_lost

    def _can_hide(self, table: str) -> bool:
        """Whether rows of a table can be messages that no chat shows any more."""
        rows = self._assignment.tables.get(table)
        if table != MESSAGES or rows is None:
            return table == MESSAGES
        return ACTIVE in rows.stored.names or None in rows.stored.names

    def highest(self, table: str) -> int:
        """Return the highest rowid that anything says; 0 for none.

        A row, an index, the search index, or the mark of sqlite_sequence, which never goes back.
        """
        rows = self._assignment.tables.get(table)
        found = [one.highest for one in self._of(table)]
        found += [self._highest_row(table)] if rows is not None else []
        found += self._sequence(table)
        return max(found, default=0)

    def _by_indexes(self, table: str, rowid: int, values: Row) -> frozenset[Mark]:
        """Hold a row against the indexes of its table.

        A row that none has was deleted, if there are several and none has lost a page. One alone
        may be of an earlier moment itself, and so proves nothing by what it does not have.
        """
        indexes = self._indexes.get(table, ())
        speaking = contradicted = disputed = False
        for one in indexes:
            if not one.said.count:
                continue  # as those of rare rows are in most homes
            try:
                own = one.own(values)
            except KeyError:
                speaking = speaking or rowid in one.said
                continue
            agrees = one.said.agrees(rowid, own)
            if agrees is not None:
                speaking = True
                contradicted = contradicted or not agrees
                disputed = disputed or (agrees and one.said.differs(rowid))
        if contradicted:
            return frozenset({Mark.CONTRADICTED})
        if disputed:
            return frozenset({Mark.DISPUTED})
        if speaking or (table == MESSAGES and any(rowid in said for said in self._search.counts)):
            return NOTHING
        full = [one for one in indexes if not one.index.partial]
        if not full:
            return NOTHING
        denied = len(full) > 1 and all(one.whole for one in full)
        return frozenset({Mark.CONTRADICTED if denied else Mark.UNWITNESSED})

    def denies(self, table: str, rowid: int) -> bool:
        """Whether an index that lost nothing does not have a row: it was deleted."""
        return any(
            one.whole and not one.index.partial and rowid not in one.said
            for one in self._indexes.get(table, ())
        )

    def _read_index(self, index: AssignedIndex) -> _Index:
        found = _Index(index, index.whole)
        is_entry = _entries_of(self._allowed(index))
        is_lost = self._is_lost_place(index.table)
        add, kept = found.said.add, found.of_lost_places
        entries = 0
        for leaf in self._assignment.survey.leaves_of(index.root):
            if leaf.stale or leaf.trust is not Trust.TREE:
                found.whole = False
            for _, entry in rows_of(self._image, leaf):
                if entry is None or not is_entry(entry):
                    found.whole = False
                elif not leaf.stale:
                    rowid, columns = whole(entry[-1]), entry[:-1]
                    add(rowid, columns)
                    entries += 1
                    if is_lost(rowid) and kept is not None:
                        kept.append((rowid, columns))
                        kept = kept if len(kept) < _MOST_KEPT else None
        found.of_lost_places = kept
        # A row has one entry: where one has two, a page stands for another, which is gone.
        found.whole = found.whole and entries == found.said.count
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

    def _entries(self, index: AssignedIndex) -> Iterator[Entry]:
        is_entry = _entries_of(self._allowed(index))
        for leaf in self._assignment.survey.leaves_of(index.root):
            for _, entry in rows_of(self._image, leaf):
                if entry is not None and is_entry(entry) and not leaf.stale:
                    yield whole(entry[-1]), entry[:-1]

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


def _entries_of(allowed: Sequence[int]) -> Callable[[tuple[Value, ...]], bool]:
    """Return what tells whether the values of a cell are an entry of an index.

    ``allowed`` has what may stand in each of its columns; the rowid comes after them.
    """
    known: dict[tuple[type, ...], bool] = {}

    def is_entry(values: tuple[Value, ...]) -> bool:
        kinds = tuple(map(type, values))
        found = known.get(kinds)
        if found is None:  # there are few
            found = known[kinds] = (
                len(values) == len(allowed) + 1
                and isinstance(values[-1], int)
                and all(map(and_, map(class_of, values), allowed))
            )
        return found

    return is_entry


def _odd_texts(values: Row, agreed: Collection[str]) -> frozenset[Mark]:
    """Return what speaks against texts that are not ``agreed``: NUL, or no text at all."""
    marks = set()
    for name, value in values.items():
        if name in agreed:
            continue
        if type(value) is str:
            if "\0" in value and not _is_picture(name, value):
                marks.add(Mark.NUL)
        elif type(value) is RawText:
            marks.add(Mark.NOT_TEXT)
    return frozenset(marks)


def _is_picture(name: str, value: str) -> bool:
    return name == "content" and value.startswith(PICTURE) and value.count("\0") == 1
