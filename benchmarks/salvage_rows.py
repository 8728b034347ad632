"""How fast salvage is, as rows of the budget, or of one database: ``python -m
benchmarks.salvage_rows --database DB --shell sqlite3``.

``DB`` is a sound database with messages, as ``benchmarks.make_home`` makes them: short ones by
itself, longer with ``--results 300``. It is copied, damaged and salvaged. Beside it stands what
SQLite takes to hand out and take in the same rows through Python: less no salvage in Python can
take. With ``--shell`` the processor time of its ``.recover`` too, which makes no search index.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.measure import Run, best_in_turns

PAGE, LOST_PAGES = 4096, 54
"""What a salvage has to do without: page 1, and as many as two real homes had lost, or more."""
MEMORY = 200_000_000
"""Bytes that are not of files; the budget, whatever the size of the database."""


def damaged_copy(database: Path, target: Path) -> None:
    """Copy a database without its page 1 and with a hole in it."""
    shutil.copyfile(database, target)
    size = target.stat().st_size
    with target.open("r+b") as file:
        file.write(bytes(PAGE))
        file.seek(size * 2 // 5 // PAGE * PAGE)
        file.write(bytes(max(LOST_PAGES * PAGE, size // 1000)))


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
    """A whole salvage of a file without page 1 and with a hole in it, beside SQLite's part of it.

    Processor time on both sides. Search is named apart: what makes it is SQLite's own.
    """
    folder = bench.scratch / "salvage"
    folder.mkdir(exist_ok=True)
    damaged, text = folder / "damaged.db", _text_bytes(bench.big / "state.db")
    damaged_copy(bench.big / "state.db", damaged)
    size = damaged.stat().st_size

    def ours() -> Run:
        made = folder / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        done = bench.baseline("salvage_damaged", damaged, made)
        return replace(done, seconds=done.printed_seconds())

    def theirs() -> Run:
        target = folder / "copied.db"
        target.unlink(missing_ok=True)
        done = bench.baseline("inserted_rows", bench.big / "state.db", target)
        return replace(done, seconds=done.printed_seconds())

    done, inserted = best_in_turns(bench.times, ours, theirs)
    apart = json.loads(done.stdout.splitlines()[0])
    shutil.rmtree(folder)
    fits = "fits" if apart["memory"] <= MEMORY else "is MORE THAN FITS"
    return Row(
        work="salvage, reading and writing",
        ours=done,
        budget="15 s a GB",
        allowed=15 * size / 1e9,
        against="SQLite giving out and taking in the same rows, sound",
        theirs=inserted,
        note=f"processor time of {size / 1e9:.2f} GB; {done.seconds / size * 1e9:.1f} s a GB;"
        f" search at {text / apart['search'] / 1e6:.1f} MB of text a second;"
        f" {apart['memory'] / 1e6:.0f} MB of memory that is not of files {fits}",
    )


def _text_bytes(database: Path) -> int:
    """Return how many bytes of text both search tables hold together."""
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        (size,) = connection.execute(
            "SELECT SUM(LENGTH(CAST(content AS BLOB)) + IFNULL(LENGTH(tool_calls), 0))"
            " FROM messages"
        ).fetchone()
    return 2 * int(size)


def recovered(database: Path, shell: str, folder: Path) -> Row:
    """``.recover`` of a damaged copy, and its SQL run by the same shell, as the manual says."""
    damaged, made = folder / "damaged.db", folder / "recovered.db"
    damaged_copy(database, damaged)
    with (folder / "told").open("wb") as told:
        giving = subprocess.Popen([shell, damaged, ".recover"], stdout=subprocess.PIPE, stderr=told)
        taking = subprocess.Popen([shell, made], stdin=giving.stdout, stdout=told, stderr=told)
        if giving.stdout is not None:
            giving.stdout.close()
        spent = [os.wait4(process.pid, 0)[2] for process in (giving, taking)]
    seconds = sum(one.ru_utime + one.ru_stime for one in spent)
    peak = max(one.ru_maxrss for one in spent) * 1024
    size = damaged.stat().st_size
    note = f"processor time; {seconds / size * 1e9:.1f} s a GB; no search index is made"
    return Row(f"{shell} .recover", Run(seconds, seconds, peak, ""), "", None, note=note)


def main(arguments: list[str]) -> int:
    """Measure one database and print the rows."""
    from benchmarks.run import HEAD, line

    parser = argparse.ArgumentParser(description="Measure salvage on one database.")
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--shell", help="a sqlite3 program to compare with")
    parser.add_argument("--best-of", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="salvage-speed-", dir=options.folder) as folder:
        home, scratch = Path(folder) / "home", Path(folder) / "scratch"
        scratch.mkdir()
        home.mkdir()
        (home / "state.db").symlink_to(options.database.resolve())
        print(HEAD)
        print("|---" * (HEAD.count("|") - 1) + "|")
        bench = Bench(home, home, home, scratch, options.best_of)
        print(line(salvage_damaged(bench)), flush=True)
        if options.shell is not None:
            print(line(recovered(options.database, options.shell, scratch)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
