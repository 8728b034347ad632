"""Processes: are they there, what are they, since when, in which PID namespace.

Linux is read from /proc, other systems through psutil. Which program a command line runs follows
how the releases 0.13 to 0.19 start themselves (``hermes_cli.main``, ``gateway/run.py``, the
``hermes`` and ``hermes-gateway`` scripts). 0.19 may rename its process to the bare word ``hermes``:
then the gateway cannot be told from the other programs.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath, PureWindowsPath

from hermes_repair.host import procfs
from hermes_repair.host.observations import ProcessInfo, Program

INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, the same on every Linux
SETTLING_SECONDS = 120.0
SETTLING_TOLERANCE = 86400.0
START_TOLERANCE = 1.0
EXEC_LOOKS, EXEC_SECONDS = 10, 0.002

_INTERPRETER = re.compile(r"(python|pypy|node|bun|ruby|perl|sh|bash|dash|zsh)[\d.]*w?")
_PYTHON = re.compile(r"python[\d.]*w?")
_SCRIPT = re.compile(r"(.*/)?(hermes|hermes-agent|hermes-acp)")
_MODULE = re.compile(r"(hermes_cli|tui_gateway|acp_adapter|run_agent)(\..*)?")
_FILE = re.compile(r"(.*/)?(hermes_cli/main|run_agent|tui_gateway/\w+)\.py")
_GATEWAY = re.compile(r"(.*/)?(hermes-gateway|gateway/run\.py)|gateway\.run")
_REPAIR = re.compile(r"(.*/)?hermes-repair|hermes_repair(\..*)?|(.*/)?hermes_repair/__main__\.py")
# The path in this version, and in 0.1.0.
_WORKER = re.compile(r".*/hermes_repair/host/(?:byte_)?worker\.py")
_INSTALL = re.compile(r"(.*/)?hermes-agent/.*")
_TAKES_VALUE = {"-p", "--profile", "-m", "--model", "--provider", "--home", "-t", "--toolsets"}
_VERBS = {
    *("gateway", "run", "restart", "start", "stop", "chat", "acp", "cron", "dashboard", "desktop"),
    *("serve", "sessions", "tui", "update"),
    *("doctor", "repair", "migrate", "backfill", "locks", "clean", "backup", "restore", "undo"),
    *("merge", "salvage", "vacuum"),
}
_LIMIT = 80


def boot() -> str:
    """Return what tells this start of the system from others; by its time where it has no id."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(boot_time())


def boot_time() -> float:
    """Return when this system was started, in epoch seconds by the present clock."""
    if sys.platform == "linux":
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return float(psutil.boot_time())


def process(pid: int) -> ProcessInfo | None:
    """Return a process of this PID namespace, or None where no such process can be seen.

    A zombie (ended, not yet collected by its parent) is returned with ``zombie=True``. None is no
    proof where :func:`hidden_processes` gives reasons.
    """
    if not 0 < pid < 2**31:
        return None
    return _linux_process(pid) if sys.platform == "linux" else _psutil_process(pid)


