"""Start shape × target: what our way makes beside what the real release makes (R7).

``python -m tests.migrations.table FOLDER`` prints it as Markdown; ``test_table.py`` asserts it.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.cli.guard import run
from hermes_repair.schema.structure_difference import diff
from tests.engine.faults import bytes_in_process
from tests.homes.database import OLD_FIXTURES, RELEASE_OF, connect
from tests.homes.home import of_schema
from tests.releases import ReleaseError, run_release
from tests.unit.schema_support import answers, check_search, known, rows_of, structure_of

OPEN = """
from hermes_state import SessionDB
SessionDB().close()
"""
WORDS = ["zebra", "giraffe", "terminal", "calling", "elephant", "child", "你好世", "世界天"]
"""What the fixtures talk about, and what was never said."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One start and one target.

    ``crashed``: the real release does not open this start at all. ``structure`` are differences
    to the structure that the real release makes, ``rows`` the tables that hold other rows. ``left``
    counts sessions that the real step 16 hides and ours does not.
    """

    fixture: str
    target: int
    crashed: bool
    structure: tuple[str, ...]
    rows: tuple[str, ...]
    left: int

    @property
    def equal(self) -> bool:
        return not self.structure and not self.rows


def ways() -> list[tuple[str, int]]:
    """Return every start of the fixtures with every later number that a release has."""
    return [
        (fixture, target)
        for fixture, start in OLD_FIXTURES.items()
        for target in RELEASE_OF
        if target >= start
    ]


def typed(*words: str) -> tuple[int, Any]:
    """Run a command line in this process; return its exit code and the document."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        bytes_in_process(patch)
        code = run([*words, "--json"])
    return code, json.loads(said.getvalue())


def travel(fixture: str, target: int, folder: Path) -> Journey:
    """Migrate a fixture both ways and compare; undo ours and see that all is back."""
    ours, real = of_schema(fixture, folder / "ours"), folder / "real"
    shutil.copytree(ours, real)
    home = ("--home", str(ours))
    with closing(connect(ours / "state.db")) as connection:
        before = rows_of(connection)

    code, document = typed("migrate", "--to", str(target), "--yes", *home)
    assert code == 0, document
    assert typed("migrate", "--check", "--to", str(target), *home)[1]["behind"] is False
    assert typed("migrate", "--to", str(target), "--yes", *home)[1]["receipt"] is None
    left = {entry["session"] for entry in document["plan"]["left_alone"]}

    crashed = False
    try:
        run_release(RELEASE_OF[target], OPEN, real)
    except ReleaseError:
        crashed = True
    with (
        closing(connect(ours / "state.db")) as our_db,
        closing(connect(real / "state.db")) as real_db,
    ):
        check_search(our_db)
        assert our_db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert our_db.execute("PRAGMA foreign_key_check").fetchall() == []
        wanted = known(target) if crashed else structure_of(real_db)
        structure = diff(wanted, structure_of(our_db)).lines()
        differing = [] if crashed else _differing(our_db, real_db, left)

    if document["receipt"] is not None:
        assert typed("undo", "--yes", *home)[0] == 0
        with closing(connect(ours / "state.db")) as connection:
            back = rows_of(connection)
        assert {t: r for t, r in back.items() if t != "sqlite_sequence"} == {
            t: r for t, r in before.items() if t != "sqlite_sequence"
        }
    return Journey(fixture, target, crashed, tuple(structure), tuple(differing), len(left))


def _differing(ours: sqlite3.Connection, real: sqlite3.Connection, left: set[str]) -> list[str]:
    """Return the tables with other rows, the marks that only the real step 16 set aside."""
    for connection in (ours, real):
        connection.execute("BEGIN")
        for session in left:
            connection.execute("UPDATE sessions SET model_config = '' WHERE id = ?", (session,))
    our_rows, real_rows = rows_of(ours), rows_of(real)
    found = [
        table
        for table in sorted(our_rows.keys() | real_rows.keys())
        if our_rows.get(table) != real_rows.get(table)
    ]
    if answers(ours, WORDS) != answers(real, WORDS):
        found.append("search answers")
    for connection in (ours, real):
        connection.execute("ROLLBACK")
    return found


def main(folder: Path) -> None:
    """Print the table."""
    targets = list(RELEASE_OF)
    print("| start | " + " | ".join(f"{n} ({RELEASE_OF[n]})" for n in targets) + " |")
    print("|---|" + "---|" * len(targets))
    for fixture, start in OLD_FIXTURES.items():
        cells = []
        for target in targets:
            if target < start:
                cells.append("")
                continue
            made = travel(fixture, target, folder / f"{fixture}-{target}")
            what = "equal" if made.equal else "; ".join((*made.structure, *made.rows))
            what += ", the release crashes" if made.crashed else ""
            what += f", {made.left} not hidden" if made.left else ""
            cells.append(what)
        print(f"| {fixture} ({start}) | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
