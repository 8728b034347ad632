"""Mends a frame of a -wal of which a part is damaged, where its own checksum proves the result.

The checksum is linear in the words of the frame: what a change of a word changes in it is known
without summing up again. So it can be asked of every word whether it alone is wrong (a bit that
fell over), and of every run of sectors whether they would be right as an earlier image of the page
has them (sectors that were never written, or are noise, where nothing had changed): 64 bits agree,
or they do not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

_SECTOR = 512
_MASK = (1 << 32) - 1


class Missing(NamedTuple):
    """How far the checksum of a frame is from the one that it stores: both halves, modulo 2**32."""

    first: int
    second: int
    big_endian: bool


class _Weights(NamedTuple):
    """What each word of an image adds to both halves of the checksum, times its value."""

    first: tuple[int, ...]
    second: tuple[int, ...]


def mended(torn: bytes, missing: Missing, others: Iterable[bytes]) -> bytes | None:
    """Return the image of a page that has the checksum of its frame, None where none is found.

    ``others`` are earlier images of the page. A wrong word is found by chance once in some millions
    of frames that are more damaged than that.
    """
    weights = _weights(len(torn))
    for other in others:
        found = _with_sectors(torn, other, missing, weights) if len(other) == len(torn) else None
        if found is not None:
            return found
    return _with_one_word(torn, missing, weights)


def _with_sectors(torn: bytes, other: bytes, missing: Missing, weights: _Weights) -> bytes | None:
    """Try every run of sectors of another image in place of those of the torn one."""
    mine, theirs = _words(torn, missing), _words(other, missing)
    first, second = [0], [0]
    step = _SECTOR // 4
    for begin in range(0, len(mine), step):
        part = slice(begin, begin + step)
        changes = [b - a for a, b in zip(mine[part], theirs[part], strict=True)]
        first.append(sum(map(int.__mul__, changes, weights.first[part])))
        second.append(sum(map(int.__mul__, changes, weights.second[part])))
    sums = [
        (a & _MASK, b & _MASK) for a, b in zip(accumulate(first), accumulate(second), strict=True)
    ]
    begins: dict[tuple[int, int], int] = {}
    for end, (a, b) in enumerate(sums):
        before = (a - missing.first) & _MASK, (b - missing.second) & _MASK
        if before in begins:
            low, high = begins[before] * _SECTOR, end * _SECTOR
            return torn[:low] + other[low:high] + torn[high:]
        begins.setdefault((a, b), end)
    return None


def _with_one_word(torn: bytes, missing: Missing, weights: _Weights) -> bytes | None:
    """Try for every word what it would have to be, if it alone is wrong.

    Weights repeat modulo 2**n after 3 * 2**(n - 1) words, so that a change of the upper bits alone
    may be one of several words: then none is taken.
    """
    found: list[tuple[int, int]] = []
    for at, (first, second) in enumerate(zip(weights.first, weights.second, strict=True)):
        # One of the two is odd, as Fibonacci numbers side by side are: that one can be divided by.
        odd, wanted = (first, missing.first) if first & 1 else (second, missing.second)
        change = wanted * pow(odd, -1, _MASK + 1) & _MASK
        if (change * first & _MASK, change * second & _MASK) == missing[:2]:
            found.append((at, change))
    if len(found) != 1:
        return None
    [(at, change)] = found
    words = list(_words(torn, missing))
    words[at] = words[at] + change & _MASK
    return _order(len(words), missing).pack(*words)


def _words(data: bytes, missing: Missing) -> Sequence[int]:
    return _order(len(data) // 4, missing).unpack(data)


def _order(count: int, missing: Missing) -> struct.Struct:
    return struct.Struct(f"{'>' if missing.big_endian else '<'}{count}I")


@lru_cache(maxsize=4)
def _weights(size: int) -> _Weights:
    """Return the weights of the words of an image, whose sums are: a += x + b, then b += y + a."""
    first: list[int] = []
    second: list[int] = []
    even, odd = (1, 1), (0, 1)  # of the last two words
    for _ in range(size // 8):
        first += (odd[0], even[0])
        second += (odd[1], even[1])
        even, odd = _before(even), _before(odd)
    return _Weights(tuple(reversed(first)), tuple(reversed(second)))


def _before(weight: tuple[int, int]) -> tuple[int, int]:
    """Return the weight of the word that stands two words earlier."""
    a = weight[0] + weight[1] & _MASK
    return a, a + weight[1] & _MASK
