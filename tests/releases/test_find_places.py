"""``find``: every place where words can be, and nothing of what they say (R9)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from tests.homes.content import fingerprint
from tests.homes.database import tables_of
from tests.homes.home import changing
from tests.releases import run_release

WORD = "marmalade"
WRITE = """
from hermes_state import SessionDB

db = SessionDB()
db.create_session("shown", source="cli")
db.append_message("shown", "user", "Where is the marmalade?")
db.append_message("shown", "assistant", "On the shelf.")
db.create_session("undone", source="cli")
first = db.append_message("undone", "user", "Buy marmalade.")
db.append_message("undone", "assistant", "Done.")
db.rewind_to_message("undone", first)
db.create_session("compacted", source="cli")
db.append_message("compacted", "user", "Cook MARMALADE now.")
db.archive_and_compact("compacted", [{"role": "user", "content": "A summary of cooking."}])
db.create_session("parent", source="cli")
db.create_session(
    "hidden", source="cli", parent_session_id="parent", model_config={"_delegate_from": "parent"}
)
db.append_message("hidden", "user", "Count the marmalade jars.")
db.close()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    run_release("0.18.2", WRITE, made)
    (made / "sessions").mkdir(exist_ok=True)
    return made


def places(home: Path, *words: str) -> list[dict[str, Any]]:
    """Return what is found; looking changes nothing, and no text comes out."""
    before = fingerprint(home)
    found = run("find", *words, "--json", home=home)
    assert found.code == 0, found.out + found.err
    assert fingerprint(home) == before
    assert WORD not in found.out.lower().replace(" ".join(words).lower(), "")
    listed: list[dict[str, Any]] = found.document["places"]
    return listed


def states(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {place["session_id"]: place["state"] for place in listed}


def test_the_database_with_how_a_release_shows_it(home: Path) -> None:
    listed = places(home, WORD)
    assert {place["where"] for place in listed} == {"database"}
    assert states(listed) == {
        "shown": "shown",
        "undone": "undone",
        "compacted": "compacted",
        "hidden": "hidden",
    }
    assert all(place["indexed"] for place in listed)
    assert all(place["at"] > 1e9 and place["id"] > 0 for place in listed)


def test_all_words_in_any_case_and_order(home: Path) -> None:
    assert states(places(home, "marmalade", "WHERE")) == {"shown": "shown"}
    assert places(home, WORD, "nowhere") == []


def test_without_a_search_index_and_where_a_row_is_missing_in_it(home: Path) -> None:
    with changing(home) as db:
        id = db.execute("SELECT id FROM messages WHERE session_id = 'shown'").fetchone()[0]
        db.execute("DELETE FROM messages_fts WHERE rowid = ?", [id])
    indexed = {place["session_id"]: place["indexed"] for place in places(home, WORD)}
    assert indexed == {"shown": False, "undone": True, "compacted": True, "hidden": True}
    with changing(home) as db:
        for trigger in tables_of(db).triggers:
            db.execute(f"DROP TRIGGER {trigger.name}")
        db.execute("DROP TABLE messages_fts")
    found = places(home, WORD)
    assert {place["indexed"] for place in found} == {None}
    assert len(found) == 4


def test_a_transcript_with_the_line_number(home: Path) -> None:
    lines = [
        {"role": "session_meta", "platform": "telegram"},
        {"role": "user", "content": "hello", "timestamp": "2026-05-02T10:00:00"},
        {"role": "user", "content": "marmalade\nagain", "timestamp": "2026-05-02T10:00:01"},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    torn = '\n{"role": "user", "con\n\n'
    last = json.dumps({"role": "assistant", "content": "More marmalade?"})
    (home / "sessions" / "old.jsonl").write_text(text + torn + last + "\n")
    found = [place for place in places(home, WORD) if place["where"] == "file"]
    assert [(p["path"], p["line"], p["role"], p["at"]) for p in found] == [
        ("sessions/old.jsonl", 3, "user", "2026-05-02T10:00:01"),
        ("sessions/old.jsonl", 6, "assistant", None),
    ]


def test_logs_dumps_and_the_spool(home: Path) -> None:
    messages = [{"role": "user", "content": "x"}, {"role": "user", "content": "a marmalade b"}]
    log = {"session_id": "logged", "messages": messages}
    dump = {"request": {"method": "POST", "body": {"model": "m", "messages": messages}}}
    spooled = {
        "reason": "transcript_cap_drop",
        "data": {"session_id": "s2", "message": messages[1]},
    }
    history = {"session_id": "s3", "messages": messages}
    sessions, pending = home / "sessions", home / "pending_messages"
    pending.mkdir()
    (sessions / "session_logged.json").write_text(json.dumps(log, indent=2))
    (sessions / "request_dump_dumped_20260502_100000_123456.json").write_text(json.dumps(dump))
    (pending / "1.json").write_text(json.dumps(spooled))
    (pending / "2.json").write_text(json.dumps(history))
    found = [place for place in places(home, WORD) if place["where"] == "file"]
    assert {(place["path"], place["session_id"], place["line"]) for place in found} == {
        ("sessions/session_logged.json", "logged", 8),
        ("sessions/request_dump_dumped_20260502_100000_123456.json", "dumped", 1),
        ("pending_messages/1.json", "s2", 1),
        ("pending_messages/2.json", "s3", 1),
    }


def test_copies_of_the_database(home: Path) -> None:
    shutil.copyfile(home / "state.db", home / "state.db.bak")
    (home / "state-snapshots" / "1").mkdir(parents=True)
    shutil.copyfile(home / "state.db", home / "state-snapshots" / "1" / "state.db")
    with changing(home) as db:
        db.execute("DELETE FROM messages")
    found = places(home, "where", WORD)
    assert {(place["where"], place["path"], place["session_id"]) for place in found} == {
        ("copy", "state.db.bak", "shown"),
        ("copy", "state-snapshots/1/state.db", "shown"),
    }


def test_what_cannot_be_read_is_said(home: Path) -> None:
    (home / "sessions" / "folder.jsonl").mkdir()
    (home / "state.db.old").write_bytes(b"no database at all")
    found = run("find", WORD, "--json", home=home)
    assert found.code == 0
    assert any("folder.jsonl" in note for note in found.document["notes"])


def test_nothing_to_look_for(home: Path) -> None:
    assert run("find", "  ", home=home).code == 2
    none = run("find", "quince", home=home)
    assert (none.code, none.out.splitlines()[1:]) == (
        0,
        ["No message has these words: not in the database, not in a file, not in a copy."],
    )
