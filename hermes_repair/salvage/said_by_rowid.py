"""What a witness says of each row, as one number by rowid: some eleven bytes a row."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator

_BITS = 6
_SIZE = 1 << _BITS
_MASK = (1 << 64) - 1


class SaidByRowid:
    """A hash of what is said, by rowid; several, where a witness says several things of one row.

    Equal numbers are one thing, whether they are integers or REAL. A hash holds in one process.
    """

    def __init__(self) -> None:
        self._chunks: dict[int, array[int]] = {}
        self._more: dict[int, set[int]] = {}
        self.count = 0
        self.highest = 0

    def add(self, rowid: int, said: Hashable) -> None:
        """Note what is said of a row."""
        chunk = self._chunks.get(rowid >> _BITS)
        if chunk is None:
            chunk = self._chunks[rowid >> _BITS] = array("Q", bytes(8 * _SIZE))
        at = rowid & _SIZE - 1
        number = _number(said)
        if not chunk[at]:
            chunk[at] = number
            self.count += 1
            self.highest = max(self.highest, rowid)
        elif chunk[at] != number:
            self._more.setdefault(rowid, set()).add(number)

    def __contains__(self, rowid: object) -> bool:
        return isinstance(rowid, int) and self._at(rowid) != 0

    def agrees(self, rowid: int, said: Hashable) -> bool | None:
        """Whether it says the same of a row; None where it says nothing of it."""
        there = self._at(rowid)
        if not there:
            return None
        number = _number(said)
        return number == there or number in self._more.get(rowid, ())

    def differs(self, rowid: int) -> bool:
        """Whether it says several things of a row: one is of an earlier moment."""
        return rowid in self._more

    def rowids(self) -> Iterator[int]:
        """Yield the rowids of which anything is said, in order."""
        for key in sorted(self._chunks):
            for at, number in enumerate(self._chunks[key]):
                if number:
                    yield key << _BITS | at

    def _at(self, rowid: int) -> int:
        chunk = self._chunks.get(rowid >> _BITS)
        return chunk[rowid & _SIZE - 1] if chunk is not None else 0


def _number(said: Hashable) -> int:
    return hash(said) & _MASK or 1
