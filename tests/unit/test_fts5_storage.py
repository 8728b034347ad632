"""The structure record of FTS5: what a release wrote, and what nobody did."""

from __future__ import annotations

import pytest

from hermes_repair.evidence.fts5_storage import Segment, read_segments

COOKIE = bytes(4)


def packed(*numbers: int) -> bytes:
    """Return numbers below 2**28 as SQLite packs them."""
    out = bytearray()
    for number in numbers:
        sevens = [number & 0x7F]
        while number := number >> 7:
            sevens.append(number & 0x7F | 0x80)
        out += bytes(reversed(sevens))
    return bytes(out)


def test_an_empty_index_has_no_segment() -> None:
    assert read_segments(bytes(8)) == ()


def test_segments_of_all_levels() -> None:
    # Two levels of three segments; one of them was taken over by a merge that goes on.
    numbers = packed(2, 3, 9, 1, 2, 5, 1, 300, 6, 0, 0, 0, 1, 7, 2, 2)
    assert read_segments(COOKIE + numbers) == (Segment(5, 1, 300), Segment(7, 2, 2))


def test_the_later_form_says_more_of_each_segment() -> None:
    numbers = packed(1, 1, 9, 0, 1, 5, 1, 3, 11, 12, 13, 14, 15)
    record = COOKIE + b"\xff\x00\x00\x01" + numbers
    assert read_segments(record) == (Segment(5, 1, 3),)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "text",
        b"",
        bytes(6),
        COOKIE + packed(1, 1, 9, 0, 1, 5, 1),  # cut off
        COOKIE + packed(1, 2, 9, 0, 1, 5, 1, 3),  # other numbers than it says
        COOKIE + packed(1, 1, 9, 0, 1, 5, 3, 1),  # ends before it begins
        COOKIE + packed(1, 1, 9, 0, 1, 0, 1, 3),  # no segment has this id
        COOKIE + packed(1, 1, 9, 0, 1, 1 << 20, 1, 3),
        COOKIE + b"\xff" * 9 + packed(1, 9),  # levels without end
    ],
)
def test_what_is_no_structure_record(record: str | bytes | None) -> None:
    with pytest.raises(ValueError):
        read_segments(record)
