"""Commands in forked children to which something happens in the middle: the fault loop's machine.

A fork has everything imported already, so that a run takes a tenth of a second. Looking who has a
file open is done as in the real command, by a process of its own.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.cli.guard import run
from tests.forked import finish_speaking, speak_into
from tests.support import keep_command_tree

keep_command_tree()  # what is imported late is there before a fork

ROOM = 72 << 20  # bytes of a small disk: what a run asks for (64 MB) and a little more
PATIENCE = 60.0  # seconds until a command counts as hanging


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, or less than 0 for the signal; what it said; seconds."""

    code: int
    said: str
    seconds: float


class Running:
    """A command line in a forked child."""

    def __init__(
        self, words: Sequence[str], place: Path, before: Callable[[], None] = lambda: None
    ) -> None:
        """Start it; ``place`` is for its temporary files and what it says.

        ``before`` is called in the child first.
        """
        handle, name = tempfile.mkstemp(dir=place, suffix=".said")
        self._said = Path(name)
        self._began = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            self._child(words, place, handle, before)
        os.close(handle)

    def _child(
        self, words: Sequence[str], place: Path, handle: int, before: Callable[[], None]
    ) -> None:
        code = 99
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            speak_into(handle, handle)
            for variable in [name for name in os.environ if name.startswith("HERMES_")]:
                del os.environ[variable]
            os.environ |= {"HOME": str(place), "TMPDIR": str(place), "TZ": "UTC"}
            tempfile.tempdir = str(place)
            before()
            code = run(list(words))
            finish_speaking()
        except KeyboardInterrupt:
            code = 130  # before the command line is at work, or after: Python ends as shells say
        except BaseException:  # noqa: BLE001 - nothing may escape: a fork of the tests has no caller
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self) -> Ended:
        """Wait for its end; raises ``TimeoutError`` where it hangs."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - self._began > PATIENCE:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"no end after {PATIENCE} s: {self._read()}")
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(status)
        return Ended(code, self._read(), time.monotonic() - self._began)

    def _read(self) -> str:
        said = self._said.read_text(encoding="utf-8", errors="replace")
        self._said.unlink()
        return said


def limited(kind: int, most: int) -> Callable[[], None]:
    """Return what sets a limit in a child: ``resource.RLIMIT_FSIZE`` and the like."""
    return lambda: resource.setrlimit(kind, (most, most))


@contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    """Mount a small disk in memory below ``place``; None where that is not allowed here."""
    disk = place / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, after: float) -> int:
    """Start a process that takes all that is free on a disk after some seconds; return its id."""
    pid = os.fork()
    if not pid:
        try:
            time.sleep(after)
            with (disk / "filler").open("wb") as stream:
                chunk = 8 << 20
                while chunk:
                    try:
                        os.posix_fallocate(stream.fileno(), stream.tell(), chunk)
                        stream.seek(chunk, os.SEEK_CUR)
                    except OSError:
                        chunk //= 2
        finally:
            os._exit(0)
    return pid


def make_room(disk: Path, filler: int) -> None:
    """Wait for a filler and take away what it wrote."""
    with suppress(ProcessLookupError):
        os.kill(filler, signal.SIGKILL)
    os.waitpid(filler, 0)
    (disk / "filler").unlink(missing_ok=True)
