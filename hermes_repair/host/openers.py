"""Who has a database open: the one answer that every command uses.

What proves what:

- A connection in WAL mode keeps a shared POSIX lock on the main file for as long as it lives. The
  kernel names one holder to whoever asks (F_GETLK), across users and PID namespaces. So with the
  file in WAL mode on a local filesystem and no holder, nobody has it open, whatever else we may not
  see. (A connection that has not read anything yet holds none; it is one that is about to open.)
- An idle connection in any other mode holds no lock, so only descriptors tell: those in
  ``/proc/*/fd`` of the same device and inode, and deleted files by their path.
- The list is complete when every process could be looked at, or when the file is in WAL mode and
  the kernel's lock table (which has every holder that /proc can name) has the one that the kernel
  named first.
- Files on NFS, SMB, FUSE and the like, and files below a container's filesystem, may be open where
  this kernel does not see it.

What cannot be known is UNKNOWN, and UNKNOWN counts as open.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.host import byte_reader, procfs
from hermes_repair.host.filesystems import Filesystem, filesystem
from hermes_repair.host.observations import (
    Descriptors,
    Openers,
    OpenStatus,
    ProcessInfo,
    Program,
    RawFacts,
)
from hermes_repair.host.processes import hidden_processes, process
from hermes_repair.host.procfs import Stat, Status

LOOKS = 3  # a process that ends while we look makes us look again
TOOL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a database from outside, on whatever system.

    ``holders`` are the pids that the kernel named as holding SQLite's locks on the main file, None
    where locks could not be asked for. ``table`` are the pids in the kernel's lock table, None
    without one. ``processes`` have the database open or hold a lock on it. ``unseen`` and
    ``uninspected`` are reasons why processes may be missing there: not visible, or closed to us.
    """

    exists: bool
    wal_mode: bool
    filesystem: Filesystem
    holders: frozenset[int] | None
    table: frozenset[int] | None
    processes: tuple[ProcessInfo, ...]
    unseen: tuple[str, ...] = ()
    uninspected: tuple[str, ...] = ()

    @property
    def listed_by_kernel(self) -> bool:
        """Whether the lock table is proven to have every connection that can be named."""
        return self.wal_mode and self.holders is not None and self.holders <= (self.table or set())


def survey(database: Path) -> tuple[RawFacts, Openers]:
    """Return the facts of a database and who has it open, besides this process, in one breath.

    What cannot be known of the openers is UNKNOWN, with the reason. Raises as
    :func:`~hermes_repair.host.byte_reader.probe` does.
    """
    for _ in range(LOOKS):
        facts, observation = _observed([database])[0]
        if observation is not None:
            return facts, decide(observation)
    reason = "processes open and close it faster than they can be examined (try again)"
    return facts, Openers(OpenStatus.UNKNOWN, reasons=(reason,))


def survey_all(databases: Sequence[Path]) -> Mapping[Path, tuple[RawFacts, Openers]]:
    """Return :func:`survey` of many databases at the price of one.

    Left out is what needs a look of its own: where a process ended meanwhile, or no answer came.
    """
    try:
        seen = _observed(databases) if databases else []
    except (byte_reader.WorkerFailed, OSError):
        return {}  # one of them on a mount that does not answer keeps all from it
    return {
        database: (facts, decide(observation))
        for database, (facts, observation) in zip(databases, seen, strict=True)
        if observation is not None
    }


def who_has_open(database: Path) -> Openers:
    """Return who has the database or one of its sidecars open, besides this process.

    Never raises for what cannot be looked at: that is UNKNOWN, with the reason.
    """
    try:
        return survey(database)[1]
    except byte_reader.WorkerFailed as failure:
        return Openers(OpenStatus.UNKNOWN, reasons=(failure.message,))


def decide(observation: Observation) -> Openers:
    """Pure: weigh an observation by the rules of this module."""
    reasons = tuple(_doubts(observation)) if observation.exists or observation.processes else ()
    if observation.processes:
        status = OpenStatus.SOMEBODY
    else:
        status = OpenStatus.UNKNOWN if reasons else OpenStatus.NOBODY
    return Openers(status, observation.processes, not reasons, reasons)


def _doubts(observation: Observation) -> Iterator[str]:
    """Yield why the processes that were found may not be all."""
    place = observation.filesystem
    if not place.local:
        yield (
            f"the home is on a filesystem of type {place.kind}, which other machines may"
            " have open too (stop Hermes on every machine that uses this home)"
        )
    if place.layer_of is not None:
        yield (
            f"the home is shown to a container at {place.layer_of}, whose processes "
            "cannot be matched from here (run the same command inside that container)"
        )
    if observation.exists and observation.holders is None:
        yield "its locks cannot be read (run the same command as the owner of the file)"
    if observation.wal_mode and observation.holders == frozenset():
        return  # no connection lives, whatever else we may not see
    yield from observation.unseen
    if not observation.listed_by_kernel:
        yield from observation.uninspected


