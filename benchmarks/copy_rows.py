"""Lines of the table about a copy of the database in which a hundredth is new."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.measure import Run, best_in_turns


def compare_copy(bench: Bench) -> Row:
    """A copy of the database in which a hundredth is new, beside SQLite reading both files."""
    home, copy = bench.big / "state.db", bench.fresh(bench.big, "copy") / "state.db"
    new = _say_more(copy)

    def timed(name: str) -> Run:
        done = bench.baseline(name, home, copy)
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(
        bench.times, lambda: timed("compare_copy"), lambda: timed("select_both")
    )
    return Row(
        work="a copy of the database, all chats compared",
        ours=ours,
        budget="2 × SELECT * of both",
        allowed=2 * theirs.seconds,
        against="SELECT * FROM messages, both files",
        theirs=theirs,
        note=f"{new:,} messages are new in the copy",
    )


def merge_preview(bench: Bench) -> Row:
    """A merge of such a copy that changes nothing, by processor time."""
    home, copy = bench.big / "state.db", bench.fresh(bench.big, "copy") / "state.db"
    new = _say_more(copy)

    def by_processor(done: Run) -> Run:
        return replace(done, seconds=done.cpu)

    ours, theirs = best_in_turns(
        bench.times,
        lambda: by_processor(bench.command(bench.big, "merge", "--dry-run", str(copy))),
        lambda: by_processor(bench.baseline("select_both", home, copy)),
    )
    return Row(
        work="merge --dry-run of such a copy",
        ours=ours,
        budget="2 × SELECT * of both",
        allowed=2 * theirs.seconds,
        against="SELECT * FROM messages, both files",
        theirs=theirs,
        note=f"processor time; {new:,} messages are new in the copy",
    )


def _say_more(database: Path) -> int:
    """Say one more message for every hundredth, each in another chat; return how many."""
    with closing(sqlite3.connect(database)) as connection, connection:
        [(latest,)] = connection.execute("SELECT MAX(timestamp) FROM messages").fetchall()
        said = connection.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " SELECT session_id, 'user', 'And one more thing, number ' || id, ? + id"
            " FROM messages WHERE id % 100 = 0",
            [latest],
        )
        return said.rowcount
