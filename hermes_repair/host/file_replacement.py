"""Replacing a file of somebody's whole, so that a reader finds the old one or the new one."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_NEW |= getattr(os, "O_BINARY", 0)


def replace_file(path: Path, data: bytes) -> None:
    """Give a regular file other bytes by a rename, on disk when this returns.

    Owner and mode stay. Raises ``OSError``, with the file as it was, also for a link: whose file
    that leads to is not for us to say.
    """
    there = path.lstat()
    if not stat.S_ISREG(there.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    beside = path.with_name(f".{path.name}.hermes-repair")
    beside.unlink(missing_ok=True)  # of a run that was killed
    try:
        descriptor = os.open(beside, _NEW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if hasattr(os, "fchown"):
                with suppress(PermissionError):  # who is not in that group keeps his own
                    os.fchown(descriptor, there.st_uid, there.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(there.st_mode))
            os.fsync(descriptor)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # Windows has no descriptor of a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
