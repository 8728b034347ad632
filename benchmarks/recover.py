"""Salvage beside ``.recover`` of a sqlite3 shell: ``python -m benchmarks.recover --shell sqlite3``.

With ``--matrix`` every schema number at every page size, the encodings and kinds of auto-vacuum in
turn, and upgraded files: for each fault, then for each schema and each page size, all rows in sum.
Damages small databases in every way of ``tests.salvage.faults`` and prints, for messages and
sessions, how many rows each of both reads right, wrong, not at all, or that were not there. A row
that ``.recover`` puts into ``lost_and_found`` alone has no table and no names of columns any more:
it is lost here, and counted apart. A row whose values are right as far as they have a name, and of
which a column has none any more (the page of the schema is gone), is "unnamed". Of wrong rows of
ours the number that no mark speaks of is in brackets: ``.recover`` marks none. "Whole, not read"
are rows of which SQLite's ``dbstat`` says on the healthy file that every byte is left.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hermes_repair.model.values import Value, decode_text
from hermes_repair.salvage.database_header import PAGE_SIZES
from tests.homes.database import STRUCTURES
from tests.salvage.faults import FAULTS, Damage, original
from tests.salvage.judge import judge, salvage, wrong_columns
from tests.salvage.stores import NEVER_CHANGED, PATHS, Store, life

TABLES = ("messages", "sessions")
STORES = {
    "schema 22": Store(),
    "schema 11 upgraded to 22": Store(("11", "22")),
    "schema 30, with deleted chats": Store(("30",), deleted=True),
}
SEED = 7
FEW = 10  # sessions of a database of the matrix
SHAPES = tuple(sorted(path.stem for path in STRUCTURES.glob("[0-3]*.sql") if path.stem >= "06"))
ENCODINGS = ("UTF-8", "UTF-16le", "UTF-16be")
HEAD = (
    "| {} | rows | ours: right | unnamed | wrong (unmarked) | lost | whole, not read |"
    " not there before | .recover: right | unnamed | wrong | lost | of these without a table |"
    " not there before |"
)
Rows = Mapping[int, Mapping[str, Value]]


@dataclass(slots=True)
class Read:
    """What became of the rows of a damaged database."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Read) -> None:
        """Add the counts of another."""
        self.counts += other.counts

    def hold(self, truth: Rows, read: Rows, marked: frozenset[int] = frozenset()) -> None:
        """Count the rows of one table; ``marked``: those that something was said against."""
        for rowid, values in truth.items():
            if rowid not in read:
                self.counts["lost"] += 1
            elif wrong_columns(values, _known(values, read[rowid])):
                self.counts["wrong"] += 1
                self.counts["unmarked"] += rowid not in marked
            elif _lacks_a_name(values, read[rowid]):
                self.counts["unnamed"] += 1
            else:
                self.counts["right"] += 1
        self.counts["extra"] += len(read.keys() - truth.keys())


def _known(truth: Mapping[str, Value], values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in truth}


def _lacks_a_name(truth: Mapping[str, Value], values: Mapping[str, Value]) -> bool:
    return any(value is not None and name not in values for name, value in truth.items())


def ours(damage: Damage) -> Read:
    """Read a damage as salvage does."""
    found = salvage(damage)
    read = Read()
    missing = judge(damage, found).missing
    read.counts["missing"] = sum(missing[table] for table in TABLES)
    for table in TABLES:
        rows = found.rows.get(table, {})
        marked = frozenset(rowid for rowid, row in rows.items() if row.marks)
        read.hold(damage.original.rows[table], {n: row.values for n, row in rows.items()}, marked)
    return read


def theirs(damage: Damage, shell: str) -> Read:
    """Read it by ``.recover``: its SQL run by the same shell, as the manual says."""
    read = Read()
    with TemporaryDirectory(prefix="recover-") as folder:
        path, made = damage.write(Path(folder)), Path(folder) / "recovered.db"
        sql = subprocess.run([shell, path, ".recover"], capture_output=True, check=False).stdout
        subprocess.run([shell, made], input=sql, capture_output=True, check=False)
        with closing(sqlite3.connect(made)) as db:
            db.text_factory = decode_text
            for table in TABLES:
                read.hold(damage.original.rows[table], dict(_rows(db, table)))
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
            fewest = min(len(next(iter(damage.original.rows[table].values()))) for table in TABLES)
            for name in names:
                if str(name).startswith("lost_and_found"):
                    (count,) = db.execute(
                        f'SELECT COUNT(*) FROM "{name}" WHERE nfield >= ? AND id IS NOT NULL',
                        (fewest - LATER_COLUMNS,),
                    ).fetchone()
                    read.counts["untyped"] += count
    return read


