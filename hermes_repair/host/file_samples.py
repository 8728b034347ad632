"""What tells files apart without reading all of them, and what proves that they are the same.

For copies that nobody has open. Never for a database that this process has or will have a
connection to: closing the file would drop SQLite's locks on it.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

from hermes_repair.host.regular_files import open_regular

_PIECE = 4096
_PIECES = 64
_CHUNK = 1 << 20


def sample(path: Path) -> str:
    """Return a mark of a file's size, its ends and pieces between them.

    Files with different marks differ; such with the same are most probably the same. Raises
    ``OSError`` for what is no regular file or may not be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        mark = blake2b(str(size).encode(), digest_size=16)
        step = max(_PIECE, size // _PIECES // _PIECE * _PIECE)
        # Past the buffer of the file, which would read a megabyte for each piece.
        for start in (*range(0, size, step), max(0, size - _PIECE)):
            os.lseek(file.fileno(), start, os.SEEK_SET)
            mark.update(os.read(file.fileno(), _PIECE))
    return mark.hexdigest()


def digest(path: Path) -> str:
    """Return a digest of all bytes of a file. Raises as :func:`sample` does."""
    with open_regular(path) as file:
        mark = blake2b(digest_size=32)
        while chunk := file.read(_CHUNK):
            mark.update(chunk)
    return mark.hexdigest()
