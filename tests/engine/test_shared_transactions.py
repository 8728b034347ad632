"""Small units share a transaction, and each is still whole, refused and undone by itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.model.actions import (
    Action,
    FileCopy,
    RowDelete,
    RowInsert,
    RowMove,
    RowRef,
    RowUpdate,
    SourceRef,
)
from hermes_repair.model.errors import Changed
from hermes_repair.model.plans import Safety, Unit, UnitRecord, UnitState
from hermes_repair.repair import executor
from hermes_repair.repair.apply import apply
from hermes_repair.repair.row_writes import Rows
from hermes_repair.repair.shared_transactions import MOST_ACTIONS, MOST_BYTES, sharing
from tests.engine.faults import Shim, Step, bytes_in_process, shimmed
from tests.homes.content import content, without_sequence
from tests.homes.home import execute, new_home, query
from tests.homes.small import add_session
from tests.in_process import fixed_environment, ids, look, repair, undo

SESSIONS = MOST_ACTIONS + 6


def session(number: int) -> str:
    return f"20260601_08{number // 60:02d}{number % 60:02d}_aaaa{number:04x}"


def counted_wrong(root: Path, sessions: int) -> Path:
    """Make a home whose sessions count messages that they do not have: a unit of a row each."""
    with new_home(root, 14) as db:
        for number in range(sessions):
            said = [("user", "one", 4.0), ("assistant", "two", 4.1)]
            add_session(db, session(number), said, counted=9)
    return root


def counts(home: Path) -> dict[str, int]:
    return dict(query(home, "SELECT id, message_count FROM sessions"))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    bytes_in_process(monkeypatch)
    return fixed_environment(tmp_path)


def commits(shim: Shim) -> int:
    return sum(s.path.endswith("/state.db") and s.detail == "COMMIT" for s in shim.steps)


def notes(shim: Shim) -> int:
    """Return how many transactions of the receipt said what became of units."""
    said = [s.detail for s in shim.steps if "receipts" in s.path and s.what == "sql"]
    return sum(
        was.startswith("UPDATE units") and not now.startswith("UPDATE units")
        for was, now in pairwise(said)
    )


def test_many_steps_of_a_row_are_committed_and_noted_together(
    tmp_path: Path, environment: Environment
) -> None:
    home = counted_wrong(tmp_path / "home", SESSIONS)
    before = without_sequence(content(home))
    with shimmed(Shim(home)) as shim:
        done = repair(home, environment)
    assert done.units == SESSIONS
    assert (commits(shim), notes(shim)) == (2, 2)
    assert set(counts(home).values()) == {2}
    with shimmed(Shim(home)) as shim:
        undo(home, environment)
    assert (commits(shim), notes(shim)) == (2, 2)
    assert without_sequence(content(home)) == before


def test_a_refused_step_takes_no_other_with_it(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = counted_wrong(tmp_path / "home", 5)

    def refusing(rows: Rows, action: RowUpdate, *more: Any) -> None:
        if action.key["id"] == session(3):
            raise Changed("The database changed after the plan was made.", "Plan again.")
        apply(rows, action, *more)

    monkeypatch.setattr(executor, "apply", refusing)
    done = repair(home, environment)
    assert done.units == 4
    assert counts(home) == {session(n): 9 if n == 3 else 2 for n in range(5)}


def test_killed_before_the_note_each_step_is_recognised(
    tmp_path: Path, environment: Environment
) -> None:
    home, shot = counted_wrong(tmp_path / "home", 5), tmp_path / "shot"
    before = without_sequence(content(home))

    def photograph(_number: int, step: Step) -> None:
        if step.detail.startswith("UPDATE units") and not shot.exists():
            shutil.copytree(home, shot, symlinks=True)

    with shimmed(Shim(home, photograph)):
        repair(home, environment)
    assert set(counts(shot).values()) == {2}, "nothing was committed before the note"
    assert "RP001" in ids(look(shot, environment))
    again = repair(shot, environment)
    assert again.units == 0
    assert "5 of 5 steps were done" in " ".join(again.recovered)
    undo(shot, environment)
    assert without_sequence(content(shot)) == before


def test_a_counter_that_counted_on_is_taken_back_alone(
    tmp_path: Path, environment: Environment
) -> None:
    """Nothing of its row says that it was, so it must not be one of many that a kill can leave."""
    home = counted_wrong(tmp_path / "home", 5)
    repair(home, environment)
    execute(home, f"UPDATE sessions SET message_count = 3 WHERE id = '{session(2)}'")
    with shimmed(Shim(home)) as shim:
        undo(home, environment)
    assert commits(shim) == 3
    assert counts(home) == {session(n): 10 if n == 2 else 9 for n in range(5)}


def of(*actions: Action) -> Unit:
    return Unit("session", "s", "does it", actions, Safety.SAFE, False, (), ())


def update(id: str, text: str = "", key: str = "id", table: str = "sessions") -> RowUpdate:
    return RowUpdate(table, {key: id}, {"title": text}, {"title": "new"})


def numbers(units: Sequence[Unit], **named: Any) -> list[list[int]]:
    records = [UnitRecord(n, unit, UnitState.PENDING) for n, unit in enumerate(units)]
    return [[one.number for one in shared] for shared in sharing(records, **named)]


A, B, C = of(update("a")), of(update("b")), of(update("c"))
DELETED = of(RowDelete("compression_locks", {"session_id": "a"}, {"session_id": "a"}))
MOVED = of(RowMove("messages", 1, 9, "", ("role",)))
FILE = FileCopy("sessions/a.jsonl", "a.jsonl.gz", 9, "")


def read(length: int) -> Unit:
    """Return a unit that brings in a line of a file."""
    line = SourceRef("sessions/a.jsonl", 0, length, "")
    return of(FILE, RowInsert("messages", {"id": 9}, {"id": 9}, line))


OF_A_COPY = of(RowInsert("messages", {"id": 9}, {"id": 9}, RowRef("copy", 4, "", {})))


@pytest.mark.parametrize(
    ("units", "together"),
    [
        ([], []),
        ([A, B, DELETED, C], [[0, 1, 2, 3]]),
        ([A, B, A, C], [[0, 1], [2, 3]]),  # one row twice
        ([A, of(update("b", key="title")), C], [[0], [1], [2]]),  # perhaps one row twice
        ([A, of(update("b"), update("b", key="title")), C], [[0], [1], [2]]),
        ([A, B, MOVED, C], [[0, 1, 2, 3]]),
        ([A, read(9), B], [[0, 1, 2]]),
        ([A, MOVED, read(9), B], [[0, 1], [2, 3]]),  # one id twice
        ([A, read(MOST_BYTES + 1), B], [[0], [1], [2]]),
        ([A, of(FILE), B], [[0], [1], [2]]),  # writes no row
        ([A, OF_A_COPY, B], [[0], [1], [2]]),  # nothing says how large it is
        ([A, of(update("b", "x" * MOST_BYTES)), C], [[0], [1], [2]]),
        ([A, of(update("b", "x" * (MOST_BYTES - 7))), C], [[0, 1], [2]]),
        ([of(*[update(str(n)) for n in range(MOST_ACTIONS)]), A], [[0], [1]]),
        ([of(*[update(str(n)) for n in range(MOST_ACTIONS + 1)]), A, B], [[0], [1, 2]]),
    ],
)
def test_which_units_share(units: Sequence[Unit], together: list[list[int]]) -> None:
    assert numbers(units) == together


def test_what_must_be_alone_is() -> None:
    assert numbers([A, B, C, DELETED], alone=lambda unit: unit is B) == [[0], [1], [2, 3]]
