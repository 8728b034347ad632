"""Rows of pages whose last image is torn: what of them can still be called today's.

One checksum of the -wal covers a whole image, so a torn one cannot be taken as it is, and the image
before it is of an earlier moment: it has what was undone or deleted since. A row of either is taken
if nothing newer speaks against it. Newer are the indexes and the search index: their own pages were
written by the same commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol

from hermes_repair.model.values import Row, Value
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.cells import cells
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.said_by_rowid import Rowids
from hermes_repair.salvage.salvaged_rows import SalvagedRow
from hermes_repair.salvage.search_texts import (
    COPIED,
    COPIES,
    COUNTS,
    UNDECIDED,
    copies,
    counted,
    is_miscounted,
    split_text,
)
from hermes_repair.salvage.stored_table import StoredTable
from hermes_repair.schema.search import TABLES

MESSAGES = "messages"
_AGAINST = frozenset(
    {Mark.CONTRADICTED, Mark.DISPUTED, Mark.UNWITNESSED, Mark.NUL, Mark.NOT_TEXT, Mark.NO_DEFAULT}
)
_NEVER_CHANGED = frozenset({"id", "session_id", "timestamp", "started_at"})
"""What no release changes of a message or a session: where it differs, it is another one."""
_MOST_STALE = 100_000
"""Rows of stale pages of one table of which is kept what indexes say."""


class Newer(Protocol):
    """What says of rows how they are today (:class:`.witnesses.Witnesses`)."""

    def knows(self, table: str, rowid: int) -> bool: ...

    def denies(self, table: str, rowid: int) -> bool: ...

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]: ...

    def said_of(self, table: str, rowids: Collection[int]) -> Mapping[int, Row]: ...


class OlderPages:
    """Chooses, for each row of such a page, what of it is given."""

    def __init__(self, image: PageImage, assignment: Assignment, newer: Newer) -> None:
        """Take what was read; the witnesses are asked when the first such page comes."""
        self._image, self._assignment, self._newer = image, assignment, newer
        self._said: dict[str, Mapping[int, Row]] = {}

    def newest(
        self, stored: StoredTable, older: Mapping[int, SalvagedRow], torn: Mapping[int, SalvagedRow]
    ) -> Iterator[SalvagedRow]:
        """Yield the rows of a page as they are today, as far as that can be known, by rowid.

        ``older`` are the rows of its earlier image, ``torn`` those that can be read of the torn
        one, which are taken if a witness has them and none speaks against them. Of a message the
        older one is, if that is also so of it: a release changes nothing else of one, and
        what is torn may be wrong where no witness looks. An older row is given unless it was
        deleted since; what witnesses say otherwise is put in. Where that is not known, or they
        speak of another row (its key differs), there is none.
        """
        table = stored.name
        counts = self._counts(table, {*older, *torn})
        older, torn = self._held_against(counts, older), self._held_against(counts, torn)
        changed = [rowid for rowid, row in older.items() if Mark.CONTRADICTED in row.marks]
        texts = self._copied(table, changed)
        for rowid in sorted({*older, *torn}):
            before, after = older.get(rowid), torn.get(rowid)
            if after is not None and self._newer.knows(table, rowid) and _stands(after):
                message = table == MESSAGES and before is not None and _stands(before)
                same = before is not None and (message or before.values == after.values)
                yield before if before is not None and same else after
            elif before is None or self._is_deleted(table, rowid):
                continue
            elif Mark.CONTRADICTED not in before.marks:
                yield before
            else:
                said = {**self._said_since(table).get(rowid, {})}
                said |= _parts(before.values, texts.get(rowid))
                row = self._corrected(before, said, _NEVER_CHANGED.union(stored.key))
                if row is not None and row in self._held_against(counts, {rowid: row}).values():
                    yield row

    def _counts(self, table: str, rowids: Collection[int]) -> Mapping[int, bytes]:
        """Return how many words the search index has of some messages, as it stores that.

        To count is slow, so only messages of these pages are held against it.
        """
        if table != MESSAGES:
            return {}
        pages = counted(self._image, self._assignment, COUNTS[0], sorted(rowids))
        return dict(chain.from_iterable(pages))

    def _held_against(
        self, counts: Mapping[int, bytes], rows: Mapping[int, SalvagedRow]
    ) -> dict[int, SalvagedRow]:
        """Return messages, those marked of which the search index counted other words."""
        index = self._assignment.schema.get(("table", TABLES[0]))
        apart = index is not None and "content=" in (index.sql or "")
        return {
            rowid: row._replace(marks=row.marks | {Mark.CONTRADICTED})
            if rowid in counts and is_miscounted(row.values, counts[rowid], apart=apart)
            else row
            for rowid, row in rows.items()
        }

    def _is_deleted(self, table: str, rowid: int) -> bool:
        """Whether a row of an earlier moment is no row today.

        Not where an image of an unknown page was lost: the index may be the older one.
        """
        return not self._image.lost_unnamed and self._newer.denies(table, rowid)

    def _corrected(self, row: SalvagedRow, said: Row, fixed: Collection[str]) -> SalvagedRow | None:
        """Return a row with what is said of it since; None where that is not all that differs."""
        own = row.values
        # (An index has a REAL that is whole as an integer: equal is the same.)
        now = {name: said[name] for name in said.keys() & own if said[name] != own[name]}
        values = {**own, **now}
        if not now or now.keys() & set(fixed):
            return None
        if Mark.CONTRADICTED in self._newer.marks(row.table, row.rowid, values):
            return None
        marks = row.marks - {Mark.CONTRADICTED} | {Mark.CORRECTED}
        return row._replace(values=values, marks=marks)

    def _said_since(self, table: str) -> Mapping[int, Row]:
        """Return what the indexes say of the rows of stale pages, if these are not too many."""
        found = self._said.get(table)
        if found is None:
            rowids = Rowids(
                cell.rowid
                for leaf in self._assignment.leaves(table)
                if leaf.stale
                for cell in cells(self._image, leaf, wanted=())
                if cell.rowid is not None
            )
            few = len(rowids) <= _MOST_STALE
            found = self._said[table] = self._newer.said_of(table, list(rowids)) if few else {}
        return found

    def _copied(self, table: str, rowids: Sequence[int]) -> Mapping[int, object]:
        """Return what the search copy has of some messages."""
        tables = (*COPIES, UNDECIDED) if table == MESSAGES and rowids else ()
        return dict(
            copied
            for name in tables
            for page in copies(self._image, self._assignment, name, sorted(rowids))
            for copied in page
        )


def _stands(row: SalvagedRow) -> bool:
    """Whether nothing speaks against a row."""
    return not row.marks & _AGAINST


def _parts(values: Row, text: object) -> dict[str, Value]:
    """Return what a text of the search copy says otherwise of a message; NULL counts as empty."""
    parts = split_text(text) if isinstance(text, str) else None
    if parts is None:
        return {}
    texts = (parts.content, parts.tool_name, parts.tool_calls)
    said: dict[str, Value] = dict(zip(COPIED, texts, strict=True))
    return {
        name: value for name, value in said.items() if (values.get(name) or "") != (value or "")
    }
