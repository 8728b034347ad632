"""Processes: are they there, what are they, since when, in which PID namespace.

Linux is read from /proc, other systems through psutil.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from hermes_repair.host import command_lines, procfs
from hermes_repair.host.observations import ProcessInfo

INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, the same on every Linux
SETTLING_SECONDS = 120.0
SETTLING_TOLERANCE = 86400.0
START_TOLERANCE = 1.0
EXEC_LOOKS, EXEC_SECONDS = 10, 0.002


def boot_time() -> float:
    """Return when this system was started, in epoch seconds by the present clock."""
    if sys.platform == "linux":
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return float(psutil.boot_time())


def boot_id() -> str | None:
    """Return the kernel's random name of this boot, None where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def process(pid: int) -> ProcessInfo | None:
    """Return a process of this PID namespace, or None where no such process can be seen.

    A zombie (ended, not yet collected by its parent) is returned with ``zombie=True``. None is no
    proof where :func:`hidden_processes` gives reasons.
    """
    if not 0 < pid < 2**31:
        return None
    return _linux_process(pid) if sys.platform == "linux" else _psutil_process(pid)


def hidden_processes(private_files: bool = False) -> tuple[str, ...]:
    """Return why /proc may hide processes of this machine from us; empty where it shows all.

    With ``private_files`` only those count that share this container (and so its root layer).
    """
    if sys.platform != "linux":
        return ()
    try:
        namespace = _namespace("self")
        ours = _proc_is_ours()
        mounts = procfs.parse_mountinfo(procfs.read_text("/proc/self/mountinfo"))
    except OSError:
        return ("/proc is not mounted, so processes cannot be seen",)
    reasons = []
    if not ours or (namespace != INITIAL_PID_NAMESPACE and not private_files):
        reasons.append(
            "this is a container or PID namespace, and processes outside of it cannot be seen "
            "(run the same command on the host, or stop Hermes in every container that shares "
            "this home)"
        )
    proc = procfs.covering_mount(mounts, "/proc")
    hiding = {"hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess"}
    hiding |= {"hidepid=invisible", "hidepid=ptraceable"}
    if proc is not None and os.geteuid() != 0 and proc.options & hiding:
        reasons.append("/proc hides the processes of other users (run the same command with sudo)")
    return tuple(reasons)


def _linux_process(pid: int) -> ProcessInfo | None:
    try:
        stat = procfs.parse_stat(procfs.read_text(f"/proc/{pid}/stat"))
        status = procfs.parse_status(procfs.read_text(f"/proc/{pid}/status"))
        argv = () if stat.kernel_thread or stat.state in "ZX" else _argv(pid)
        threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
        owner = Path(f"/proc/{pid}").stat().st_uid
    except (FileNotFoundError, ProcessLookupError):
        return None
    program, profile = command_lines.classify(argv)
    seconds = stat.start_ticks / os.sysconf("SC_CLK_TCK")
    return ProcessInfo(
        pid=pid,
        start_time=boot_time() + seconds,
        # Just after boot the clock is often set for the first time, by any amount.
        start_tolerance=SETTLING_TOLERANCE if seconds < SETTLING_SECONDS else START_TOLERANCE,
        start_ticks=stat.start_ticks,
        command=command_lines.shorten(argv or (stat.name,)),
        program=program,
        profile=profile,
        uid=owner,
        same_namespace=_same_namespace(pid, status.namespace_depth),
        # A main thread that has ended while others run shows as Z too, and is alive.
        zombie=stat.state in "ZX" and threads <= 1,
        interpreter=command_lines.interpreter(argv),
    )


def _argv(pid: int) -> tuple[str, ...]:
    """Return a command line. For a moment, while a process becomes another program, it is empty."""
    for _ in range(EXEC_LOOKS):
        argv = procfs.parse_cmdline(Path(f"/proc/{pid}/cmdline").read_bytes())
        if argv:
            return argv
        time.sleep(EXEC_SECONDS)
    return ()


def _same_namespace(pid: int, depth: int) -> bool:
    try:
        return _namespace(str(pid)) == _namespace("self")
    except PermissionError:  # not ours to inspect: its status still says how deep it lies
        return depth == 1 and _proc_is_ours()
    except FileNotFoundError:  # a zombie has no namespace any more
        return depth == 1


def _namespace(pid: str) -> str:
    """Return the name of a PID namespace, like ``pid:[4026531836]``."""
    return str(Path(f"/proc/{pid}/ns/pid").readlink())


def _proc_is_ours() -> bool:
    """Whether /proc counts processes as we do (it may be mounted from outside a container)."""
    return str(Path("/proc/self").readlink()) == str(os.getpid())


def _psutil_process(pid: int) -> ProcessInfo | None:
    import psutil

    try:
        found = psutil.Process(pid)
        with found.oneshot():
            start = float(found.create_time())
            zombie = found.status() == psutil.STATUS_ZOMBIE
            argv = _or_empty(found)
            uid = found.uids().real if hasattr(found, "uids") else None
    except psutil.NoSuchProcess:
        return None
    program, profile = command_lines.classify(argv)
    return ProcessInfo(
        pid=pid,
        start_time=start,
        start_tolerance=START_TOLERANCE,
        start_ticks=round(start * 100),
        command=command_lines.shorten(argv),
        program=program,
        profile=profile,
        uid=uid,
        zombie=zombie,
        interpreter=command_lines.interpreter(argv),
    )


def _or_empty(found: object) -> tuple[str, ...]:
    """Return the arguments of a psutil process, or its bare name where they cannot be read."""
    import psutil

    assert isinstance(found, psutil.Process)
    try:
        return tuple(found.cmdline())
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return (found.name(),)
