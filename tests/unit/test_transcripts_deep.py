"""A line that is nested too deeply to be written again is a damaged place, never a crash."""

from __future__ import annotations

import json
from pathlib import Path

from hermes_repair.transcripts.message_rows import message_to_row
from hermes_repair.transcripts.reader import DEEPEST, BadLine, Line, TranscriptReader, too_much


def nested(levels: int) -> str:
    return '{"role": "user", "content": ' + "[" * levels + "]" * levels + "}"


def test_the_lines_around_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    plain = json.dumps({"role": "user", "content": "hello"})
    deep = [nested(levels) for levels in (DEEPEST, 990, 1020, 100_000)]
    path.write_text("\n".join([plain, *deep, plain, nested(DEEPEST - 1)]) + "\n")
    records = list(TranscriptReader(path))
    assert [type(record) for record in records] == [Line, *[BadLine] * 4, Line, Line]
    assert {r.reason for r in records if isinstance(r, BadLine)} == {"nested too deeply"}
    for record in records:
        if isinstance(record, Line):
            message_to_row(record.message, "s", 1.0, frozenset({"content"}))


def test_brackets_in_text_are_no_levels() -> None:
    text = json.dumps({"role": "user", "content": "[{" * 2000 + '"\\' * 50})
    assert not too_much(text.encode())
    flat = json.dumps({"role": "tool", "content": [{"a": [1]}] * 2000})
    assert not too_much(flat.encode())
