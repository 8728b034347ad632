"""Reads a -wal beyond its first bad frame.

SQLite ends at the first frame whose checksum fails: a sound rest is lost, and worse, what a later
frame had overwritten comes back. But every frame stores the running checksum at its end, so the
frame after a bad one can be proven from there. What is taken are frames with the salts of this
generation, up to the last commit. (Layout: https://sqlite.org/fileformat2.html#walformat)
"""

from __future__ import annotations

import os
import struct
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hermes_repair.salvage.database_header import PAGE_SIZES
from hermes_repair.salvage.frame_mending import Missing
from hermes_repair.salvage.notes import Fact

_HEADER = struct.Struct(">IIIIIIII")
_FRAME = struct.Struct(">IIIIII")
_MAGIC = 0x377F0682  # the lowest bit: whether checksums are of big-endian words
_BLOCK = 1 << 20  # bytes of frames that are summed up side by side
_LANE = 8
_SEARCHED = 1 << 20  # how far a frame is looked for where the header of the -wal is gone


@dataclass(frozen=True, slots=True)
class WalImage:
    """What a -wal lays over the main file.

    ``frames``: the offset of the image of each page in the -wal. ``pages``: of the database after
    the last commit, None without one. ``stale`` and ``unproven`` as in ``PageImage``. ``torn``: of
    each stale page the offset of its last image, which fails its checksum, and by how much.
    ``lost_at``: the offset of the last committed image of which not even the page is known, 0
    without one.
    """

    page_size: int
    frames: dict[int, int]
    pages: int | None
    torn: dict[int, tuple[int, Missing]]
    unproven: frozenset[int]
    facts: Counter[Fact]
    lost_at: int = 0

    @property
    def stale(self) -> frozenset[int]:
        """The pages whose last image is torn."""
        return frozenset(self.torn)


class _Generation(NamedTuple):
    """What all valid frames of a -wal share, and the checksum that the first goes on from."""

    page_size: int
    big_endian: bool
    salts: tuple[int, int]
    start: tuple[int, int] | None  # None where the header is damaged


class _Frame(NamedTuple):
    """The header of one frame. ``stored`` is the checksum that it tells, ``summed`` the one that
    follows from that of the frame before."""

    page: int
    commit: int
    salts: tuple[int, int]
    stored: tuple[int, int]
    summed: tuple[int, int]

    @property
    def proven(self) -> bool:
        return self.stored == self.summed


def read_wal_image(descriptor: int) -> WalImage | None:
    """Read a whole -wal; None where no frame can be told to be one."""
    generation = _from_header(descriptor) or _from_frames(descriptor)
    if generation is None:
        return None
    laid = _Laying(generation)
    for frame in _frames(descriptor, generation):
        laid.take(frame)
    return laid.done()


def _from_header(descriptor: int) -> _Generation | None:
    data = os.pread(descriptor, _HEADER.size, 0)
    if len(data) < _HEADER.size:
        return None
    magic, _, page_size, _, salt1, salt2, sum1, sum2 = _HEADER.unpack(data)
    if magic & ~1 != _MAGIC or page_size not in PAGE_SIZES:
        return None
    big_endian = bool(magic & 1)
    [summed] = _sums(data[:24], 24, [0, 1, 2], [(0, 0)], big_endian)
    if summed != (sum1, sum2):
        return None
    return _Generation(page_size, big_endian, (salt1, salt2), summed)


def _from_frames(descriptor: int) -> _Generation | None:
    """Find page size, salts and byte order of a -wal without a header.

    The second of two frames proves them, at the only distance at which it can lie.
    """
    data = os.pread(descriptor, _SEARCHED, 0)
    for page_size in PAGE_SIZES:
        stride = _FRAME.size + page_size
        for at in range(_HEADER.size, len(data) - 2 * stride + 1, stride):
            _, _, *before = _FRAME.unpack_from(data, at)
            page, _, *after = _FRAME.unpack_from(data, at + stride)
            if page == 0 or before[:2] != after[:2]:
                continue
            columns = _columns(stride)
            frame = data[at + stride : at + 2 * stride]
            for big_endian in (False, True):
                [summed] = _sums(frame, stride, columns, [(before[2], before[3])], big_endian)
                if summed == (after[2], after[3]):
                    return _Generation(page_size, big_endian, (after[0], after[1]), None)
    return None


