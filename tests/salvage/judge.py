"""Salvage's answer about a damaged database, held against the rows that were there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hermes_repair.model.values import Row, same_value
from hermes_repair.salvage import Bundle, PageImage, open_image, survey
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.column_orders import KnownTables
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.salvaged_rows import Refusal, SalvagedRow, rows
from hermes_repair.salvage.search_texts import COPIED, COPIES
from hermes_repair.salvage.table_roles import assign
from hermes_repair.salvage.witnesses import LostRow, Witnesses
from tests.salvage.faults import Damage, whole_cells

AGAINST = frozenset({Mark.CONTRADICTED, Mark.NUL, Mark.NOT_TEXT})
"""Marks that say that a row is wrong; the others say where it was found."""
SEARCH = "_fts"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came of a damage: the rows of each table by rowid, what was refused, what is lost."""

    assignment: Assignment
    rows: dict[str, dict[int, SalvagedRow]]
    refused: Counter[tuple[str, Refusal]]
    covered: dict[str, frozenset[str]]
    lost: list[LostRow]
    highest: int


@dataclass(slots=True)
class Verdict:
    """How many rows, over all tables, are what.

    ``missing``: the bytes were whole, and there is no row; of these ``unassigned`` are on pages
    that are said to be of one of several tables. ``revived``: there was no such row.
    ``unmarked``: a row is wrong in a column of which a witness was not damaged itself, and no mark
    says so; ``uncovered``: in another column. ``false_marks``: a mark against a row that is right.
    """

    missing: Counter[str] = field(default_factory=Counter)
    unassigned: Counter[str] = field(default_factory=Counter)
    revived: Counter[str] = field(default_factory=Counter)
    revived_unmarked: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    unmarked: Counter[str] = field(default_factory=Counter)
    uncovered: Counter[str] = field(default_factory=Counter)
    false_marks: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    lost_proven: int = 0
    lost_false: int = 0


@contextmanager
def opened(
    damage: Damage, known: KnownTables | None = None
) -> Iterator[tuple[PageImage, Assignment]]:
    """Write a damage to a folder of its own, and read it as salvage does."""
    with TemporaryDirectory(prefix="salvage-") as folder:
        path = damage.write(Path(folder))
        with open_image(Bundle.beside(path)) as image:
            yield image, assign(image, survey(image), known)


def salvage(damage: Damage, known: KnownTables | None = None) -> Salvaged:
    """Read all rows of the tables that SQLite would name, the storage of the search index aside."""
    with opened(damage, known) as (image, assignment):
        witnesses = Witnesses(image, assignment)
        refused: Counter[tuple[str, Refusal]] = Counter()
        found: dict[str, dict[int, SalvagedRow]] = {}
        for table in assignment.tables:
            if table in damage.original.rows and SEARCH not in table:
                read = rows(
                    image,
                    assignment,
                    table,
                    witnesses,
                    lambda one: refused.update([(one.table, one.refusal)]),
                )
                found[table] = {row.rowid: row for row in read if row.rowid is not None}
        return Salvaged(
            assignment,
            found,
            refused,
            {table: witnesses.covered(table) for table in found},
            list(witnesses.lost("messages", found.get("messages", {}))),
            witnesses.highest("messages"),
        )


def judge(damage: Damage, salvaged: Salvaged) -> Verdict:
    """Compare what was salvaged with what was there."""
    verdict = Verdict()
    for table, truth in damage.original.rows.items():
        if SEARCH in table or table == "sqlite_schema":
            continue
        read = salvaged.rows.get(table, {})
        gone = whole_cells(damage, table) - read.keys()
        verdict.missing[table] += len(gone)
        undecided = {one.leaf.page for one in salvaged.assignment.unassigned if one.candidates}
        places = damage.original.places[table]
        verdict.unassigned[table] += sum(places[rowid].leaf in undecided for rowid in gone)
        for rowid, row in read.items():
            marked = bool(row.marks & AGAINST)
            if rowid not in truth:
                verdict.revived[table] += 1
                verdict.revived_unmarked[table] += not row.marks
                continue
            wrong = wrong_columns(truth[rowid], row.values)
            covered = wrong & salvaged.covered[table] & witnessed(damage, table, rowid)
            verdict.wrong[table] += bool(wrong)
            verdict.unmarked[table] += bool(covered and not row.marks)
            verdict.uncovered[table] += bool(wrong and not covered and not row.marks)
            verdict.false_marks[table] += bool(marked and not wrong)
    messages = damage.original.rows.get("messages", {})
    lost = messages.keys() - salvaged.rows.get("messages", {}).keys()
    proven = {one.rowid for one in salvaged.lost}
    verdict.lost = len(lost)
    verdict.lost_proven = len(lost & proven)
    verdict.lost_false = len(proven - lost)
    return verdict


def witnessed(damage: Damage, table: str, rowid: int) -> frozenset[str]:
    """Return the columns of a row of which a witness is as it was.

    The text of a message by one of its copies; the others, where no index of the table was hit.
    """
    made = damage.original
    found: set[str] = set()
    if table == "messages":
        copies = [made.places.get(name, {}).get(rowid) for name in COPIES]
        if any(place is not None and not place.pages & damage.hit for place in copies):
            found |= set(COPIED)
    hit = {made.pages[page].tree for page in damage.hit if page in made.pages}
    if not any(tree.startswith((f"idx_{table}", f"sqlite_autoindex_{table}")) for tree in hit):
        found |= made.rows[table][rowid].keys() - set(COPIED)
    return frozenset(found)


def wrong_columns(truth: Row, values: Row) -> frozenset[str]:
    """Return the columns of a row that were read as something else."""
    return frozenset(name for name, value in values.items() if not same_value(truth[name], value))
