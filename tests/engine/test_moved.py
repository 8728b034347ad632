"""A message that a repair moved can be given back from the receipt, whatever became of it."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import Refused
from tests.homes.content import content, without_sequence
from tests.homes.home import execute, opened
from tests.homes.small import FRONT, NOW, SECRET
from tests.in_process import repair, undo

ODD = (
    "UPDATE messages SET token_count = 9007199254740993, finish_reason = CAST(x'ff00fe' AS TEXT),"
    " reasoning_details = 'a' || char(0) || 'b', platform_message_id = x'00ff' WHERE id ="
    f" (SELECT MAX(id) FROM messages WHERE session_id = '{FRONT}')"
)


def moved(home: Path) -> list[int]:
    """Return the ids that the existing messages of the chat have after the repair."""
    with opened(home) as db:
        sql = "SELECT id FROM messages WHERE session_id = ? ORDER BY id"
        return [row[0] for row in db.execute(sql, (FRONT,))][4:]


def receipt(home: Path) -> Path:
    (path,) = (home / "hermes-repair" / "receipts").glob("*.db")
    return path


@pytest.mark.parametrize("vanished", ["one", "all"])
def test_what_vanished_comes_back_to_the_value(
    vanished: str, home: Path, environment: Environment
) -> None:
    execute(home, ODD)
    before = without_sequence(content(home))
    assert repair(home, environment).complete
    ids = moved(home)
    assert len(ids) == 6
    for id in ids if vanished == "all" else ids[-1:]:
        execute(home, "DELETE FROM messages WHERE id = ?", id)
    taken = undo(home, environment)
    assert taken.given_back == (6 if vanished == "all" else 1)
    assert without_sequence(content(home)) == before


def test_what_is_there_is_taken_as_it_is(home: Path, environment: Environment) -> None:
    """Columns that somebody wrote since are not put back to what the receipt has."""
    repair(home, environment)
    execute(home, "UPDATE messages SET token_count = 5 WHERE id = ?", moved(home)[-1])
    assert undo(home, environment).given_back == 0
    with opened(home) as db:
        sql = "SELECT token_count FROM messages WHERE session_id = ? ORDER BY id DESC"
        assert db.execute(sql, (FRONT,)).fetchone() == (5,)


def test_a_chat_that_was_deleted_does_not_come_back(home: Path, environment: Environment) -> None:
    repair(home, environment)
    execute(home, "DELETE FROM messages WHERE session_id = ?", FRONT)
    execute(home, "DELETE FROM sessions WHERE id = ?", FRONT)
    before = content(home)
    with pytest.raises(Refused, match="was deleted"):
        undo(home, environment)
    assert content(home) == before


def test_an_id_that_somebody_has_now_is_not_taken(home: Path, environment: Environment) -> None:
    with opened(home) as db:
        sql = "SELECT MAX(id) FROM messages WHERE session_id = ?"
        (old,) = db.execute(sql, (FRONT,)).fetchone()
    repair(home, environment)
    execute(home, "DELETE FROM messages WHERE id = ?", moved(home)[-1])
    execute(
        home,
        "INSERT INTO messages (id, session_id, role, content, timestamp) VALUES (?, ?, 'user', 'x',"
        " ?)",
        old,
        FRONT,
        NOW,
    )
    with pytest.raises(Refused, match=f"messages {old} exists again"):
        undo(home, environment)


def test_a_receipt_of_an_earlier_version_undoes_as_it_did(
    home: Path, environment: Environment
) -> None:
    before = without_sequence(content(home))
    repair(home, environment)
    with closing(sqlite3.connect(receipt(home))) as db, db:
        db.execute("DROP TABLE kept")
        db.execute("DROP TABLE derived")
    lost = moved(home)[-1]
    with opened(home) as db:
        row = db.execute("SELECT * FROM messages WHERE id = ?", (lost,)).fetchone()
        db.execute("DELETE FROM messages WHERE id = ?", (lost,))
    with pytest.raises(Refused, match=f"messages {lost} was deleted"):
        undo(home, environment)
    execute(home, f"INSERT INTO messages VALUES ({', '.join('?' * len(row))})", *row)
    undo(home, environment)
    assert without_sequence(content(home)) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE kept SET data = x'00'",
        "UPDATE kept SET data = substr(data, 1, length(data) - 3)",
        "UPDATE kept SET size = size + 1",
        "UPDATE kept SET size = 'many'",
        "UPDATE kept SET data = NULL",
    ],
)
def test_what_is_kept_and_damaged_is_told(
    damage: str, home: Path, environment: Environment
) -> None:
    repair(home, environment, selection=Selection(select=("TR",)))
    with closing(sqlite3.connect(receipt(home))) as db, db:
        db.execute(damage)
    repaired = content(home)
    execute(home, "DELETE FROM messages WHERE id = ?", moved(home)[-1])
    with pytest.raises(Refused, match="damaged"):
        undo(home, environment)
    assert len(content(home)["messages"]) == len(repaired["messages"]) - 1


def test_only_its_owner_reads_a_receipt(home: Path, environment: Environment) -> None:
    """It has the text of the messages that were moved, and of no other."""
    repair(home, environment)
    path = receipt(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET.encode() not in path.read_bytes()
