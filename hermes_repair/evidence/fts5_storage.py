"""The tables that FTS5 keeps an index in, read without it: is all there that a search goes through?

No check of SQLite and none of FTS5 asks whether ``%_idx`` leads to every leaf; an empty one finds
next to nothing, without an error. A lost structure record keeps every release from opening the
database. The formats are those of FTS5's own source (``fts5_index.c``), versions 4 and 5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.model.values import Value, whole
from hermes_repair.model.words import count
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look

AVERAGES, STRUCTURE = 1, 10
"""Ids of the two rows of ``%_data`` that are no pages."""

SAMPLED = 500
"""Leaves that are looked at unless all are asked for; they lie evenly over the whole index."""

ASKED_AT_ONCE = 200  # leaves; beside others a query has its time

_VERSIONS = (4, 5)
_LONGEST_RECORD = 1 << 18  # bytes; FTS5 keeps 2,000 segments at most
_LAST_SEGMENT, _LAST_LEAF = (1 << 16) - 1, (1 << 31) - 1
_LEAF_HEADER = 4  # bytes
_MOST_OF_A_LEAF = 4050  # bytes, of which FTS5 begins another one unless it is configured otherwise
_WITH_TOMBSTONES = b"\xff\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class Segment:
    """One b-tree of an index: its id and the numbers of its first and last leaf.

    Both are 0 where a merge in steps has taken all of it over and is not at its end.
    """

    id: int
    first: int
    last: int

    def leaf(self, number: int) -> int:
        """Return the id of a leaf in ``%_data``."""
        return (self.id << 37) + number

    def number(self, leaf: int) -> int:
        """Return which leaf has this id in ``%_data``."""
        return leaf - (self.id << 37)


def storage_damage(look: Look, table: str, every_leaf: bool) -> tuple[str, ...]:
    """Return what the storage of a search table lacks, each a clause; empty where nothing is.

    ``every_leaf``: look at all leaves, not only at :data:`SAMPLED` of them. The storage tables must
    be there (:func:`~hermes_repair.schema.search.missing_storage`).
    """
    return tuple(_damage(look, table, every_leaf))


def _damage(look: Look, table: str, every_leaf: bool) -> Iterator[str]:
    config, data = quote(f"{table}_config"), quote(f"{table}_data")
    version = look.one(f"SELECT v FROM {config} WHERE k = 'version'")
    if version is None or version[0] not in _VERSIONS:
        yield "its configuration is gone"
    if look.one(f"SELECT 1 FROM {data} WHERE id = ?", [AVERAGES]) is None:
        yield "its totals are gone"
    record = _structure_record(look, data)
    if record is None:
        yield "its structure record is gone"
        return
    try:
        segments = read_segments(record[0])
    except ValueError:
        yield "its structure record cannot be read"
        return
    if not segments and word_count(look, table):
        yield "it has no word left"
    lost, unreachable = _leaves(look, table, segments, every_leaf)
    if lost:
        yield f"{count(lost, 'page')} of it {'is' if lost == 1 else 'are'} gone"
    if unreachable:
        yield f"{count(unreachable, 'page')} of it cannot be reached"


def most_bytes(look: Look, table: str) -> int:
    """Return the bytes that the leaves of an index have at most, by its structure record.

    Raises ``ValueError`` where that is damaged.
    """
    record = _structure_record(look, quote(f"{table}_data"))
    segments = read_segments((record or (None,))[0])
    leaves = sum(segment.last - segment.first + 1 for segment in segments)
    return leaves * _MOST_OF_A_LEAF


def word_count(look: Look, table: str) -> int:
    """Return how many words an index has by its totals, those of all rows and columns."""
    data = quote(f"{table}_data")
    row = look.one(
        f"SELECT block FROM {data} WHERE id = ? AND length(block) <= {_LONGEST_RECORD}", [AVERAGES]
    )
    packed = row[0] if row is not None else None
    _rows, *words = read_numbers(packed) if isinstance(packed, bytes) and packed else (0,)
    return sum(words)


def index_bytes(look: Look, table: str) -> int:
    """Return how many bytes the leaves of an index have, which reads all of it."""
    data = quote(f"{table}_data")
    [(size,)] = look.counted(f"SELECT SUM(length(block)) FROM {data} WHERE id > ?", [STRUCTURE])
    return whole(size)


def _structure_record(look: Look, data: str) -> tuple[Value, ...] | None:
    return look.one(
        f"SELECT CASE WHEN length(block) <= {_LONGEST_RECORD} THEN block END FROM {data}"
        " WHERE id = ?",
        [STRUCTURE],
    )


def read_segments(record: Value) -> tuple[Segment, ...]:
    """Return the segments that a structure record names.

    Raises ``ValueError`` for what is no such record.
    """
    if not isinstance(record, bytes) or len(record) < 7:
        raise ValueError("no structure record")
    later = record[4:8] == _WITH_TOMBSTONES
    numbers = read_numbers(record[8 if later else 4 :])
    try:
        levels, total, _written = next(numbers), next(numbers), next(numbers)
        segments = []
        for _ in range(levels):
            _merging, number = next(numbers), next(numbers)
            for _ in range(number):
                segments.append(Segment(next(numbers), next(numbers), next(numbers)))
                for _ in range(5 if later else 0):  # what was deleted since, by origin
                    next(numbers)
    except StopIteration:
        raise ValueError("the structure record is cut off") from None
    once = len({segment.id for segment in segments}) == len(segments)
    if len(segments) != total or not once or not all(map(_is_possible, segments)):
        raise ValueError("the structure record contradicts itself")
    return tuple(segment for segment in segments if segment.last)


def _is_possible(segment: Segment) -> bool:
    in_order = 0 < segment.first <= segment.last or segment.first == segment.last == 0
    return in_order and segment.last <= _LAST_LEAF and 0 < segment.id <= _LAST_SEGMENT


def read_numbers(packed: bytes) -> Iterator[int]:
    """Yield SQLite's variable-length integers: seven bits a byte, the ninth byte whole."""
    value = length = 0
    for byte in packed:
        length += 1
        if length == 9:
            yield value << 8 | byte
        elif byte < 0x80:
            yield value << 7 | byte
        else:
            value = value << 7 | byte & 0x7F
            continue
        value = length = 0


