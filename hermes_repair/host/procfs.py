"""Parsers of what Linux says under /proc: text in, values out; :func:`read_text` alone opens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PF_KTHREAD = 0x00200000
CAP_DAC = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def read_text(path: str) -> str:
    """Return a file of /proc, where names may be any bytes; raises ``OSError`` where it is gone."""
    return Path(path).read_bytes().decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of ``/proc/PID/stat`` that matter here; times in clock ticks since boot."""

    name: str
    state: str
    start_ticks: int
    kernel_thread: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of ``/proc/PID/status`` that matter here.

    ``uids`` are all that the process has or may return to (real, effective, saved, file system).
    ``namespace_depth`` counts the PID namespaces from the one that /proc belongs to down to the
    process: 1 is the same.
    """

    uids: frozenset[int]
    reads_anything: bool
    namespace_depth: int


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of ``/proc/self/mountinfo``. ``device`` is ``major, minor`` of the superblock."""

    device: tuple[int, int]
    root: str
    point: str
    kind: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class KernelLock:
    """One held lock of ``/proc/locks``.

    ``kind`` is ``flock``, ``posix`` or ``ofd`` (in lower case as the kernel names it), ``pid`` is
    -1 for an OFD lock. ``device`` is (major, minor) of the superblock, which on btrfs is not what
    stat says.
    """

    kind: str
    pid: int
    device: tuple[int, int]
    inode: int


def parse_stat(text: str) -> Stat:
    """Parse ``/proc/PID/stat``. The name in parentheses may itself hold blanks and parentheses."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(
        name=head.partition("(")[2],
        state=fields[0],
        start_ticks=int(fields[19]),
        kernel_thread=bool(int(fields[6]) & PF_KTHREAD),
    )


def parse_status(text: str) -> Status:
    """Parse ``/proc/PID/status``."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return Status(
        uids=frozenset(map(int, lines["Uid"].split())),
        reads_anything=bool(int(lines.get("CapEff", "0"), 16) & CAP_DAC),
        namespace_depth=len(lines.get("NSpid", "1").split()),
    )


def parse_cmdline(data: bytes) -> tuple[str, ...]:
    """Split ``/proc/PID/cmdline``; empty for kernel threads and zombies."""
    text = data.rstrip(b"\0").decode("utf-8", "backslashreplace")
    return tuple(text.split("\0")) if text else ()


@lru_cache(maxsize=1)  # each look reads it several times, and it hardly ever changes
def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Parse ``/proc/self/mountinfo`` (proc(5)); lines that are not in its form are left out."""
    mounts = []
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        before, after = left.split(" "), right.split(" ")
        if not separator or len(before) < 6 or len(after) < 3:
            continue
        mounts.append(
            Mount(
                device=_device(before[2], 10),
                root=unescape(before[3]),
                point=unescape(before[4]),
                kind=after[0],
                options=frozenset(unescape(o) for o in (before[5] + "," + after[2]).split(",")),
            )
        )
    return tuple(mounts)


def covering_mount(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the mount that an absolute path without links lies on: the longest, last mounted."""
    best: Mount | None = None
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def overlay_above(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the overlay mount that shows ``path`` through one of its layers, if there is one.

    A process in that container opens another inode than the one we see, so neither its descriptors
    nor its locks can be found from below.
    """
    for mount in mounts:
        if mount.kind != "overlay":
            continue
        for option in mount.options:
            name, _, value = option.partition("=")
            if name not in ("upperdir", "lowerdir", "lowerdir+"):
                continue
            for layer in value.split(":"):
                if layer.strip("/") and path.startswith(layer.rstrip("/") + "/"):
                    return mount
    return None


def parse_locks(text: str) -> tuple[KernelLock, ...]:
    """Parse ``/proc/locks``: the held locks. Waiters (``->``) and leases are left out."""
    locks = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 8 or fields[1] not in ("POSIX", "FLOCK", "OFDLCK"):
            continue
        major, minor, inode = fields[5].split(":")
        locks.append(
            KernelLock(
                kind={"POSIX": "posix", "FLOCK": "flock", "OFDLCK": "ofd"}[fields[1]],
                pid=int(fields[4]),
                device=_device(f"{major}:{minor}", 16),
                inode=int(inode),
            )
        )
    return tuple(locks)


def unescape(text: str) -> str:
    r"""Undo the octal escapes (``\040``) of mountinfo."""
    parts = text.split("\\")
    octal = "01234567"
    done = [parts[0]]
    for part in parts[1:]:
        if len(part) >= 3 and all(digit in octal for digit in part[:3]):
            done.append(chr(int(part[:3], 8)) + part[3:])
        else:
            done.append("\\" + part)
    return "".join(done)


def parse_maps(text: str) -> tuple[str, ...]:
    """Return the files that a process has mapped (``/proc/PID/maps``), each once, in order.

    One that was replaced on the disk since is left out: what lies there now is not what runs.
    """
    lines = (line.split(maxsplit=5) for line in text.splitlines())
    paths = (unescape(line[5]) for line in lines if len(line) == 6)
    return tuple(
        dict.fromkeys(p for p in paths if p.startswith("/") and not p.endswith(" (deleted)"))
    )


def _device(text: str, base: int) -> tuple[int, int]:
    major, _, minor = text.partition(":")
    return int(major, base), int(minor, base)
