"""Who has files open on macOS and Windows: what their own tools say, parsed as text.

macOS: ``lsof -F``. Windows: Sysinternals ``handle``, where it is installed. Both tools leave out
the processes of other users without a word unless they run with all rights, so anything less is a
doubt. None of this has been run on those systems by us: the parsers are tested against recorded
output (README).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hermes_repair.host.observations import RawFacts

SECONDS = 20.0
# name, pid, type, perhaps the user, the handle in hexadecimal, the path
_HANDLE = re.compile(r".+?\s+pid: (?P<pid>\d+)\s+type: File\s+(?:.*?\s)?[0-9A-F]+: (?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Listing:
    """The pids that have one of the files open, and why there may be more."""

    pids: frozenset[int]
    doubts: tuple[str, ...]


def list_openers(facts: RawFacts) -> Listing:
    """Ask this system's own tool who has the database or a sidecar open."""
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
    wanted = {file.lower() for file in files}
    matches = (_HANDLE.fullmatch(line.rstrip()) for line in text.splitlines())
    return frozenset(int(m["pid"]) for m in matches if m and m["path"].lower() in wanted)


def _lsof(files: Sequence[str]) -> Listing:
    program = shutil.which("lsof") or "/usr/sbin/lsof"
    doubts: tuple[str, ...] = ()
    if os.geteuid() != 0:
        doubts = ("lsof shows other users' processes to root only (run it with sudo)",)
    try:
        # lsof exits 1 when a file is open nowhere, so its exit code says nothing.
        done = subprocess.run(
            [program, "-w", "-n", "-P", "-F", "p", "--", *files],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Listing(frozenset(), (f"lsof could not be run ({type(error).__name__})",))
    return Listing(parse_lsof(done.stdout.decode("utf-8", "backslashreplace")), doubts)


def _windows(files: Sequence[str]) -> Listing:
    program = shutil.which("handle64") or shutil.which("handle")
    if program is None:
        hint = "install Sysinternals handle, or make sure that every Hermes is stopped"
        return Listing(frozenset(), (f"Windows does not say who has a file open ({hint})",))
    try:
        done = subprocess.run(
            [program, "-accepteula", "-nobanner", files[0]],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Listing(frozenset(), (f"handle could not be run ({type(error).__name__})",))
    text = done.stdout.decode("utf-8", "backslashreplace")
    doubts = ("handle shows other users' processes to an administrator only",)
    return Listing(parse_handle(text, files), doubts)
