"""Rows are those that the real release writes of the same lines."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.transcripts.message_rows import (
    message_to_row,
    tool_calls_of,
)
from tests.releases import run_release
from tests.unit.test_transcripts_rows import MESSAGES, SURROGATES, through_json

WRITE = """
import json, os, sys
from pathlib import Path
from hermes_state import SessionDB
db = SessionDB(Path(os.environ["HERMES_HOME"]) / "state.db")
db.create_session("s", source="telegram")
messages = json.loads(Path(sys.argv[1]).read_text())
db.replace_messages("s", messages)
db.close()
"""


def written_by(version: str, messages: list[dict[str, Any]], home: Path) -> list[dict[str, Any]]:
    """Return the rows that ``replace_messages`` of a release makes, and the session's counters."""
    source = home / "messages.json"
    source.write_text(json.dumps(messages))
    run_release(version, WRITE, home, str(source))
    connection = sqlite3.connect(home / "state.db")
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM messages ORDER BY id")]
    counters = connection.execute("SELECT message_count, tool_call_count FROM sessions").fetchone()
    connection.close()
    assert counters[0] == len(messages)
    assert counters[1] == sum(tool_calls_of(one.get("tool_calls")) for one in messages)
    return rows


@pytest.mark.parametrize("version", ["0.14.0", "0.15.2", "0.16.0", "0.18.2", "0.19.0"])
def test_rows_equal_those_of_the_real_writer(version: str, tmp_path: Path) -> None:
    messages = [
        {**message, "timestamp": 1777000000.25 + index} for index, message in enumerate(MESSAGES)
    ]
    if version == "0.19.0":
        messages += [{**message, "timestamp": 1777001000.5} for message in SURROGATES]
    rows = written_by(version, messages, tmp_path)
    assert len(rows) == len(messages)
    columns = frozenset(rows[0])
    for message, expected in zip(messages, rows, strict=True):
        # Releases before 0.17.0 stamp the time of the write, whatever the message says.
        ours = message_to_row(through_json(message), "s", expected["timestamp"], columns)
        if version in ("0.18.2", "0.19.0"):
            assert expected["timestamp"] == message["timestamp"]
        for column, value in expected.items():
            if column != "id":
                assert (ours[column], type(ours[column])) == (value, type(value)), (column, message)
