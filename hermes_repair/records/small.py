"""Small files of our own folder: what lies there under their names may be anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_small(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file that is no link and has no more than ``most`` of them.

    Raises ``OSError`` where it cannot be read, ``ValueError`` where it is another kind of thing.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return data
