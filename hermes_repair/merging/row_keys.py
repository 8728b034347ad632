"""What a message is, and by what a brought one is known again: hashes, never texts.

A rewrite by any release from 0.14.0 to 0.19.0 strips texts, takes recalled memory out of them, and
puts new spaces into JSON; so a key is made of what the loader gives. Unlike the key that a
transcript line shares with its row (:mod:`hermes_repair.transcripts.message_keys`), it has all of
the tool calls and of structured content: two images are two messages here.
"""

from __future__ import annotations

import json
import struct
from hashlib import blake2b
from typing import Any

from hermes_repair.merging.sides import Fingerprint, Key
from hermes_repair.model.values import RawText, Value, number, text
from hermes_repair.transcripts.message_keys import SENTINEL, decode_json, make_key, plain


def history_key(role: Value, content: Value, tool_call_id: Value, tool_calls: Value) -> Key:
    """Return the key of a row of ``messages`` from these four columns, whatever they hold."""
    form, words = _content(content)
    return make_key((text(role) or "") + form, words, _calls(tool_calls), plain(tool_call_id))


def _content(content: Value) -> tuple[str, str]:
    """Return how content is stored, empty for plain text, and its text."""
    match content:
        case str():
            if content.startswith(SENTINEL) and (structure := _canonical(content[len(SENTINEL) :])):
                return "\0structure", structure
            return "", content
        case None:
            return "", ""
        case RawText(data):
            return "\0not-utf-8", data.decode("latin-1")
        case bytes():
            return "\0blob", content.decode("latin-1")
        case _:
            return "\0number", str(content)


def _calls(tool_calls: Value) -> str:
    """Return tool calls in one spelling; an empty list or text is none, as for the loader."""
    if not tool_calls:
        return ""
    if isinstance(tool_calls, RawText):
        return "\0" + tool_calls.data.decode("latin-1")
    if not isinstance(tool_calls, str):
        return "\0" + repr(tool_calls)
    calls = _canonical(tool_calls)
    if calls is None:
        return "\0" + tool_calls
    return "" if calls in ("null", "[]", "{}", '""') else calls


def _canonical(written: str) -> str | None:
    """Return JSON in one spelling, None where it cannot be read."""
    try:
        return _spelt(decode_json(written))
    except (ValueError, RecursionError):
        return None


def _spelt(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(session_id: str, key: Key, timestamp: Value) -> Fingerprint:
    """Return what our records keep of a message that a merge brought.

    ``session_id`` and ``timestamp`` as the source had them, also where it came into a fork or its
    time was moved.
    """
    time = number(timestamp)
    hasher = blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=16, person=b"message")
    hasher.update(key)
    hasher.update(b"" if time is None else struct.pack(">d", time))
    return hasher.digest()


def session_fingerprint(session_id: str) -> Fingerprint:
    """Return what our records keep of a session that a merge brought, by the source's id."""
    name = session_id.encode("utf-8", "surrogatepass")
    return blake2b(name, digest_size=16, person=b"session").digest()
