"""``salvage --install`` and what goes with it, typed as a user types it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hermes_repair.app import file_exchange
from hermes_repair.app.diagnose import diagnose
from hermes_repair.app.environment import Run
from hermes_repair.app.install_salvaged import install
from hermes_repair.model.choices import LookOptions, Selection
from tests.cli.speaking import assert_document
from tests.command import run
from tests.engine.neighbours import neighbour
from tests.homes.content import content, files
from tests.homes.damage import crashed, leave_wal
from tests.homes.home import copy_home, new_home, query, write_transcript
from tests.homes.small import (
    COUNTED,
    DAY,
    FRONT,
    HEALTHY,
    NOW,
    ONLY,
    SECRET,
    add_session,
    chat_only_in_file,
    small_home,
)
from tests.in_process import fixed_environment, home_of
from tests.salvage.faults import original


def lies(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.glob("state.db*")}


def first_page_gone(home: Path) -> None:
    with (home / "state.db").open("r+b") as file:
        file.write(bytes(4096))


def test_the_new_database_is_in_place_and_the_old_one_comes_back(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    before = query(home, "SELECT id, session_id, role, content FROM messages ORDER BY id")
    first_page_gone(home)
    old = lies(home)
    said = run("salvage", home=home)
    assert "15 messages" in said.out and lies(home) == old
    done = run("salvage", "--install", "--yes", home=home)
    assert "state.db is the new database" in done.out
    assert SECRET not in done.out + done.err
    assert query(home, "SELECT id, session_id, role, content FROM messages ORDER BY id") == before
    assert content(home)
    (place,) = (home / "hermes-repair" / "backups").iterdir()
    assert sorted(p.name for p in place.iterdir())[:2] == ["ledger.json", "state.db"]
    assert "FATAL" not in run("doctor", home=home).out
    assert run("undo", "--yes", home=home).code == 0
    assert lies(home) == old
    assert run("undo", "--yes", home=home).code == 4


def test_nothing_without_yes(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    first_page_gone(home)
    old = lies(home)
    refused = run("salvage", "--install", home=home)
    assert refused.code == 4 and "--yes" in refused.err
    assert lies(home) == old and not (home / "hermes-repair").exists()


def test_what_contradicts_itself(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    assert run("salvage", "--install", "--out", tmp_path / "x", home=home).code == 2
    assert run("salvage", "--from-process", "1", home=home).code == 2


def test_a_sound_database_is_not_replaced(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    before = lies(home)
    refused = run("salvage", "--install", "--yes", home=home)
    assert refused.code == 4 and "state.db is sound: there is nothing to salvage." in refused.err
    assert "salvage --home" in refused.err and "--out FILE" in refused.err
    assert lies(home) == before
    assert run("salvage", "--out", tmp_path / "new.db", home=home).code == 0


def test_a_look_at_a_sound_database_offers_no_command_that_is_refused(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    said = run("salvage", home=home)
    assert "state.db is sound: there is nothing to salvage." in said.out
    assert "--install" not in said.out and "--out FILE" in said.out
    first_page_gone(home)
    assert "--install" in run("salvage", home=home).out


def test_a_first_page_that_the_wal_has_is_left_to_hermes(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    leave_wal(home, ("CREATE TABLE more (a)", ()))
    first_page_gone(home)
    before = lies(home)
    assert before["state.db-wal"]
    refused = run("salvage", "--install", "--yes", home=home)
    assert refused.code == 4, refused
    assert "The first page of state.db is gone, and the -wal beside it has it" in refused.err
    assert "Hermes puts it back when it starts." in refused.err
    assert lies(home) == before


# --- No database to read -------------------------------------------------------------------------


def gone(home: Path) -> None:
    (home / "state.db").unlink()


def emptied(home: Path) -> None:
    (home / "state.db").write_bytes(b"")


def a_text(home: Path) -> None:
    (home / "state.db").write_text("My notes of May\n" * 400)


@pytest.mark.parametrize("happens", [gone, emptied, a_text])
def test_a_home_begins_with_its_files(happens: Callable[[Path], None], tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    chat_only_in_file(home)
    happens(home)
    old = lies(home)
    shown = run("salvage", home=home)
    assert shown.code == 0 and "bring back 10 messages" in shown.out
    assert lies(home) == old and not (home / "hermes-repair").exists()
    done = run("salvage", "--install", "--yes", home=home)
    assert done.code == 0, done
    counts = "SELECT session_id, COUNT(*) FROM messages GROUP BY session_id ORDER BY session_id"
    assert query(home, counts) == [(ONLY, 4), (FRONT, 10)]
    assert query(home, "SELECT version FROM schema_version") == [(22,)]
    assert run("doctor", home=home).code == 0
    assert run("undo", "--yes", home=home).code == 0
    assert run("undo", "--yes", home=home).code == 0
    assert lies(home) == old


@pytest.mark.parametrize("happens", [gone, emptied, a_text])
def test_a_file_is_made_of_what_lies_there(happens: Callable[[Path], None], tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "out" / "new.db"
    out.parent.mkdir()
    chat_only_in_file(home)
    happens(home)
    old = files(home)
    done = run("salvage", "--out", out, home=home)
    assert done.code == 0, done
    assert "bring back 10 messages" in done.out and f"Written and verified: {out}" in done.out
    assert done.out.index("bring back") < done.out.index("Written")
    assert SECRET not in done.out + done.err
    assert files(home) == old and [*out.parent.iterdir()] == [out]
    assert out.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(out)) as db:
        counts = "SELECT session_id, COUNT(*) FROM messages GROUP BY session_id ORDER BY session_id"
        assert db.execute(counts).fetchall() == [(ONLY, 4), (FRONT, 10)]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    refused = run("salvage", "--out", out, home=home)
    assert refused.code == 4 and "is there already" in refused.err
    document = run("salvage", "--out", tmp_path / "second.db", "--json", home=home).document
    assert_document("salvage", document)
    assert document["begun"]["written"] == str(tmp_path / "second.db")
    assert run("doctor", "--home", made_home(out, tmp_path / "as-home")).code in (0, 1)


def made_home(database: Path, home: Path) -> Path:
    """Return a home with this database alone."""
    home.mkdir()
    shutil.copy(database, home / "state.db")
    return home


def test_a_file_begins_with_the_newest_sound_copy(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    place = home / "state-snapshots" / "sound"
    place.mkdir(parents=True)
    shutil.copy(home / "state.db", place / "state.db")
    gone(home)
    old = files(home)
    done = run("salvage", "--out", out, home=home)
    assert done.code == 0 and "state-snapshots/sound/state.db" in done.out, done
    assert files(home) == old
    with closing(sqlite3.connect(out)) as db:
        assert db.execute("SELECT COUNT(*) FROM sessions").fetchone() == (5,)


def test_the_newest_sound_copy_comes_first(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    places = [home / "state-snapshots" / name for name in ("sound", "damaged")]
    for place in places:
        place.mkdir(parents=True)
        shutil.copy(home / "state.db", place / "state.db")
    first_page_gone(places[1])
    os.utime(places[0] / "state.db", (1, 1))
    gone(home)
    done = run("salvage", "--install", "--yes", home=home)
    assert "state-snapshots/sound/state.db" in done.out
    assert query(home, "SELECT COUNT(*) FROM sessions") == [(5,)]


def test_no_database_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "sessions").mkdir(parents=True)
    (home / "state.db").write_bytes(b"")
    refused = run("salvage", home=home)
    assert refused.code == 4 and "no sound copy and no transcript" in refused.err
    assert "nothing to bring back" in run("doctor", home=home).out


def test_a_sound_database_without_a_chat_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with new_home(home, 14):
        pass
    chat_only_in_file(home)
    before = lies(home)
    refused = run("salvage", "--install", "--yes", home=home)
    assert refused.code == 4 and "is sound" in refused.err
    assert lies(home) == before


def test_only_the_wal_is_left(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    shutil.rmtree(home / "sessions", ignore_errors=True)
    leave_wal(home, ("UPDATE messages SET content = content || '!'", ()))
    before = query(copy_home(home, tmp_path / "whole"), "SELECT id, role FROM messages")
    gone(home)
    old = lies(home)
    assert old.keys() >= {"state.db-wal"}
    told = run("doctor", home=home)
    assert told.code == 5 and "only its -wal" in told.err and "salvage --home" in told.err
    assert "Do not start Hermes" in told.err
    made = run("salvage", "--out", out, home=home)
    assert made.code == 4, made
    with closing(sqlite3.connect(out)) as db:
        assert set(db.execute("SELECT id, role FROM messages")) <= set(before)
        assert db.execute("SELECT COUNT(*) FROM messages").fetchone() > (5,)
    assert lies(home) == old
    assert "new database" in run("salvage", "--install", "--yes", home=home).out
    assert lies(home).keys() == {"state.db"}
    assert run("undo", "--yes", home=home).code == 0
    assert lies(home)["state.db-wal"] == old["state.db-wal"]


def test_a_foreign_file_and_nothing_else(tmp_path: Path) -> None:
    """What may be a database without its head is told from what is none by reading it."""
    home = tmp_path / "home"
    (home / "sessions").mkdir(parents=True)
    a_text(home)
    told = run("doctor", home=home)
    assert "shows whether anything of a database can be read in it" in told.out
    assert "move it away; Hermes makes a new one" in told.out
    refused = run("salvage", home=home)
    assert refused.code == 4 and "Keep it" in refused.err and "move state.db away" in refused.err


# --- What only a process has ---------------------------------------------------------------------

HELD = f"""
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint=0")
db.execute("INSERT INTO messages (session_id, role, content, timestamp)"
           " VALUES ('{HEALTHY}', 'user', 'only here', 1.0)")
