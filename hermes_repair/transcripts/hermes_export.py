"""What ``hermes sessions export`` writes (0.13.0 to 0.19.0, run): sessions with their messages.

One JSON object a line, or one for the whole file: the row of ``sessions`` with ``messages``, whose
structured columns are decoded. ``segments`` (a lineage of the dashboard) has the sessions, and the
object around them their messages once more. What is not shown is not in it: rows that were undone
or compacted, tokens by model, routing. Values come out as SQLite keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hermes_repair.host.regular_files import open_regular
from hermes_repair.model.values import Value, number
from hermes_repair.transcripts.message_keys import decode_json
from hermes_repair.transcripts.message_rows import content_value, json_value, text_value

LONGEST = 1 << 30
"""Bytes of one line, and of a file that is not made of lines."""
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """One session: its columns, and those of its messages in order, by name."""

    columns: Mapping[str, Value]
    messages: tuple[Mapping[str, Value], ...] = field(repr=False)


def read_export(path: Path) -> Iterator[ExportedSession]:
    """Yield the sessions of an export, a line in memory at a time.

    Raises ``ValueError``, saying where, for what is no export, and :class:`OSError`.
    """
    with open_regular(path) as stream:
        first = stream.readline(LONGEST)
        try:
            entry = decode_json(first)
        except (ValueError, RecursionError):
            yield from _whole(first + stream.read(LONGEST))
            return
        yield from _sessions(entry, 1)
        for line_number, line in enumerate(iter(lambda: stream.readline(LONGEST), b""), 2):
            if line.strip():
                yield from _sessions(_decoded(line, line_number), line_number)


def _whole(data: bytes) -> Iterator[ExportedSession]:
    yield from _sessions(_decoded(data, 1), 1)


def _decoded(data: bytes, line: int) -> Any:
    try:
        return decode_json(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {line} is not JSON") from error


def _sessions(entry: Any, line: int) -> Iterator[ExportedSession]:
    if isinstance(entry, dict) and isinstance(entry.get("sessions"), list):
        entry = entry["sessions"]
    for one in entry if isinstance(entry, list) else [entry]:
        if not isinstance(one, dict):
            raise ValueError(f"line {line} has no session")
        segments = one.get("segments")
        if isinstance(segments, list) and segments:
            yield from _sessions(segments, line)
        else:
            yield _session(one, line)


def _session(entry: Mapping[str, Any], line: int) -> ExportedSession:
    session_id, messages = entry.get("id"), entry.get("messages")
    if not isinstance(session_id, str) or not session_id or not isinstance(messages, list):
        raise ValueError(f"line {line} has no session with an id and messages")
    rows = []
    for place, message in enumerate(messages, 1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValueError(f"line {line} has something else than a message at place {place}")
        rows.append(_row(message) | {"session_id": session_id})
    columns = _row({name: value for name, value in entry.items() if name != "messages"})
    times = [at for row in rows if (at := number(row.get("timestamp"))) is not None]
    started = number(columns.get("started_at"))
    columns["started_at"] = started if started is not None else min(times, default=0.0)
    columns["source"] = columns.get("source") or "cli"
    return ExportedSession(columns, tuple(rows))


def _row(entry: Mapping[str, Any]) -> dict[str, Value]:
    row: dict[str, Value] = {}
    for name, value in entry.items():
        if name == "content":
            row[name] = content_value(value)
        elif name == "tool_calls":
            row[name] = json_value(value)
        elif isinstance(value, bool):
            row[name] = int(value)
        elif (
            value is None
            or (isinstance(value, int) and value in _INT64)
            or isinstance(value, float)
        ):
            row[name] = value
        else:
            row[name] = text_value(value) if isinstance(value, str) else json.dumps(value)
    return row
