"""The rows of the budget, one function each.

A row runs the command as a user types it, in a process of its own, and something known that does
the same amount of reading or writing on the same file. Nothing here judges the machine: what counts
is the ratio of the two, measured in turns.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.copy_rows import compare_copy, merge_preview
from benchmarks.measure import Run, best_in_turns
from benchmarks.writing_rows import WRITING_ROWS

PAGE, LOST_PAGES = 4096, 54
"""What a salvage has to do without: page 1, and as many as two real homes had lost, or more."""


def doctor_with_file_check(bench: Bench) -> Row:
    """The database part of doctor beside SQLite's own check."""
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", "--ignore", "TR", codes=(0, 1)),
        lambda: bench.baseline("integrity_check", bench.big / "state.db"),
    )
    return Row(
        work="doctor, database part, with the file-level check",
        ours=ours,
        budget="2 × integrity_check",
        allowed=2 * theirs.seconds,
        against="PRAGMA integrity_check",
        theirs=theirs,
    )


def doctor_without_file_check(bench: Bench) -> Row:
    """The same without the file-level check beside one scan of all texts."""
    ignored = ("--ignore", "TR", "--ignore", "DB")
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", *ignored, codes=(0, 1)),
        lambda: bench.baseline("scan", bench.big / "state.db"),
    )
    return Row(
        work="doctor, database part, without the file-level check",
        ours=ours,
        budget="4 × scan + 0.3 s",
        allowed=4 * theirs.seconds + 0.3,
        against="SELECT SUM(LENGTH(content))",
        theirs=theirs,
    )


def transcripts(bench: Bench) -> Row:
    """The comparison of all transcripts beside decoding their lines."""
    only = ("--select", "TR", "--ignore", "DB")  # without the check of the file
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", *only, codes=(0, 1)),
        lambda: bench.baseline("decode", bench.big / "sessions"),
    )
    size = sum(path.stat().st_size for path in (bench.big / "sessions").glob("*.jsonl"))
    return Row(
        work="transcript comparison",
        ours=ours,
        budget="1.3 × decoding",
        allowed=1.3 * theirs.seconds,
        against="orjson over the same lines",
        theirs=theirs,
        note=f"{size / 1e6:.0f} MB of JSONL; the rows of their sessions are read as well",
    )


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


def salvage_reading(bench: Bench) -> Row:
    """All messages from the bytes of the file, every page looked at, beside SQLite reading them."""

    def timed(name: str) -> Run:
        done = bench.baseline(name, bench.big / "state.db")
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(
        bench.times, lambda: timed("salvage_messages"), lambda: timed("select_messages")
    )
    return Row(
        work="salvage, all messages read from the bytes",
        ours=ours,
        budget="10 × SELECT *",
        allowed=10 * theirs.seconds,
        against="SELECT * FROM messages",
        theirs=theirs,
        note=f"{(bench.big / 'state.db').stat().st_size / 1e6:.0f} MB, every page looked at",
    )


def salvage_damaged(bench: Bench) -> Row:
    """A whole salvage of a file without page 1 and with a hole in it, beside SQLite copying it.

    Processor time on both sides. Search is named apart: what makes it is SQLite's own.
    """
    folder = bench.scratch / "salvage"
    folder.mkdir(exist_ok=True)
    damaged, text = folder / "damaged.db", _text_bytes(bench.big / "state.db")
    shutil.copyfile(bench.big / "state.db", damaged)
    size = damaged.stat().st_size
    with damaged.open("r+b") as file:
        file.write(bytes(PAGE))
        file.seek(size * 2 // 5 // PAGE * PAGE)
        file.write(bytes(max(LOST_PAGES * PAGE, size // 1000)))

    def ours() -> Run:
        made = folder / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        done = bench.baseline("salvage_damaged", damaged, made)
        return replace(done, seconds=done.printed_seconds())

    def theirs() -> Run:
        target = folder / "copied.db"
        target.unlink(missing_ok=True)
        done = bench.baseline("copied_rows", bench.big / "state.db", target)
        return replace(done, seconds=done.printed_seconds())

    done, copied = best_in_turns(bench.times, ours, theirs)
    apart = json.loads(done.stdout.splitlines()[0])
    shutil.rmtree(folder)
    return Row(
        work="salvage, reading and writing",
        ours=done,
        budget="15 s a GB",
        allowed=15 * size / 1e9,
        against="SQLite copying all rows of the sound file",
        theirs=copied,
        note=f"processor time; {done.seconds / size * 1e9:.1f} s a GB; search at"
        f" {text / apart['search'] / 1e6:.1f} MB of text a second; {apart['memory'] / 1e6:.0f} MB"
        " of memory that is not of files",
    )


ROWS: tuple[Callable[[Bench], Row], ...] = (
    doctor_with_file_check,
    doctor_without_file_check,
    transcripts,
    *WRITING_ROWS,
    search_ids,
    search_rebuild,
    salvage_reading,
    salvage_damaged,
    compare_copy,
    merge_preview,
)


def _text_bytes(database: Path) -> int:
    """Return how many bytes of text both search tables hold together."""
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        (size,) = connection.execute(
            "SELECT SUM(LENGTH(CAST(content AS BLOB)) + IFNULL(LENGTH(tool_calls), 0))"
            " FROM messages"
        ).fetchone()
    return 2 * int(size)
