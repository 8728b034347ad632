"""``locks clean``: frees what is provably over, leaves what may live, and says little."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hermes_repair.app import clean_locks as app
from hermes_repair.app.environment import Run, real_environment
from hermes_repair.app.file_status import read_file_status
from hermes_repair.home.layout import open_home
from tests.command import run
from tests.homes.by_releases import home_of_chats
from tests.homes.content import fingerprint, rows
from tests.homes.damage import GONE_HOLDER, leave_lock
from tests.homes.home import changing, locks, opened, receipts
from tests.releases.session_db import running
from tests.support import ROOT

WORLD = real_environment(lambda _sentence: None)


def see(home: Path) -> app.Seen:
    return app.see(Run(open_home(home), WORLD), grace=60, max_age=3600)


def test_nothing_to_do_says_nothing_and_leaves_no_trace(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    before = fingerprint(home)
    done = run("locks", "clean", home=home)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert fingerprint(home) == before
    said = run("locks", "clean", "-v", home=home)
    assert said.out == f"{home}: 0 compression locks seen, 0 freed.\n"
    document = run("locks", "clean", "--json", home=home).document
    assert (document["freed"], document["receipt"], document["note"]) == ([], None, None)
    assert fingerprint(home) == before


@pytest.mark.parametrize("version", ["0.16.0", "0.18.2", "0.19.0"])
def test_what_is_over_goes_and_what_lives_stays(version: str, tmp_path: Path) -> None:
    home = home_of_chats(tmp_path, version)
    with running(home, version) as hermes:
        assert hermes.do("acquire choir 300") == "True"
        living = f"pid={hermes.pid}:tid=1:agent=a:nonce=1"
        leave_lock(home, "expired", living)
        leave_lock(home, "within grace", "background-review", acquired=-330, expires=-30)
        leave_lock(home, "dead", acquired=-10, expires=290)
        leave_lock(home, "unreadable", "background-review", acquired=-10, expires=290)
        leave_lock(home, "absurd", living, acquired=-10, expires=90_000)
        done = run("locks", "clean", "-v", home=home)
        assert (done.code, done.err) == (0, "")
        assert sorted(locks(home)) == ["absurd", "choir", "unreadable", "within grace"]
        freed, stays = done.out.splitlines()[:2], done.out.splitlines()[2:-1]
        assert freed == [
            "freed the compression lock of expired: It expired 10 minutes ago.",
            "freed the compression lock of dead: Process 4000001 is gone.",
        ]
        assert len(stays) == 4 and all(line.startswith("stays: ") for line in stays)
        assert done.out.splitlines()[-1] == f"{home}: 6 compression locks seen, 2 freed."
        short = run("locks", "clean", "--grace", "10", home=home)
        assert short.out.startswith("freed the compression lock of within grace: It expired ")
        assert hermes.do("holder choir").startswith(f"pid={hermes.pid}:")
        assert "choir" not in run("locks", "clean", "--max-age", "0", home=home).out
        hermes.process.kill()
        hermes.process.wait()
    # A killed gateway leaves a -wal; it joins when somebody opens, and that is not us.
    assert run("locks", "clean", home=home).out == ""
    assert "choir" in locks(home)  # this opened and closed it, so nothing lies there any more
    assert sorted(run("locks", "clean", "--json", home=home).document["freed"]) == [
        *("absurd", "choir", "unreadable")
    ]
    assert locks(home) == {}


def test_a_healthy_rotation_keeps_its_lock_while_we_clean_in_between(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        for line in ("acquire choir 300", "rotate choir"):
            hermes.do(line)
            done = run("locks", "clean", "-v", home=home)
            assert done.code == 0 and "stays: the compression lock of choir" in done.out
            assert hermes.do("holder choir").startswith(f"pid={hermes.pid}:")
        found = run("locks", "list", "--json", home=home).document["locks"][0]
        assert (found["verdict"], found["cleanable"]) == ("live", False)
        assert found["notes"] == [
            "Its session has ended (compression), as in every healthy rotation.",
            "Its conversation continued in another session (1 message), so the turn seems over;"
            " that alone proves nothing.",
        ]
        hermes.do("release choir")
        assert locks(home) == {}


def test_a_lock_that_is_retaken_between_look_and_delete_wins(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        leave_lock(home, "choir", f"pid={hermes.pid}:tid=1:agent=a:nonce=1")
        seen = see(home)
        assert [lock.session for lock in seen.stale] == ["choir"]
        assert hermes.do("acquire choir 300") == "True"  # Hermes takes an expired lock over
        done = app.free(Run(open_home(home), WORLD), seen)
        assert (done.freed, [lock.session for lock in done.kept], done.refused) == (
            [],
            ["choir"],
            [],
        )
        assert hermes.do("holder choir").startswith(f"pid={hermes.pid}:")
        assert receipts(home) == []  # nothing was done, so there is nothing to undo
        hermes.do("release choir")


def test_a_lock_that_is_renewed_between_look_and_delete_wins(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        hermes.do("acquire choir -300")
        seen = see(home)
        with changing(home) as connection:
            connection.execute("UPDATE compression_locks SET expires_at = ?", (time.time() + 300,))
        assert [lock.session for lock in app.free(Run(open_home(home), WORLD), seen).kept] == [
            "choir"
        ]
        assert hermes.do("holder choir").startswith(f"pid={hermes.pid}:")


def test_a_holder_that_began_after_we_looked_who_is_there_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of openers is older than the row: only asking again tells."""
    home = home_of_chats(tmp_path)
    with running(home) as first:
        before = read_file_status(open_home(home))
        with running(home) as second:
            assert second.do("acquire choir 300") == "True"
            assert second.pid not in {process.pid for process in before.openers.processes}
            monkeypatch.setattr(
                "hermes_repair.app.clean_locks.read_file_status", lambda _home: before
            )
            assert see(home).stale == ()
        assert first.do("holder choir") != "None"