for side in ("-wal", "-shm"):
    os.unlink(sys.argv[1] + side)
print("ready")
sys.stdin.read()
db.close()
"""


def test_what_only_a_process_has(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "copy.db"
    with neighbour(HELD, home / "state.db") as process:
        told = run("doctor", home=home)
        assert told.code == 4 and "do not kill it" in told.err
        assert f"--from-process {process.pid} --out FILE" in told.err
        assert run("salvage", "--install", "--yes", home=home).code == 4
        process_id = str(process.pid)
        done = run("salvage", "--from-process", process_id, "--out", out, home=home)
        assert done.code == 0, done
        with closing(sqlite3.connect(out)) as db:
            rows = db.execute("SELECT COUNT(*), SUM(content = 'only here') FROM messages")
            assert rows.fetchall() == [(16, 1)]
        with subprocess.Popen(["sleep", "60"]) as other:
            refused = run(
                "salvage", "--from-process", str(other.pid), "--out", tmp_path / "x", home=home
            )
            other.kill()
        assert refused.code == 4 and "does not have" in refused.err


# --- Cut off -------------------------------------------------------------------------------------


def cut_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave an install that was killed between the old side files and the rename."""
    new = copy_home(small_home(home.with_name("other")), home.with_name("made")) / "state.db"

    def killed(path: Path) -> None:
        if path == home:
            shutil.copytree(home, home.with_name("killed"), symlinks=True)
            raise SystemExit

    monkeypatch.setattr(file_exchange, "sync", killed)
    with pytest.raises(SystemExit):
        install(Run(home_of(home), fixed_environment(home.parent)), new)
    shutil.rmtree(home)
    home.with_name("killed").rename(home)


