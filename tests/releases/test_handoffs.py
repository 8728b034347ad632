"""A chat that a killed gateway was taking over: refused by every release, until it is noted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hermes_repair.app.file_status import quick_look, read_file_status
from hermes_repair.evidence.handoffs import handoffs
from hermes_repair.home.layout import open_home
from hermes_repair.leases import Kind
from hermes_repair.store.file_state import refuse_copy
from tests.cases.case import CASES, INSIDE
from tests.command import run
from tests.homes import home as homes
from tests.releases import hear, run_release, start_release

PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"
WRITE = PATHS + (CASES / "LK008_gateway_killed" / "write.py").read_text(encoding="utf-8")
WAITS = PATHS + (CASES / "LK008_gateway_gone" / "write.py").read_text(encoding="utf-8")
WAITS += "db.close()\n"
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


CLAIM = """
from hermes_state import SessionDB

db = SessionDB()
print("claimed", db.claim_handoff("chat"))
import time
time.sleep(60)
"""


def test_a_gateway_that_began_after_we_looked_who_is_there_lives(tmp_path: Path) -> None:
    """What waited for hours is claimed between the look at the openers and that at the rows."""
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.19.0", WAITS, home)
    place = open_home(home)
    before = read_file_status(place).openers
    with start_release("0.19.0", CLAIM, home) as gateway:
        assert hear(gateway, "claimed") == "True"
        with quick_look(place, read_file_status(place), refuse_copy) as look:
            seen = list(handoffs(look, place.database, before, time.time()))
        gateway.kill()
    assert [(hold.verdict.kind, hold.verdict.cleanable) for hold in seen] == [(Kind.STUCK, False)]
