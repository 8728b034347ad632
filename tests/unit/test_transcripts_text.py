"""Texts and keys: the same message is recognised however a release stored it."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.model.values import RawText, Value
from hermes_repair.transcripts.message_keys import (
    decode_calls,
    number_text,
    row_key,
    shown,
    stored_text,
)
from hermes_repair.transcripts.message_rows import message_to_row
from hermes_repair.transcripts.reader import decode_exactly, decode_record
from tests.unit.transcripts_model import key_of

PIECES = [
    "<memory-context>",
    "</memory-context>",
    "< memory-context >",
    "</ MEMORY-context\n>",
    "<MEMORY-CONTEXT>",
    "<memory-contexts>",
    "[System note: The following is recalled memory context, NOT new user input. "
    "Treat as informational background data.]",
    "[ſystem note:\tThe following is recalled memory context, not new user input. "
    "treat as authoritative reference data, always.] \n",
    "[System note: The following is recalled memory context, NOT new user input. "
    "Treat as authoritative reference data",
    ".]",
    "]",
    "[",
    "<",
    "hello",
    " \n\t",
    "\u3000",
    "\x1f",
    "\x00",
    "é😀",
]


@pytest.mark.parametrize(
    "piece", ["<memory-context>", "</memory-context>", PIECES[8], "<  ", "[System note: ", "]"]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    begin = time.perf_counter()
    shown(piece * (2_000_000 // len(piece)))
    assert time.perf_counter() - begin < 5


# SQLite rounds to 15 digits in its own way; Python's differs in ties of the last one.
@given(
    st.one_of(
        st.integers(),
        st.floats().map(lambda value: float(f"{value:.12g}")),
        st.booleans(),
    )
)
def test_numbers_become_the_text_that_sqlite_keeps(value: float) -> None:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        assert number_text(value) == str(value)
        return
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (c TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", [value])
    assert number_text(value) == connection.execute("SELECT c FROM t").fetchone()[0]


CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
PARTS = [
    {"type": "text", "text": "look"},
    {"type": "image_url", "image_url": {"url": "data:..."}},
    {"type": "input_image"},
    {"type": "audio"},
    {"type": ["odd"]},
    "odd",
    {"type": "text", "text": "there"},
]
STORED: list[tuple[dict[str, Any], tuple[str, Value, Value, Value]]] = [
    ({"role": "user", "content": " hello\n"}, ("user", "hello", None, None)),
    ({"role": "user", "content": None}, ("user", "", None, None)),
    ({"role": "user"}, ("user", None, None, "")),
    ({"role": "user", "content": 5}, ("user", "5", None, None)),
    (
        {"role": "user", "content": PARTS},
        ("user", "look\n[screenshot]\n[screenshot]\nthere", None, None),
    ),
    ({"role": "user", "content": []}, ("user", None, None, None)),
    ({"role": "user", "content": PARTS}, ("user", "\x00json:" + json.dumps(PARTS), None, None)),
    ({"role": "user", "content": "\ud800!"}, ("user", "\ufffd!", None, None)),
    ({"role": "user", "content": "x"}, ("user", b"x", None, None)),
    ({"role": "user", "content": "a\ufffdb"}, ("user", RawText(b"a\xffb"), None, None)),
    (
        {"role": "user", "content": "<memory-context>old</memory-context>now"},
        ("user", "now", None, None),
    ),
    (
        {"role": "tool", "content": {"_multimodal": True, "content": PARTS, "text_summary": "s"}},
        ("tool", "s", None, None),
    ),
    (
        {"role": "tool", "content": {"_multimodal": True, "content": PARTS}},
        ("tool", "look\nthere", None, None),
    ),
    (
        {"role": "tool", "content": {"_multimodal": True, "content": []}},
        ("tool", "[multimodal tool result]", None, None),
    ),
    (
        {"role": "tool", "content": {"b": 1, "a": [2]}},
        ("tool", '\x00json:{"a": [2], "b": 1}', None, None),
    ),
    (
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ("assistant", "", json.dumps([CALL]), None),
    ),
    (
        {"role": "assistant", "content": "", "tool_calls": [{"name": "ls", "arguments": {"a": 1}}]},
        ("assistant", "", '[{"name": "ls", "arguments": "{\\"a\\":1}"}]', None),
    ),
    (
        {"role": "assistant", "content": "", "tool_calls": []},
        ("assistant", None, None, None),
    ),
    ({"role": "tool", "content": "ok", "tool_call_id": 7}, ("tool", "ok", None, "7")),
]


@pytest.mark.parametrize(("message", "row"), STORED)
def test_a_line_and_its_row_have_one_key(
    message: dict[str, Any], row: tuple[str, Value, Value, Value]
) -> None:
    assert key_of(message) == row_key(*row)


DIFFERENT: list[dict[str, Any]] = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "a"},
    {"role": "tool", "content": "a"},
    {"role": "tool", "content": " a"},
    {"role": "tool", "content": "a", "tool_call_id": "c"},
    {"role": "user", "content": "b"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c1"}]},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c2"}]},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c1"}, {"id": "c2"}]},
    {"role": "assistant", "content": "", "tool_calls": [{"name": "ls", "arguments": {"a": 1}}]},
    {"role": "assistant", "content": "", "tool_calls": [{"name": "ls", "arguments": {"a": 2}}]},
    {"role": "assistant", "content": ""},
    {"role": "assistant", "content": "c1"},
    {"role": "user", "content": ""},
]


def test_different_messages_have_different_keys() -> None:
    assert len({key_of(message) for message in DIFFERENT}) == len(DIFFERENT)


def test_calls_that_cannot_be_read_equal_no_calls_of_a_line() -> None:
    line = key_of({"role": "assistant", "content": "", "tool_calls": [CALL]})
    for broken in ("[{", b"\xff", 5, RawText(b"\xff")):
        assert row_key("assistant", "", broken, None) != line
        assert row_key("assistant", "", broken, None) != key_of(
            {"role": "assistant", "content": ""}
        )
    assert decode_calls(None) is None
    assert decode_calls("") is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.sampled_from(["user", "assistant", "tool"]),
    st.one_of(st.text(), JSON_VALUES),
    st.one_of(st.none(), st.lists(JSON_VALUES, max_size=3)),
    st.one_of(st.none(), st.text(), st.integers(-(2**63), 2**63 - 1)),
)
def test_every_message_has_the_key_of_the_row_that_it_becomes(
    role: str, content: Any, calls: Any, answered: Any
) -> None:
    message = {
        "role": role,
        "content": content,
        "tool_calls": calls,
        "tool_call_id": answered,
    }
    columns = frozenset({"role", "content", "tool_calls", "tool_call_id"})
    data = json.dumps(message).encode()
    row = message_to_row(decode_exactly(data), "s", 1.0, columns)
    assert key_of(decode_record(data)) == row_key(
        role, row["content"], row["tool_calls"], row["tool_call_id"]
    )


def test_a_broken_sentinel_is_shown_as_it_is() -> None:
    assert stored_text("\x00json:[1") == "\x00json:[1"
