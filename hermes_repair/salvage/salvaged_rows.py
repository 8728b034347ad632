"""The rows of a table to be written again, each key once, with what is known of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from heapq import heappop, heappush
from itertools import groupby
from typing import NamedTuple, Protocol

from hermes_repair.model.values import Row, Value, number
from hermes_repair.salvage.assignment import AssignedTable, Assignment
from hermes_repair.salvage.broken_cells import Why
from hermes_repair.salvage.cells import Cell, cells
from hermes_repair.salvage.leaves import Leaf, Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.plain_leaves import plain_rows
from hermes_repair.salvage.record_values import converter, fewest_columns, values_of
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.row_shapes import ROLES
from hermes_repair.salvage.stored_table import StoredTable


class SalvagedRow(NamedTuple):
    """One row, whole. ``values`` by column name, in stored order, the rowid column filled in.

    Columns whose names are not known are left out (``Assignment.tables[...].stored.unknown``).
    """

    table: str
    rowid: int | None
    values: Row
    page: int
    trust: Trust
    marks: frozenset[Mark]


class Refusal(Enum):
    """Why something that lay on a page of a table is not among its rows."""

    BROKEN = "it cannot be read as a whole"
    MISFIT = "it is no row of this table"
    CARVED = "its page has lost the pointer to it, and nothing proves that it was not deleted"
    FREED = "its page hangs in no tree, that of its table has lost none, and no index has the row"
    OLDER = "another row has its key, and is more trusted"
    OUTDATED = "a later image of its page was lost, and the row was deleted or replaced since"
    TORN = "its page is torn, and nothing proves that it is whole"


class Refused(NamedTuple):
    """A cell that gave no row. ``why`` with BROKEN, ``values`` with all others that were read."""

    table: str
    rowid: int | None
    page: int
    refusal: Refusal
    why: Why | None
    values: Row | None


class Judge(Protocol):
    """What says of a row which marks it deserves (:class:`.witnesses.Witnesses`)."""

    def knows(self, table: str, rowid: int) -> bool: ...

    def has_all(self, table: str) -> bool: ...

    def denies(self, table: str, rowid: int) -> bool: ...

    def proofs(self, table: str) -> int: ...

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]: ...

    def newest(
        self, stored: StoredTable, older: Mapping[int, SalvagedRow], torn: Mapping[int, SalvagedRow]
    ) -> Iterable[SalvagedRow]: ...


def nothing_refused(refused: Refused) -> None:
    """Take no notice of what is refused."""


def rows(  # noqa: PLR0913 - what is read, and how, by name
    image: PageImage,
    assignment: Assignment,
    table: str,
    judge: Judge | None = None,
    refused: Callable[[Refused], None] = nothing_refused,
    *,
    marked: bool = True,
) -> Iterator[SalvagedRow]:
    """Yield the rows of a table, by rowid, each rowid and each primary key once.

    Of two rows with one key the more trusted is given, and ``refused`` is told of the other: tree
    before orphan before out of range, then a page that is not stale, of sessions the greater
    counters. Two that are equal are one.

    Without ``marked`` the ``judge`` is only asked where what it says decides about a row: the same
    rows come, sooner, and their marks say nothing.
    """
    assigned = assignment.tables[table]
    reader = _Reader(image, assignment, assigned, judge, refused)
    text_key = assigned.stored.key if not assigned.stored.rowid_column else ()
    if text_key:
        silent = _Reader(image, assignment, assigned, judge, nothing_refused)
        yield from reader.once(text_key, _repeated(silent.all(judged=False), text_key))
    else:
        yield from reader.all(judged=marked)


def _repeated(found: Iterable[SalvagedRow], key: tuple[str, ...]) -> set[int]:
    """Return the hashes of the keys that occur more than once: the rows take too much memory."""
    met: set[int] = set()
    repeated: set[int] = set()
    for row in found:
        own = hash(_key_of(row, key))
        (repeated if own in met else met).add(own)
    return repeated


def _key_of(row: SalvagedRow, key: tuple[str, ...]) -> tuple[Value, ...]:
    """Return the key of a row; with its rowid where it has a NULL, which is equal to no other."""
    own = tuple(row.values.get(name) for name in key)
    return (*own, row.rowid) if None in own else own


COUNTERS = ("message_count", "tool_call_count", "input_tokens", "output_tokens", "ended_at")
"""What grows while a session goes on: of two states of it the one with more is the later."""


class _Reader:
    """Reads one table. Pages whose rowids do not overlap are read one by one, in order."""

    def __init__(
        self,
        image: PageImage,
        assignment: Assignment,
        table: AssignedTable,
        judge: Judge | None,
        refused: Callable[[Refused], None],
    ) -> None:
        self.image, self.assignment, self.table = image, assignment, table
        self.judge, self.refused = judge, refused
        self.stored = table.stored
        self.name = table.name
        self.convert = converter(table.stored)
        self.fewest, self.most = fewest_columns(table.stored), len(table.stored.columns)
        self.needed = values_of(
            [c.name for c in table.stored.columns if c is not None and c.not_null]
        )
        # Of a row that was deleted since, its own page and a page of each proof are of before.
        proofs = judge.proofs(self.name) if judge is not None else 0
        self.may_be_older = image.images_lost > proofs

    def all(self, *, judged: bool) -> Iterator[SalvagedRow]:
        """Yield the rows of the table, each rowid once; of one WITHOUT ROWID those of its tree."""
        if self.stored.without_rowid:
            for leaf in self.assignment.survey.leaves_of(self.table.root or 0):
                yield from self._of(leaf, judged=judged)
            return
        for run in self.table.pages.runs():
            if len(run) == 1:
                yield from self._of_page(run[0][1], judged=judged)
            else:
                for _, rows in groupby(self._merged(run), key=lambda row: row.rowid):
                    yield self._best(list(rows))

    def _merged(self, run: list[tuple[int, int]]) -> Iterator[SalvagedRow]:
        """Yield the rows of pages that overlap by rowid; a page is opened when its turn comes."""
        waiting: list[tuple[int, int, SalvagedRow, Iterator[SalvagedRow]]] = []
        at = 0
        while waiting or at < len(run):
            while at < len(run) and (not waiting or run[at][0] <= waiting[0][0]):
                _push(waiting, at, self._of_page(run[at][1], judged=True))
                at += 1
            if waiting:
                _, number, row, more = heappop(waiting)
                yield row
                _push(waiting, number, more)

    def _of_page(self, page: int, *, judged: bool) -> Iterator[SalvagedRow]:
        leaf = self.assignment.survey.leaf(page)
        if leaf is None:
            return iter(())
        if leaf.stale and self.judge is not None:
            return self._newest_of(leaf, self.judge)
        return self._of(leaf, judged=judged)

    def _newest_of(self, leaf: Leaf, judge: Judge) -> Iterator[SalvagedRow]:
        """Yield the rows of a page whose last image is torn, of that or the one before."""
        older: dict[int, SalvagedRow] = {}
        if leaf.page not in self.image.torn_alone:
            older = _by_rowid(self._of(leaf, judged=True))
        torn: dict[int, SalvagedRow] = {}
        data = self.image.torn(leaf.page)
        if data is not None and (leaf.trust is not Trust.ORPHAN or not older):
            silent = _Reader(self.image, self.assignment, self.table, judge, nothing_refused)
            marked = frozenset({Mark.TORN_PAGE})
            read = silent.of_cells(leaf, cells(self.image, leaf, None, data), marked, judged=True)
            torn = {rowid: row for rowid, row in _by_rowid(read).items() if leaf.allows(rowid)}
        given = set()
        for row in judge.newest(self.stored, older, torn):
            given.add(row.rowid)
            yield row
        for rows, refusal in ((older, Refusal.OUTDATED), (torn, Refusal.TORN)):
            for rowid, row in rows.items():
                if rowid not in given:
                    given.add(rowid)
                    self._refuse(rowid, row.page, refusal, None, row.values)

    def _best(self, rows: list[SalvagedRow]) -> SalvagedRow:
        """Return the most trusted of rows with one key, and tell of the others."""
        best = max(rows, key=_rank)
        for row in rows:
            if row is not best and row.values != best.values:
                self._refuse(row.rowid, row.page, Refusal.OLDER, None, row.values)
        return best

    def once(self, key: tuple[str, ...], repeated: Container[int]) -> Iterator[SalvagedRow]:
        """Yield the rows of a table whose key is no rowid, each key once, the ``repeated`` last."""
        met: dict[tuple[Value, ...], SalvagedRow] = {}
        for row in self.all(judged=True):
            own = _key_of(row, key)
            if hash(own) not in repeated:
                yield row
            else:
                met[own] = self._best([met[own], row]) if own in met else row
        yield from met.values()

    def _of(self, leaf: Leaf, *, judged: bool) -> Iterator[SalvagedRow]:
        marks = self._marks_of_page(leaf)
        plain = plain_rows(self.image, leaf)
        for rowid, record in plain or ():
            row = self._row(leaf, rowid, record, marks, judged=judged)
            if row is not None:
                yield row
        if plain is None:
            yield from self.of_cells(leaf, cells(self.image, leaf), marks, judged=judged)

    def of_cells(
        self, leaf: Leaf, found: Iterable[Cell], marks: frozenset[Mark], *, judged: bool
    ) -> Iterator[SalvagedRow]:
        """Yield the rows that the cells of a page are; ``marks``: those of the page."""
        for cell in found:
            if cell.values is None:
                why = cell.broken.why if cell.broken is not None else None
                self._refuse(cell.rowid, cell.page, Refusal.BROKEN, why, None)
                continue
            own = marks | {Mark.STALE_PAGE} if cell.stale else marks
            own = own | {Mark.CARVED} if cell.carved else own
            row = self._row(leaf, cell.rowid, cell.values, own, judged=judged)
            if row is not None:
                yield row

    def _row(
        self,
        leaf: Leaf,
        rowid: int | None,
        record: tuple[Value, ...],
        marks: frozenset[Mark],
        *,
        judged: bool,
    ) -> SalvagedRow | None:
        """Return what is at a place as a row of this table; None where it is none.

        ``marks`` are those of the place. ``judged``: the witnesses are asked, for the marks or
        because others may have its key.
        """
        if len(record) > self.most:
            self._refuse(rowid, leaf.page, Refusal.MISFIT, None, None)
            return None
        if len(record) < self.fewest:
            marks |= {Mark.NO_DEFAULT}
        values = self.convert(rowid, record)
        trust = leaf.trust_of(rowid)
        carved = bool(marks) and Mark.CARVED in marks
        if not self._is_row(values, known=trust is Trust.TREE and not carved):
            self._refuse(rowid, leaf.page, Refusal.MISFIT, None, values)
            return None
        if self.judge is not None and (judged or carved):
            marks |= self.judge.marks(self.name, rowid, values)
        if carved and not self._is_proven(rowid, marks):
            self._refuse(rowid, leaf.page, Refusal.CARVED, None, values)
            return None
        if trust is Trust.ORPHAN and not self._in_an_index(rowid):
            if self._is_freed(leaf):
                self._refuse(rowid, leaf.page, Refusal.FREED, None, values)
                return None
            if self._may_be_freed(leaf):
                marks |= {Mark.MAYBE_FREED}
        return SalvagedRow(self.name, rowid, values, leaf.page, trust, marks)

    def _is_freed(self, leaf: Leaf) -> bool:
        """Whether a page is none of the table: its tree has all of its own, and another tree lacks
        this one, or nothing proves that it is not free.

        Where the list of free pages is whole, and it is not among them, the tree itself is of an
        earlier moment.
        """
        survey = self.assignment.survey
        if not self.table.whole or self.table.root is None:
            return False
        return not survey.free_sure or survey.is_missed(leaf.page)

    def _may_be_freed(self, leaf: Leaf) -> bool:
        """Whether a page may be a free one that is not known as such."""
        survey = self.assignment.survey
        whole = self.table.whole and self.table.root is not None
        if whole or survey.free_sure:
            return whole
        if survey.may_lack_free_pages:
            return True
        alone = len(self.table.pages.pages) == 1  # then it is the root, which is never free
        return not alone and (leaf.root is None or leaf.root != self.main_root)

    @cached_property
    def main_root(self) -> int | None:
        """The tree that most pages of the table hang in."""
        pages, survey = self.table.pages.pages, self.assignment.survey
        roots = Counter(leaf.root for page in pages if (leaf := survey.leaf(page)) is not None)
        return roots.most_common(1)[0][0] if roots else None

    def _in_an_index(self, rowid: int | None) -> bool:
        """Whether an index that lost nothing has the row.

        The search copy proves nothing here: its pages may have been freed with those of the row.
        """
        if rowid is None or self.judge is None or not self.judge.has_all(self.name):
            return False
        return not self.judge.denies(self.name, rowid)

    def _is_proven(self, rowid: int | None, marks: frozenset[Mark]) -> bool:
        """Whether a witness has the row as it was read."""
        if rowid is None or self.judge is None:
            return False
        return not marks & {
            Mark.CONTRADICTED,
            Mark.DISPUTED,
            Mark.UNWITNESSED,
        } and self.judge.knows(self.name, rowid)

    def _is_row(self, values: dict[str, Value], *, known: bool) -> bool:
        """Whether SQLite could have this row here.

        Where its place is not ``known`` a message must have a role of Hermes': only that tells it
        from rows of other tables. In the tree it may have any, as a plugin writes it.
        """
        if not known and self.name == "messages" and values.get("role", "user") not in ROLES:
            return False
        return None not in self.needed(values)

    def _marks_of_page(self, leaf: Leaf) -> frozenset[Mark]:
        marks = {Mark.STALE_PAGE} if leaf.stale else set()
        if leaf.page in self.image.unproven:
            marks.add(Mark.UNPROVEN_PAGE)
        if self.may_be_older and self.image.may_be_older(leaf.page):
            marks.add(Mark.MAYBE_OLDER)
        if self.image.journal_cut:
            marks.add(Mark.JOURNAL_CUT)
        return frozenset(marks)

    def _refuse(
        self, rowid: int | None, page: int, refusal: Refusal, why: Why | None, values: Row | None
    ) -> None:
        self.refused(Refused(self.name, rowid, page, refusal, why, values))


def _rank(row: SalvagedRow) -> tuple[object, ...]:
    """Return by what one row of a key goes before another."""
    counters = tuple(number(row.values.get(name)) or 0.0 for name in COUNTERS)
    sound = not row.marks & {Mark.STALE_PAGE, Mark.CONTRADICTED, Mark.CARVED}
    return (row.trust, sound, not row.marks, counters if row.table == "sessions" else ())


def _push(
    waiting: list[tuple[int, int, SalvagedRow, Iterator[SalvagedRow]]],
    number: int,
    rows: Iterator[SalvagedRow],
) -> None:
    row = next(rows, None)
    if row is not None:
        heappush(waiting, (row.rowid or 0, number, row, rows))


def _by_rowid(rows: Iterable[SalvagedRow]) -> dict[int, SalvagedRow]:
    return {row.rowid: row for row in rows if row.rowid is not None}
