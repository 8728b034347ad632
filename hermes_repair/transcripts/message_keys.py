"""One small key per message, equal for a transcript line and the row that holds the same message.

A key is a 16 byte hash over role, shown text, the ids of the tool calls that an assistant made and
the id of the call that a tool answered. Old releases wrote tool calls without ids
(``{"name", "arguments"}``); those are told apart by name and arguments. Reasoning, model names
and times are no part of it: the releases store them differently in the two places.

Every release from 0.13.0 to 0.19.0 passes the stored text of user and assistant messages through
``sanitize_context`` and ``strip`` when it reads them, so two spellings that differ only there are
the same message. Structured content is stored in three ways: as a list in a JSONL line, behind the
``\\x00json:`` sentinel by ``replace_messages`` and ``append_to_transcript``, and flattened to text
(``[screenshot]`` for an image) by the agent's own flush. All three come out equal here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

import orjson

from hermes_repair.model.values import RawText, Value

SENTINEL = "\x00json:"
IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})

_SURROGATE = re.compile("[\ud800-\udfff]")
# The first character has no case, so the search for it is a plain scan of memory.
_MAYBE_CONTEXT = re.compile(r"<[\s/]*[mM][eE][mM][oO][rR][yY]-|\[[sSſ]")
_OPEN = re.compile(r"<\s*memory-context\s*>", re.IGNORECASE)
_CLOSE = re.compile(r"</\s*memory-context\s*>", re.IGNORECASE)
_FENCE = re.compile(r"</?\s*memory-context\s*>", re.IGNORECASE)
_NOTE = re.compile(
    r"\[System note:\s*The following is recalled memory context,\s*NOT new user input\.\s*"
    r"Treat as (?:informational background data\.\]|authoritative reference data)",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s*")


def decode_json(text: str | bytes) -> Any:
    """Decode JSON as the reader of the files does, so that both sides round numbers alike.

    Raises ``ValueError`` or ``RecursionError`` where it is none.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def scrub(text: str) -> str:
    """Return ``text`` with lone surrogates as U+FFFD, as 0.19.0 stores them."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def shown(text: str) -> str:
    """Return what Hermes shows of the stored text of a user or assistant message.

    Same answer as ``sanitize_context(text).strip()`` of 0.13.0 to 0.19.0, in linear time for any
    input (an opening tag that is never closed ends the search).
    """
    if _MAYBE_CONTEXT.search(text):
        text = _FENCE.sub("", _without_notes(_without_blocks(text)))
    return text.strip()


def _without_blocks(text: str) -> str:
    parts = []
    done = 0
    while (opening := _OPEN.search(text, done)) is not None:
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            break
        parts.append(text[done : opening.start()])
        done = closing.end()
    return "".join([*parts, text[done:]])


def _without_notes(text: str) -> str:
    parts = []
    done = position = 0
    while (note := _NOTE.search(text, position)) is not None:
        end = note.end()
        if text[end - 1] != "]":
            bracket = text.find("]", end)
            if bracket < 0:
                break
            if bracket == end or text[bracket - 1] != ".":
                position = end
                continue
            end = bracket + 1
        parts.append(text[done : note.start()])
        space = _SPACE.match(text, end)
        done = position = space.end() if space else end
    return "".join([*parts, text[done:]])


def number_text(value: int | float) -> str | None:
    """Return the text that SQLite keeps for a number bound to a TEXT column (NaN becomes NULL)."""
    if isinstance(value, int):
        return str(int(value))
    if value != value:
        return None
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    text = f"{value + 0.0:.15g}"  # SQLite keeps no negative zero
    mantissa, mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + mark + exponent


def flattened(parts: list[Any]) -> str | None:
    """Return a list of content parts as the agent's flush stores it, ``None`` where it has none."""
    texts = []
    for part in parts:
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        if kind == "text":
            texts.append(str(part.get("text", "")))
        elif isinstance(kind, str) and kind in IMAGE_TYPES:
            texts.append("[screenshot]")
    return "\n".join(texts) if texts else None


def content_text(content: Any) -> str:
    """Return decoded message content (any JSON value) as one text; nothing at all is ``""``."""
    if isinstance(content, str):
        return stored_text(content) if content[:1] == "\x00" else content
    if content is None:
        return ""
    if isinstance(content, int | float):
        return number_text(content) or ""
    if isinstance(content, list):
        return flattened(content) or ""
    if isinstance(content, dict) and content.get("_multimodal") is True:
        inner = content.get("content")
        if isinstance(inner, list):
            return _multimodal_text(content, inner)
    return json.dumps(content, sort_keys=True, default=str)


def _multimodal_text(envelope: dict[str, Any], parts: list[Any]) -> str:
    """Return the text that stands for a tool result with images (all releases since 0.13.0)."""
    if envelope.get("text_summary"):
        return str(envelope["text_summary"])
    texts = [
        str(part.get("text", ""))
        for part in parts
        if isinstance(part, dict) and part.get("type") == "text"
    ]
    return "\n".join(texts) if texts else "[multimodal tool result]"


def stored_text(value: object) -> str:
    """Return the content column of a row as one text: sentinel decoded, bad bytes as U+FFFD."""
    if isinstance(value, RawText):
        value = value.data
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return content_text(value)
    if value.startswith(SENTINEL):
        try:
            return content_text(decode_json(value[len(SENTINEL) :]))
        except (ValueError, RecursionError):
            return value
    return value


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

    ``text`` is the :func:`content_text` of its content.
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


def call_ids(calls: Any) -> tuple[str, ...]:
    """Return the ids of decoded tool calls; releases before 2026-03 wrote none."""
    if not isinstance(calls, list):
        return ()
    return tuple([id for call in calls if (id := call_id(call)) is not None])


def call_id(call: Any) -> str | None:
    """Return the id of one decoded call, None where it has none."""
    id = (call.get("id") or call.get("call_id")) if isinstance(call, dict) else None
    return id if isinstance(id, str) and id else None


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
