"""Lines of the table about looking: the doctor beside SQLite reading the same file.

The clock counts, as a person waits by it, with two processors at hand. What it is held against is
one process of the same Python and SQLite on the same file.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.measure import Run, best_in_turns

FOUND = (0, 1)
"""Exit codes of a doctor that came to its end."""
WITHOUT_FILE_CHECK = ("--ignore", "DB")
WITHOUT_TRANSCRIPTS = ("--ignore", "TR", "--ignore", "DB008")
"""DB008 holds what transcripts have against the database."""
SMALL_CHAT, HUGE_CHATS = 20, 10
FULL_SMALL, FULL_HUGE = 10_000 * SMALL_CHAT, HUGE_CHATS * 100_000
"""Messages of the homes of many small and of few huge chats with ``--full``; else a quarter of
those of the big home."""
GROWTH, FULL_GROWTH = (0.03, 0.1, 0.3), (10_000, 100_000, 1_000_000, 5_000_000)
"""Sizes of the homes that show how time grows: shares of the big home's messages, or messages."""
LINEAR = 1.1


def doctor_with_file_check(bench: Bench) -> Row:
    """The database part of doctor beside SQLite's own check."""
    return _whole(bench, bench.big, "doctor, database part, with the file check")


def doctor_without_file_check(bench: Bench) -> Row:
    """The same without the file check beside one scan of all texts."""
    return _scans(bench, bench.big, "doctor, database part, without the file check")


def many_small_with_file_check(bench: Bench) -> Row:
    """A home of many chats with few messages each."""
    home, what = _many_small(bench)
    return _whole(bench, home, f"doctor, {what}, with the file check")


def many_small_without_file_check(bench: Bench) -> Row:
    """The same without the file check."""
    home, what = _many_small(bench)
    return _scans(bench, home, f"doctor, {what}, without the file check")


def few_huge_with_file_check(bench: Bench) -> Row:
    """A home of few chats with many messages each."""
    home, what = _few_huge(bench)
    return _whole(bench, home, f"doctor, {what}, with the file check")


def few_huge_without_file_check(bench: Bench) -> Row:
    """The same without the file check."""
    home, what = _few_huge(bench)
    return _scans(bench, home, f"doctor, {what}, without the file check")


def transcripts(bench: Bench) -> Row:
    """The comparison of all transcripts beside decoding their lines and reading their rows."""
    only = ("--select", "TR", *WITHOUT_FILE_CHECK)
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", *only, codes=FOUND),
        lambda: bench.baseline("decode_and_read", bench.big),
    )
    size = sum(path.stat().st_size for path in (bench.big / "sessions").glob("*.jsonl"))
    return Row(
        work="transcript comparison",
        ours=ours,
        budget="1.6 × decoding and rows",
        allowed=1.6 * theirs.seconds,
        against="orjson over the same lines, SELECT of their rows",
        theirs=theirs,
        note=f"{size / 1e6:.0f} MB of JSONL",
    )


def second_look(bench: Bench) -> Row:
    """A doctor that remembers the look before it, where nothing was written in between."""
    return _second(bench, "a second doctor, nothing written since", lambda home: None)


def second_look_after_a_message(bench: Bench) -> Row:
    """The same where one chat went on."""
    return _second(bench, "a second doctor, one chat went on", _say_one_more)


def growth(bench: Bench) -> Row:
    """Homes of growing size: the exponent of the processor time, that of an empty home aside."""
    sizes = FULL_GROWTH if bench.full else tuple(int(bench.messages * part) for part in GROWTH)
    (empty,) = _grown(bench, 1)
    found = [(size, _grown(bench, size)[0]) for size in sizes]
    spent = [(size, max(done.cpu - empty.cpu, 1e-3)) for size, done in found]
    exponent = _exponent(spent)
    told = ", ".join(f"{size:,}: {done.cpu:.2f} s" for size, done in found)
    last = found[-1][1]
    return Row(
        work=f"doctor, growth from {sizes[0]:,} to {sizes[-1]:,} messages",
        ours=last,
        budget=f"exponent {LINEAR}",
        allowed=last.seconds if exponent <= LINEAR else 0.0,
        note=f"exponent {exponent:.2f} of processor time: {told}; an empty home {empty.cpu:.2f} s",
    )


