"""The quick look gives the same answer as the full comparison, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermes_repair.transcripts.align import fits_left
from hermes_repair.transcripts.quick_comparison import settle
from hermes_repair.transcripts.sequences import MessageRow, build_rows, read_sequence
from hermes_repair.transcripts.verdicts import Verdict
from tests.unit.transcripts_model import Said, judge, numbered

CALLS = [{"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}]
FLIP: st.SearchStrategy[Any] = st.booleans()
SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "hello"},
    {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image"}]},
    {"role": "user", "content": "[System: Continue now"},
    {"role": "user", "content": "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns"},
    {"role": "assistant", "content": "", "tool_calls": CALLS, "finish_reason": "tool_calls"},
    {"role": "assistant", "content": None},
    {"role": "assistant", "content": "hello"},
    {"role": "tool", "content": "ok", "tool_call_id": "c1"},
    {"role": "tool", "content": "ok", "tool_call_id": "c2"},
    {"role": "session_meta", "tools": []},
]


def stored(message: dict[str, Any], number: int, active: int | None = 1) -> MessageRow:
    """Return the row that the agent's flush makes."""
    content = message.get("content")
    if isinstance(content, list):
        content = "look\n[screenshot]"
    calls = message.get("tool_calls")
    text = json.dumps(calls) if calls else None
    answered = message.get("tool_call_id")
    return MessageRow(number, message["role"], content, text, answered, 5.0, active, None)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_same_answer_as_the_full_comparison(tmp_path: Path, data: st.DataObject) -> None:
    said = data.draw(st.lists(st.sampled_from(SAID), max_size=9))
    extra = data.draw(st.lists(st.sampled_from(SAID), max_size=3))
    rows = [*said]
    for one in extra:
        rows.insert(data.draw(st.integers(0, len(rows))), one)
    if rows and data.draw(FLIP):
        del rows[data.draw(st.integers(0, len(rows) - 1))]
    hidden = data.draw(st.sets(st.integers(0, 11), max_size=2))
    table = [stored(one, n, int(n not in hidden)) for n, one in enumerate(rows)]
    path = tmp_path / "s.jsonl"
    lines = [json.dumps(one) for one in said]
    if data.draw(FLIP):
        lines.append('{"role": "us')
    path.write_text("\n".join(lines))
    settled = settle("s", path, iter(table))
    file, full_table = read_sequence(path), build_rows(table)
    full = judge(file, full_table)
    every_line_is_a_row = fits_left(file.keys, full_table.keys) is not None
    assert (settled is not None) == (every_line_is_a_row and bool(file.genuine()))
    if settled is not None:
        assert settled.comparison == full
        assert len(settled.bad) == full.counts.bad


def text_of(said: list[Said]) -> str:
    return "".join(json.dumps(one.message()) + "\n" for one in said)


def as_table(said: list[Said]) -> Iterator[MessageRow]:
    for number, one in enumerate(said):
        yield MessageRow(number, one.role, one.text, None, None, one.stamped)


def test_a_whole_session_is_settled_and_proves_the_zone(tmp_path: Path) -> None:
    said = numbered(500)
    path = tmp_path / "s.jsonl"
    path.write_text(text_of(said[:-20]))
    settled = settle("s", path, as_table(said))
    assert settled is not None
    assert settled.comparison.verdict is Verdict.FILE_SHORTER
    assert (settled.comparison.counts.file, settled.comparison.counts.extra) == (980, 20)
    assert len(settled.twins) == 200
    assert {round((twin.wall - twin.epoch) / 900) for twin in settled.twins} == {8}


@pytest.mark.parametrize("missing", [0, 7, 999])
def test_a_missing_message_is_left_to_the_full_comparison(missing: int, tmp_path: Path) -> None:
    said = numbered(500)
    path = tmp_path / "s.jsonl"
    path.write_text(text_of(said))
    assert settle("s", path, as_table([*said[:missing], *said[missing + 1 :]])) is None


def test_files_that_decide_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    for text in ("", "\n", '{"role": "session_meta"}\n', "hello\n", '{"role": 5}\n'):
        path.write_text(text)
        assert settle("s", path, as_table(numbered(2))) is None
    with pytest.raises(FileNotFoundError):
        settle("s", tmp_path / "absent.jsonl", iter(()))
