"""What lies under a path, who owns it, who may write there, and who has it locked.

Locks of others are read, never taken; the one that is taken keeps runs of our own apart.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.host import procfs
from hermes_repair.host.procfs import KernelLock

# Only what is known to keep its locks and its openers on this machine. All else (NFS, SMB, FUSE,
# 9p, virtiofs, shared folders of virtual machines, what is not known) may be in use elsewhere.
LOCAL_KINDS = frozenset(
    {
        *("apfs", "bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4"),
        *("f2fs", "hfs", "iso9660", "jfs", "msdos", "nilfs2", "ntfs", "ntfs3", "overlay"),
        *("ramfs", "reiserfs", "rootfs", "squashfs", "tmpfs", "ubifs", "udf", "ufs", "vfat"),
        *("xfs", "zfs"),
    }
)


@dataclass(frozen=True, slots=True)
class Filesystem:
    """What a path lies on.

    ``kind`` is the system's name for it (``ext4``, ``nfs4``, ``fuse.sshfs``; ``unknown``).
    ``local`` is False unless it is known that only this machine can open files there.
    ``device`` is (major, minor) of the superblock where the system says so (Linux).
    ``private`` says that it is the root layer of the container that we run in.
    ``layer_of`` is the mount point of a container's filesystem that shows this path as its own.
    """

    kind: str
    local: bool
    device: tuple[int, int] | None = None
    private: bool = False
    layer_of: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a file; the names are None where the system does not know them (or on Windows)."""

    uid: int
    gid: int
    user: str | None
    group: str | None


def filesystem(real: Path) -> Filesystem:
    """Return what an absolute path without links lies on. The path itself is not touched."""
    path = os.fspath(real)
    if sys.platform == "linux":
        try:
            table = Path("/proc/self/mountinfo").read_bytes()
        except FileNotFoundError:
            return Filesystem("unknown", local=False)
        return place(procfs.parse_mountinfo(os.fsdecode(table)), path)
    import psutil

    mounts = [
        (part.mountpoint, part.fstype, part.opts) for part in psutil.disk_partitions(all=True)
    ]
    return place_by_list(mounts, path)


def place(mounts: tuple[procfs.Mount, ...], path: str) -> Filesystem:
    """Pure: say what ``path`` lies on by a Linux mount table."""
    mount = procfs.covering_mount(mounts, path)
    if mount is None:
        return Filesystem("unknown", local=False)
    above = procfs.overlay_above(mounts, path)
    return Filesystem(
        kind=mount.kind,
        local=mount.kind in LOCAL_KINDS,
        device=mount.device,
        private=(mount.kind, mount.point, mount.root) == ("overlay", "/", "/")
        and sum(m.point == "/proc" and m.kind == "proc" for m in mounts) == 1,
        layer_of=above.point if above is not None else None,
    )


def place_by_list(mounts: list[tuple[str, str, str]], path: str) -> Filesystem:
    """Pure: the same by (mount point, kind, options) as macOS and Windows list them."""
    best: tuple[str, str, str] | None = None
    folded = path.replace("\\", "/").lower()
    for entry in mounts:
        point = entry[0].replace("\\", "/").lower().rstrip("/")
        if (folded == point or folded.startswith(point + "/")) and (
            best is None or len(entry[0]) > len(best[0])
        ):
            best = entry
    if best is None:
        return Filesystem("unknown", local=False)
    kind = best[1].lower()
    remote = "remote" in best[2].split(",")
    return Filesystem(kind=kind or "unknown", local=kind in LOCAL_KINDS and not remote)


def free_bytes(folder: Path) -> int:
    """Return how many bytes an ordinary user may still write where ``folder`` lies."""
    return shutil.disk_usage(folder).free


def owner(path: Path) -> Owner:
    """Return who owns a file or folder, links followed. Raises OSError as stat does."""
    status = path.stat()
    return Owner(status.st_uid, status.st_gid, _user(status.st_uid), _group(status.st_gid))


def can_write(path: Path) -> bool:
    """Whether we may write this file, or make files in this folder, by our effective user."""
    effective = os.access in os.supports_effective_ids
    mode = os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, mode, effective_ids=effective)


def differing_owner(path: Path) -> Owner | None:
    """Return the owner of ``path`` where files that we make could not have the same one (R8).

    None means that they do: our effective user is the owner, and the group is one of ours. On
    Windows owners are not compared.
    """
    if not hasattr(os, "geteuid"):
        return None
    theirs = owner(path)
    ours = theirs.uid == os.geteuid() and (
        theirs.gid == os.getegid() or theirs.gid in os.getgroups() or os.geteuid() == 0
    )
    return None if ours else theirs


def _user(uid: int) -> str | None:
    try:
        import pwd
    except ImportError:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _group(gid: int) -> str | None:
    try:
        import grp
    except ImportError:
        return None
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


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