LOOK_ROWS: tuple[Callable[[Bench], Row], ...] = (
    doctor_with_file_check,
    doctor_without_file_check,
    many_small_with_file_check,
    many_small_without_file_check,
    few_huge_with_file_check,
    few_huge_without_file_check,
    transcripts,
    second_look,
    second_look_after_a_message,
    growth,
)


def _whole(bench: Bench, home: Path, work: str) -> Row:
    ours, theirs = best_in_turns(
        bench.times,
        lambda: _first(bench, home, *WITHOUT_TRANSCRIPTS),
        lambda: bench.baseline("integrity_check", home / "state.db"),
    )
    asks_search = sqlite3.sqlite_version_info >= (3, 44)
    return Row(
        work=work,
        ours=ours,
        budget="1.3 × integrity_check",
        allowed=None if asks_search else 1.3 * theirs.seconds,
        against="PRAGMA integrity_check",
        theirs=theirs,
        note="the budget is by SQLite 3.40: this one asks the search tables" if asks_search else "",
    )


def _scans(bench: Bench, home: Path, work: str) -> Row:
    ours, theirs = best_in_turns(
        bench.times,
        lambda: _first(bench, home, *WITHOUT_TRANSCRIPTS, *WITHOUT_FILE_CHECK),
        lambda: bench.baseline("scan", home / "state.db"),
    )
    return Row(
        work=work,
        ours=ours,
        budget="2 × scan + 0.2 s",
        allowed=2 * theirs.seconds + 0.2,
        against="SELECT SUM(LENGTH(content))",
        theirs=theirs,
    )


def _first(bench: Bench, home: Path, *options: str) -> Run:
    """Run a doctor that remembers nothing."""
    cache = bench.scratch / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    return bench.command(home, "doctor", *options, codes=FOUND, XDG_CACHE_HOME=str(cache))


def _second(bench: Bench, work: str, between: Callable[[Path], None]) -> Row:
    home = bench.fresh(bench.big, "ours")
    cache = {"XDG_CACHE_HOME": str(bench.scratch / "cache")}

    def first() -> Run:
        bench.settle()
        return _first(bench, home)

    def again() -> Run:
        between(home)
        bench.settle()
        return bench.command(home, "doctor", codes=FOUND, **cache)

    theirs, ours = best_in_turns(bench.times, first, again)
    return Row(
        work=work,
        ours=ours,
        budget="0.3 × the first",
        allowed=0.3 * theirs.seconds,
        against="the first doctor",
        theirs=theirs,
    )


def _say_one_more(home: Path) -> None:
    with closing(sqlite3.connect(home / "state.db")) as connection, connection:
        connection.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " SELECT session_id, 'user', 'And one more thing.', timestamp + 60 FROM messages"
            " WHERE id = (SELECT MAX(id) FROM messages)"
        )


def _many_small(bench: Bench) -> tuple[Path, str]:
    messages = FULL_SMALL if bench.full else max(bench.messages // 4, SMALL_CHAT)
    return _shaped(bench, messages, SMALL_CHAT)


def _few_huge(bench: Bench) -> tuple[Path, str]:
    messages = FULL_HUGE if bench.full else max(bench.messages // 4, HUGE_CHATS)
    return _shaped(bench, messages, messages // HUGE_CHATS)


def _shaped(bench: Bench, messages: int, each: int) -> tuple[Path, str]:
    """Return a home with chats of ``each`` messages, made once, and what it is in words."""
    home = bench.scratch / f"chats-of-{each}"
    if not home.exists():
        bench.make(home, messages=messages, chat_messages=each)
    return home, f"{messages // each:,} chats of {each:,}"


def _grown(bench: Bench, messages: int) -> list[Run]:
    home = bench.scratch / "grown"
    bench.make(home, messages=messages, results=2)
    done = best_in_turns(bench.times, lambda: _first(bench, home))
    shutil.rmtree(home)
    return done


def _exponent(points: list[tuple[int, float]]) -> float:
    """Return the slope of times over sizes, both as logarithms, by least squares."""
    pairs = [(math.log(size), math.log(seconds)) for size, seconds in points]
    middle_x = sum(x for x, _ in pairs) / len(pairs)
    middle_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - middle_x) ** 2 for x, _ in pairs)
    return sum((x - middle_x) * (y - middle_y) for x, y in pairs) / spread
