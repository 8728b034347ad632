"""What the fuzzer found, made as small as it gets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.model.errors import DatabaseUnreadable
from tests.cli.conftest import alone, home
from tests.cli.speaking import commands, say
from tests.homes.content import content, without_sequence
from tests.homes.home import opened
from tests.homes.small import FRONT, ORPHAN, chat_only_in_file

__all__ = ["alone", "home"]

Capture = pytest.CaptureFixture[str]
LARGEST = 2**63 - 1


def test_a_message_with_the_largest_id(home: Path, capsys: Capture) -> None:
    """No message can be added after it, by no check; all else is done."""
    chat_only_in_file(home)
    with opened(home) as db:
        db.execute("UPDATE messages SET id = ? WHERE id = 1", [LARGEST])
    assert say(capsys, "doctor", "--home", home).code == 1
    said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code == 0 and "The doctor still finds " in said.out, said
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and FRONT in said.out


def test_a_chat_at_the_end_of_the_calendar(home: Path, capsys: Capture) -> None:
    """In another zone its year is 10000."""
    name = chat_only_in_file(home)
    line = {"role": "user", "content": "later", "timestamp": "9999-12-31T23:59:59.999999"}
    path = home / "sessions" / f"{name}.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        said = say(capsys, "backfill", name, "--yes", "--timezone", zone, "--home", home)
        assert said.code in (0, 4) and "defect" not in said.sentences(), said


def test_a_backup_from_no_day_of_the_calendar(home: Path, capsys: Capture) -> None:
    said = say(capsys, "backup", "--home", home, "--json")
    copy = Path(said.document["backup"]["path"])
    os.utime(copy, (1e12, 1e12))
    said = say(capsys, "backup", "list", "--home", home)
    assert said.code == 0 and "time 1e+12" in said.out


def test_a_session_brought_back_beside_its_messages_is_undone(home: Path, capsys: Capture) -> None:
    """They had no session before the repair, and have none after the undo."""
    with opened(home) as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("DELETE FROM sessions WHERE id = ?", [FRONT])
    before = without_sequence(content(home))
    assert say(capsys, "backfill", FRONT, "--yes", "--home", home).code == 0
    with opened(home) as db:
        asked = "SELECT count(*) FROM messages WHERE session_id = ?"
        assert db.execute(asked, [FRONT]).fetchone() == (10,)
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 0, said
    assert without_sequence(content(home)) == before


def test_a_message_that_came_later_keeps_its_session(home: Path, capsys: Capture) -> None:
    with opened(home) as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("DELETE FROM sessions WHERE id = ?", [FRONT])
    assert say(capsys, "backfill", FRONT, "--yes", "--home", home).code == 0
    with opened(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'one more', 1.79e9)",
            [FRONT],
        )
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "a later row of messages" in said.err


def test_damage_met_in_the_middle_of_a_step_is_refused(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4: it is the file that is broken, not the program."""
    import sqlite3

    from hermes_repair.repair import executor

    def meets_damage(*_: object) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    before = without_sequence(content(home))
    monkeypatch.setattr(executor, "apply", meets_damage)
    said = say(capsys, "repair", "--yes", "--home", home, "--select", "LN")
    assert said.code == DatabaseUnreadable.exit_code == 4, said
    assert ORPHAN in said.out and "malformed" in said.sentences()
    assert without_sequence(content(home)) == before


def test_an_undo_that_the_search_index_refuses(home: Path, capsys: Capture) -> None:
    """Without its trigger for DELETE it still has the entries of messages that were moved."""
    with opened(home) as db:
        db.execute("DROP TRIGGER messages_fts_delete")
    assert say(capsys, "backfill", "--yes", "--home", home).code == 0
    before = _rows(home)
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "in the search index (constraint failed): the step" in said.err, said
    assert "was rolled back" in said.err and _rows(home) == before
    for words in commands(said.err):
        assert say(capsys, *words[1:]).code in (0, 1)


@pytest.mark.parametrize("part", ["data", "idx", "content", "docsize", "config"])
def test_a_search_index_without_a_part_of_its_storage(
    part: str, home: Path, capsys: Capture
) -> None:
    """No message can be stored until it is made anew: refused and named, not a defect."""
    with opened(home) as db:
        db.execute(f"DROP TABLE messages_fts_{part}")
    before = _rows(home)
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1
    assert f"messages_fts is damaged: its table messages_fts_{part} is gone" in said.sentences()
    said = say(capsys, "repair", "--yes", "--select", "TR001", "--home", home)
    assert said.code == 4 and "Not done: bring back 4 messages" in said.sentences(), said
    said = say(capsys, "migrate", "--to", "22", "--yes", "--home", home)
    assert said.code == 4 and f"damaged: messages_fts_{part} is gone." in said.sentences(), said
    assert _rows(home) == before


def _rows(home: Path) -> dict[str, Any]:
    with opened(home) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
            for table in ("sessions", "messages", "schema_version")
        }


@pytest.mark.parametrize("versions", [(13, 99), (3,), ()], ids=str)
def test_a_schema_that_nothing_tells(
    versions: tuple[int, ...], home: Path, capsys: Capture
) -> None:
    """Without a number that is known there is no way to "the database's own" structure."""
    with opened(home) as db:
        db.execute("DROP INDEX idx_sessions_parent")
        db.execute("ALTER TABLE sessions DROP COLUMN parent_session_id")
        db.execute("DELETE FROM schema_version")
        db.executemany("INSERT INTO schema_version VALUES (?)", [(n,) for n in versions])
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and "SC00" in said.out, said
    for words in (("repair", "--dry-run"), ("migrate", "--to", "22", "--dry-run")):
        said = say(capsys, *words, "--home", home)
        assert said.code in (0, 4) and "defect" not in said.err, said


@pytest.mark.parametrize("mark", [None, "x", b"\xff"])
def test_a_migration_beside_a_mark_that_is_no_number(
    mark: str | bytes | None, home: Path, capsys: Capture
) -> None:
    """SQLite takes it for none, and so does the undo."""
    with opened(home) as db:
        db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'messages'", [mark])
    before = without_sequence(content(home))
    assert say(capsys, "migrate", "--to", "16", "--yes", "--home", home).code == 0
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 0, said
    assert without_sequence(content(home)) == before
