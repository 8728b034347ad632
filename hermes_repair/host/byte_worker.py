"""Reads the bytes of databases in a process of its own that never opens SQLite.

Closing any descriptor of a database file drops every POSIX lock that the closing process holds on
it: a process that has a SQLite connection and opens ``state.db`` by itself silently loses the locks
of that connection, and another process may then delete the WAL under it (R4). So this file
is run as ``python -I -S byte_worker.py OPERATION PATH...``: a stand-alone script that imports
nothing of the project. :mod:`hermes_repair.host.byte_reader` is its only caller.

Out: one Python literal on stdout, paths as bytes: ``{"ok": ANSWER}``, or ``{"errno": N, "message":
TEXT, "path": PATH}``. A literal and not JSON, and few imports: importing json, pathlib or typing
takes longer than all the work of a look.
"""

# ruff: noqa: PTH108, PTH112, PTH115, PTH116, PTH119, PTH120, PTH123, PTH208
from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEADER = 100
SIDECAR_HEADER = 32
FRAME_HEADER = 24
WAL_MAGIC = (b"7\x7f\x06\x82", b"7\x7f\x06\x83")
PAGE_SIZES = tuple(1 << bits for bits in range(9, 17))
SUFFIXES = (b"", b"-wal", b"-shm", b"-journal")
# SQLite's lock bytes (os_unix.c): the 510 shared ones, then pending and reserved; and in the -shm
# file the eight WAL locks and the byte that every connection in WAL mode keeps locked.
LOCK_RANGES = ((b"", 0x40000002, 510), (b"", 0x40000000, 2), (b"-shm", 120, 9))
NO_POSIX_LOCKS = -1
PROBES = 5  # more often than a writer at full speed shows the same moment again
FICLONE = 0x40049409
CHUNK = 1 << 20
COMMON_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
READ_FLAGS = os.O_RDONLY | COMMON_FLAGS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | COMMON_FLAGS


def facts(path: bytes, length: int) -> tuple[dict[str, Any], int | None]:
    """Return what stat says of ``path`` with its first bytes, and a descriptor where it opened.

    No link is followed: the path of the database is its real one, and SQLite follows none to a
    sidecar.
    """
    info: dict[str, Any] = {"path": path, "kind": "absent", "head": b"", "errno": None}
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return info, None
    except OSError as error:
        info.update(kind="unknown", errno=error.errno)
        return info, None
    kind = "link" if stat.S_ISLNK(status.st_mode) else "other"
    info.update(
        kind="file" if stat.S_ISREG(status.st_mode) else kind,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        device=status.st_dev,
        inode=status.st_ino,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        links=status.st_nlink,
    )
    if info["kind"] != "file":
        return info, None
    try:
        descriptor = os.open(path, READ_FLAGS | NO_LINK)
        info["head"] = os.read(descriptor, length)
    except OSError as error:
        info["errno"] = error.errno
        return info, None
    return info, descriptor


def lock_holder(descriptor: int, start: int, length: int) -> int | None:
    """Return the pid of one lock in the range, or None where there is none.

    The kernel names the first lock that would stand in the way of a write lock, whoever holds it
    and in whatever PID namespace; a pid that it cannot express in ours comes back as 0 or -1.
    """
    import fcntl
    import struct

    darwin = sys.platform == "darwin"
    layout = "@qqihh" if darwin else "@hhqqi"
    values: tuple[int, ...] = (fcntl.F_WRLCK, os.SEEK_SET)
    values = (start, length, 0, *values) if darwin else (*values, start, length, 0)
    packed = struct.pack(layout, *values).ljust(struct.calcsize(layout + "0q"), b"\0")
    values = struct.unpack_from(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, packed))
    pid, kind = (values[2], values[3]) if darwin else (values[4], values[0])
    return None if kind == fcntl.F_UNLCK else pid


def probe(given: bytes) -> dict[str, Any]:
    """Return the facts of a database and its sidecars, and who holds SQLite's locks on them.

    A sidecar that no lock goes with is looked at twice: the one that lay there for the moments of
    somebody's commit, whose lock was gone when it was asked for, is not left behind.
    """
    for _ in range(PROBES):
        answer = probe_once(given)
        if answer["holders"] or answer["files"][1:] == sidecars(answer["real"]):
            break
    return answer


