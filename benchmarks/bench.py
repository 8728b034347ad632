"""Where the homes of one run lie, how its processes run, and what a row of the table is."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Run, run

SETTLED_SECONDS = 2.5

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the homes lie, how often a row is run, and where its processes run.

    ``big`` is a home of schema 13 with some damage, ``hurt`` a smaller one of schema 14 in which
    every chat has a transcript and two of three need it, ``locked`` one whose file is large.
    ``messages`` are those of the big one; ``full``: other homes have the sizes of the budget.
    """

    big: Path
    hurt: Path
    locked: Path
    scratch: Path
    times: int
    messages: int = 0
    full: bool = False

    def process(self, *arguments: str, codes: tuple[int, ...] = (0,), **extra: str) -> Run:
        """Run a Python without anything of Hermes' in its environment."""
        dropped = ("HERMES_", "PYTHON")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        environment |= {"PYTHONPATH": str(ROOT), "HOME": str(self.scratch), **extra}
        return run(arguments, environment, self.scratch, codes)

    def command(
        self, home: Path, *arguments: str, codes: tuple[int, ...] = (0,), **extra: str
    ) -> Run:
        """Run hermes-repair on a home."""
        typed = ("-m", "hermes_repair", *arguments, "--home", str(home))
        return self.process(*typed, codes=codes, **extra)

    def make(self, home: Path, **options: int) -> None:
        """Make a home by :mod:`benchmarks.make_home`, in a process of its own.

        The generator's memory would else count as that of the processes that are measured.
        """
        print(f"making {home.name}: {options}", file=sys.stderr)
        named = ((f"--{name.replace('_', '-')}", str(value)) for name, value in options.items())
        arguments = [text for pair in named for text in pair]
        self.process("-m", "benchmarks.make_home", str(home), *arguments)

    def settle(self) -> None:
        """Wait until no file is so young that its times may not tell one state from the next."""
        time.sleep(SETTLED_SECONDS)

    def baseline(self, name: str, *arguments: str | Path) -> Run:
        """Run one of ``benchmarks.baselines``."""
        return self.process("-m", "benchmarks.baselines", name, *map(str, arguments))

    def fresh(self, home: Path, name: str) -> Path:
        """Return a copy of ``home``, made anew; nothing of it waits for the disk."""
        target = self.scratch / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(home, target)
        os.sync()
        return target


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    ``theirs`` is what it was measured against and ``against`` its name, where there is such a
    thing. ``allowed`` are the seconds of the budget; None where they could not be measured, and
    ``note`` then says why.
    """

    work: str
    ours: Run
    budget: str
    allowed: float | None
    against: str = ""
    theirs: Run | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours.seconds / self.theirs.seconds if self.theirs else None

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None where it could not be asked."""
        return None if self.allowed is None else self.ours.seconds <= self.allowed
