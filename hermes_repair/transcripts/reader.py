"""Read a JSONL transcript record by record, in bounded memory, whatever is in it.

In: the path of a file, which is only read. Out: a :class:`Line` per message and a :class:`BadLine`
per damaged place, in file order. Lines end at LF; CRLF, a byte order mark, runs of NUL from a
crash, torn and glued lines are handled by :func:`split_line`. A file that grows while it is read
counts up to the size that it had when it was opened.

Hermes wrote these lines with :mod:`json`, so what ``json`` accepts is a message: NaN, huge integers
and lone surrogates too, which orjson refuses. orjson goes first because it is faster;
:class:`jsonlines.Reader` with an explicit decoder judges what it refused. It does not read the
file: it tells no byte offsets, holds lines of any length, and takes twice the time for usual ones.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import orjson

from hermes_repair.host.regular_files import open_regular

Message: TypeAlias = dict[str, Any]

BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\x0b\x0c"
_RECORD = re.compile(r'\{\s*"role"\s*:')
_INSIDE = "[,:"  # what stands before an object that is part of another one
_AFTER = ("", "{", "\x00", " ", "\t", "\r", "\n")
_EFFORT = 16  # how often the text of one line may be gone through
_DECODER = json.JSONDecoder()
# One that is never closed goes to the end: to look for another begin in it takes quadratic time.
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_PART = re.compile(STRING + rb"|[\[\]{},]", re.DOTALL)

DEEPEST = 500
"""Levels of nesting up to which a message is one: Python writes JSON to just below a thousand."""
MOST_PARTS = 250_000
"""Texts, brackets and commas up to which a line is decoded: a message has some dozens, and each
becomes an object in memory of many times its size."""
SHORTEST_DEEP = 2 * DEEPEST  # bytes
TOO_DEEP = "nested too deeply"
TOO_LARGE = "too large"


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
    hostile = too_much(data)
    if hostile is not None:
        raise ValueError(hostile)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _decode_slowly(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return decode_exactly(data) if is_rounded(value) else value


def too_much(data: bytes) -> str | None:
    """Return why the JSON in ``data`` is not decoded: its levels or its parts. None as a rule."""
    if len(data) < SHORTEST_DEEP:
        return None
    levels = data.count(b"[") + data.count(b"{")
    if levels <= DEEPEST and data.count(b",") <= MOST_PARTS:
        return None
    depth = 0
    for number, part in enumerate(_PART.finditer(data)):
        mark = data[part.start()]
        if number == MOST_PARTS:
            return TOO_LARGE
        if mark in b"[{":
            depth += 1
            if depth > DEEPEST:
                return TOO_DEEP
        elif mark in b"]}":
            depth -= 1
    return None


def is_rounded(message: Message) -> bool:
    """Whether the content is a number that orjson may have rounded (an integer beyond 64 bits)."""
    return type(message.get("content")) is float


def decode_exactly(data: bytes) -> Message:
    """Return the message in ``data`` as Python's ``json`` reads it: huge integers keep every digit.

    Raises ``ValueError`` with a short reason where it is not exactly one JSON object.
    """
    value = _decode_slowly(data)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _decode_slowly(data: bytes) -> Any:
    import jsonlines  # here: most files have no line that only Python reads

    try:
        return jsonlines.Reader([data], loads=json.loads).read(allow_none=True)
    except jsonlines.InvalidLineError as error:
        is_text = not isinstance(error.__cause__, UnicodeDecodeError)
        raise ValueError("not valid JSON" if is_text else "not UTF-8") from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def split_line(data: bytes, offset: int) -> list[Record]:
    """Return every record of one line of a file that begins at byte ``offset``.

    ``data`` is the line with or without its ending. Runs of NUL, a byte order mark and white space
    around a record are not part of it. Where an unfinished record is glued to complete ones (a
    writer died and the next one appended), the complete ones are returned as messages and the
    rest as :class:`BadLine`; each byte that is not white space belongs to exactly one of them.
    """
    start, end = _trimmed(data, 0, len(data))
    records: list[Record] = []
    if data.startswith(BOM, start):
        start, end = _trimmed(data, start + len(BOM), end)
    if start == end:
        return records
    try:
        return [Line(offset + start, end - start, decode_record(data[start:end]))]
    except ValueError as error:
        reason = str(error)
    if reason not in ("not an object", TOO_DEEP, TOO_LARGE):
        records = _salvaged(data[start:end], offset + start, reason)
    return records or [BadLine(offset + start, end - start, reason)]


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of ``data[start:end]`` without white space at both sides."""
    kept = data[start:end]
    left = len(kept) - len(kept.lstrip(_BLANK))
    return start + left, start + left + len(kept.strip(_BLANK))