def probe_once(given: bytes) -> dict[str, Any]:
    """Return the facts of the files, and then the locks on them."""
    real = os.path.realpath(given)
    files, descriptors, holders = [], {}, []
    for suffix in SUFFIXES:
        info, descriptor = facts(real + suffix, SIDECAR_HEADER if suffix else HEADER)
        files.append(info)
        if descriptor is not None:
            descriptors[suffix] = descriptor
    locks_errno = files[0]["errno"]
    try:
        for suffix, start, length in LOCK_RANGES:
            if suffix in descriptors:
                holder = lock_holder(descriptors[suffix], start, length)
                holders += [(suffix, holder)] if holder is not None else []
    except ImportError:  # Windows
        locks_errno = NO_POSIX_LOCKS
    except OSError as error:
        locks_errno = error.errno
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)
    return {
        "real": real,
        "files": files,
        "holders": holders,
        "locks_errno": locks_errno,
    }


def sidecars(real: bytes) -> list[dict[str, Any]]:
    """Return the facts of the sidecars alone."""
    answers = []
    for suffix in SUFFIXES[1:]:
        info, descriptor = facts(real + suffix, SIDECAR_HEADER)
        answers.append(info)
        if descriptor is not None:
            os.close(descriptor)
    return answers


def look(*given: bytes) -> list[dict[str, Any]]:
    """Return of each database :func:`probe`, who has its files open, who hides it, and its locks.

    The processes are walked once for all. A descriptor is judged by the name that it shows, and by
    device and inode only where that name fits, so that a descriptor on a dead network mount cannot
    hold us up. A file with a second hard link may be open under any name: then every descriptor
    that shows a path is looked at.
    """
    answers = [probe(path) for path in given]
    deleted: dict[bytes, list[tuple[int, bytes]]] = {}
    targets: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
    endings = set()
    for number, answer in enumerate(answers):
        for facts_of, suffix in zip(answer["files"], SUFFIXES, strict=True):
            file = answer["real"] + suffix
            deleted.setdefault(file + b" (deleted)", []).append((number, suffix))
            endings.add(b"" if facts_of.get("links", 1) > 1 else b"/" + os.path.basename(file))
            if "inode" in facts_of:
                place = (facts_of["device"], facts_of["inode"])
                targets.setdefault(place, []).append((number, suffix))
    has_proc = os.path.isdir("/proc/self/fd")
    open_files: list[list[tuple[int, bytes, bool]]] = [[] for _ in answers]
    denied = []
    for name in os.listdir("/proc") if has_proc else ():
        if not name.isdigit() or int(name) == os.getpid():
            continue
        folder = b"/proc/%s/fd/" % name.encode()
        try:
            hits = open_by(folder, tuple(endings), deleted, targets)
        except PermissionError:
            denied.append(int(name))
        except OSError:
            continue  # the process ended while we looked
        else:
            for number, suffix, gone in sorted(hits):
                open_files[number].append((int(name), suffix, gone))
    locks = lock_lines()
    for answer, opened in zip(answers, open_files, strict=True):
        inodes = tuple(f":{f['inode']} " for f in answer["files"] if "inode" in f)
        lines = None if locks is None else [x for x in locks if any(i in x for i in inodes)]
        answer.update(proc=has_proc, open=opened, denied=denied, lock_lines=lines)
    return answers


def open_by(
    folder: bytes,
    endings: tuple[bytes, ...],
    deleted: dict[bytes, list[tuple[int, bytes]]],
    targets: dict[tuple[int, int], list[tuple[int, bytes]]],
) -> set[tuple[int, bytes, bool]]:
    """Return ``(which database, suffix, deleted)`` of each of our files that a process has open."""
    hits: set[tuple[int, bytes, bool]] = set()
    for number in os.listdir(folder):
        try:
            link = os.readlink(folder + number)
            if link in deleted:
                hits.update((*hit, True) for hit in deleted[link])
            elif link.endswith(endings) and link.startswith(b"/"):
                status = os.stat(folder + number)
                hits.update(
                    (*hit, False) for hit in targets.get((status.st_dev, status.st_ino), ())
                )
        except FileNotFoundError:
            continue  # closed while we looked
    return hits


def lock_lines() -> list[str] | None:
    """Return the lines of /proc/locks; None without the file."""
    try:
        with open("/proc/locks", encoding="ascii") as table:
            return table.read().splitlines()
    except OSError:
        return None


