"""A chat that a killed gateway was taking over: refused by every release, until it is noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.case import CASES, INSIDE
from tests.command import run
from tests.homes import home as homes
from tests.releases import run_release

PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"
WRITE = PATHS + (CASES / "LK008_gateway_killed" / "write.py").read_text(encoding="utf-8")
WRITE += "db.close()\n"
ASK = """
from hermes_state import SessionDB

db = SessionDB()
print(db.request_handoff("chat", "telegram"), len(db.list_pending_handoffs()))
db.close()
"""


@pytest.mark.parametrize("version", ["0.14.0", "0.16.0", "0.18.2", "0.19.0"])
def test_handed_over_again(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, WRITE, home)
    assert run_release(version, ASK, home).split() == ["False", "0"], "refused, and never taken up"

    seen = run("locks", "clean", "--dry-run", "--json", home=home).document
    assert seen["handoffs_ended"] == ["chat"]
    cleaned = run("locks", "clean", home=home)
    assert cleaned.code == 0, cleaned.err
    assert "ended the handoff of chat" in cleaned.out
    assert run("locks", "clean", "--json", home=home).document["handoffs_ended"] == []
    assert run_release(version, ASK, home).split() == ["True", "1"]


def test_undone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.16.0", WRITE, home)
    receipt = Path(run("locks", "clean", "--json", home=home).document["receipt"])
    undone = run("undo", receipt.stem, "--yes", home=home)
    assert undone.code == 0, undone.err
    state = homes.query(home, "SELECT handoff_state, handoff_error FROM sessions")
    assert state == [("running", None)]


def test_beside_a_program_that_has_the_database_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.19.0", WRITE, home)
    with homes.opened(home) as db:
        db.execute("SELECT COUNT(*) FROM sessions").fetchone()
        assert run("locks", "clean", "--json", home=home).document["handoffs_ended"] == []
