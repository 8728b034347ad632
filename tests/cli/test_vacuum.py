"""``vacuum``: the room that state.db does not need comes back, and nothing else is another."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.apply_units import prune_backups
from hermes_repair.app.environment import folder_of
from hermes_repair.model.errors import Refused
from hermes_repair.store import vacuumed
from hermes_repair.store.file_state import main_alone
from tests.cli.speaking import assert_document
from tests.command import run
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import content, files
from tests.homes.damage import ONE_MORE, leave_wal
from tests.homes.home import changing, execute, query
from tests.homes.small import COUNTED, HEALTHY, NOW, small_home
from tests.in_process import home_of

DAY = 86400.0


def roomy(root: Path, number: int = 14) -> Path:
    """Make the small home with most of its file free, and gaps in what has no number of its own."""
    small_home(root, number)
    with changing(root) as db:
        db.execute("CREATE TABLE kept_by_somebody (note)")  # no key: VACUUM may number it anew
        rows = [(f"note {n} " + "x" * 300,) for n in range(2000)]
        db.executemany("INSERT INTO kept_by_somebody VALUES (?)", rows)
        db.execute("DELETE FROM kept_by_somebody WHERE rowid % 40 <> 7")
        db.execute("PRAGMA user_version = 5")
        db.execute("PRAGMA application_id = 77")
    return root


def main_file(home: Path) -> bytes:
    return (home / "state.db").read_bytes()


def lies(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(home.glob("state.db*"))}


def says(home: Path) -> object:
    """Return all that a database says, with the rowids and what the file says of itself."""
    names = ("page_size", "encoding", "auto_vacuum", "application_id", "user_version")
    of_itself = [query(home, f"PRAGMA {name}") for name in (*names, "journal_mode")]
    numbered = query(home, "SELECT rowid, * FROM kept_by_somebody")
    return content(home), of_itself, numbered, query(home, "SELECT * FROM sqlite_sequence")


def test_there_and_back(tmp_path: Path) -> None:
    home = roomy(tmp_path / "home")
    (home / "state.db").chmod(0o640)
    before, old = says(home), lies(home)
    looked = run("vacuum", "--dry-run", home=home)
    assert looked.code == 0 and "are free, and at least so much comes back" in looked.out
    assert lies(home) == old and not (home / "hermes-repair").exists()
    done = run("vacuum", "--yes", home=home)
    assert done.code == 0, done
    assert len(main_file(home)) < len(old["state.db"]) / 2
    assert "Every row, index and word of the search index is what it was." in done.out
    assert list(lies(home)) == ["state.db"] and says(home) == before
    assert (home / "state.db").stat().st_mode & 0o777 == 0o640
    (kept,) = (home / "hermes-repair" / "backups").iterdir()
    assert (kept / "state.db").read_bytes() == old["state.db"]
    assert "wrote state.db anew" in run("history", home=home).out
    assert run("undo", "--yes", home=home).code == 0
    assert lies(home) == old
    assert run("undo", "--yes", home=home).code == 4


def test_json(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    size = len(main_file(home))
    foreseen = run("vacuum", "--dry-run", "--json", home=home).document
    assert_document("vacuum", foreseen)
    assert foreseen["file"] == size > foreseen["free"] > 0 and foreseen["new_file"] is None
    done = run("vacuum", "--yes", "--json", home=home).document
    assert_document("vacuum", done)
    assert done["new_file"] == len(main_file(home)) <= size - foreseen["free"]
    assert done["receipt"].endswith("-vacuum") and Path(done["kept"]).is_dir()


def test_nothing_without_yes(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    refused = run("vacuum", home=home)
    assert refused.code == 4 and "--yes" in refused.err
    assert not (home / "hermes-repair").exists()


def test_where_nothing_is_to_be_won_nothing_is_done(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    assert run("vacuum", "--yes", home=home).code == 0
    before = files(home, but="hermes-repair")
    again = run("vacuum", "--yes", home=home)
    assert again.code == 0
    assert "Nothing was changed. A new file would be no smaller." in again.out
    assert files(home, but="hermes-repair") == before
    assert len(list((home / "hermes-repair" / "receipts").iterdir())) == 1
    assert len(list((home / "hermes-repair" / "backups").iterdir())) == 1


def test_after_somebody_wrote_it_is_not_undone(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    assert run("repair", "--yes", "--select", "MS002", home=home).code == 0
    counted = "SELECT message_count FROM sessions WHERE id = ?"
    assert query(home, counted, COUNTED) == [(2,)]
    assert run("vacuum", "--yes", home=home).code == 0
    execute(home, ONE_MORE, HEALTHY, "written since", NOW)
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4
    assert "the database was written to since" in refused.err and "messages" in refused.err
    assert "nothing has to be taken back" in refused.err and "restore --home" in refused.err
    earlier = run("undo", "1", "--yes", home=home)
    assert earlier.code == 0 and "no row is another by it" in earlier.out
    assert query(home, counted, COUNTED) == [(9,)]
    assert query(home, "SELECT 1 FROM messages WHERE content = 'written since'") == [(1,)]


def test_the_command_that_a_refused_undo_names_works(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    old = content(home)
    assert run("vacuum", "--yes", home=home).code == 0
    execute(home, ONE_MORE, HEALTHY, "written since", NOW)
    words = run("undo", "--yes", home=home).err.split("hermes-repair restore", 1)[1].split()
    assert run("restore", *words, "--yes").code == 0
    assert content(home) == old


def test_with_what_a_crash_left_in_the_wal(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    leave_wal(home, (ONE_MORE, (HEALTHY, "only in the -wal", NOW)))
    old = lies(home)
    assert old["state.db-wal"]
    done = run("vacuum", "--yes", home=home)
    assert done.code == 0, done
    assert list(lies(home)) == ["state.db"]
    assert query(home, "SELECT 1 FROM messages WHERE content LIKE 'only in%'") == [(1,)]
    assert run("undo", "--yes", home=home).code == 0
    now = lies(home)
    assert {name: now[name] for name in ("state.db", "state.db-wal")} == {
        name: old[name] for name in ("state.db", "state.db-wal")
    }


@pytest.mark.parametrize(
    "pragmas",
    [
        ["journal_mode = DELETE"],
        ["journal_mode = DELETE", "page_size = 1024", "auto_vacuum = 2"],
        ["journal_mode = DELETE", "page_size = 65536"],
    ],
)
def test_the_file_keeps_what_it_is(pragmas: list[str], tmp_path: Path) -> None:
    home = roomy(tmp_path)
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as db:
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute("VACUUM")  # as it makes the file so, and numbers anew
        db.execute("INSERT INTO kept_by_somebody SELECT zeroblob(900000)")
        db.execute("DELETE FROM kept_by_somebody WHERE typeof(note) = 'blob'")
    before, mode = says(home), main_file(home)[18:20]
    assert run("vacuum", "--yes", home=home).code == 0
    assert says(home) == before and main_file(home)[18:20] == mode == b"\x01\x01"


def test_rows_that_get_another_number_are_refused(tmp_path: Path) -> None:
    """A plain VACUUM numbers anew what has no key: another SQLite might do so here."""
    home = roomy(tmp_path)
    target = tmp_path / "new.db"
    shutil.copyfile(home / "state.db", target)
    with closing(sqlite3.connect(target)) as db:
        db.execute("VACUUM")
    other = r"did not write the same again \(kept_by_somebody\)"
    with main_alone(home / "state.db") as look, pytest.raises(Refused, match=other):
        vacuumed.require_equal(look, target)


CHANGES = {
    "a row": "UPDATE messages SET content = 'other' WHERE id = 1",
    "a type": "UPDATE kept_by_somebody SET note = CAST(note AS BLOB) WHERE rowid = 7",
    "a row more": "INSERT INTO schema_version VALUES (99)",
    "a mark": "UPDATE sqlite_sequence SET seq = seq + 1",
    "an index": "DROP INDEX idx_messages_session",
    "a trigger": "DROP TRIGGER messages_fts_insert",
    "the index of words": "DELETE FROM messages_fts_idx",
    "a pragma": "PRAGMA user_version = 6",
    "a reference": "UPDATE sessions SET parent_session_id = 'nobody' WHERE rowid = 1",
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_another_is_seen(what: str, tmp_path: Path) -> None:
    home = roomy(tmp_path)
    new = tmp_path / "new.db"
    with main_alone(home / "state.db") as look:
        vacuumed.write_vacuumed(look, new, wal_mode=True)
        vacuumed.require_equal(look, new)
        with closing(sqlite3.connect(new)) as db:
            db.execute("PRAGMA writable_schema = ON")
            db.execute(CHANGES[what])
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with pytest.raises(Refused):
            vacuumed.require_equal(look, new)


def test_every_name_of_the_rowid_is_taken(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    execute(home, "CREATE TABLE odd (rowid, _rowid_, OID)")
    refused = run("vacuum", "--yes", home=home)
    assert refused.code == 4 and "Every name of the rowid is a column of odd" in refused.err
    assert not list((home / "hermes-repair").glob("backups/*"))


# --- Where it may not be done --------------------------------------------------------------------


def second_name(home: Path) -> None:
    os.link(home / "state.db", home / "other-name.db")


def damaged(home: Path) -> None:
    page = query(home, "SELECT rootpage FROM sqlite_master WHERE name = 'sessions'")[0][0]
    with (home / "state.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)


def newer(home: Path) -> None:
    execute(home, "UPDATE schema_version SET version = 31")


def empty(home: Path) -> None:
    (home / "state.db").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (second_name, "has 1 more name (a hard link)"),
        (damaged, "DB003"),
        (newer, "schema 31 is newer than hermes-repair knows"),
        (empty, "is empty (0 bytes)"),
    ],
)
def test_where_it_is_refused(spoil: Callable[[Path], None], why: str, tmp_path: Path) -> None:
    home = roomy(tmp_path)
    spoil(home)
    before = files(home, but="hermes-repair")
    refused = run("vacuum", "--yes", home=home)
    assert refused.code == 4 and why in refused.err, refused
    after = files(home, but="hermes-repair")
    assert after.keys() == before.keys() and after["state.db"] == before["state.db"]
    assert not list((home / "hermes-repair").glob("*/*"))


def test_beside_somebody(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    before = main_file(home)
    with neighbour(READER, home / "state.db"):
        refused = run("vacuum", "--yes", home=home)
        assert refused.code == 4 and "has the database open" in refused.err
        looked = run("vacuum", "--dry-run", home=home)
        assert looked.code == 0
    assert main_file(home) == before


def test_a_full_disk(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    before = lies(home)
    refused = run("vacuum", "--yes", home=home, largest=40_000)
    assert refused.code == 4 and "has no room for the new file" in refused.err, refused
    assert lies(home) == before
    assert not list((home / "hermes-repair").glob("*/*"))
    assert run("vacuum", "--yes", home=home).code == 0


def test_the_file_behind_a_link(tmp_path: Path) -> None:
    home = roomy(tmp_path / "home")
    place = tmp_path / "disk"
    place.mkdir()
    (home / "state.db").rename(place / "chats.db")
    (home / "state.db").symlink_to(place / "chats.db")
    old = (place / "chats.db").read_bytes()
    assert run("vacuum", "--yes", home=home).code == 0
    assert (home / "state.db").is_symlink()
    assert len((place / "chats.db").read_bytes()) < len(old)
    assert sorted(p.name for p in place.iterdir()) == ["chats.db"]
    assert run("undo", "--yes", home=home).code == 0
    assert (home / "state.db").is_symlink() and (place / "chats.db").read_bytes() == old


# --- Afterwards -----------------------------------------------------------------------------------


def test_what_it_replaced_goes_after_a_week_and_then_stands_in_no_way(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    assert run("repair", "--yes", "--select", "MS002", home=home).code == 0
    assert run("vacuum", "--yes", home=home).code == 0
    (kept,) = (home / "hermes-repair" / "backups").iterdir()
    folder = folder_of(home_of(home))
    assert prune_backups(folder, time.time()) == []
    week = time.time() - 8 * DAY
    os.utime(kept, (week, week))
    assert prune_backups(folder, time.time()) == [kept]
    assert "holds the file" not in run("history", home=home).out
    undone = run("undo", "--yes", home=home)
    assert undone.code == 0 and "MS002" not in undone.err
    assert query(home, "SELECT message_count FROM sessions WHERE id = ?", COUNTED) == [(9,)]


def test_a_foreign_key_of_somebody_else_that_sqlite_cannot_check(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    with changing(home) as db:
        db.execute("CREATE TABLE of_somebody (said REFERENCES messages(content))")
        db.execute("INSERT INTO of_somebody VALUES ('x')")
    before = says(home)
    done = run("vacuum", "--yes", home=home)
    assert done.code == 0, done
    assert says(home) == before


def test_what_a_killed_run_leaves_is_no_copy(tmp_path: Path) -> None:
    home = roomy(tmp_path)
    backups = home / "hermes-repair" / "backups"
    half = backups / "salvaged-20260102T030405Z"
    for place in (*(backups / f"manual-2026010{day}T000000Z" for day in (1, 2, 3)), half):
        place.mkdir(parents=True)
        shutil.copy(home / "state.db", place)
        os.utime(place, (time.time() - 8 * DAY,) * 2)
    assert half.name not in run("backup", "list", home=home).out
    assert half.name not in run("copies", home=home).out
    assert run("restore", half.name, "--yes", home=home).code == 2
    assert run("backup", "prune", home=home).code == 0
    assert len([*backups.glob("manual-*")]) == 3  # it pushes no good one out
    assert run("vacuum", "--yes", home=home).code == 0
    assert not half.exists()