def hold(*databases: bytes) -> bool:
    """Take every lock of SQLite's on these databases, for as long as this process lives.

    False where somebody has one. It works on a file that SQLite cannot read as well. An absent
    file has no locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows: a file that somebody has open cannot be replaced there
        return True
    for database in databases:
        for suffix, start, length in LOCK_RANGES:
            try:
                descriptor = os.open(database + suffix, os.O_RDWR | COMMON_FLAGS | NO_LINK)
            except FileNotFoundError:
                continue
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
            except (BlockingIOError, PermissionError):  # one of the two, by the system
                return False
    return True


def copy(options: bytes, *paths: bytes) -> None:
    """Copy files (source, target, source, target, ...) to new files of mode 0600.

    ``options`` has the letter ``f`` for fsync of files and folders, ``d`` where the sources are
    descriptors of a process below /proc. An absent source is left out, and any other link is an
    error. On any error the files made by this call are removed again.
    """
    created: list[bytes] = []
    try:
        for source, target in zip(paths[::2], paths[1::2], strict=True):
            copy_one(source, target, created, options)
        for folder in sorted({os.path.dirname(path) or b"." for path in created}):
            if b"f" in options and os.name == "posix":
                descriptor = os.open(folder, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
    except BaseException:
        for path in created:
            os.unlink(path)
        raise


def copy_one(source: bytes, target: bytes, created: list[bytes], options: bytes) -> None:
    try:
        reader = os.open(source, READ_FLAGS | (0 if b"d" in options else NO_LINK))
    except FileNotFoundError:
        return
    writer = os.open(target, WRITE_FLAGS, 0o600)
    created.append(target)
    try:
        clone(reader, writer) or copy_range(reader, writer) or copy_plain(reader, writer)
        if b"f" in options:
            os.fsync(writer)
    except OSError as error:
        error.filename = target
        raise
    os.close(writer)
    os.close(reader)


def clone(reader: int, writer: int) -> bool:
    """Share the extents (btrfs, xfs, ...); False where the filesystem cannot."""
    try:
        import fcntl

        fcntl.ioctl(writer, FICLONE, reader)
    except (ImportError, OSError):
        return False
    return True


def copy_range(reader: int, writer: int) -> bool:
    """Copy inside the kernel; False where it will not (nothing was written then)."""
    if not hasattr(os, "copy_file_range"):
        return False
    done = 0
    while True:
        try:
            count = os.copy_file_range(reader, writer, 1 << 30)
        except OSError:
            if done:
                raise
            return False
        if count == 0:
            return done > 0
        done += count


def copy_plain(reader: int, writer: int) -> bool:
    while chunk := os.read(reader, CHUNK):
        view = memoryview(chunk)
        while view:
            view = view[os.write(writer, view) :]
    return True


def compare(left_path: bytes, right_path: bytes) -> bool:
    """Whether two files are the same to the byte."""
    # Two buffers that are filled again and again: new ones would take most of the time.
    first, second = bytearray(CHUNK), bytearray(CHUNK)
    with open(left_path, "rb", buffering=0) as left, open(right_path, "rb", buffering=0) as right:
        while True:
            length = fill(left, first)
            if fill(right, second) != length or first != second:
                return False
            if not length:
                return True


def fill(file: Any, buffer: bytearray) -> int:
    """Read until the buffer is full or the file ends; return how many bytes that were."""
    view, done = memoryview(buffer), 0
    while done < len(buffer) and (count := file.readinto(view[done:])):
        done += count
    return done


def wal(main: bytes, beside: bytes) -> dict[str, Any]:
    """Return what page 1 is in a database and in each commit of the -wal beside it.

    A page 1 is its first 100 bytes. ``sizes`` are the pages of the database after each commit up to
    the first with a page 1 of its own, which does not count. Frames are read as SQLite does, with
    the salts of the header up to the last commit, but not summed up: one whose bytes were lost
    counts as written.
    """
    with open(main, "rb") as file:
        answer: dict[str, Any] = {"main": file.read(HEADER), "first": [], "sizes": []}
    with open(beside, "rb") as file:
        header = file.read(SIDECAR_HEADER)
        page_size = int.from_bytes(header[8:12])
        if header[:4] not in WAL_MAGIC or page_size not in PAGE_SIZES:
            page_size = 0
        answer["page_size"] = page_size
        written: list[bytes] = []
        while page_size and len(frame := file.read(FRAME_HEADER)) == FRAME_HEADER:
            if frame[8:16] != header[16:24]:
                break  # of an earlier round of the same file
            if frame[:4] == b"\0\0\0\1":
                written.append(file.read(HEADER))
                file.seek(-len(written[-1]), os.SEEK_CUR)
            file.seek(page_size, os.SEEK_CUR)
            pages = int.from_bytes(frame[4:8])
            if pages:
                answer["first"] += written
                written = []
                if not answer["first"]:
                    answer["sizes"].append(pages)
    return answer


OPERATIONS = {work.__name__: work for work in (probe, look, hold, copy, compare, wal)}


def main() -> None:
    operation, *arguments = sys.argv[1:]
    answer: dict[str, Any]
    try:
        answer = {"ok": OPERATIONS[operation](*map(os.fsencode, arguments))}
    except OSError as error:
        answer = {"errno": error.errno, "message": error.strerror, "path": error.filename}
    print(ascii(answer), flush=True)
    if operation == "hold":
        sys.stdin.buffer.read()  # ends when whoever asked is done, or is no more


if __name__ == "__main__":
    main()
