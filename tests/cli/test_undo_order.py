"""Which runs ``undo`` takes back on a machine where a timer cleans locks (R5)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.speaking import assert_document, at_a_terminal, say
from tests.homes.content import rows
from tests.homes.damage import leave_lock
from tests.homes.home import locks, opened
from tests.homes.small import HEALTHY, LOCKED, NOW, small_home

Capture = pytest.CaptureFixture[str]


def done(capsys: Capture, home: Path, *words: str, code: int = 0) -> str:
    said = say(capsys, *words, "--home", home)
    assert said.code == code, said
    return said.sentences()


def commands_undone(capsys: Capture, home: Path, *named: str) -> tuple[list[str], int]:
    """Undo, and return the numbers of the receipts taken back and how many cleanings stay."""
    said = say(capsys, "undo", *named, "--yes", "--home", home, "--json")
    assert said.code == 0, said
    assert_document("undo", said.document)
    return [name[:4] for name in said.document["undone"]], len(said.document["stays"])


def test_a_repair_is_taken_back_and_not_the_cleaning_since(home: Path, capsys: Capture) -> None:
    done(capsys, home, "repair", "--yes", "--ignore", "LK")
    before = rows(home / "state.db")
    done(capsys, home, "locks", "clean")
    assert locks(home) == {}
    cleaned = rows(home / "state.db")
    history = done(capsys, home, "history")
    (told,) = [line for line in history.splitlines() if "undoes" in line]
    assert "undoes 0001-" in told and told.endswith("-repair.")
    said = done(capsys, home, "undo", "--yes")
    assert "Left alone: 1 lock cleaning made since" in said
    changed = {
        table for table, content in rows(home / "state.db").items() if content != cleaned[table]
    }
    assert "messages" in changed and "compression_locks" not in changed
    # Nothing else is left, so a plain undo is the cleaning's now.
    assert "undoes 0002-" in done(capsys, home, "history")
    assert commands_undone(capsys, home) == (["0002"], 0)
    assert list(locks(home)) == [LOCKED] and before["compression_locks"]
    assert "nothing to undo" in done(capsys, home, "undo", "--yes", code=4)


def test_a_named_repair_takes_later_repairs_and_no_cleanings(home: Path, capsys: Capture) -> None:
    before = rows(home / "state.db")
    done(capsys, home, "repair", "--yes", "--select", "TR")
    done(capsys, home, "locks", "clean")
    done(capsys, home, "repair", "--yes", "--select", "MS")
    leave_lock(home, HEALTHY)
    done(capsys, home, "locks", "clean")
    assert commands_undone(capsys, home, "1") == (["0003", "0001"], 2)
    after = rows(home / "state.db")
    assert after.pop("compression_locks") == [] and before.pop("compression_locks")
    assert after == before
    assert commands_undone(capsys, home, "2") == (["0002"], 1)
    assert list(locks(home)) == [LOCKED]


def test_a_cleaning_that_is_named_takes_back_what_came_after(home: Path, capsys: Capture) -> None:
    before = rows(home / "state.db")
    done(capsys, home, "locks", "clean")
    done(capsys, home, "repair", "--yes")
    assert commands_undone(capsys, home, "1") == (["0002", "0001"], 0)
    assert rows(home / "state.db") == before


def test_a_migration_comes_back_with_the_lock_that_it_had(home: Path, capsys: Capture) -> None:
    before = rows(home / "state.db")
    done(capsys, home, "migrate", "--to", "16", "--yes")
    done(capsys, home, "locks", "clean")
    leave_lock(home, HEALTHY)
    done(capsys, home, "locks", "clean")
    assert commands_undone(capsys, home) == (["0002", "0001"], 1)
    assert rows(home / "state.db") == before


def test_a_cleaning_of_a_table_that_went_with_its_migration(
    tmp_path: Path, capsys: Capture
) -> None:
    home = small_home(tmp_path / "old", 13)
    before = rows(home / "state.db")
    done(capsys, home, "migrate", "--to", "14", "--yes")
    leave_lock(home, HEALTHY)
    done(capsys, home, "locks", "clean")
    assert commands_undone(capsys, home) == (["0001"], 1)
    assert rows(home / "state.db") == before
    assert "has no table compression_locks any more" in done(capsys, home, "undo", "--yes", code=4)
    assert rows(home / "state.db") == before


def test_history_folds_what_a_timer_did(home: Path, capsys: Capture) -> None:
    done(capsys, home, "repair", "--yes", "--ignore", "LK")
    for session in (None, "a", "b", "c"):
        if session is not None:
            leave_lock(home, session)
        done(capsys, home, "locks", "clean")
    lines = done(capsys, home, "history").splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("0002 to 0005: 4 lock cleanings, ")
    assert len(done(capsys, home, "history", "-v").splitlines()) == 7
    document = say(capsys, "history", "--home", home, "--json").document
    assert_document("history", document)
    assert len(document["history"]) == 5
    assert document["next_to_undo"] == document["history"][-1]["id"]


def test_a_person_is_told_what_stays(home: Path, capsys: Capture) -> None:
    done(capsys, home, "repair", "--yes", "--ignore", "LK")
    done(capsys, home, "locks", "clean")
    said = at_a_terminal(home, "undo", "--home", home, typed="n\n")
    assert said.code == 0 and "Left alone: 1 lock cleaning" in said.out
    assert said.out.count("-locks-clean") == 0


def test_an_index_made_anew_is_in_nobodys_way(home: Path, capsys: Capture) -> None:
    """Hermes wrote since: the rows of the repair are taken back, the search index stays whole."""
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts WHERE rowid % 2")
        before = db.execute("SELECT id, parent_session_id FROM sessions").fetchall()
    done(capsys, home, "repair", "--yes", "--select", "LN,MS002,FT")
    with opened(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'zebra', ?)",
            (HEALTHY, NOW),
        )
        assert db.execute("SELECT id, parent_session_id FROM sessions").fetchall() != before
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "was written to after 0002-" in said.err
    copy = shutil.copytree(home, home.with_name("copy"))
    told = done(capsys, copy, "undo", "0001", "--yes")
    assert "Undone: 0001-" in told and "Left as it is: 0002-" in told
    said = say(capsys, "undo", "0001", "--yes", "--home", home, "--json")
    assert said.code == 0, said
    assert_document("undo", said.document)
    assert [name[:4] for name in said.document["undone"]] == ["0001"]
    assert [name[:4] for name in said.document["kept"]] == ["0002"]
    with opened(home) as db:
        assert db.execute("SELECT id, parent_session_id FROM sessions").fetchall() == before
        asked = "SELECT COUNT(*) FROM messages_fts WHERE messages_fts MATCH 'zebra'"
        assert db.execute(asked).fetchone() == (1,)
    found = say(capsys, "doctor", "--deep", "--json", "--select", "FT", "--home", home)
    assert found.document["findings"] == []
