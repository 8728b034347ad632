"""Measure the budget: ``python -m benchmarks.run``, with ``--full`` at the sizes that it names.

``--only`` measures the rows of these names, such as ``transcripts``.

Makes its homes in a temporary folder (about 25 kB of disk per message, and ``--lock-bytes``; with
``--full`` some 60 GB), prints the machine and a Markdown table, and exits 0 whatever the figures
are. A row that cannot be measured, for example because a command fails, says FAILED and why, and
the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.measure import MeasureError, Run
from benchmarks.rows import ROWS

JSONL_PER_MESSAGE = 500
"""Bytes; fewer than a message of the generator takes, so that a home has what is asked for."""
HURT_SHARE = 10
"""The home for the repair has a tenth of the messages of the big one."""
LOCKED_MESSAGES = 1000
MESSAGES = 140_000
"""Of the big home; the whole table takes some minutes then."""

MEMORY = 150_000_000
"""Bytes; the budget of the memory, whatever the size of the home."""

FULL_MESSAGES, FULL_JSONL, FULL_REASONING = 1_000_000, 2_000_000_000, 80
"""With so many sentences of reasoning in an answer a million messages have two gigabytes of it."""

HEAD = "| work | measured | against | ratio | budget | kept | peak memory | |"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the homes of one run have, and how often a row is run."""

    messages: int
    jsonl_bytes: int
    lock_bytes: int
    best_of: int
    full: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> Sizes:
        """Return what the command line asks for."""
        messages = options.messages or (FULL_MESSAGES if options.full else MESSAGES)
        jsonl = options.jsonl_bytes
        if jsonl is None:
            jsonl = FULL_JSONL if options.full else messages * JSONL_PER_MESSAGE // 3
        return cls(messages, jsonl, options.lock_bytes, options.best_of, options.full)


def machine() -> str:
    """Return what a figure depends on beside the work: processors, load, Python, SQLite."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.platform()}, {os.cpu_count()} processors{load}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def measure(bench: Bench, only: Collection[str]) -> tuple[list[Row], list[str]]:
    """Run every row, or those named; return the measured ones, and the failures as lines."""
    rows: list[Row] = []
    failures: list[str] = []
    for work in (work for work in ROWS if not only or work.__name__ in only):
        print(f"measuring {work.__name__}", file=sys.stderr)
        try:
            rows.append(work(bench))
        except MeasureError as error:
            told = " ".join(str(error).split()).replace("|", "/")
            failures.append(f"| {work.__name__} | FAILED | | | | | | {told} |")
    return rows, failures


def memory_row(rows: list[Row]) -> str:
    """Return the line for the highest peak of all commands."""
    peak, work = max((row.ours.peak, row.work) for row in rows)
    kept = "yes" if peak <= MEMORY else "NO"
    return f"| memory | {peak / 1e6:.0f} MB | | | {MEMORY / 1e6:.0f} MB | {kept} | | {work} |"


def line(row: Row) -> str:
    """Return one row of the table."""
    against = f"{row.against}: {_time(row.theirs)}" if row.theirs else ""
    ratio = f"{row.ratio:.2f}" if row.ratio else ""
    kept = {True: "yes", False: "NO", None: "?"}[row.kept]
    peak = f"{row.ours.peak / 1e6:.0f} MB"
    cells = (row.work, _time(row.ours), against, ratio, row.budget, kept, peak, row.note)
    return f"| {' | '.join(cells)} |"


def _time(done: Run) -> str:
    return f"{done.seconds:.2f} s ({done.cpu:.2f})"


def prepare(folder: Path, sizes: Sizes) -> Bench:
    """Make the three homes, and return where they are."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    homes = (folder / "big", folder / "hurt", folder / "locked")
    bench = Bench(*homes, scratch, sizes.best_of, sizes.messages, sizes.full)
    messages = sizes.messages
    hurt = max(messages // HURT_SHARE, 300)
    asked = {
        bench.big: {
            "messages": messages,
            "schema": 13,
            "jsonl_bytes": sizes.jsonl_bytes,
            "reasoning": FULL_REASONING if sizes.full else 0,
        },
        bench.hurt: {
            "messages": hurt,
            "schema": 14,
            "jsonl_bytes": JSONL_PER_MESSAGE * hurt,
            "damaged_every": 1,
        },
        bench.locked: {
            "messages": LOCKED_MESSAGES,
            "schema": 14,
            "padding_bytes": sizes.lock_bytes,
        },
    }
    for home, options in asked.items():
        bench.make(home, **options)
    return bench


def main(arguments: list[str]) -> int:
    """Measure everything and print the table; 1 where a row could not be measured."""
    parser = argparse.ArgumentParser(description="Measure the budget of hermes-repair.")
    parser.add_argument("--messages", type=int, help="default: 140,000, with --full 1,000,000")
    parser.add_argument("--jsonl-bytes", type=int, help="default: a third of what the chats give")
    parser.add_argument("--lock-bytes", type=int, default=5_000_000_000)
    parser.add_argument("--full", action="store_true", help="the sizes of the budget; hours")
    parser.add_argument("--best-of", type=int, default=3)
    names = [work.__name__ for work in ROWS]
    parser.add_argument("--only", action="append", default=[], choices=names, metavar="ROW")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args(arguments)
    sizes = Sizes.of(options)
    with tempfile.TemporaryDirectory(prefix="hermes-repair-bench-", dir=options.folder) as folder:
        bench = prepare(Path(folder), sizes)
        size = (bench.big / "state.db").stat().st_size
        rows, failures = measure(bench, options.only)
    print(
        f"{sizes.messages:,} messages, state.db of {size / 1e9:.2f} GB; best of "
        f"{sizes.best_of} with a warm cache, processor time in brackets; {machine()}\n"
    )
    print(HEAD)
    print("|---" * (HEAD.count("|") - 1) + "|")
    for row in rows:
        print(line(row))
    if rows:
        print(memory_row(rows))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