def _salvaged(data: bytes, offset: int, reason: str) -> list[Record]:
    """Return the complete records of a line that as a whole is none; nothing where there is none.

    A record counts where it begins the line or follows another one directly; after something torn
    it must also end where a record can end. An object inside another one is told by what stands
    before and after it.
    """
    text = data.decode("latin-1")  # a character for a byte, whatever the bytes are
    records: list[Record] = []
    done = 0  # what is explained so far
    effort = _EFFORT * len(text)
    for candidate in chain((0,), (match.start() for match in _RECORD.finditer(text))):
        if candidate < done or _is_inside(text, candidate):
            continue
        value, stop = _decode_at(data, text, candidate)
        # A failure counts the lines of all the text before it, so it costs by its position too.
        effort -= stop - candidate + stop // 16
        if effort < 0:
            break
        follows = text[stop : stop + 1] in _AFTER
        if value is None or not (follows or candidate == done):
            continue
        records += _unexplained(data[done:candidate], offset + done, reason)
        records.append(Line(offset + candidate, stop - candidate, value))
        done = stop
    if records or not text.strip("\x00"):
        records += _unexplained(data[done:], offset + done, reason)
    return records


def _decode_at(data: bytes, text: str, begin: int) -> tuple[Message | None, int]:
    """Return the object that begins at ``begin`` (``None``: there is none) and where it ends.

    ``text`` is ``data`` with a character for each byte: JSON's own marks are ASCII.
    """
    try:
        _, stop = _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        return None, max(error.pos, begin + 1)
    except (ValueError, RecursionError):  # ValueError: an integer of thousands of digits
        return None, len(text)
    try:
        return decode_record(data[begin:stop]), stop
    except ValueError:
        return None, stop


def _is_inside(text: str, begin: int) -> bool:
    """Whether what stands before an object makes it a part of another one."""
    before = text[max(0, begin - 64) : begin].rstrip()[-1:]
    return before != "" and before in _INSIDE


def _unexplained(data: bytes, offset: int, reason: str) -> list[Record]:
    """Return bytes between messages as a damaged place, nothing where it is only white space."""
    if not data.strip():
        return []
    why = reason if data.strip(b"\x00 \t\r\n") else "NUL bytes"
    return [BadLine(offset, len(data), why)]


_CONTAINERS = frozenset({dict, list})
MAX_LINE = 64 * 1024 * 1024
MOST_LINES = 1_000_000
"""Records that one file may have: what is compared of each stays in memory."""


@dataclass(slots=True)
class TranscriptReader:
    """Iterate over one file; after that ``grew`` and ``changed`` say what happened meanwhile.

    ``size`` and ``mtime_ns`` are of the file as it was opened. ``changed``: it is shorter than it
    was, or was written without becoming longer, so what was read may be of two versions.
    Iteration raises ``OSError`` where the file cannot be opened or read.
    """

    path: Path
    max_line: int = MAX_LINE
    size: int = field(default=0, init=False)
    mtime_ns: int = field(default=0, init=False)
    grew: bool = field(default=False, init=False)
    changed: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[Record]:
        with open_regular(self.path) as file:
            status = os.fstat(file.fileno())
            self.size, self.mtime_ns = status.st_size, status.st_mtime_ns
            for number, record in enumerate(self._records(file)):
                if number == MOST_LINES:
                    raise OSError(errno.EFBIG, f"more than {MOST_LINES:,} lines", str(self.path))
                yield record
            after = os.fstat(file.fileno())
            self.grew = after.st_size > self.size
            self.changed = after.st_size < self.size or (
                after.st_size == self.size and after.st_mtime_ns != self.mtime_ns
            )

    def _records(self, file: BinaryIO) -> Iterator[Record]:
        limit, size = self.max_line, self.size
        offset = 0
        while data := file.readline(limit):
            length = len(data)
            if offset + length > size:
                yield from self._last(data[: size - offset], offset)
                return
            if (message := _usual(data)) is not None:
                yield Line(offset, length - 1, message)
            elif length == limit and not data.endswith(b"\n"):
                length += _skip_line(file, limit)
                yield BadLine(offset, length, TOO_LARGE)
            else:
                yield from split_line(data, offset)
            offset += length

    def _last(self, data: bytes, offset: int) -> Iterator[Record]:
        """Yield what of a line lay in the file when it was opened; the rest is being written."""
        for record in split_line(data, offset):
            yield record._replace(reason="being written") if isinstance(record, BadLine) else record


def _usual(line: bytes) -> Message | None:
    """Return the message of a usual line, an object and the LF after it; None of any other.

    orjson itself stops at 1,024 levels: only what has levels below the message is asked for them.
    """
    if not line.endswith(b"}\n") or len(line) > MOST_PARTS:
        return None
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if type(message) is not dict or type(message.get("content")) is float:
        return None
    deep = len(line) >= SHORTEST_DEEP and not _CONTAINERS.isdisjoint(map(type, message.values()))
    return None if deep and too_much(line) else message


def _skip_line(file: BinaryIO, limit: int) -> int:
    """Read on to the end of a line that is too large to hold; return how many bytes that were."""
    skipped = 0
    while data := file.readline(limit):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped
