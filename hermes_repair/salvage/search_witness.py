"""What the search index says of messages: that they were there, and their texts or lengths."""

from __future__ import annotations

from hermes_repair.model.values import Row
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.said_by_rowid import Rowids, SaidByRowid
from hermes_repair.salvage.search_texts import (
    COPIED,
    COPIES,
    COUNTS,
    TRIGRAM_COUNTS,
    UNDECIDED,
    copied_text,
    copies,
    counted,
    trigram_counts,
)

NOTHING: frozenset[Mark] = frozenset()


class SearchWitness:
    """What was read of the search index, once.

    ``copies`` say the text of messages (schemas 11 to 22), ``counts`` whose words were counted.
    Where no text is kept, the trigram index still says how long each was (schema 23 and later).
    """

    def __init__(self, image: PageImage, assignment: Assignment) -> None:
        """Read it."""
        self._image, self._assignment = image, assignment
        self.copies = [
            said for table in (*COPIES, UNDECIDED) if (said := self._read_copy(table)).count
        ]
        self._counted_columns, self._lengths = 0, SaidByRowid()
        self.counts = [ids for table in (*COUNTS, UNDECIDED) if (ids := self._read_counts(table))]

    @property
    def has_texts(self) -> bool:
        """Whether it says the texts of messages, and not just their lengths."""
        return bool(self.copies)

    def marks(self, rowid: int, values: Row) -> frozenset[Mark]:
        """Return what speaks against the texts of a message."""
        if self.copies:
            return self._by_copies(rowid, values)
        return self._by_lengths(rowid, values) if self._counted_columns > 1 else NOTHING

    def _by_copies(self, rowid: int, values: Row) -> frozenset[Mark]:
        """Hold the text of a message against its copies."""
        own = copied_text(values) if all(map(values.__contains__, COPIED)) else None
        if own is None:
            return frozenset({Mark.UNWITNESSED})
        agreed = contradicted = disputed = False
        for copy in self.copies:
            agrees = copy.agrees(rowid, own)
            agreed = agreed or agrees is True
            contradicted = contradicted or agrees is False
            disputed = disputed or copy.differs(rowid)
        if not agreed:
            return frozenset({Mark.CONTRADICTED if contradicted else Mark.UNWITNESSED})
        return frozenset({Mark.DISPUTED}) if contradicted or disputed else NOTHING

    def _by_lengths(self, rowid: int, values: Row) -> frozenset[Mark]:
        """Hold the length of the texts of a message against what the trigram index counted."""
        own = trigram_counts(values, self._counted_columns)
        agrees = self._lengths.agrees(rowid, own) if own is not None else None
        if agrees is None or (agrees and not self._lengths.differs(rowid)):
            return NOTHING
        return frozenset({Mark.DISPUTED if agrees else Mark.CONTRADICTED})

    def _read_copy(self, table: str) -> SaidByRowid:
        said = SaidByRowid()
        for page in copies(self._image, self._assignment, table):
            for rowid, text in page:
                said.add(rowid, text)
        return said

    def _read_counts(self, table: str) -> Rowids:
        """Return whose words were counted; how many is kept of the trigrams where no text is."""
        ids = Rowids()
        says_lengths = table == TRIGRAM_COUNTS and not self.copies
        for page in counted(self._image, self._assignment, table):
            ids.update(rowid for rowid, _ in page)
            for rowid, counts in page if says_lengths else ():
                self._lengths.add(rowid, counts)
                self._counted_columns = sum(byte < 128 for byte in counts)
        return ids
