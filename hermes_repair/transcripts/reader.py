"""Read a JSONL transcript record by record, in bounded memory, whatever is in it.

In: the path of a file, which is only read. Out: a :class:`~.decode.Line` per message and a
:class:`~.decode.BadLine` per damaged place, in file order. Lines end at LF; CRLF, a byte order
mark, runs of NUL from a crash, torn and glued lines are handled by :func:`~.decode.split_line`. A
file that grows while it is read counts up to the size that it had when it was opened.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson

from hermes_repair.host.regular_files import open_regular
from hermes_repair.transcripts.decode import (
    SHORTEST_DEEP,
    BadLine,
    Line,
    Message,
    Record,
    decode_exactly,
    is_rounded,
    split_line,
    too_much,
)

_CHUNK = 1 << 20  # bytes
MAX_LINE = 64 * 1024 * 1024
MOST_LINES = 1_000_000
"""Records that one file may have: what is compared of each stays in memory."""


class SourceChanged(ValueError):
    """The bytes that a plan named are no longer in the file (changed, truncated or gone)."""


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
        decode = orjson.loads
        offset = 0
        for data in iter(partial(file.readline, limit), b""):
            length = len(data)
            if offset + length > size:
                yield from self._last(data[: size - offset], offset)
                return
            # The usual line: an object that ends the line. All else goes the careful way.
            if data.endswith(b"}\n") and (length < SHORTEST_DEEP or too_much(data) is None):
                try:
                    message = decode(data)
                except orjson.JSONDecodeError:
                    yield from split_line(data, offset)
                else:
                    if type(message) is not dict:
                        yield BadLine(offset, length - 1, "not an object")
                    elif is_rounded(message):
                        yield from split_line(data, offset)
                    else:
                        yield Line(offset, length - 1, message)
            elif length == limit and not data.endswith(b"\n"):
                length += _skip_line(file, limit)
                yield BadLine(offset, length, "too large")
            else:
                yield from split_line(data, offset)
            offset += length

    def _last(self, data: bytes, offset: int) -> Iterator[Record]:
        """Yield what of a line lay in the file when it was opened; the rest is being written."""
        for record in split_line(data, offset):
            yield record._replace(reason="being written") if isinstance(record, BadLine) else record


def _skip_line(file: BinaryIO, limit: int) -> int:
    """Read on to the end of a line that is too large to hold; return how many bytes that were."""
    skipped = 0
    while data := file.readline(limit):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped


def read_record(path: Path, offset: int, length: int, sha256: str) -> Message:
    """Return one message exactly as its source holds it, numbers included.

    Raises :class:`SourceChanged` where those bytes are not the ones that ``sha256`` names, and
    ``OSError`` where the file cannot be read.
    """
    data = read_bytes(path, offset, length)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SourceChanged(f"the bytes at {offset} of {path.name} are not the ones that were read")
    return decode_exactly(data)


def record_digest(path: Path, offset: int, length: int) -> str:
    """Return the sha256 (hex) of one record; raises as :func:`read_bytes`."""
    return hashlib.sha256(read_bytes(path, offset, length)).hexdigest()


def prefix_digest(path: Path, size: int) -> str:
    """Return the sha256 (hex) of the first ``size`` bytes of a file, or of all where it is shorter.

    Raises ``OSError`` where it cannot be read.
    """
    hasher = hashlib.sha256()
    with open_regular(path) as stream:
        while size and (chunk := stream.read(min(_CHUNK, size))):
            hasher.update(chunk)
            size -= len(chunk)
    return hasher.hexdigest()


def read_bytes(path: Path, offset: int, length: int) -> bytes:
    """Return ``length`` bytes at ``offset``; :class:`SourceChanged` where the file ends before."""
    with open_regular(path) as file:
        file.seek(offset)
        data = file.read(length)
    if len(data) != length:
        raise SourceChanged(f"{path.name} is shorter than it was")
    return data