def _observed(databases: Sequence[Path]) -> list[tuple[RawFacts, Observation | None]]:
    """Return what is seen of each; no observation where one of the processes ended meanwhile."""
    if sys.platform == "linux":
        return [_on_linux(*seen) for seen in byte_reader.look(*databases)]
    return [_elsewhere(database) for database in databases]


def _on_linux(facts: RawFacts, descriptors: Descriptors) -> tuple[RawFacts, Observation | None]:
    place = filesystem(facts.real)
    table = None
    if descriptors.lock_lines is not None:
        table = _table("\n".join(descriptors.lock_lines), facts, place)
    deleted: dict[int, set[str]] = {}
    for pid, suffix, gone in descriptors.open:
        # A rollback journal is deleted after every write, at times under another one's eyes.
        torn = gone and suffix != "-journal"
        deleted.setdefault(pid, set()).update({facts.real.name + suffix} if torn else ())
    observation = _observe(facts, place, table, {*deleted, *(table or ())})
    if observation is None:
        return facts, None
    return facts, replace(
        observation,
        processes=tuple(
            replace(process_info, deleted=tuple(sorted(deleted.get(process_info.pid, ()))))
            for process_info in observation.processes
        ),
        unseen=hidden_processes(private_files=place.private),
        uninspected=()
        if observation.listed_by_kernel
        else _closed_to_us(descriptors.denied, facts),
    )


def _elsewhere(database: Path) -> tuple[RawFacts, Observation | None]:
    facts = byte_reader.probe(database)
    listing = list_openers(facts)
    observation = _observe(facts, filesystem(facts.real), None, set(listing.pids))
    return facts, None if observation is None else replace(observation, unseen=listing.doubts)


def _observe(
    facts: RawFacts, place: Filesystem, table: frozenset[int] | None, pids: set[int]
) -> Observation | None:
    """Put an observation together; None where one of the processes ended meanwhile."""
    processes = []
    pids = pids | {holder.pid for holder in facts.holders}
    for pid in sorted(pids - {os.getpid()}):
        info = process(pid)
        if info is None and pid > 0 and not _hidden(pid):
            return None
        if info is None:
            info = ProcessInfo(pid=max(pid, 0), same_namespace=False)
        if info.program is not Program.BYTE_READER and not info.zombie:
            processes.append(info)
    holders = frozenset(holder.pid for holder in facts.holders if holder.file == "main")
    return Observation(
        exists=facts.main.kind != "absent",
        wal_mode=facts.wal_mode,
        filesystem=place,
        holders=holders if facts.locks_known else None,
        table=table,
        processes=tuple(processes),
    )


def _table(text: str, facts: RawFacts, place: Filesystem) -> frozenset[int]:
    """Return the pids that hold a lock of SQLite's kind on one of the files, by the kernel's table.

    The table names who took a flock, and a child may hold that on when its taker has ended.
    """
    files = {
        (device, file.inode)
        for file in (facts.main, facts.wal, facts.shm, facts.journal)
        if file.exists
        for device in ((os.major(file.device), os.minor(file.device)), place.device)
    }
    locks = procfs.parse_locks(text)
    held = (lock for lock in locks if lock.kind != "flock")
    return frozenset(lock.pid for lock in held if (lock.device, lock.inode) in files)


def _hidden(pid: int) -> bool:
    """Whether a process exists that /proc does not show us (hidepid)."""
    if sys.platform != "linux":  # signal 0 is no question on Windows, it ends the process
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path(f"/proc/{pid}").exists()