def test_a_cut_off_install_is_settled_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = small_home(tmp_path / "home")
    crashed(home)
    first_page_gone(home)
    with (home / "state.db").open("r+b") as file:
        file.truncate(8 * 4096)
    old = lies(home)
    cut_off(home, monkeypatch)
    monkeypatch.undo()
    assert "state.db-wal" not in lies(home)
    told = run("doctor", home=home)
    assert "RP001" in told.out and "salvage --home" in told.out
    refused = run("salvage", home=home)
    assert refused.code == 4 and "was interrupted" in refused.err
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4
    assert lies(home) == old
    assert "RP001" not in run("doctor", home=home).out


def test_what_a_killed_run_left_is_named_and_goes(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    assert run("backup", home=home).code == 0
    first_page_gone(home)
    records = home / "hermes-repair"
    left = [
        records / "backups" / "salvaged-20260101T000000Z" / ".state.db.99999999-1.salvage",
        records / "receipts" / "0007-20260101T000000Z-salvage.db.part",
        records / "backups" / "0007-20260101T000000Z-repair" / "state.db.part",
        records / "sources" / "0007-20260101T000000Z-backfill" / "a.jsonl.gz.part",
        home / ".state.db.hermes-repair",
        tmp_path / ".new.db.99999999-1.salvage",
    ]
    for path in left:
        if path.suffix == ".salvage":
            path.mkdir(parents=True)
            path /= "state.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    mine = tmp_path / ".new.db.mine.salvage"
    mine.mkdir()
    said = run("salvage", "--out", out, home=home).out
    assert f"had left {left[-1]}, half made" in said and not left[-1].exists() and mine.exists()
    assert all(path.exists() for path in left[:-1]), "a look changes nothing of the home"
    said = run("salvage", "--install", "--yes", home=home).out
    for path in (left[0].parent, *left[1:-1]):
        assert f"had left {path}, half made" in said and not path.exists()


# --- Found in what can be read -------------------------------------------------------------------


def test_find_in_a_damaged_database(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    words = "good day"
    whole = run("find", *words.split(), "--json", home=home).document["places"]
    first_page_gone(home)
    before = lies(home)
    said = run("find", *words.split(), home=home)
    assert said.code == 0 and "15 messages can be read" in said.out + said.err, said
    found = run("find", *words.split(), "--json", home=home).document["places"]
    assert [(one["where"], one["id"]) for one in found] == [
        (one["where"], one["id"]) for one in whole
    ]
    assert lies(home) == before


# --- What was lost is no trace of a delete -------------------------------------------------------


@pytest.mark.parametrize("told", [True, False])
def test_a_gap_that_is_proven_lost(told: bool, tmp_path: Path) -> None:
    """Messages whose ids were lost with a damaged page come back unasked; others need a word."""
    home = small_home(tmp_path / "home")
    rows = query(home, "SELECT id FROM messages WHERE session_id = ? ORDER BY id", FRONT)
    lost = [id for (id,) in rows[2:4]]
    new = copy_home(home, tmp_path / "made") / "state.db"
    with closing(sqlite3.connect(new)) as db:
        db.execute("DELETE FROM messages WHERE id IN (?, ?)", lost)
        db.commit()
    environment = fixed_environment(tmp_path)
    install(Run(home_of(home), environment), new, lost=lost if told else ())
    seen = diagnose(Run(home_of(home), environment), LookOptions(timezone="UTC"), Selection())
    found = {one.session_id: one for one in seen.findings if one.id == "TR001"}
    assert found[FRONT].remedy.value == ("safe" if told else "unsafe")


@pytest.mark.parametrize("undone", [True, False])
@pytest.mark.parametrize("sessions_too", [True, False])
def test_what_was_undone_does_not_come_back_with_what_was_lost(
    undone: bool, sessions_too: bool, tmp_path: Path
) -> None:
    """The last lines of a chat are lost with their page. Its transcript still has them, and would
    have them where the chat had hidden them too: an index tells which of the two it was."""
    home = tmp_path / "home"
    said = [
        ("assistant" if n % 2 else "user", f"line {n} {SECRET * 30}", 1 + n / 100)
        for n in range(20)
    ]
    with new_home(home, 14) as db:
        add_session(db, HEALTHY, [("user", f"{n} {SECRET * 30}", 0.5) for n in range(20)])
        add_session(db, FRONT, said)
        last = [id for (id,) in db.execute("SELECT id FROM messages ORDER BY id DESC LIMIT 6")]
        add_session(db, COUNTED, [("user", f"{n} {SECRET * 30}", 2.0) for n in range(20)])
        if undone:
            db.executemany("UPDATE messages SET active = 0 WHERE id = ?", [(id,) for id in last])
            if sessions_too:  # this says of a chat that something was undone, where it is left
                db.execute("UPDATE sessions SET rewind_count = 1 WHERE id = ?", (FRONT,))
    start = datetime.fromtimestamp(NOW - 20 * DAY, UTC).replace(tzinfo=None)
    write_transcript(
        home,
        FRONT,
        [
            {"role": role, "content": text, "timestamp": (start + timedelta(day)).isoformat()}
            for role, text, day in said
        ],
    )
    path = home / "state.db"
    made = original(path.read_bytes())
    gone = {made.places["messages"][id].leaf for id in last}
    gone |= {*made.of("sessions", "leaf")} if sessions_too else set()
    data = bytearray(made.data)
    for page in gone:
        data[(page - 1) * made.page_size : page * made.page_size] = bytes(made.page_size)
    path.write_bytes(data)
    assert run("salvage", "--install", "--yes", home=home).code == 4
    assert run("repair", "--yes", home=home).code in (0, 1)
    shown = query(home, "SELECT COUNT(*) FROM messages WHERE session_id = ? AND active", FRONT)
    assert shown[0][0] == 20 if not undone else shown[0][0] <= 14
