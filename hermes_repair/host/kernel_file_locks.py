"""Kernel locks on files: who holds one (read, never taken), and the single-run lock of our own."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hermes_repair.host import procfs
from hermes_repair.host.filesystems import filesystem
from hermes_repair.host.procfs import KernelLock


def kernel_locks(paths: Iterable[Path]) -> Mapping[Path, tuple[KernelLock, ...]] | None:
    """Return who holds which lock on each of these files, by device and inode; links followed.

    Absent files have no entry, files that nobody has locked an empty one. None where the system
    has no such table (only Linux has) or it may not be read. Locks of processes in PID namespaces
    that we cannot see into are not in the table.
    """
    if sys.platform != "linux":
        return None
    try:
        held = procfs.parse_locks(Path("/proc/locks").read_text(encoding="ascii"))
    except OSError:
        return None
    answer = {}
    for path in paths:
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        # On btrfs the table has the device of the superblock, and stat that of the subvolume.
        stat_device = (os.major(status.st_dev), os.minor(status.st_dev))
        devices = {stat_device, filesystem(Path(os.path.realpath(path))).device}
        answer[path] = tuple(
            lock for lock in held if lock.inode == status.st_ino and lock.device in devices
        )
    return answer


@contextmanager
def single_run(path: Path) -> Iterator[bool]:
    """Hold the lock file ``path`` (ours, made if absent, 0600) and yield whether we got it.

    False means that another run holds it, or held it until now and took the file away. The kernel
    lets go of it when the process ends, however it ends; the file stays. Raises OSError where the
    folder may not be written, and where something else than a file has the name.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield _try_lock(descriptor) and _is_at(path, descriptor)
    finally:
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether a file that is open still has its name: a lock on another one keeps nobody out."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
