"""A message of a file as a row of ``messages``, column by column as Hermes' own writer makes it.

The oracle is ``SessionDB.replace_messages`` of 0.19.0 given the same message with its time as epoch
seconds; older schemas simply have fewer columns. Values are returned as SQLite keeps them (a number
in a TEXT column is text there), so that they can be compared with what is read back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from hermes_repair.model.values import Row, Value
from hermes_repair.transcripts.message_keys import SENTINEL, number_text, scrub
from hermes_repair.transcripts.reader import Message

_TEXT = ("tool_call_id", "tool_name", "effect_disposition", "finish_reason")
_ASSISTANT_TEXT = ("reasoning", "reasoning_content")
_ASSISTANT_JSON = ("reasoning_details", "codex_reasoning_items", "codex_message_items")
_NUMBER = re.compile(r"[ \t\r\n]*[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?[ \t\r\n]*", re.ASCII)
_INT64 = range(-(2**63), 2**63)


def message_to_row(
    message: Message, session_id: str, timestamp: float, columns: frozenset[str]
) -> dict[str, Value]:
    """Return the row for one decoded message, without its ``id``.

    ``timestamp`` is epoch seconds. ``columns`` are the columns that ``messages`` has; only those of
    them that a writer fills are returned, the rest keep their default. A column that this module
    does not know is left to its default. Raises ``ValueError`` where the message is nested too
    deeply to be written as JSON (near a thousand levels).
    """
    role = message.get("role")
    is_assistant = role == "assistant"
    row: dict[str, Value] = {
        "session_id": session_id,
        "role": text_value(role) if role is not None else "unknown",
        "content": content_value(message.get("content")),
        "tool_calls": json_value(message.get("tool_calls")),
        "timestamp": timestamp,
        "token_count": integer_value(message.get("token_count")),
        "platform_message_id": text_value(
            message.get("platform_message_id") or message.get("message_id")
        ),
        "observed": 1 if message.get("observed") else 0,
        "active": 1,
        "compacted": 0,
    }
    row.update({name: text_value(message.get(name)) for name in _TEXT})
    for name in _ASSISTANT_TEXT:
        row[name] = text_value(message.get(name)) if is_assistant else None
    for name in _ASSISTANT_JSON:
        row[name] = json_value(message.get(name)) if is_assistant else None
    sidecar = message.get("api_content")
    row["api_content"] = scrub(sidecar) if isinstance(sidecar, str) else None
    return {name: value for name, value in row.items() if name in columns}


def content_value(content: Any) -> Value:
    """Return content as the content column holds it; structure goes behind the sentinel."""
    if isinstance(content, list | dict):
        return SENTINEL + _dump(content)
    return text_value(content)


def text_value(value: Any) -> Value:
    """Return a JSON value as a TEXT column keeps it.

    Lone surrogates become U+FFFD (0.19.0). Hermes cannot store an object in such a column at all;
    it is kept as JSON text.
    """
    if value is None or isinstance(value, str):
        return scrub(value) if value else value
    if isinstance(value, int | float):
        return number_text(value)
    return _dump(value)


def json_value(value: Any) -> Value:
    """Return structure as JSON text in ASCII, nothing and empty structure as NULL."""
    return _dump(value) if value else None


def _dump(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def integer_value(value: Any) -> Value:
    """Return a JSON value as an INTEGER column keeps it (a whole number in any spelling is one)."""
    if value is None:
        return None
    if isinstance(value, bool | int):
        return int(value) if value in _INT64 else float(value)
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    text = text_value(value)
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        return integer_value(float(text) if "." in text or "e" in text.lower() else int(text))
    return text


def tool_calls_of(tool_calls: Any) -> int:
    """Return the tool calls that Hermes counts in one decoded ``tool_calls`` value."""
    if tool_calls is None:
        return 0
    return len(tool_calls) if isinstance(tool_calls, list) else 1


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session for messages that have none: of a file, or rows of the table.

    ``routing`` holds what a routing entry says **now** (``session_key``, ``chat_type``,
    ``user_id``, ...; empty when none names the session). ``calls_model``: ``api_call_count``
    becomes 1, so that an open continuation is not closed as orphaned after seven days.
    """

    session_id: str
    source: str
    started_at: float
    title: str
    messages: int
    tool_calls: int
    model: str | None = None
    calls_model: bool = False
    routing: Row = field(default_factory=dict)

    def row(self, columns: frozenset[str]) -> Row:
        """Return the row of ``sessions``, in those ``columns`` that the table has.

        There is no ``ended_at``, or Hermes could prune it. Token counts stay 0. Columns not named
        keep their default.
        """
        row: Row = {
            "id": self.session_id,
            "source": self.source,
            "model": self.model,
            "started_at": self.started_at,
            "title": self.title,
            "message_count": self.messages,
            "tool_call_count": self.tool_calls,
            "api_call_count": 1 if self.calls_model else 0,
            **self.routing,
        }
        return {name: value for name, value in row.items() if name in columns}


def recovered_title(name: str, day: str, taken: Collection[str]) -> str:
    """Return a title that no session has: ``<name> (recovered, <day>)``, numbered where needed.

    An untitled session can be hidden by the step to schema 16. The title never ends in ``#n``,
    which Hermes reads as a later continuation, and is at most 100 characters, as Hermes wants.
    """
    number = 1
    while True:
        suffix = f" (recovered, {day})" if number == 1 else f" (recovered, {day}, {number})"
        title = name[: 100 - len(suffix)].rstrip() + suffix
        if title not in taken:
            return title
        number += 1
