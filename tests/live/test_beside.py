"""``doctor`` and ``repair`` beside a gateway: what may be done is done, the rest is named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.app.diagnose import diagnose
from hermes_repair.app.environment import Run, real_environment
from hermes_repair.home.layout import open_home
from hermes_repair.model.choices import LookOptions, Selection
from tests.command import run
from tests.homes.by_releases import home_of_chats
from tests.homes.content import fingerprint
from tests.homes.damage import leave_lock
from tests.homes.home import changing, locks, opened
from tests.releases import run_release
from tests.releases.session_db import running
from tests.support import ROOT

ORPHAN = """
from hermes_state import SessionDB
db = SessionDB()
db.create_session("parent", source="telegram")
db.append_message("parent", "user", "Where are the tent poles?")
db.end_session("parent", "compression")
db.create_session("child", source="telegram", parent_session_id="parent")
for text in ("They are not in the blue bag.", "Found them!", "Thank you."):
    db.append_message("child", "user", text)
    db.append_message("child", "assistant", "Good.")
db.close()
"""


def orphaned(folder: Path, version: str) -> Path:
    """Return a home with a chat whose parent is gone, and a lock and a pause that are over."""
    home = home_of_chats(folder, version)
    run_release(version, ORPHAN, home)
    with changing(home) as connection:
        connection.execute("DELETE FROM messages WHERE session_id = 'parent'")
        connection.execute("DELETE FROM sessions WHERE id = 'parent'")
        connection.execute(
            "UPDATE sessions SET compression_failure_cooldown_until = ? WHERE id = 'choir'",
            (time.time() - 900,),
        )
    leave_lock(home, "garden")
    return home


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_live_safe_actions_run_and_the_rest_waits(version: str, tmp_path: Path) -> None:
    home = orphaned(tmp_path, version)
    with running(home, version) as hermes:
        hermes.do("acquire choir 300")
        looked = run("doctor", home=home)
        assert looked.code == 1
        assert "everything was checked twice" in looked.out
        # A script that runs Hermes' code is no program of Hermes by its command line.
        waits = "Repaired only when nobody has it open (close that program): LN001."
        assert waits in looked.out and f"Process {hermes.pid} (" in looked.out
        planned = run("repair", "--dry-run", "--json", home=home)
        assert planned.code == 4
        assert [e["findings"] for e in planned.document["plan"]["actions"]] == [
            ["LK001"],
            ["LK005"],
        ]
        assert [e["findings"] for e in planned.document["plan"]["waiting"]] == [["LN001"]]
        done = run("repair", "--yes", home=home)
        assert done.code == 4
        assert "Done: 2 steps" in done.out and "Waiting: list child again" in done.out
        assert f"rocess {hermes.pid}" in done.out and "has the database open" in done.out
        assert list(locks(home)) == ["choir"]
        with opened(home) as connection:
            found = connection.execute(
                "SELECT id, parent_session_id, compression_failure_cooldown_until FROM sessions"
                " WHERE id IN ('child', 'choir') ORDER BY id"
            ).fetchall()
        assert found == [("child", "parent", None), ("choir", None, None)]
        only = run("repair", "--yes", "--select", "LK", home=home)
        assert only.code == 0, only  # nothing that was asked for waits
        hermes.do("release choir")
    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert run("doctor", home=home).code == 0


def test_a_rotation_and_a_flush_in_flight_are_no_damage(tmp_path: Path) -> None:
    """Ended and not yet continued, continued and not yet filled: normal for moments."""
    home = home_of_chats(tmp_path, "0.16.0")
    with running(home, "0.16.0") as hermes:
        for line in ("acquire choir 300", "end choir", "child choir"):
            hermes.do(line)
            looked = run("doctor", "--json", home=home)
            assert (looked.code, looked.document["findings"]) == (0, []), line


def test_a_finding_that_is_gone_at_the_second_look_is_not_shown(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        with changing(home) as connection:
            connection.execute("DELETE FROM compression_locks WHERE session_id = 'garden'")

    environment = replace(real_environment(lambda _sentence: None), sleep=sleep)
    with running(home) as hermes:
        for session in ("garden", "choir"):
            leave_lock(home, session, f"pid={hermes.pid}:tid=1:agent=a:nonce=1")
        found = diagnose(Run(open_home(home), environment), LookOptions(), Selection())
        assert [finding.session_id for finding in found.findings] == ["choir"]
        assert len(slept) == 1 and slept[0] >= 1


def test_doctors_beside_each_other_leave_nothing_behind(tmp_path: Path) -> None:
    """Each sees the others' descriptors; none may join as if those were connections (R1)."""
    home = home_of_chats(tmp_path)
    leave_lock(home, "garden")
    before = fingerprint(home)
    command = [sys.executable, "-m", "hermes_repair", "doctor", "--json", "--home", str(home)]
    for _ in range(3):
        several = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
                stdout=subprocess.DEVNULL,
            )
            for _ in range(4)
        ]
        assert [process.wait() for process in several] == [1] * 4
        assert fingerprint(home) == before
