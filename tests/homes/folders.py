"""Folders for homes, in memory where there is room: fsync costs nothing there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def fast_folder() -> str | None:
    """Return the folder in memory, None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def new_folder() -> Iterator[Path]:
    """Yield a new folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        yield Path(folder)


def kept_folder() -> Path:
    """Return a new folder for what tests copy: it is there until this process ends."""
    _KEPT.append(tempfile.TemporaryDirectory(dir=fast_folder()))
    return Path(_KEPT[-1].name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
