"""One line of a transcript file: a message, several glued together, or damage with its place.

Hermes wrote these lines with :mod:`json`, so what ``json`` accepts is a message: NaN, huge integers
and lone surrogates too, which orjson refuses. orjson goes first because it is faster;
:class:`jsonlines.Reader` with an explicit decoder judges what it refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, TypeAlias

import jsonlines
import orjson

Message: TypeAlias = dict[str, Any]

BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\x0b\x0c"
_RECORD = re.compile(r'\{\s*"role"\s*:')
_INSIDE = "[,:"  # what stands before an object that is part of another one
_ATTEMPTS = 1000
_DECODER = json.JSONDecoder()


class Line(NamedTuple):
    """One message of a file; ``offset`` and ``length`` are bytes of its JSON record."""

    offset: int
    length: int
    message: Message


class BadLine(NamedTuple):
    """Bytes of a file that hold no message; ``reason`` is a word or two, never content."""

    offset: int
    length: int
    reason: str


Record: TypeAlias = Line | BadLine


def decode_record(data: bytes) -> Message:
    """Return the message in ``data``, exactly one JSON object.

    Raises ``ValueError`` with a short reason (no content) where it is anything else.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _decode_slowly(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def decode_exactly(data: bytes) -> Message:
    """Return the message in ``data`` as Python's ``json`` reads it: huge integers keep every digit.

    Raises ``ValueError`` with a short reason where it is not exactly one JSON object.
    """
    value = _decode_slowly(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _decode_slowly(data: bytes) -> Any:
    try:
        return jsonlines.Reader([data], loads=json.loads).read(allow_none=True)
    except jsonlines.InvalidLineError as error:
        is_text = not isinstance(error.__cause__, UnicodeDecodeError)
        raise ValueError("not valid JSON" if is_text else "not UTF-8") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def split_line(data: bytes, offset: int) -> list[Record]:
    """Return every record of one line of a file that begins at byte ``offset``.

    ``data`` is the line with or without its ending. Runs of NUL, a byte order mark and white space
    around a record are not part of it. Where an unfinished record is glued to complete ones (a
    writer died and the next one appended), the complete ones are returned as messages and the
    rest as :class:`BadLine`; each byte that is not white space belongs to exactly one of them.
    """
    start, end = _trimmed(data, 0, len(data))
    found: list[Record] = []
    if data.startswith(BOM, start):
        start, end = _trimmed(data, start + len(BOM), end)
    if start == end:
        return found
    try:
        return [Line(offset + start, end - start, decode_record(data[start:end]))]
    except ValueError as error:
        reason = str(error)
    if reason != "not an object":
        found = _salvaged(data, start, end, offset, reason)
    return found or [BadLine(offset + start, end - start, reason)]


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of ``data[start:end]`` without white space at both sides."""
    kept = data[start:end]
    left = len(kept) - len(kept.lstrip(_BLANK))
    return start + left, start + left + len(kept.strip(_BLANK))


def _salvaged(data: bytes, start: int, end: int, offset: int, reason: str) -> list[Record]:
    """Return the complete records of a line that as a whole is none; nothing where there is none.

    A record counts when it begins the line or follows a torn one, and when from there on complete
    records fill the line to its end or up to the next torn one. An object inside another one is
    told by what stands before it.
    """
    # surrogateescape keeps a byte for a byte, so that text positions give file positions back.
    text = data[start:end].decode("utf-8", "surrogateescape")
    found: list[Record] = []
    position = torn = 0  # characters; where the search is, and where unexplained ones begin
    at = offset + start

    def size(begin: int, stop: int) -> int:
        return len(text[begin:stop].encode("utf-8", "surrogateescape"))

    def give_up(begin: int, stop: int, place: int) -> None:
        bad = text[begin:stop]
        if bad.strip():
            why = "NUL bytes" if not bad.strip("\x00 \t\r\n") else reason
            found.append(BadLine(place, size(begin, stop), why))

    candidates = [0, *(match.start() for match in _RECORD.finditer(text))]
    any_good = False
    for candidate in candidates[:_ATTEMPTS]:
        if candidate < position:
            continue
        before = text[:candidate].rstrip()[-1:] if candidate else ""
        if before and before in _INSIDE:
            continue
        try:
            value, stop = _DECODER.raw_decode(text, candidate)
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict) or not _is_text(text[candidate:stop]):
            continue
        rest = text[stop : stop + 1]
        if rest and rest not in "{\x00 \t\r\n":
            continue
        place = at + size(torn, candidate)
        give_up(torn, candidate, at)
        length = size(candidate, stop)
        found.append(Line(place, length, value))
        any_good = True
        at = place + length
        position = torn = stop
    if not any_good:
        return [BadLine(offset + start, end - start, "NUL bytes")] if not text.strip("\x00") else []
    give_up(torn, len(text), at)
    return found


def _is_text(text: str) -> bool:
    """Whether a slice has no byte that UTF-8 does not allow."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