def _leaves(look: Look, table: str, segments: Sequence[Segment], every: bool) -> tuple[int, int]:
    """Count the leaves that are gone, and those with a word that ``%_idx`` does not lead to."""
    data, idx = quote(f"{table}_data"), quote(f"{table}_idx")
    total = sum(segment.last - segment.first + 1 for segment in segments)
    if every:  # a record may claim any number of them
        row = look.one(f"SELECT COUNT(*) FROM {data} WHERE id > ?", [STRUCTURE])
        pages = whole(row[0]) if row else 0
        if pages < total:
            return total - pages, 0
    step = 1 if every else max(1, total // SAMPLED)
    lost = unreachable = 0
    for segment in segments:
        led_to = {
            whole(number)
            for (number,) in look.rows(f"SELECT pgno >> 1 FROM {idx} WHERE segid = ?", [segment.id])
        }
        numbers = range(segment.first, segment.last + 1, step)
        for begin in range(0, len(numbers), ASKED_AT_ONCE):
            asked = [segment.leaf(number) for number in numbers[begin : begin + ASKED_AT_ONCE]]
            for id, end_bytes, size in look.rows(
                f"SELECT j.value, substr(d.block, 3, 2), length(d.block) FROM json_each(?) AS j"
                f" LEFT JOIN {data} AS d ON d.id = j.value",
                [json.dumps(asked)],
            ):
                end = _end_of_entries(end_bytes, size)
                if end is None:
                    lost += 1
                elif end < whole(size) and segment.number(whole(id)) not in led_to:
                    unreachable += 1  # a word begins there: its words follow the entries
    return lost, unreachable


def _end_of_entries(end: Value, size: Value) -> int | None:
    """Return where the entries of a leaf end, None where it is no leaf."""
    if not isinstance(end, bytes) or len(end) != 2 or not isinstance(size, int):
        return None
    place = int.from_bytes(end)
    return place if _LEAF_HEADER <= place <= size else None
