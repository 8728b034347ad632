"""What is known of each row of a table, by rowid: that it is there, or what a witness says of it.

Millions of rows have to fit into memory, so nothing here is an object per row.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Iterator

_BITS = 6
_SIZE = 1 << _BITS
_PLACE = _SIZE - 1
_ALL = (1 << _SIZE) - 1


class Rowids:
    """Some rowids, one bit each: two bytes a row where they lie close together."""

    def __init__(self, rowids: Iterable[int] = ()) -> None:
        self._chunks: dict[int, int] = {}
        self.update(rowids)

    def update(self, rowids: Iterable[int]) -> None:
        """Take some more."""
        chunks = self._chunks
        for rowid in rowids:
            key = rowid >> _BITS
            chunks[key] = chunks.get(key, 0) | 1 << (rowid & _PLACE)

    def add(self, rowid: int) -> None:
        """Take one more."""
        key = rowid >> _BITS
        self._chunks[key] = self._chunks.get(key, 0) | 1 << (rowid & _PLACE)

    def __contains__(self, rowid: object) -> bool:
        if not isinstance(rowid, int) or isinstance(rowid, bool):
            return False
        return bool(self._chunks.get(rowid >> _BITS, 0) >> (rowid & _PLACE) & 1)

    def __len__(self) -> int:
        return sum(map(int.bit_count, self._chunks.values()))

    def __iter__(self) -> Iterator[int]:
        for key in sorted(self._chunks):
            yield from _places(key, self._chunks[key])

    @property
    def highest(self) -> int:
        """The highest of them; 0 where there is none."""
        key = max(self._chunks, default=0)
        return (key << _BITS) + max(self._chunks.get(key, 0).bit_length() - 1, 0)

    def besides(self, others: Rowids) -> Iterator[int]:
        """Yield those that are not among ``others``, in order."""
        for key in sorted(self._chunks):
            yield from _places(key, self._chunks[key] & ~others.chunk(key))

    def chunk(self, key: int) -> int:
        """Return those from ``64 * key`` on, as bits of one number."""
        return self._chunks.get(key, 0)


def _places(key: int, bits: int) -> Iterator[int]:
    for at in range(bits.bit_length()):
        if bits >> at & 1:
            yield key << _BITS | at


class SaidByRowid:
    """A hash of what is said, by rowid; several, where a witness says several things of one row.

    Some eleven bytes a row. Equal numbers are one thing, whether they are integers or REAL. A hash
    holds in one process.
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
            chunk = self._chunks[rowid >> _BITS] = array("q", bytes(8 * _SIZE))
        at = rowid & _PLACE
        number = hash(said) or 1  # 0 stands for nothing
        there = chunk[at]
        if not there:
            chunk[at] = number
            self.count += 1
            if rowid > self.highest:
                self.highest = rowid
        elif there != number:
            self._more.setdefault(rowid, set()).add(number)

    def __contains__(self, rowid: object) -> bool:
        chunk = self._chunks.get(rowid >> _BITS) if isinstance(rowid, int) else None
        return isinstance(rowid, int) and chunk is not None and chunk[rowid & _PLACE] != 0

    def agrees(self, rowid: int, said: Hashable) -> bool | None:
        """Whether it says the same of a row; None where it says nothing of it."""
        chunk = self._chunks.get(rowid >> _BITS)
        there = chunk[rowid & _PLACE] if chunk is not None else 0
        if not there:
            return None
        number = hash(said) or 1
        return number == there or number in self._more.get(rowid, ())

    def differs(self, rowid: int) -> bool:
        """Whether it says several things of a row: one is of an earlier moment."""
        return rowid in self._more

    def rowids(self) -> Iterator[int]:
        """Yield the rowids of which anything is said, in order."""
        return self.besides(Rowids())

    def besides(self, others: Rowids) -> Iterator[int]:
        """Yield those of these rowids that are not among ``others``, in order."""
        for key in sorted(self._chunks):
            known = others.chunk(key)
            if known != _ALL:
                for at, number in enumerate(self._chunks[key]):
                    if number and not known >> at & 1:
                        yield key << _BITS | at
