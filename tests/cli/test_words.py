"""Sentences whose numbers, names and moments a reader takes literally."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hermes_repair.checks import hidden_sessions
from hermes_repair.evidence.scene import Scene
from hermes_repair.leases.lock_verdicts import span
from hermes_repair.lineage.session_node import DelegateMark
from hermes_repair.model.receipt_history import ReceiptHistory
from tests.cli.speaking import say
from tests.homes.home import opened
from tests.homes.small import DAY, LOCKED, NOW, add_session

Capture = pytest.CaptureFixture[str]
HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=DELETE")
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(60)
"""


def test_one_message_and_one_answer(home: Path, capsys: Capture) -> None:
    with opened(home) as db:
        add_session(db, "answered", [("user", "x", 6.0), ("assistant", "y", 6.1)])
        db.execute(
            "INSERT INTO messages (session_id, role, content, tool_call_id, timestamp)"
            " VALUES ('answered', 'tool', 'done', 'c1', ?)",
            (NOW - 86400,),
        )
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES ('nobody', 'user', 'x', 1.0)"
        )
    said = say(capsys, "doctor", "-v", "--home", home).out
    assert "messages): 1 answer without a call.\n" in said
    assert "1 message belongs to a session that does not exist." in said
    plan = say(capsys, "repair", "--dry-run", "--session", "answered", "--home", home).out
    assert "remove 1 answer without a counterpart from answered" in plan


def test_a_lock_of_a_session_without_an_id(home: Path, capsys: Capture) -> None:
    with opened(home) as db:
        db.execute("UPDATE compression_locks SET session_id = ''")
    said = say(capsys, "doctor", "--home", home).out
    assert "WARNING LK003 lock-of-missing-session\n  (empty id): a compression lock" in said
    freed = say(capsys, "locks", "clean", "--home", home)
    assert freed.out.startswith("freed the compression lock of (empty id): It expired")


def test_all_that_is_wrong_is_accepted(home: Path, capsys: Capture) -> None:
    asked = ("doctor", "--home", home)
    for finding in say(capsys, *asked, "--json").document["findings"]:
        words = ("ack", finding["fingerprint"], "--reason", "known", "--home", home)
        assert say(capsys, *words).code == 0
    said = say(capsys, *asked)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[2] == "Nothing is wrong here except what you accepted (4 findings)."
    assert any(line.startswith("✓ lineage  nothing wrong") for line in lines)


def test_nothing_was_ever_done(home: Path, capsys: Capture) -> None:
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "history" not in said.err
    assert said.err == "There is nothing to undo.\nNothing has been done here yet.\n"


def test_the_search_index_is_one_thing(home: Path, capsys: Capture) -> None:
    assert say(capsys, "migrate", "--to", "16", "--yes", "--home", home).code == 0
    with opened(home) as db:
        add_session(db, "later", [("user", "since then", 8.0)])
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "messages_fts" not in said.err
    assert "messages (1 row), the search index, sessions (1 row)" in said.err


def test_who_writes_is_named(home: Path, capsys: Capture) -> None:
    """In DELETE mode a writer keeps readers out; it need not be Hermes."""
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    words = [sys.executable, "-c", HOLDER, str(home / "state.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        for command in (["doctor"], ["locks", "clean"]):
            said = say(capsys, *command, "--home", home)
            assert said.code == 4 and "Hermes is" not in said.err
            assert f"process {other.pid}" in said.err.lower()
        other.kill()


def test_our_own_free_lock_is_not_listed(home: Path, capsys: Capture) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    assert (home / "hermes-repair" / "run.lock").exists()
    assert "run.lock" not in say(capsys, "locks", "list", "--home", home).out


def test_a_crashed_wal_is_for_repair(home: Path, capsys: Capture) -> None:
    """``locks clean`` is never the first to open such a database; ``repair`` frees the lock."""
    script = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA wal_autocheckpoint=0')\n"
        "db.execute(\"UPDATE sessions SET user_id = 'u2'\")\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(home / "state.db")], check=True)
    assert (home / "state.db-wal").stat().st_size
    said = say(capsys, "doctor", "--select", "LK", "--home", home).out
    assert f"-> hermes-repair repair --home {home}" in said and "locks clean" not in said
    said = say(capsys, "locks", "list", "--home", home).out
    assert f"Next: hermes-repair repair --home {home}" in said and "locks clean" not in said
    assert say(capsys, "repair", "--yes", "--select", "LK", "--home", home).code == 0
    with opened(home) as db:
        assert db.execute("SELECT * FROM compression_locks").fetchall() == []
    assert LOCKED not in say(capsys, "locks", "list", "--home", home).out


@pytest.mark.parametrize(
    ("spared", "words"),
    [(NOW + 60, ", on 2026-06-20"), (NOW + 2 * DAY, ", after 2026-06-20 and before 2026-06-22")],
)
def test_after_and_before_are_two_days(
    spared: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = SimpleNamespace(started_at=NOW, delegate_mark=DelegateMark.STEP_16)
    candidate = SimpleNamespace(started_at=spared)
    monkeypatch.setattr(hidden_sessions, "read_candidates", lambda _rows, _structure: [candidate])
    monkeypatch.setattr(hidden_sessions, "would_tag", lambda _candidate, _step: True)
    look = SimpleNamespace(rows=None)
    facts = {"nodes": [marked], "look": look, "structure": None}
    scene = cast("Scene", SimpleNamespace(**facts, receipt_history=ReceiptHistory()))
    assert hidden_sessions.hidden_since(scene).endswith(f"(an update to 0.17.0 or later){words}")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (0.6, "1 second"), (1, "1 second"), (2, "2 seconds"), (120, "2 minutes")],
)
def test_a_length_of_time(seconds: float, words: str) -> None:
    assert span(seconds) == words
