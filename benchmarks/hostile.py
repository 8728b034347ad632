"""Whether a hostile file ends salvage: ``python -m benchmarks.hostile FIRST COUNT``.

Makes the files of so many numbers (``tests.salvage.hostile``), one after the other, and salvages
each as ``salvage --out`` does, in a process with limits: all is read and the ledger made, and of
one in :data:`WRITTEN` the new database is written too. To refuse is an answer; bad are an error
that nobody expects, a file that takes too long, and one that takes too much memory. Says how many
were bad, the slowest and the peak, and ends with 1 if any is bad.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hermes_repair.app.salvage_work import salvage_of
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.salvage import Bundle
from tests.salvage.hostile import bases, hostile_files

WRITTEN = 10
SECONDS, MEMORY = 20, 200_000_000
"""Of one file: processor seconds, bytes of memory beyond what the process has."""
LIMITS = {resource.RLIMIT_FSIZE: 1 << 30, resource.RLIMIT_AS: 2 << 30, resource.RLIMIT_CORE: 0}
"""Of the process, so that what is bad cannot hurt the machine."""
STORES = (None, None, None, "kanban.db", "memory_store.db", "unknown.db")
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


@dataclass(slots=True)
class Tried:
    """What became of the files so far. ``slowest`` and ``peak`` with the number of the file."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, 0)
    peak: tuple[int, int] = (0, 0)

    def take(self, line: str) -> None:
        """Take what a process says of one file."""
        number, outcome, seconds, memory = line.split()
        self.outcomes[outcome] += 1
        self.seconds += float(seconds)
        self.slowest = max(self.slowest, (float(seconds), int(number)))
        self.peak = max(self.peak, (int(memory), int(number)))

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.outcomes.total() + len(self.bad):,} files: {outcomes}, {len(self.bad)} bad."
            f" {1000 * self.seconds / max(self.outcomes.total(), 1):.0f} ms a file, the slowest"
            f" {self.slowest[0]:.2f} s (number {self.slowest[1]}), at most"
            f" {self.peak[0] / 1e6:.0f} MB of memory more (number {self.peak[1]})."
        )


def try_one(number: int, folder: Path) -> str:
    """Salvage one hostile file, and return what became of it."""
    path = hostile_files(number).write(folder)
    random = Random(-number)
    try:
        with salvage_of(
            Bundle.beside(path),
            1.8e9,
            lambda sentence: None,
            expected=random.choice((None, 11, 22)),
            store=random.choice(STORES),
        ) as salvage:
            if number % WRITTEN:
                return "read"
            made = folder / "made"
            made.mkdir()
            try:
                salvage.write(made, deleted=True)
            finally:
                shutil.rmtree(made)
            return "written"
    except HermesRepairError as error:
        return type(error).__name__


def _child(first: int, end: int, out: int) -> None:
    """Try some files, and say of each when it begins and what became of it."""
    for limit, most in LIMITS.items():
        resource.setrlimit(limit, (most, most))
    had = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TemporaryDirectory(prefix="hostile-") as folder, os.fdopen(out, "w", buffering=1) as say:
        for number in range(first, end):
            print(number, file=say)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal ends the process
            begun = time.process_time()
            outcome = try_one(number, Path(folder))
            seconds = time.process_time() - begun
            signal.setitimer(signal.ITIMER_PROF, 0)
            memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - had) * _UNIT
            print(number, outcome, f"{seconds:.3f}", memory, file=say)


def _lines(first: int, end: int) -> Iterator[str]:
    """Yield what a process of its own says; at last how it ended, if it did so before its time."""
    ours, theirs = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            os.close(ours)
            _child(first, end, theirs)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours) as said:
        yield from (line.strip() for line in said)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status:
        yield f"ended with {status}" if status > 0 else f"killed by {signal.Signals(-status).name}"


def try_many(first: int, count: int, per_process: int = 1000) -> Iterator[Tried]:
    """Try ``count`` files from number ``first`` on; yield what became of them so far."""
    tried = Tried()
    end = first + count
    while first < end:
        last = first
        for line in _lines(first, min(first + per_process, end)):
            if line.isdigit():
                last = int(line)
            elif line.split()[0].isdigit():
                tried.take(line)
                if tried.peak == (int(line.split()[3]), last) and tried.peak[0] > MEMORY:
                    tried.bad.append(f"{last}: {tried.peak[0] / 1e6:.0f} MB of memory")
            else:
                tried.bad.append(f"{last}: {line}")
        first = last + 1
        yield tried


def main(arguments: list[str]) -> int:
    """Try the files and say what became of them."""
    parser = argparse.ArgumentParser(description="Salvage hostile files.")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    options = parser.parse_args(arguments)
    bases()
    tried = Tried()
    for tried in try_many(options.first, options.count):
        print(tried, file=sys.stderr, flush=True)
    print(tried)
    for one in tried.bad:
        print(one)
    return bool(tried.bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