def _closed_to_us(denied: Iterable[int], facts: RawFacts) -> tuple[str, ...]:
    """Return the reason that names who could have it open and may not be looked into by us."""
    if not facts.main.exists:
        return ()
    above = [folder.stat() for folder in facts.real.parents]
    path = [(facts.main.mode, facts.main.uid), *((s.st_mode, s.st_uid) for s in above)]
    names = []
    for pid in denied:
        if pid == os.getpid():
            continue
        try:
            stat = procfs.parse_stat(procfs.read_text(f"/proc/{pid}/stat"))
            status = procfs.parse_status(procfs.read_text(f"/proc/{pid}/status"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        if could_open(pid, stat, status, path):
            names.append(f"{stat.name.encode('unicode_escape').decode('ascii')} ({pid})")
    if not names:
        return ()
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    how = "with sudo" if os.geteuid() else "with every capability"
    return (f"processes that cannot be inspected may have it open: {shown} (run it {how})",)


# System programs, which never open a file that they are not told to.
SYSTEM_PROGRAMS = frozenset(
    {
        *("(sd-pam)", "NetworkManager", "ModemManager", "Xorg", "Xwayland", "accounts-daemon"),
        *("acpid", "agetty", "atd", "auditd", "avahi-daemon", "bluetoothd", "chronyd", "colord"),
        *("containerd", "containerd-shim", "cron", "crond", "cupsd", "dbus-broker"),
        *("dbus-broker-lau", "dbus-daemon", "dhclient", "dhcpcd", "dnsmasq", "dockerd", "getty"),
        *("gdm3", "gdm-session-wor", "gpg-agent", "irqbalance", "iscsid", "lightdm", "login"),
        *("lvmetad", "mcelog", "multipathd", "ntpd", "polkitd", "power-profiles-", "rngd"),
        *("rpcbind", "rsyslogd", "rtkit-daemon", "sddm", "smartd", "ssh-agent", "sshd"),
        *("sshd-session", "su", "sudo", "switcheroo-cont", "systemd", "systemd-homed"),
        *("systemd-hostnam", "systemd-journal", "systemd-localed", "systemd-logind"),
        *("systemd-machine", "systemd-network", "systemd-oomd", "systemd-resolve"),
        *("systemd-timedat", "systemd-timesyn", "systemd-udevd", "systemd-userdbd"),
        *("systemd-userwor", "thermald", "udisksd", "upowerd", "wpa_supplicant"),
    }
)


def could_open(pid: int, stat: Stat, status: Status, path: Sequence[tuple[int, int]]) -> bool:
    """Whether a process that we may not inspect could have a file open. Pure.

    Only asked for databases that are not in WAL mode: an idle connection holds no lock there, so
    the descriptors of every process decide, and another user's are hidden from us. A process is
    left out of account only when one of these holds:

    - it is a kernel thread, or a zombie;
    - it is process 1 of the machine (not of a container: there it may be Hermes);
    - it is neither root, nor has it a capability to read any file, nor does the file or a folder
      above it let it through. Owners count as let through (they can change the mode), and so does
      everybody whom the group bits or the other bits could mean (an ACL is shown in the group
      bits);
    - its name is one of the system programs above.

    ``path`` is (mode, uid) of the file and then of every folder above it. The caller has made
    sure that pids are those of the machine, not of a container.
    """
    if stat.kernel_thread or stat.state in "ZX" or pid == 1:
        return False
    if stat.name in SYSTEM_PROGRAMS:
        return False
    if 0 in status.uids or status.reads_anything:
        return True
    return all(
        uid in status.uids or bool(mode & (0o011 if depth else 0o044))
        for depth, (mode, uid) in enumerate(path)
    )


# name, pid, type, perhaps the user, the handle in hexadecimal, the path
_HANDLE = re.compile(r".+?\s+pid: (?P<pid>\d+)\s+type: File\s+(?:.*?\s)?[0-9A-F]+: (?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Listing:
    """The pids that have one of the files open, and why there may be more."""

    pids: frozenset[int]
    doubts: tuple[str, ...]


def list_openers(facts: RawFacts) -> Listing:
    """Ask the own tool of macOS (``lsof``) or Windows (Sysinternals ``handle``) who has it open.

    Both leave out the processes of other users without a word unless they run with all rights, so
    anything less is a doubt. None of this has been run on those systems by us: the parsers are
    tested against recorded output (README).
    """
    files = [os.fspath(f.path) for f in (facts.main, *facts.sidecars) if f.exists]
    if not files:
        return Listing(frozenset(), ())
    if sys.platform == "win32":
        return _windows(files)
    return _lsof(files)


def parse_lsof(text: str) -> frozenset[int]:
    """Return the pids of ``lsof -F p`` output: one field per line, a process begins with ``p``."""
    return frozenset(int(line[1:]) for line in text.splitlines() if re.fullmatch(r"p\d+", line))


def parse_handle(text: str, files: Sequence[str]) -> frozenset[int]:
    """Return the pids that ``handle -nobanner NAME`` lists for exactly these paths."""
    paths = {file.lower() for file in files}
    matches = (_HANDLE.fullmatch(line.rstrip()) for line in text.splitlines())
    return frozenset(int(m["pid"]) for m in matches if m and m["path"].lower() in paths)


def _lsof(files: Sequence[str]) -> Listing:
    program = shutil.which("lsof") or "/usr/sbin/lsof"
    doubts: tuple[str, ...] = ()
    if os.geteuid() != 0:
        doubts = ("lsof shows other users' processes to root only (run it with sudo)",)
    try:
        # lsof exits 1 when a file is open nowhere, so its exit code says nothing.
        listed = _output([program, "-w", "-n", "-P", "-F", "p", "--", *files])
    except (OSError, subprocess.TimeoutExpired) as error:
        return Listing(frozenset(), (f"lsof could not be run ({type(error).__name__})",))
    return Listing(parse_lsof(listed), doubts)


def _windows(files: Sequence[str]) -> Listing:
    program = shutil.which("handle64") or shutil.which("handle")
    if program is None:
        hint = "install Sysinternals handle, or make sure that every Hermes is stopped"
        return Listing(frozenset(), (f"Windows does not say who has a file open ({hint})",))
    try:
        listed = _output([program, "-accepteula", "-nobanner", files[0]])
    except (OSError, subprocess.TimeoutExpired) as error:
        return Listing(frozenset(), (f"handle could not be run ({type(error).__name__})",))
    doubts = ("handle shows other users' processes to an administrator only",)
    return Listing(parse_handle(listed, files), doubts)


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, timeout=TOOL_SECONDS, check=False)
    return done.stdout.decode("utf-8", "backslashreplace")
