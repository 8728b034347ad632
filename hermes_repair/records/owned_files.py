"""Folders and files of ours inside a folder of somebody else's, by descriptor.

Whoever owns a home can put a link where we expect a folder of ours, and root would be led through
it: make, give away or empty what it leads to. So every folder below the home is opened from the one
above it, no link is followed, and owner and mode are set on what was opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL  # which follows no link either
    | getattr(os, "O_BINARY", 0)
)
POSIX = os.name == "posix"
"""Elsewhere there are no owners and no descriptors of folders: paths have to do."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Owner and group that everything of ours must have: those of state.db.

    ``user`` is the owner's name, or his number where the system knows no name.
    """

    uid: int
    gid: int
    user: str

    @property
    def login(self) -> str:
        """The owner as ``sudo -u`` takes him, quoted for a shell."""
        return self.user if self.user != str(self.uid) else f"'#{self.uid}'"


class NotOurs(OSError):
    """``place`` is no folder (file) of ours; ``what`` says what it is, for a reader.

    ``foreign``: it could be one, but belongs to somebody else.
    """

    def __init__(self, place: Path, what: str, *, foreign: bool = False) -> None:
        super().__init__(errno.EPERM, what, os.fspath(place))
        self.place, self.what, self.foreign = place, what, foreign


@contextmanager
def opened(folder: Path, top: Path) -> Iterator[int]:
    """Open a folder below ``top`` and yield its descriptor; raises ``OSError``.

    How ``top`` itself is reached is the business of who named it. :class:`NotOurs` for a link.
    """
    with ExitStack() as stack:
        descriptor = os.open(top, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        stack.callback(os.close, descriptor)
        place = top
        for part in folder.relative_to(top).parts:
            place = place / part
            descriptor = _enter(place, descriptor)
            stack.callback(os.close, descriptor)
        yield descriptor


def _enter(folder: Path, above: int) -> int:
    """Open a folder from the one above it."""
    try:
        return os.open(folder.name, _FOLDER, dir_fd=above)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        status = os.stat(folder.name, dir_fd=above, follow_symlinks=False)
        what = "is a link" if stat.S_ISLNK(status.st_mode) else "is a file"
        raise NotOurs(folder, what) from error


def make_folder(folder: Path, top: Path, owner: Ownership | None) -> bool:
    """Make a folder below ``top``, durably, or see that it is ours; return whether it is new.

    It is private (0700) and has the owner of state.db. Raises :class:`NotOurs` where a link, a file
    or a folder of another owner stands there, and ``OSError`` where it cannot be made.
    """
    if not POSIX:
        new = not folder.is_dir()
        folder.mkdir(exist_ok=True)
        return new
    with opened(folder.parent, top) as above:
        try:
            os.mkdir(folder.name, 0o700, dir_fd=above)
        except FileExistsError:
            new = False
        else:
            new = True
        descriptor = _enter(folder, above)
        try:
            _settle(descriptor, folder, owner, 0o700, given=new or _is_empty(descriptor))
            if new:
                os.fsync(descriptor)
                os.fsync(above)
        except BaseException:
            if new:
                os.rmdir(folder.name, dir_fd=above)
            raise
        finally:
            os.close(descriptor)
    return new


def own_file(path: Path, top: Path, owner: Ownership | None) -> None:
    """Give a file that we made the owner of state.db, and take it from everybody else (0600).

    Raises :class:`NotOurs` for anything but a regular file that is his, or that we made.
    """
    if not POSIX:
        return
    with opened(path.parent, top) as above:
        try:
            descriptor = os.open(path.name, _FILE, dir_fd=above)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotOurs(path, "is a link") from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotOurs(path, "is not a file")
            # One with a second name may be any file of ours, linked to from here.
            _settle(descriptor, path, owner, 0o600, given=status.st_nlink == 1)
        finally:
            os.close(descriptor)


def _settle(
    descriptor: int, path: Path, owner: Ownership | None, mode: int, *, given: bool
) -> None:
    """Set owner and mode of what is open; ``given``: what is our own may become the owner's."""
    status = os.fstat(descriptor)
    ours = os.geteuid()
    expected = owner.uid if owner is not None else ours
    if status.st_uid != expected and not (given and status.st_uid == ours):
        raise NotOurs(path, f"belongs to {name_of(status.st_uid)}", foreign=True)
    if owner is not None and (status.st_uid, status.st_gid) != (owner.uid, owner.gid):
        try:
            os.fchown(descriptor, owner.uid, owner.gid)
        except PermissionError:
            # Who is not in the group of state.db keeps his own: the mode gives it no rights.
            if status.st_uid != expected:
                raise
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(descriptor, mode)


def _is_empty(folder: int) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def name_of(uid: int) -> str:
    """Return the name of a user, or his number where the system knows none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def new_file(path: Path, top: Path) -> int:
    """Make a new private file below ``top`` in the place of any leftover; return its descriptor."""
    if not POSIX:
        path.unlink(missing_ok=True)
        return os.open(path, _NEW, 0o600)
    with opened(path.parent, top) as above:
        with suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=above)
        return os.open(path.name, _NEW, 0o600, dir_fd=above)


def is_folder(path: Path) -> bool:
    """Whether there is a folder under this name, and no link to one."""
    return path.is_dir() and not path.is_symlink()