def mapped_files(pid: int) -> tuple[Path, ...]:
    """Return the files that a process has in memory; none where the system does not say."""
    try:
        text = procfs.read_text(f"/proc/{pid}/maps")
    except OSError:
        return ()
    return tuple(map(Path, procfs.parse_maps(text)))


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
    except (FileNotFoundError, ProcessLookupError):
        return None
    program, profile = classify(argv)
    seconds = stat.start_ticks / os.sysconf("SC_CLK_TCK")
    return ProcessInfo(
        pid=pid,
        start_time=boot_time() + seconds,
        # Just after boot the clock is often set for the first time, by any amount.
        start_tolerance=SETTLING_TOLERANCE if seconds < SETTLING_SECONDS else START_TOLERANCE,
        start_ticks=stat.start_ticks,
        command=shorten(argv or (stat.name,)),
        program=program,
        profile=profile,
        same_namespace=_same_namespace(pid, status.namespace_depth),
        # A main thread that has ended while others run shows as Z too, and is alive.
        zombie=stat.state in "ZX" and threads <= 1,
        interpreter=interpreter(argv),
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
        handle = psutil.Process(pid)
        with handle.oneshot():
            start = float(handle.create_time())
            zombie = handle.status() == psutil.STATUS_ZOMBIE
            argv = _or_empty(handle)
    except psutil.NoSuchProcess:
        return None
    program, profile = classify(argv)
    return ProcessInfo(
        pid=pid,
        start_time=start,
        start_tolerance=START_TOLERANCE,
        start_ticks=round(start * 100),
        command=shorten(argv),
        program=program,
        profile=profile,
        zombie=zombie,
        interpreter=interpreter(argv),
    )


def _or_empty(handle: object) -> tuple[str, ...]:
    """Return the arguments of a psutil process, or its bare name where they cannot be read."""
    import psutil

    assert isinstance(handle, psutil.Process)
    try:
        return tuple(handle.cmdline())
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return (handle.name(),)


def classify(argv: Sequence[str]) -> tuple[Program, str | None]:
    """Return which program a command line runs, and the Hermes profile that it names."""
    if list(argv[1:3]) == ["-I", "-S"] and len(argv) > 3 and _WORKER.fullmatch(_plain(argv[3])):
        return Program.BYTE_READER, None
    entry, rest = _entry(argv)
    entry = _plain(entry)
    if _REPAIR.fullmatch(entry):
        return Program.HERMES_REPAIR, None
    words, profile = _words(rest)
    if _GATEWAY.fullmatch(entry):
        return Program.GATEWAY, profile
    if _SCRIPT.fullmatch(entry) or _MODULE.fullmatch(entry) or _FILE.fullmatch(entry):
        runs = words[:1] == ["gateway"] and words[1:2] in ([], ["run"], ["restart"])
        return (Program.GATEWAY if runs else Program.HERMES), profile
    if any(_INSTALL.fullmatch(_plain(word)) for word in (*argv[:1], entry)):
        return Program.HERMES, profile
    return Program.OTHER, None


def interpreter(argv: Sequence[str]) -> str:
    """Return the Python that a command line names by an absolute path, empty for none."""
    first = argv[0] if argv else ""
    named = _PYTHON.fullmatch(_plain(first).rpartition("/")[2]) is not None
    absolute = PurePosixPath(first).is_absolute() or PureWindowsPath(first).is_absolute()
    return first if named and absolute else ""


def shorten(argv: Sequence[str]) -> str:
    """Return a command line for people: program and subcommands, nothing that may be a message.

    Values and free arguments are left out (a chat may be started with the question on the command
    line), control characters are escaped, and the whole is at most 80 characters.
    """
    if not argv:
        return ""
    entry, rest = _entry(argv)
    words = [_plain(argv[0]).rpartition("/")[2]]
    if entry != argv[0]:
        module = list(argv).index(entry) > 0 and argv[list(argv).index(entry) - 1] == "-m"
        words += ["-m", entry] if module else [_plain(entry).rpartition("/")[2]]
    if classify(argv)[0] is not Program.OTHER:
        words += takewhile(_VERBS.__contains__, _words(rest)[0][:2])
    elif rest:
        words.append("...")
    text = " ".join(words).encode("unicode_escape").decode("ascii")
    return text if len(text) <= _LIMIT else text[: _LIMIT - 3] + "..."


def _entry(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return what is run (a script, a module, or the program itself) and its arguments."""
    if not argv:
        return "", ()
    if not _INTERPRETER.fullmatch(_plain(argv[0]).rpartition("/")[2]):
        return argv[0], argv[1:]
    for index, word in enumerate(argv[1:], 1):
        if word == "-m" and index + 1 < len(argv):
            return argv[index + 1], argv[index + 2 :]
        if word == "-c":
            break
        if not word.startswith("-"):
            return word, argv[index + 1 :]
    return argv[0], argv[1:]


def _words(rest: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments that are no options, and the profile that is selected."""
    words: list[str] = []
    profile: str | None = None
    left = iter(rest)
    for word in left:
        name, equals, value = word.partition("=")
        if name in _TAKES_VALUE:
            value = value if equals else next(left, "")
            if name in ("-p", "--profile") and re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", value):
                profile = value
        elif not word.startswith("-"):
            words.append(word)
    return words, profile


def _plain(word: str) -> str:
    """Return a program or path with forward slashes and without ``.exe``."""
    return word.replace("\\", "/").removesuffix(".exe")
