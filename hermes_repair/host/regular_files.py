"""Opening the files of a home, whatever stands in their place.

Whoever owns a home may have put anything under a name that we read: a FIFO that hangs its reader,
a device that never ends, a link to a file of somebody else. Only regular files are read here, small
ones up to a limit. And root, who may read everything, reads for the owner of the home: a file that
the owner may not read himself would be given to him by being imported or copied, so it is not read.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

SMALL = 1 << 20  # bytes; a config or a list that people and Hermes write has some kilobytes
_BUFFER = 1 << 20
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
CLOSED_TO_OWNER = "the owner of the home may not read it"


@dataclass(frozen=True, slots=True)
class Keeper:
    """A user whose home we look at as root: his number and his groups."""

    uid: int
    groups: frozenset[int]

    def may(self, status: os.stat_result, right: int) -> bool:
        """Whether he has a right (``os.R_OK`` or ``os.X_OK``) by the mode; an owner can grant it.

        An access list that lets him in without the group bits is not seen: he counts as kept out.
        """
        if status.st_uid == self.uid:
            return True
        shift = 3 if status.st_gid in self.groups else 0
        return bool(stat.S_IMODE(status.st_mode) >> shift & right)


@dataclass(frozen=True, slots=True)
class _Charge:
    """For whom we read: the owners of a home, and the real path of its folder."""

    keepers: tuple[Keeper, ...]
    home: Path


_charge: ContextVar[_Charge | None] = ContextVar("charge", default=None)


@contextmanager
def on_behalf_of_owners(home: Path) -> Iterator[None]:
    """Read, inside, only what the owners of a home may read: of its folder and of its state.db.

    Changes nothing for anybody but root: the system itself keeps others out.
    """
    token = _charge.set(_charge_of(home) if _is_root() else None)
    try:
        yield
    finally:
        _charge.reset(token)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _charge_of(home: Path) -> _Charge | None:
    owners: dict[int, int] = {}
    for path in (home, home / "state.db"):
        try:
            status = path.stat()
        except OSError:
            continue
        owners.setdefault(status.st_uid, status.st_gid)
    keepers = tuple(Keeper(uid, groups_of(uid, gid)) for uid, gid in owners.items() if uid)
    return _Charge(keepers, real_path(home)) if keepers else None


def groups_of(uid: int, gid: int) -> frozenset[int]:
    """Return the groups of a user; ``gid`` alone for one whom the system does not know."""
    import pwd

    try:
        known = pwd.getpwuid(uid)
    except KeyError:
        return frozenset({gid})
    return frozenset(os.getgrouplist(known.pw_name, known.pw_gid))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises ``OSError`` for anything else.

    Also, with ``EACCES``, for one that the owners of the home may not read.
    """
    descriptor = os.open(path, _OPEN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        charge = _charge.get()
        if charge is not None and not _is_open_to(charge, status, _real(descriptor, path)):
            raise OSError(errno.EACCES, CLOSED_TO_OWNER, str(path))
        return os.fdopen(descriptor, "rb", buffering=_BUFFER)
    except BaseException:
        os.close(descriptor)
        raise


def copy_regular(source: Path, target: Path) -> None:
    """Copy a regular file as far as it goes now; raises as :func:`open_regular` does."""
    with open_regular(source) as file, target.open("xb") as copy:
        shutil.copyfileobj(file, copy, _BUFFER)


def is_closed_to_owner(path: Path) -> bool:
    """Whether we may read a file only because we are root; links are followed."""
    charge = _charge.get()
    return charge is not None and not _is_open_to(charge, path.stat(), real_path(path))


def _is_open_to(charge: _Charge, status: os.stat_result, real: Path) -> bool:
    """Whether every owner may read this file by its real path, from the home on."""
    folders = [folder.stat() for folder in real.parents if not _holds(folder, charge.home)]
    return all(
        keeper.may(status, os.R_OK) and all(keeper.may(folder, os.X_OK) for folder in folders)
        for keeper in charge.keepers
    )


def _holds(folder: Path, home: Path) -> bool:
    """Whether the home lies in a folder: how to get there is root's business, not the owner's."""
    return home.is_relative_to(folder)


def _real(descriptor: int, path: Path) -> Path:
    """Return the path of an open file; without /proc, that of the name now."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return real_path(path)


def read_small(path: Path, limit: int = SMALL) -> bytes:
    """Return a small file whole; raises ``OSError`` for one that is larger, or is no file."""
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return data


def real_path(path: Path) -> Path:
    """Return a path with its links followed, as far as they lead anywhere; a circle stays one.

    ``Path.resolve`` raises ``RuntimeError`` for a circle. Raises ``ValueError`` for a NUL.
    """
    return Path(os.path.realpath(path))


def read_if_there(path: Path, limit: int = SMALL) -> bytes | None:
    """Return a small file whole, None where there is none that can be read."""
    try:
        return read_small(path, limit)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None


def text_if_there(path: Path) -> str:
    """Return a small file as text, whatever its bytes are; empty where none can be read."""
    return (read_if_there(path) or b"").decode("utf-8", "replace")


def parse_json(data: bytes | str) -> Any:
    """Parse JSON; raises ``ValueError`` for what is none, is nested too deeply or is no UTF-8."""
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
