"""A run that was cut off, beside a Hermes that lives: what goes on, and what waits for it (R10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_repair.model.plans import UnitState
from hermes_repair.records import plan_database
from tests.cli.speaking import assert_document, say
from tests.engine.neighbours import READER, neighbour
from tests.homes.home import changing, locks
from tests.homes.small import LOCKED, NOW

Capture = pytest.CaptureFixture[str]


def cut_off(home: Path, capsys: Capture, *words: str) -> str:
    """Run a command and leave its receipt as a kill after the first COMMIT does; return its id."""
    assert say(capsys, *words, "--yes", "--home", home).code == 0
    (path,) = (home / "hermes-repair" / "receipts").iterdir()
    with plan_database.edit(path) as receipt:
        receipt.set_states([1], UnitState.PENDING)
        receipt.set_header(closed=None)
    return path.stem


def beside(capsys: Capture, home: Path, *words: str, code: int) -> Any:
    with neighbour(READER, home / "state.db") as process:
        said = say(capsys, *words, "--home", home, "--json")
        assert said.code == code, said
        assert_document("plan" if "--dry-run" in words else "repair", said.document)
        for entry in said.document.get("waiting", []):
            assert str(process.pid) in entry["message"]
        return said.document


def finished(capsys: Capture, home: Path) -> None:
    """See that the next run alone settles it and leaves nothing."""
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    assert say(capsys, "doctor", "--home", home).code == 0


def test_what_it_has_nothing_to_do_with_goes_on(home: Path, capsys: Capture) -> None:
    name = cut_off(home, capsys, "repair", "--select", "TR")
    plan = beside(capsys, home, "repair", "--dry-run", code=4)["plan"]
    assert [unit["session"] for unit in plan["actions"]] == [LOCKED]
    done = beside(capsys, home, "repair", "--yes", code=4)
    assert done["receipt"]["units"] == 1 and locks(home) == {}
    assert done["waiting"][0]["unit"] == f"finish what was interrupted: {name}"
    assert len(done["waiting"]) == 3, "the orphan and the counter wait too"
    assert done["recovered"] == []
    states = {entry["id"]: entry["state"] for entry in history(capsys, home)}
    assert states == {name: "unfinished", done["receipt"]["id"]: "done"}
    finished(capsys, home)


def history(capsys: Capture, home: Path) -> Any:
    return say(capsys, "history", "--home", home, "--json").document["history"]


def test_locks_that_were_asked_for_alone_are_all_that_was_asked(
    home: Path, capsys: Capture
) -> None:
    cut_off(home, capsys, "repair", "--select", "TR")
    done = beside(capsys, home, "repair", "--yes", "--select", "LK", code=0)
    assert done["waiting"] == [] and locks(home) == {}
    finished(capsys, home)


def test_what_it_was_at_work_on_waits(home: Path, capsys: Capture) -> None:
    name = cut_off(home, capsys, "repair", "--select", "LK")
    with changing(home) as db:
        row = (LOCKED, "pid=4200102:tid=1:agent=1:nonce=2", NOW - 900, NOW - 600)
        db.execute("INSERT INTO compression_locks VALUES (?, ?, ?, ?)", row)
    done = beside(capsys, home, "repair", "--yes", "--select", "LK", code=4)
    assert done["receipt"] is None and list(locks(home)) == [LOCKED]
    (waits,) = done["waiting"]
    assert waits["message"].startswith(f"{name} was interrupted while working on the same")
    finished(capsys, home)
    assert locks(home) == {}


def test_a_migration_was_at_work_on_everything(home: Path, capsys: Capture) -> None:
    name = cut_off(home, capsys, "migrate", "--to", "16")
    plan = beside(capsys, home, "repair", "--dry-run", "--select", "LK", code=4)["plan"]
    assert plan["actions"] == [] and len(plan["waiting"]) == 1
    with neighbour(READER, home / "state.db"):
        said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code == 4 and list(locks(home)) == [LOCKED]
    assert f"Waiting: finish what was interrupted: {name}. " in said.out
    assert f"{name} was interrupted while working on the same, and is finished first." in said.out
    finished(capsys, home)
