"""The bytes of a transcript that a plan or a receipt names, read again by place and digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hermes_repair.host.regular_files import open_regular
from hermes_repair.transcripts.reader import Message, decode_exactly

_CHUNK = 1 << 20  # bytes


class SourceChanged(ValueError):
    """The bytes that a plan named are no longer in the file (changed, truncated or gone)."""


def read_record(path: Path, offset: int, length: int, sha256: str) -> Message:
    """Return one message exactly as its source holds it, numbers included.

    Raises :class:`SourceChanged` where those bytes are not the ones that ``sha256`` names, and
    ``OSError`` where the file cannot be read.
    """
    data = read_bytes(path, offset, length)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SourceChanged(f"the bytes at {offset} of {path.name} are not the ones that were read")
    return decode_exactly(data)


def digested_record(path: Path, offset: int, length: int) -> tuple[Message, str]:
    """Return one message and the sha256 (hex) by which a plan names it; raises as read_bytes."""
    data = read_bytes(path, offset, length)
    return decode_exactly(data), hashlib.sha256(data).hexdigest()


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
