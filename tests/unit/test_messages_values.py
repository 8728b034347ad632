"""Pure parts of the message checks: odd values, torn settings."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest

from hermes_repair.checks.message_values import Neighbours, mend_row
from hermes_repair.checks.session_configs import Salvaged, salvage
from hermes_repair.model.values import RawText, Row, Value

AT = 1_780_000_000.25


def row(**values: Value) -> Row:
    plain: dict[str, Value] = {"role": "user", "content": "x", "tool_calls": None, "timestamp": AT}
    return plain | values


def mended(before: float | None = AT - 9, after: float | None = AT + 9, **values: Value) -> Any:
    found = mend_row(row(**values), lambda: Neighbours(before, after), UTC)
    return [(made.column, made.value, made.sure) for made in found]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"content": None},
        {"content": ""},
        {"content": "a\x00b é 😀"},
        {"content": '\x00json:[{"type": "text", "text": "x"}]'},
        {"tool_calls": '[{"id": "c"}]'},
        {"tool_calls": ""},
        {"timestamp": int(AT)},
    ],
)
def test_ordinary_values_stay(values: dict[str, Any]) -> None:
    assert mended(**values) == []


def test_bytes_and_text() -> None:
    assert mended(content=RawText(b"caf\xe9")) == [("content", "caf\ufffd", True)]
    assert mended(content="é".encode()) == [("content", "é", True)]
    assert mended(content=b"\xff\xd8") == [("content", "\ufffd\ufffd", False)]
    assert mended(content="\x00json:[{") == [("content", "[{", False)]


def test_tool_calls() -> None:
    call = {"function": {"name": "x"}}
    assert mended(tool_calls=json.dumps(call)) == [("tool_calls", json.dumps([call]), True)]
    twice = json.dumps(json.dumps([call]))
    assert mended(tool_calls=twice) == [("tool_calls", json.dumps([call]), True)]
    assert mended(tool_calls="null") == [("tool_calls", None, True)]
    assert mended(tool_calls="[{") == [("tool_calls", None, False)]
    assert mended(tool_calls="{}") == [("tool_calls", None, False)]
    assert mended(tool_calls="[" * 100_000) == [("tool_calls", None, False)]


def test_times() -> None:
    assert mended(timestamp=AT * 1e3) == [("timestamp", pytest.approx(AT), True)]
    assert mended(timestamp=AT * 1e6) == [("timestamp", pytest.approx(AT), True)]
    assert mended(timestamp="2026-05-28T20:26:40.25+00:00") == [("timestamp", AT, True)]
    assert mended(timestamp="2026-05-28T22:26:40.25+02:00") == [("timestamp", AT, True)]
    # far from its neighbours, no neighbour, no reading: nothing follows
    assert mended(timestamp=(AT + 500) * 1e3) == [("timestamp", AT - 9, False)]
    assert mended(None, None, timestamp=AT * 1e3) == [("timestamp", None, False)]
    for odd in ("yesterday", None, -5.0, float("inf"), b"\xff"):
        assert mended(timestamp=odd)[0] == ("timestamp", AT - 9, False)


def test_settings_that_were_cut_off() -> None:
    whole = json.dumps({"a": 1, "_branched_from": "p", "tools": ["x", {"y": None}], "n": 12})
    for size in range(len(whole)):
        kept = salvage(whole[:size])
        assert not kept.whole
        assert kept.members.items() <= json.loads(whole).items()
        assert ("_branched_from" in kept.markers) == (size > whole.index('"p"') + 3)
    assert salvage(whole).whole


def test_settings_of_any_bytes() -> None:
    assert salvage(RawText(b'{"a": "caf\xe9"}')) == Salvaged({"a": "caf\ufffd"}, whole=True)
    assert salvage(b'{"a": 1}').whole
    assert salvage('{"a": NaN, "b": [Infinity]}').written() == '{"a": null, "b": [null]}'
    assert salvage('{"a":1,"b":').written() == '{"a":1}'
    for odd in ("", "[]", "5", "\x00", '{"a" 1}', "{" * 5000, 7, '"x"'):
        assert salvage(odd).members == {}