def test_it_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """A run every few minutes is mostly imports; a clock would tell less surely."""
    home = home_of_chats(tmp_path)
    idle = imported(home)
    assert not {"yaml", "orjson", "jsonlines", "psutil", "rich", "sqlite_utils"} & idle
    rooms = {name.split(".")[1] for name in idle if name.startswith("hermes_repair.")}
    assert rooms <= {"app", "cli", "evidence", "home", "host", "leases", "model", "report", "store"}
    leave_lock(home, "choir")
    freeing = imported(home)
    assert not locks(home)
    assert "hermes_repair.repair.executor" in freeing
    for room in ("transcripts", "lineage", "schema", "harness", "routing"):
        assert not {name for name in freeing if name.startswith(f"hermes_repair.{room}")}


def imported(home: Path) -> set[str]:
    """Run ``locks clean`` and return the modules that were loaded for it."""
    code = (
        "import sys; from hermes_repair.cli.guard import run;"
        " assert run(['locks', 'clean', '--home', sys.argv[1]]) == 0;"
        " print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def test_undo_gives_a_lock_back_as_it_was(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    before = rows(home / "state.db")
    assert run("locks", "clean", home=home).out.startswith("freed the compression lock of choir")
    assert locks(home) == {}
    undone = run("undo", "--yes", home=home)
    assert undone.code == 0, undone.err
    assert rows(home / "state.db") == before


def test_undo_leaves_a_lock_that_was_taken_since(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    run("locks", "clean", home=home)
    leave_lock(home, "choir", "pid=4000002:tid=1:agent=a:nonce=2", acquired=-10, expires=290)
    undone = run("undo", "--yes", home=home)
    assert undone.code == 4
    assert locks(home) == {"choir": "pid=4000002:tid=1:agent=a:nonce=2"}


def test_receipts_are_small_and_do_not_pile_up(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path, "0.16.0")
    for number in range(app.KEEP_RECEIPTS + 5):
        leave_lock(home, f"lock {number}")
        done = app.clean(Run(open_home(home), WORLD), grace=60, max_age=3600, dry_run=False)
        assert [lock.session for lock in done.freed] == [f"lock {number}"]
    kept = receipts(home)
    assert len(kept) == app.KEEP_RECEIPTS
    assert kept[-1].name.startswith(f"{app.KEEP_RECEIPTS + 5:04d}-")
    assert max(path.stat().st_size for path in kept) <= 64 << 10
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert [path.name for path in (home / "hermes-repair" / "backups").iterdir()] == []


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    before = fingerprint(home)
    said = run("locks", "clean", "--dry-run", home=home)
    assert said.out == "would free the compression lock of choir: It expired 10 minutes ago.\n"
    assert run("locks", "clean", "-n", "--json", home=home).document["freed"] == ["choir"]
    assert fingerprint(home) == before


def test_two_runs_at_once_do_not_fight(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    folder = home / "hermes-repair"
    folder.mkdir(mode=0o700)
    with (folder / "run.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        second = run("locks", "clean", home=home)
        assert (second.code, second.out, second.err) == (0, "", "")
        said = run("locks", "clean", "-v", home=home)
        assert (
            said.out
            == f"{home}: nothing was done: Another hermes-repair is working on this home.\n"
        )
        assert "choir" in locks(home)
    assert run("locks", "clean", home=home).out != ""


def test_another_writer_is_waited_for(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    with running(home) as hermes:
        assert hermes.do("hold 2") == "holding"
        done = run("locks", "clean", home=home)
        assert (done.code, locks(home)) == (0, {})


def test_a_writer_that_does_not_pause_is_left_alone(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    leave_lock(home, "garden")
    with running(home) as hermes:
        assert hermes.do("hold 40") == "holding"
        started = time.monotonic()
        done = run("locks", "clean", "--json", home=home)
        assert time.monotonic() - started < 15
        assert done.code == 4
        assert [entry["session_id"] for entry in done.document["refused"]] == ["choir", "garden"]
        assert "did not pause" in done.document["refused"][0]["message"]
        assert receipts(home) == []
    assert sorted(locks(home)) == ["choir", "garden"]


def test_a_database_that_is_locked_altogether_is_left_alone(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with opened(home) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        connection.execute("BEGIN EXCLUSIVE")
        done = run("locks", "clean", home=home)
        assert (done.code, done.out) == (4, "")
        assert "writing to the database right now" in done.err
    assert not (home / "hermes-repair").exists()


@pytest.mark.parametrize("version", ["0.13.0", "0.15.2"])
def test_a_schema_without_locks(version: str, tmp_path: Path) -> None:
    home = home_of_chats(tmp_path, version)
    before = fingerprint(home)
    done = run("locks", "clean", home=home)
    assert (done.code, done.out, done.err) == (0, "", "")
    said = run("locks", "clean", "-v", home=home).out
    assert said == f"{home}: nothing was done: this schema has no compression locks.\n"
    assert fingerprint(home) == before


def test_a_table_of_no_known_release_is_left_alone(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with changing(home) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
        connection.execute("ALTER TABLE compression_locks ADD COLUMN fence INTEGER")
        connection.execute("INSERT INTO compression_locks VALUES ('choir', 'x', 1.0, 2.0, 3)")
    before = fingerprint(home)
    done = run("locks", "clean", "-v", home=home)
    assert done.code == 0 and "is not that of a known release" in done.out
    assert fingerprint(home) == before


def test_a_newer_schema_with_the_known_table(tmp_path: Path) -> None:
    """Releases of 23 and later renew a lock after it expired: who lives keeps it."""
    home = home_of_chats(tmp_path)
    with changing(home) as connection:
        connection.execute("UPDATE schema_version SET version = 33")
    with running(home, "0.18.2") as hermes:
        hermes.do("acquire choir -300")
        leave_lock(home, "dead", acquired=-10, expires=290)
        done = run("locks", "clean", home=home)
        assert done.out == "freed the compression lock of dead: Process 4000001 is gone.\n"
        assert list(locks(home)) == ["choir"]


def test_damage_is_told_and_nothing_is_touched(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    database = home / "state.db"
    whole = database.read_bytes()
    for name, content in {
        "the first page is gone": b"SQLite format 3\0"
        + b"\0" * 84
        + whole[100:][:0]
        + whole[4096:],
        "no database": b"not a database at all" * 500,
        "empty": b"",
        "cut off": whole[:4096],
    }.items():
        database.write_bytes(content)
        before = fingerprint(home)
        done = run("locks", "clean", home=home)
        assert done.code == 4, (name, done)
        assert done.out == "" and "state.db" in done.err and "defect" not in done.err, name
        assert fingerprint(home) == before, name


def test_a_wal_that_nobody_uses_is_left_alone(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        hermes.do("acquire choir 300")
        hermes.process.kill()
        hermes.process.wait()
    assert (home / "state.db-wal").stat().st_size > 0
    before = fingerprint(home)
    done = run("locks", "clean", home=home)
    assert (done.code, done.out, done.err) == (0, "", "")
    said = run("locks", "clean", "-v", home=home)
    assert said.code == 0 and said.out.count("\n") == 1
    assert "there is a -wal or -journal that no connection uses" in said.out
    assert fingerprint(home) == before


def test_another_reader_of_bytes_is_no_connection(tmp_path: Path) -> None:
    """A doctor that reads the file as it lies has it open, and the -wal is as left as before."""
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        hermes.do("acquire choir 300")
        hermes.process.kill()
        hermes.process.wait()
    before = fingerprint(home)
    descriptor = os.open(home / "state.db", os.O_RDONLY)
    try:
        assert run("locks", "clean", "-v", home=home).out.startswith(f"{home}: nothing was done")
    finally:
        os.close(descriptor)
    assert fingerprint(home) == before


def test_no_home_and_every_profile(tmp_path: Path) -> None:
    assert run("locks", "clean", home=tmp_path / "nowhere").code == 5
    home = home_of_chats(tmp_path)
    other = home / "profiles" / "work"
    other.mkdir(parents=True)
    shutil.copyfile(home / "state.db", other / "state.db")
    for place in (home, other):
        leave_lock(place, "choir")
    done = run("locks", "clean", "--all-profiles", "--json", home=home)
    assert done.code == 0
    assert [part["freed"] for part in done.document["profiles"]] == [["choir"], ["choir"]]
    assert locks(home) == locks(other) == {}


def test_values_that_no_release_writes(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with changing(home) as connection:
        connection.executemany(
            "INSERT INTO compression_locks VALUES (?, ?, ?, ?)",
            [
                (b"\xff\0", b"\0pid=1", "yesterday", 1.0),
                ("\x1b[31mred", "pid=" + "9" * 400, 1e308, 2.0),
                (None, GONE_HOLDER, float("-inf"), float("inf")),
                (7, GONE_HOLDER, 1, "never"),
            ],
        )
    done = run("locks", "clean", "-v", home=home)
    assert done.code == 0, done
    assert "\x1b" not in done.out and "\\x1b[31mred" in done.out
    assert locks(home) == {}  # nobody has the database open: whatever they are, they are over
    undone = run("undo", "--yes", home=home)
    assert undone.code == 0 and len(locks(home)) == 4
    listed = run("locks", "list", "--json", home=home)
    assert listed.code == 0 and len(listed.document["locks"]) >= 4
