"""Timing of whole child processes: seconds on the clock and the peak of their memory.

Two ways of doing one job are measured in turns on the same files, and the best of each counts: the
first run warms the cache, and what else the machine does disturbs both alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss


class MeasureError(RuntimeError):
    """A process did not do what was to be measured; the message has the end of its stderr."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: the seconds that count, peak resident bytes, and what it printed.

    ``cpu`` are the seconds of all processors that it and its children took: on a busy machine they
    say more about what is computed than the clock does.
    """

    seconds: float
    cpu: float
    peak: int
    stdout: str

    def printed_seconds(self) -> float:
        """Return what the process printed last, where it timed a part of itself.

        Raises :class:`MeasureError` where that is no number.
        """
        try:
            return float(self.stdout.splitlines()[-1])
        except (IndexError, ValueError) as error:
            told = self.stdout[-200:]
            raise MeasureError(f"no seconds were printed, but {told!r}") from error


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    codes: Collection[int] = (0,),
) -> Run:
    """Run a Python with ``arguments`` in ``folder`` and measure it, its own children included.

    Raises :class:`MeasureError` where its exit code is not one of ``codes``.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environment, stdout=out, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in codes:
            told = errors.read().decode(errors="replace").strip() or "nothing on stderr"
            command = " ".join(a if "\n" not in a else "..." for a in arguments)
            raise MeasureError(f"`{command}` ended with {process.returncode}: {told[-600:]}")
        printed = out.read().decode(errors="replace")
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _BYTES, printed)


def best_in_turns(times: int, *ways: Callable[[], Run]) -> list[Run]:
    """Run every way ``times`` times in turns; return the fastest run of each.

    The processor time is the least of all runs of a way, the peak of the memory the highest.
    """
    runs: list[list[Run]] = [[] for _ in ways]
    for _ in range(times):
        for way, done in zip(ways, runs, strict=True):
            done.append(way())
    return [_best(done) for done in runs]


def _best(runs: Sequence[Run]) -> Run:
    fastest = min(runs, key=lambda done: done.seconds)
    return replace(
        fastest, cpu=min(done.cpu for done in runs), peak=max(done.peak for done in runs)
    )
