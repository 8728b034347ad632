"""One small key per message, equal for a transcript line and the row that holds the same message.

A key is a 16 byte hash over role, shown text (:mod:`.message_text`), the ids of the tool calls that
an assistant made and the id of the call that a tool answered. Old releases wrote tool calls without
ids (``{"name", "arguments"}``); those are told apart by name and arguments. Reasoning, model names
and times are no part of it: the releases store them differently in the two places.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

from hermes_repair.model.values import RawText, Value
from hermes_repair.transcripts.message_text import decode_json, scrub, shown, stored_text

Key: TypeAlias = bytes

SPOKEN = frozenset({"user", "assistant"})
COMPARED = frozenset({"user", "assistant", "tool"})


def make_key(role: str, text: str, calls: str, answered: str) -> Key:
    """Hash the parts of a key; ``text`` is the text before ``sanitize`` and ``strip``."""
    if role in SPOKEN:
        text = shown(text)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = scrub(text).encode()
    if role in COMPARED and not calls and not answered:
        return blake2b(data, digest_size=16, person=role.encode()).digest()
    head = f"{len(role)}:{len(calls)}:{len(answered)}:{role}{calls}{answered}"
    hasher = blake2b(scrub(head).encode(), digest_size=16)
    hasher.update(data)
    return hasher.digest()


def message_key(message: Mapping[str, Any], text: str) -> Key:
    """Return the key of a decoded transcript line with a textual ``role``.

    ``text`` is the :func:`~.message_text.content_text` of its content.
    """
    calls, answered = message.get("tool_calls"), message.get("tool_call_id")
    return make_key(
        message["role"],
        text,
        calls_text(calls) if calls else "",
        plain(answered) if answered is not None else "",
    )


def row_key(role: str, content: Value, tool_calls: Value, tool_call_id: Value) -> Key:
    """Return the key of a row of ``messages`` from these four columns."""
    calls = decode_calls(tool_calls) if tool_calls else None
    return make_key(
        role,
        stored_text(content),
        calls_text(calls) if calls else "",
        plain(tool_call_id),
    )


def plain(value: object) -> str:
    """Return an id as text; ``None`` and an empty one are the same."""
    if isinstance(value, str):
        return value
    return stored_text(value) if value is not None else ""


UNREADABLE = "\x00unreadable"


def decode_calls(value: Value) -> Any:
    """Return the ``tool_calls`` column decoded, ``None`` for NULL and an empty text.

    What cannot be read is a mark that equals no call: Hermes shows such a column as no calls at
    all, so it must not equal a line that has calls.
    """
    data = value.data if isinstance(value, RawText) else value
    if not data:
        return None
    if not isinstance(data, str | bytes):
        return UNREADABLE
    try:
        return decode_json(data)
    except (ValueError, RecursionError):
        return UNREADABLE


def calls_text(calls: Any) -> str:
    """Return what tells the tool calls of one message from others: ids, else name and arguments."""
    if not isinstance(calls, list):
        calls = [calls]
    return "\x1e".join([_call_text(call) for call in calls])


def _call_text(call: Any) -> str:
    if not isinstance(call, dict):
        return json.dumps(call, sort_keys=True, default=str)
    identity = call.get("id") or call.get("call_id")
    if identity:
        return str(identity)
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    return f"{named.get('name')}\x1f{_arguments(named.get('arguments'))}"


def _arguments(arguments: Any) -> str:
    """Return arguments in one spelling: JSON text in most releases, an object in older ones."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return str(arguments)
    return json.dumps(arguments, sort_keys=True, default=str)
