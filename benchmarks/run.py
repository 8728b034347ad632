"""Measure the budget: ``python -m benchmarks.run --messages 300000``.

Makes its homes in a temporary folder (about 25 kB of disk per message, and ``--lock-bytes``),
prints a Markdown table, and exits 0 whatever the figures are. A row that cannot be measured, for
example because a command fails, says FAILED and why, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.measure import MeasureError, Run
from benchmarks.rows import ROWS

JSONL_PER_MESSAGE = 500
"""Bytes; fewer than a message of the generator takes, so that a home has what is asked for."""
HURT_SHARE = 10
"""The home for the repair has a tenth of the messages of the big one."""
LOCKED_MESSAGES = 1000

MEMORY = 200_000_000
"""Bytes; the budget of the memory, whatever the size of the home."""

HEAD = "| work | measured | against | ratio | budget | kept | peak memory | |"


def measure(bench: Bench) -> tuple[list[Row], list[str]]:
    """Run every row; return the measured ones, and the failures as lines of the table."""
    rows: list[Row] = []
    failures: list[str] = []
    for work in ROWS:
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


def prepare(folder: Path, messages: int, jsonl_bytes: int, lock_bytes: int, times: int) -> Bench:
    """Make the three homes, each in a process of its own, and return where they are.

    The generator's memory would else count as that of the processes that are measured.
    """
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    bench = Bench(folder / "big", folder / "hurt", folder / "locked", scratch, times)
    hurt = max(messages // HURT_SHARE, 300)
    asked = {
        bench.big: {"messages": messages, "schema": 13, "jsonl-bytes": jsonl_bytes},
        bench.hurt: {
            "messages": hurt,
            "schema": 14,
            "jsonl-bytes": JSONL_PER_MESSAGE * hurt,
            "damaged-every": 1,
        },
        bench.locked: {"messages": LOCKED_MESSAGES, "schema": 14, "padding-bytes": lock_bytes},
    }
    for home, options in asked.items():
        print(f"making {home.name}: {options}", file=sys.stderr)
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        bench.process("-m", "benchmarks.make_home", str(home), *arguments)
    return bench


def main(arguments: list[str]) -> int:
    """Measure everything and print the table; 1 where a row could not be measured."""
    parser = argparse.ArgumentParser(description="Measure the budget of hermes-repair.")
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--jsonl-bytes", type=int, help="default: a third of what the chats give")
    parser.add_argument("--lock-bytes", type=int, default=5_000_000_000)
    parser.add_argument("--best-of", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args(arguments)
    jsonl = options.jsonl_bytes
    if jsonl is None:
        jsonl = options.messages * JSONL_PER_MESSAGE // 3
    with tempfile.TemporaryDirectory(prefix="hermes-repair-bench-", dir=options.folder) as folder:
        bench = prepare(Path(folder), options.messages, jsonl, options.lock_bytes, options.best_of)
        size = (bench.big / "state.db").stat().st_size
        rows, failures = measure(bench)
    print(
        f"{options.messages:,} messages, state.db of {size / 1e9:.2f} GB; best of "
        f"{options.best_of} with a warm cache, processor time in brackets; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}\n"
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
