"""A message becomes the row that the real writer of each release makes of it."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from hermes_repair.transcripts.message_rows import (
    NewSession,
    integer_value,
    message_to_row,
    recovered_title,
)
from hermes_repair.transcripts.reader import Message, decode_exactly

CALLS = [
    {
        "id": "c1",
        "call_id": "c1",
        "response_item_id": None,
        "type": "function",
        "function": {"name": "terminal", "arguments": '{"command": "ls \\u00e9"}'},
    }
]
PARTS = [
    {"type": "text", "text": "look é\u2028"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
]
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "hello"},
    {"role": "user", "content": ""},
    {"role": "user", "content": None},
    {"role": "user"},
    {"role": "user", "content": "nul \x00 inside"},
    {"role": "user", "content": 42},
    {"role": "user", "content": 1.5},
    {"role": "user", "content": 1e20},
    {"role": "user", "content": 0.1},
    {"role": "user", "content": True},
    {"role": "user", "content": float("inf")},
    {"role": "user", "content": float("nan")},
    {"role": "user", "content": PARTS},
    {"role": "user", "content": []},
    {"role": "user", "content": {"_multimodal": True, "content": PARTS, "text_summary": "s"}},
    {"role": "user", "content": "[name|uid]\ntext", "observed": True, "message_id": "m-1"},
    {"role": "user", "content": "x", "platform_message_id": "p", "message_id": "m"},
    {"role": "user", "content": "x", "message_id": 77},
    {"role": "user", "content": "x", "message_id": ""},
    {"role": "user", "content": "x", "observed": False, "reasoning": "not for a user"},
    {"role": "assistant", "content": "from cron", "mirror": True, "mirror_source": "cron"},
    {"role": "assistant", "content": "", "tool_calls": CALLS, "finish_reason": "tool_calls"},
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "assistant", "content": "x", "tool_calls": [{"name": "t", "arguments": {"a": 1}}]},
    {"role": "assistant", "content": "x", "tool_calls": {"name": "t"}},
    {"role": "assistant", "content": "x", "reasoning": "r", "reasoning_content": ""},
    {"role": "assistant", "content": "x", "reasoning_details": [{"type": "t", "text": "é"}]},
    {"role": "assistant", "content": "x", "reasoning_details": []},
    {"role": "assistant", "content": "x", "codex_reasoning_items": [{"id": "rs_1"}]},
    {"role": "assistant", "content": "x", "codex_message_items": [{"id": "m_1", "n": 1e-7}]},
    {"role": "assistant", "content": "x", "token_count": 12, "finish_reason": "stop"},
    {"role": "assistant", "content": "x", "token_count": 12.0},
    {"role": "assistant", "content": "x", "token_count": "12"},
    {"role": "assistant", "content": "x", "token_count": "a few"},
    {"role": "assistant", "content": "x", "api_content": "as sent", "_private": 1},
    {"role": "assistant", "content": "x", "api_content": 5},
    {
        "role": "tool",
        "name": "terminal",
        "tool_name": "terminal",
        "content": "ok",
        "tool_call_id": "c",
    },
    {"role": "tool", "name": "only name is not read", "content": "ok", "tool_call_id": 5},
    {"role": "tool", "content": "ok", "effect_disposition": "applied", "reasoning": "r"},
    {"role": "tool", "content": "<memory-context>kept as it is</memory-context> \n"},
    {"role": "strange", "content": "x"},
]
SURROGATES: list[dict[str, Any]] = [
    {"role": "user", "content": "a\ud800b"},
    {"role": "user", "content": ["\udc00"]},
    {"role": "assistant", "content": "x", "reasoning": "\ud800", "tool_name": "\udfff"},
    {
        "role": "assistant",
        "content": "x",
        "tool_calls": [{"id": "\ud800"}],
        "api_content": "\ud800",
    },
]


def through_json(message: dict[str, Any]) -> Message:
    """Return a message as a transcript file gives it back."""
    return decode_exactly(json.dumps(message).encode())


def stored(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of ours as SQLite gives it back from a table of the same declared types."""
    connection = sqlite3.connect(":memory:")
    types = {"timestamp": "REAL", "token_count": "INTEGER", "observed": "INTEGER"}
    names = ", ".join(f"{name} {types.get(name, 'TEXT')}" for name in row)
    connection.execute(f"CREATE TABLE t ({names})")
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO t VALUES ({marks})", list(row.values()))
    connection.row_factory = sqlite3.Row
    return dict(connection.execute("SELECT * FROM t").fetchone())


@pytest.mark.parametrize("message", [*MESSAGES, *SURROGATES], ids=repr)
def test_a_row_is_what_sqlite_keeps(message: dict[str, Any]) -> None:
    columns = frozenset({"role", "content", "tool_call_id", "tool_calls", "tool_name", "timestamp"})
    columns |= {"token_count", "finish_reason", "platform_message_id", "observed", "reasoning"}
    row = message_to_row(through_json(message), "s", 1777000000.0, columns)
    assert set(row) == columns
    back = stored(row)
    assert {name: (value, type(value)) for name, value in back.items()} == {
        name: (value, type(value)) for name, value in row.items()
    }


def test_only_the_columns_that_exist() -> None:
    row = message_to_row(through_json(MESSAGES[0]), "s", 1.0, frozenset({"id", "role", "content"}))
    assert row == {"role": "user", "content": "hello"}


def test_what_hermes_cannot_store_is_kept_as_text() -> None:
    columns = frozenset({"tool_call_id", "content", "finish_reason"})
    huge = 10**40
    message = through_json(
        {"role": "user", "content": huge, "tool_call_id": {"a": 1}, "finish_reason": ["x"]}
    )
    row = message_to_row(message, "s", 1.0, columns)
    assert row == {"content": str(huge), "tool_call_id": '{"a": 1}', "finish_reason": '["x"]'}


def test_integers_in_any_spelling() -> None:
    values = [None, 3, 3.0, 3.5, "3", " 3 ", "3.0", "x", 2**70, True]
    expected = [None, 3, 3, 3.5, 3, 3, 3, "x", float(2**70), 1]
    assert [integer_value(value) for value in values] == expected


def test_a_new_session_row_has_no_end_and_no_tokens() -> None:
    columns = frozenset(
        {"id", "source", "model", "started_at", "ended_at", "end_reason", "title", "message_count"}
        | {"tool_call_count", "api_call_count", "session_key", "input_tokens"}
    )
    new = NewSession(
        "s",
        source="telegram",
        started_at=5.0,
        title="t",
        messages=4,
        tool_calls=1,
        calls_model=True,
        routing={"session_key": "k", "no_such_column": "x"},
    )
    assert new.row(columns) == {
        "id": "s",
        "source": "telegram",
        "model": None,
        "started_at": 5.0,
        "title": "t",
        "message_count": 4,
        "tool_call_count": 1,
        "api_call_count": 1,
        "session_key": "k",
    }


def test_recovered_titles_are_unique_and_short() -> None:
    first = recovered_title("x" * 200, "2026-05-02", frozenset())
    second = recovered_title("x" * 200, "2026-05-02", frozenset({first}))
    assert first != second
    assert max(len(first), len(second)) <= 100
    assert first.endswith(" (recovered, 2026-05-02)")
    assert second.endswith(" (recovered, 2026-05-02, 2)")
