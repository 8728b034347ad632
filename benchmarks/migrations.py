"""Time and peak memory of whole migrations: ``python -m benchmarks.migrations --messages 1000000``.

Each way is measured beside the real release that opens a copy of the same file; the file backup,
which Hermes does not make, is timed apart. Prints a Markdown table. ``--homes FOLDER`` keeps the
homes (``schema-10`` ...) there, and uses those that are there already.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Run, best_in_turns
from tests.releases import release

WAYS = ((10, 14, "0.16.0"), (13, 14, "0.16.0"), (14, 22, "0.19.0"))
"""Start, target, and the release that makes the same way."""
OPEN = "from hermes_state import SessionDB; SessionDB().close()"
HEAD = (
    "| way | seconds, backup aside | backup | processor | peak memory | Hermes | processor"
    " | peak memory | ratio |"
)


def make_if_absent(bench: Bench, schema: int, messages: int) -> None:
    """Make the home of this schema where it is not there yet.

    In a process of its own: the generator's memory would else count as that of what is measured.
    """
    if not (bench.big / "state.db").exists():
        words = (str(bench.big), "--messages", str(messages), "--schema", str(schema))
        bench.process("-m", "benchmarks.make_home", *words)


def measure(folder: Path, scratch: Path, messages: int, times: int) -> Iterator[str]:
    """Yield the lines of the table; only one home and its copies need room at a time."""
    for start, target, version in WAYS:
        home = folder / f"schema-{start}"
        bench = Bench(home, home, home, scratch, times)
        make_if_absent(bench, start, messages)
        wheel = release(version)
        ours, theirs = best_in_turns(
            times, partial(_ours, bench, target), partial(_theirs, bench, wheel)
        )
        backup = ours.printed_seconds()
        yield (
            f"| {start} → {target} | {ours.seconds:.2f} | {backup:.2f} | {ours.cpu:.2f} |"
            f" {ours.peak / 1e6:.0f} MB | {version}: {theirs.seconds:.2f} | {theirs.cpu:.2f} |"
            f" {theirs.peak / 1e6:.0f} MB | {ours.seconds / theirs.seconds:.2f} |"
        )


def _ours(bench: Bench, target: int) -> Run:
    home = bench.fresh(bench.big, "ours")
    words = ("migrate", "--to", str(target), "--yes", "--home", str(home))
    done = bench.baseline("backup_aside", *words)
    return replace(done, seconds=done.seconds - done.printed_seconds())


def _theirs(bench: Bench, wheel: Path) -> Run:
    home = bench.fresh(bench.big, "theirs")
    return bench.process("-c", OPEN, PYTHONPATH=str(wheel), HERMES_HOME=str(home))


def main(arguments: list[str]) -> int:
    """Measure what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description="Measure whole migrations.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--homes", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hermes-repair-migrations-") as scratch:
        folder = options.homes or Path(scratch) / "homes"
        print(
            f"{options.messages:,} messages; Python {platform.python_version()}, SQLite"
            f" {sqlite3.sqlite_version}; best of {options.times} in turns.\n"
        )
        print(HEAD)
        print("|---" * 9 + "|")
        for line in measure(folder, Path(scratch), options.messages, options.times):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