def _frames(descriptor: int, generation: _Generation) -> Iterator[_Frame]:
    """Yield every whole frame in file order, each tried against the one before it."""
    stride = _FRAME.size + generation.page_size
    columns = _columns(stride)
    last = generation.start or (0, 0)
    at = _HEADER.size
    many = max(_BLOCK // stride, 1)
    while count := len(block := os.pread(descriptor, many * stride, at)) // stride:
        headers = [_FRAME.unpack_from(block, stride * i) for i in range(count)]
        stored = [(header[4], header[5]) for header in headers]
        before = [last, *stored[:-1]]
        summed = _sums(block[: count * stride], stride, columns, before, generation.big_endian)
        for (page, commit, salt1, salt2, *_), told, found in zip(
            headers, stored, summed, strict=True
        ):
            yield _Frame(page, commit, (salt1, salt2), told, found)
        last = stored[-1]
        at += count * stride


def _columns(stride: int) -> list[int]:
    """Return which eight bytes of a frame its checksum covers: page and commit, then the image."""
    return [0, *range(_FRAME.size // _LANE, stride // _LANE)]


def _sums(
    block: bytes,
    stride: int,
    columns: Sequence[int],
    starts: Sequence[tuple[int, int]],
    big_endian: bool,
) -> list[tuple[int, int]]:
    """Return the checksum of every frame of a block, each from its own start.

    All frames are summed up side by side, as lanes of 64 bits of one long number: eight times as
    fast as one after the other.
    """
    if big_endian:
        words = array("I", block)
        words.byteswap()
        block = words.tobytes()
    view = memoryview(block).cast("Q")
    step = stride // _LANE
    count = len(starts)
    mask = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * count, "little")
    lanes = struct.Struct(f"<{count}Q")
    first = int.from_bytes(lanes.pack(*(start[0] for start in starts)), "little")
    second = int.from_bytes(lanes.pack(*(start[1] for start in starts)), "little")
    for column in columns:
        both = int.from_bytes(view[column::step].tobytes(), "little")
        first = (first + (both & mask) + second) & mask
        second = (second + (both >> 32 & mask) + first) & mask
    size = lanes.size
    pairs = zip(
        lanes.unpack(first.to_bytes(size, "little")),
        lanes.unpack(second.to_bytes(size, "little")),
        strict=True,
    )
    return list(pairs)


class _Laying:
    """Takes frames in file order and keeps, commit after commit, which image of a page is last."""

    def __init__(self, generation: _Generation) -> None:
        self._generation = generation
        self._at = _HEADER.size + _FRAME.size
        self._held: tuple[_Frame, int] | None = None
        self._header_gone = generation.start is None
        self._frames: dict[int, int] = {}
        self._torn: dict[int, tuple[int, Missing]] = {}
        self._unproven: set[int] = set()
        self._pages: int | None = None
        self._lost_at = 0
        self._facts: Counter[Fact] = Counter()
        if self._header_gone:
            self._facts[Fact.WAL_HEADER_LOST] = 1
        # Since the last commit: fact, page, offset, what a checksum misses.
        self._open: list[tuple[Fact, int, int, Missing | None]] = []

    def take(self, frame: _Frame) -> None:
        """Take the next frame; the one before is settled by what this one proves."""
        self._settle(frame.proven, last=False)
        self._held = frame, self._at
        self._at += _FRAME.size + self._generation.page_size

    def done(self) -> WalImage:
        """Settle the last frame and return what was laid."""
        self._settle(False, last=True)
        left = Counter(fact for fact, *_ in self._open)
        if left[Fact.WAL_APPLIED]:
            self._facts[Fact.WAL_UNCOMMITTED] = left[Fact.WAL_APPLIED]
        if left[Fact.WAL_EARLIER]:
            self._facts[Fact.WAL_EARLIER] += left[Fact.WAL_EARLIER]
        return WalImage(
            self._generation.page_size,
            self._frames,
            self._pages,
            self._torn,
            frozenset(self._unproven),
            self._facts,
            self._lost_at,
        )

    def _settle(self, next_proven: bool, *, last: bool) -> None:
        """Judge the frame that is held, now that it is known whether its checksum is its own.

        Where the header before it is lost only the next frame tells. The last has none: its salts
        are those of this generation, and where it ends a transaction all of that was written.
        """
        if self._held is None:
            return
        frame, at = self._held
        # The salts are not summed up: a frame that follows one of this generation by its checksum
        # has only these damaged. (One of an earlier generation follows its like.)
        follows = frame.proven and not self._header_gone
        if frame.salts != self._generation.salts and not follows:
            self._open.append((Fact.WAL_EARLIER, 0, at, None))
            self._header_gone = True
            return
        fact = Fact.WAL_APPLIED
        if not frame.proven:
            told = next_proven or (last and frame.commit >= frame.page)
            unknown = self._header_gone and told and frame.page
            fact = Fact.WAL_UNPROVEN if unknown else Fact.WAL_FRAME_TORN
        self._header_gone = not (frame.proven or next_proven)
        missing = self._missing(frame) if fact is Fact.WAL_FRAME_TORN else None
        self._open.append((fact, frame.page, at, missing))
        if frame.commit and fact is not Fact.WAL_FRAME_TORN:
            self._commit(frame.commit)

    def _commit(self, pages: int) -> None:
        for fact, page, at, missing in self._open:
            if fact is Fact.WAL_EARLIER:  # within this generation: its header was lost
                fact = Fact.WAL_FRAME_LOST
            self._facts[fact] += 1
            if missing is not None:
                self._torn[page] = at, missing
            elif fact is Fact.WAL_FRAME_LOST:
                self._lost_at = at
            else:
                self._frames[page] = at
                self._torn.pop(page, None)
                self._unproven.discard(page)
            if fact is Fact.WAL_UNPROVEN:
                self._unproven.add(page)
        self._open.clear()
        self._pages = pages

    def _missing(self, frame: _Frame) -> Missing:
        first, second = (
            (told - found) & 0xFFFFFFFF
            for told, found in zip(frame.stored, frame.summed, strict=True)
        )
        return Missing(first, second, self._generation.big_endian)
