"""Texts of the search copy taken apart again, and what witnesses remember."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.model.values import RawText
from hermes_repair.salvage.said_by_rowid import SaidByRowid
from hermes_repair.salvage.search_texts import copied_text, split_text

CALLS = st.lists(
    st.fixed_dictionaries(
        {"id": st.text(), "function": st.dictionaries(st.text(max_size=5), st.text())}
    ),
    min_size=1,
    max_size=3,
)
NAMES = st.from_regex(r"[A-Za-z0-9_.:-]{1,20}", fullmatch=True)


@given(st.text(), st.none() | NAMES, st.none() | CALLS)
def test_a_text_is_taken_apart_exactly_or_not_at_all(
    content: str, name: str | None, calls: list[object] | None
) -> None:
    written = None if calls is None else json.dumps(calls)
    text = copied_text({"content": content, "tool_name": name, "tool_calls": written})
    assert isinstance(text, str)
    parts = split_text(text)
    assert parts in (None, (content, name, written))
    if calls is None or " [{" not in content + str(written)[1:]:
        assert parts is not None


@pytest.mark.parametrize(
    ("text", "parts", "role"),
    [
        ("hello  ", ("hello", None, None), None),
        ("hello there   ", ("hello there ", None, None), None),
        ("output terminal ", ("output", "terminal", None), "tool"),
        ('  [{"id": "a"}]', ("", None, '[{"id": "a"}]'), "assistant"),
        ('[{"id": "a"}]  [{"id": "b"}]', ('[{"id": "a"}]', None, '[{"id": "b"}]'), "assistant"),
    ],
)
def test_who_wrote_it(text: str, parts: tuple[object, ...], role: str | None) -> None:
    found = split_text(text)
    assert found == parts and found is not None and found.role == role


@pytest.mark.parametrize("text", ["", "x", "no end", "x [{", 'x  [{"a": 1}', " [{" * 5000, "日本 "])
def test_a_text_that_is_none_of_the_copy(text: str) -> None:
    assert split_text(text) is None


def test_what_sqlite_makes_of_values_that_are_no_text() -> None:
    assert copied_text({"content": 5, "tool_name": None, "tool_calls": None}) == "5  "
    assert copied_text({"content": RawText(b"\xff"), "tool_name": "t"}) == RawText(b"\xff t ")
    assert copied_text({"content": 0.1}) is None


def test_what_is_said_by_rowid() -> None:
    said = SaidByRowid()
    said.add(7, ("s1", 5.0))
    said.add(2**40, ("s2", 1))
    said.add(7, ("s1", 6))
    assert said.agrees(7, ("s1", 5)) is True and said.agrees(7, ("s1", 6.0)) is True
    assert said.agrees(7, ("s1", 7)) is False and said.agrees(8, ("s1", 5)) is None
    assert said.differs(7) and not said.differs(2**40)
    assert list(said.rowids()) == [7, 2**40] and (said.count, said.highest) == (2, 2**40)
    assert 7 in said and 8 not in said and "7" not in said
