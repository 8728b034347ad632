"""A frame of a -wal is mended where its checksum proves it, and never to something else."""

from __future__ import annotations

from random import Random
from typing import Literal

import pytest

from hermes_repair.salvage.frame_mending import Missing, mended


def checksum(data: bytes, *, big_endian: bool) -> tuple[int, int]:
    """Return the sums as https://sqlite.org/fileformat2.html#checksum_algorithm has them."""
    order: Literal["big", "little"] = "big" if big_endian else "little"
    first = second = 0
    for at in range(0, len(data), 8):
        first += int.from_bytes(data[at : at + 4], order) + second
        second += int.from_bytes(data[at + 4 : at + 8], order) + first
        first, second = first & 0xFFFFFFFF, second & 0xFFFFFFFF
    return first, second


def missing(page: bytes, torn: bytes, *, big_endian: bool = False) -> Missing:
    wanted, found = (checksum(one, big_endian=big_endian) for one in (page, torn))
    first, second = ((a - b) % (1 << 32) for a, b in zip(wanted, found, strict=True))
    return Missing(first, second, big_endian)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("size", [512, 4096])
def test_a_bit_that_fell_over_is_set_right(size: int, big_endian: bool) -> None:
    random, right = Random(size), 0
    for _ in range(40):
        page = random.randbytes(size)
        torn = bytearray(page)
        torn[random.randrange(size)] ^= 1 << random.randrange(8)
        found = mended(bytes(torn), missing(page, bytes(torn), big_endian=big_endian), [])
        assert found in (page, None)
        right += found == page
    assert right >= 25  # of the upper bits of a word it is not certain which word they are of


def test_a_high_bit_may_be_of_several_words() -> None:
    page = Random(1).randbytes(4096)
    torn = page[:3] + bytes([page[3] ^ 0x80]) + page[4:]
    assert mended(torn, missing(page, torn), []) is None


@pytest.mark.parametrize("size", [512, 1024, 4096, 65536])
def test_sectors_that_had_not_changed_are_taken_from_an_earlier_image(size: int) -> None:
    random = Random(size)
    page, before = random.randbytes(size), random.randbytes(size)
    begin = 512 * random.randrange(size // 512)
    before = before[:begin] + page[begin : begin + 1024] + before[begin + 1024 :]
    torn = page[:begin] + bytes(len(page[begin : begin + 1024])) + page[begin + 1024 :]
    assert mended(torn, missing(page, torn), [bytes(size), before]) == page


def test_what_is_lost_is_not_made_up() -> None:
    random = Random(5)
    for _ in range(50):
        page, before = random.randbytes(1024), random.randbytes(1024)
        torn = page[:512] + random.randbytes(512)
        assert mended(torn, missing(page, torn), [before, page[:512]]) is None
