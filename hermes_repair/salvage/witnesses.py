"""What indexes and the search copy say of the rows: SQLite has no checksum of its pages."""

from __future__ import annotations

from collections.abc import Container, Iterator
from enum import Flag, auto
from typing import NamedTuple

from hermes_repair.model.values import Row
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.salvaged_rows import Mark


class Proof(Flag):
    """What proves that a row was there."""

    INDEX = auto()
    DOCSIZE = auto()  # the search index counts the words of every message
    SEARCH_COPY = auto()


class LostRow(NamedTuple):
    """A row that was there and cannot be read; ``known`` are the columns that an index says."""

    table: str
    rowid: int
    known: Row
    proof: Proof


class Witnesses:
    """What was found beside the rows, read once. A few bytes are kept per row and index."""

    def __init__(self, image: PageImage, assignment: Assignment) -> None:
        """Read the indexes and the search copy."""
        raise NotImplementedError

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]:
        """Return what speaks against a row."""
        raise NotImplementedError

    def covered(self, table: str) -> frozenset[str]:
        """Return the columns of a table that a witness says for most of its rows."""
        raise NotImplementedError

    def lost(self, table: str, read: Container[int]) -> Iterator[LostRow]:
        """Yield the rows that are proven to have been there and are not among ``read``, by rowid.

        A gap in the rowids alone proves nothing, and is not among them.
        """
        raise NotImplementedError

    def highest(self, table: str) -> int:
        """Return the highest rowid that anything says: a row, an index, the search copy,
        sqlite_sequence. 0 for none."""
        raise NotImplementedError
