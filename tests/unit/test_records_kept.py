"""Rows packed for a receipt come back to the byte, and what is none of ours does no harm."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_repair.model.values import Value, decode_value, encode_value, same_value
from hermes_repair.records import undo_data
from hermes_repair.records.undo_data import Pack, Packer, unpack
from tests.engine.test_values import ODD, VALUES


def packed(rows: dict[int, list[Value]]) -> list[Pack]:
    packer = Packer()
    packs = [pack for position, values in rows.items() for pack in packer.add(position, values)]
    return [*packs, *packer.finish()]


def assert_same(rows: dict[int, list[Value]], packs: list[Pack]) -> None:
    found = {position: row for pack in packs for position, row in unpack(pack).items()}
    assert found.keys() == rows.keys()
    for position, row in rows.items():
        assert all(same_value(a, b) for a, b in zip(row, found[position], strict=True))
    for pack in packs:
        assert set(unpack(pack)) == {n for n in rows if pack.first <= n <= pack.last}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(VALUES, max_size=5), max_size=8))
def test_any_rows_come_back(rows: list[list[Value]]) -> None:
    by_position = {3 * number: row for number, row in enumerate(rows)}
    assert_same(by_position, packed(by_position))


def test_odd_values_come_back() -> None:
    assert_same({7: list(ODD)}, packed({7: list(ODD)}))


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_a_value_is_what_it_was(value: Value) -> None:
    assert same_value(decode_value(*encode_value(value)), value)


@pytest.mark.parametrize(
    ("storage", "data"),
    [
        ("integer", b"9" * 5000),
        ("integer", b"9223372036854775808"),
        ("integer", b"x"),
        ("real", b"\0" * 7),
        ("number", b"1"),
    ],
)
def test_what_is_no_value(storage: str, data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_value(storage, data)


def test_rows_are_packed_together_and_large_ones_alone() -> None:
    rows: dict[int, list[Value]] = {n: ["x" * 1000] for n in range(3000)}
    rows[1500] = [b"y" * (3 * undo_data.PACK_BYTES)]
    packs = packed(rows)
    assert_same(rows, packs)
    assert 4 <= len(packs) <= 8
    assert [pack.size > undo_data.PACK_BYTES for pack in packs].count(True) == 1
    assert sum(len(pack.data) for pack in packs) < 100_000


def test_a_row_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_data, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="bytes"):
        list(Packer().add(1, ["x" * 1000]))


def test_no_more_is_unpacked_than_a_pack_names() -> None:
    """A pack of some kilobytes that unpacks to a gigabyte is none of ours."""
    bomb = zlib.compress(bytes(1 << 27))
    assert len(bomb) < 200_000
    for size in (0, 100, 1 << 20):
        with pytest.raises(ValueError, match="another size"):
            unpack(Pack(0, 0, size, bomb))
    with pytest.raises(ValueError):
        unpack(Pack(0, 0, undo_data.MOST_BYTES + 1, bomb))


@pytest.mark.parametrize("cut", [1, 5, 9, 20])
def test_what_was_cut_off_is_told(cut: int) -> None:
    (pack,) = packed({1: ["one", 2, None], 2: ["two", 3.0, b""]})
    raw = zlib.decompress(pack.data)
    for data in (zlib.compress(raw[:-cut]), pack.data[:-cut], b"not packed at all"):
        with pytest.raises(ValueError):
            unpack(replace(pack, size=len(raw) - cut if data != pack.data else 0, data=data))