LATER_COLUMNS = 15
"""Of a row from before an upgrade the last columns are absent."""


def _rows(db: sqlite3.Connection, table: str) -> Iterator[tuple[int, dict[str, Value]]]:
    try:
        rows = db.execute(f'SELECT rowid, * FROM "{table}"')
    except sqlite3.OperationalError:
        return  # there is no such table
    names = [name for name, *_ in rows.description[1:]]
    for rowid, *values in rows:
        yield rowid, dict(zip(names, values, strict=True))


def line(name: str, mine: Read, other: Read) -> str:
    """Return one row of the table."""
    a, b = mine.counts, other.counts
    total = a["right"] + a["unnamed"] + a["wrong"] + a["lost"]
    return (
        f"| {name} | {total:,} | {a['right']:,} | {a['unnamed']} | {a['wrong']} ({a['unmarked']}) |"
        f" {a['lost']:,} | {a['missing']} | {a['extra']} |"
        f" {b['right']:,} | {b['unnamed']} | {b['wrong']} | {b['lost']:,} | {b['untyped']:,} |"
        f" {b['extra']} |"
    )


def matrix_stores(share: int) -> Iterator[Store]:
    """Yield every schema number at every page size, and what was upgraded.

    Of a ``share`` of 3 every third, so that each number has every third size, and each size every
    third number.
    """
    made = [(shape,) for shape in SHAPES]
    sizes = sorted(PAGE_SIZES)
    for number, (shapes, size) in enumerate(product([*made, *PATHS], sizes)):
        if (number // len(sizes) + number % len(sizes)) % share == 0:
            encoding = ENCODINGS[number // share % len(ENCODINGS)]
            deleted = number // share % 2 == 1 and shapes[-1] not in NEVER_CHANGED
            yield Store(shapes, size, encoding, number // share // 3 % 3, FEW, deleted=deleted)


def matrix(shell: str, seed: int, share: int) -> None:
    """Print the sums of all cells: by fault, schema, page size, encoding and auto-vacuum."""
    sums: dict[str, dict[str, tuple[Read, Read]]] = {}
    cells = 0
    for store in matrix_stores(share):
        for fault in FAULTS:
            damage = fault(Random(seed), life(store))
            pair = ours(damage), theirs(damage, shell)
            cells += 1
            for what, value in (
                ("fault", fault.__name__.replace("_", " ")),
                ("schema", " to ".join(store.shapes)),
                ("page size", f"{store.page_size:,}"),
                ("encoding", store.encoding),
                ("auto-vacuum", ("none", "full", "incremental")[store.auto_vacuum]),
            ):
                kept = sums.setdefault(what, {}).setdefault(value, (Read(), Read()))
                for one, more in zip(kept, pair, strict=True):
                    one.add(more)
        life.cache_clear()
        original.cache_clear()
        print(f"{cells} cells, {store}", file=sys.stderr, flush=True)
    print(f"{cells} cells.")
    for what, rows in sums.items():
        print(f"\n{head(what)}")
        for value, pair in rows.items():
            print(line(value, *pair))


def head(what: str) -> str:
    """Return the head of a table of what stands in its first column."""
    return f"{HEAD.format(what)}\n{'|---' * (HEAD.count('|') - 1)}|"


def main(arguments: list[str]) -> int:
    """Print a table for each kind of database."""
    parser = argparse.ArgumentParser(description="Measure salvage beside .recover.")
    parser.add_argument("--shell", default="sqlite3", help="the sqlite3 program to compare with")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--matrix", action="store_true", help="every schema at every page size")
    parser.add_argument(
        "--share", type=int, default=1, help="of the matrix one database in so many"
    )
    options = parser.parse_args(arguments)
    version = subprocess.run(
        [options.shell, "--version"], capture_output=True, check=True, text=True
    ).stdout.split()[0]
    print(f"sqlite3 {version}; rows of messages and sessions; seed {options.seed}.")
    if options.matrix:
        matrix(options.shell, options.seed, options.share)
        return 0
    for name, store in STORES.items():
        print(f"\n{name}:\n\n{head('fault')}")
        for fault in FAULTS:
            damage = fault(Random(options.seed), life(store))
            words = fault.__name__.replace("_", " ")
            print(line(words, ours(damage), theirs(damage, options.shell)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
