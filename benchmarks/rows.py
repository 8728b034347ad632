"""The rows of the budget, one function each.

A row runs the command as a user types it, in a process of its own, and something known that does
the same amount of reading or writing on the same file. Nothing here judges the machine: what counts
is the ratio of the two, measured in turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmarks.bench import Bench, Row
from benchmarks.copy_rows import compare_copy, merge_preview
from benchmarks.look_rows import LOOK_ROWS
from benchmarks.measure import Run, best_in_turns
from benchmarks.salvage_rows import salvage_damaged, salvage_reading
from benchmarks.writing_rows import WRITING_ROWS


def search_ids(bench: Bench) -> Row:
    """The ids of messages and search index, compared both ways, beside reading them once."""

    def timed(name: str) -> Run:
        done = bench.baseline(name, bench.big / "state.db")
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(bench.times, lambda: timed("search_ids"), lambda: timed("ids"))
    return Row(
        work="search index, ids both ways and sampled pages",
        ours=ours,
        budget="1.5 × reading the ids",
        allowed=1.5 * theirs.seconds,
        against="SELECT of all ids and docsizes",
        theirs=theirs,
    )


def search_rebuild(bench: Bench) -> Row:
    """Making both search tables anew beside inserting the same text into empty ones."""

    def timed(name: str) -> Run:
        done = bench.baseline(name, bench.fresh(bench.big, "ours") / "state.db")
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(
        bench.times, lambda: timed("search_rebuild"), lambda: timed("search_insert")
    )
    return Row(
        work="search index made anew and compared",
        ours=ours,
        budget="1.2 × inserting",
        allowed=1.2 * theirs.seconds,
        against="INSERT of the same text into empty tables",
        theirs=theirs,
    )


ROWS: tuple[Callable[[Bench], Row], ...] = (
    *LOOK_ROWS,
    *WRITING_ROWS,
    search_ids,
    search_rebuild,
    salvage_reading,
    salvage_damaged,
    compare_copy,
    merge_preview,
)
