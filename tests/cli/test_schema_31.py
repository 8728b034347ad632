"""A home of schema 31, as its stored structure has it: read, and nothing but locks written."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import fingerprint
from tests.homes.database import columns_of, structured
from tests.homes.home import execute, query, query_at_rest

STORED = "stored-46d7718a-schema31"
GENERATIONS = [("slack", "a:b:c", 7), ("telegram", "agent:main:telegram:dm:71", 3)]
_ASK = "SELECT source, session_key, generation FROM conversation_generations ORDER BY 1"


@pytest.fixture
def home(tmp_path: Path, shared: Path) -> Path:
    """Return a home with an orphan, a chat that lost a message, a torn file of chats and a lock."""
    stored = json.loads((shared / "facts" / "schema" / f"{STORED}.json").read_text("utf-8"))
    root = tmp_path / "home"
    (root / "sessions").mkdir(parents=True)
    db = structured("30", version=31, path=root / "state.db")
    for table in ("sessions", "messages"):
        there = columns_of(db, table)
        for column in stored["tables"][table]["columns"]:
            if column["name"] not in there:
                default = "" if column["dflt"] is None else f" NOT NULL DEFAULT {column['dflt']}"
                db.execute(f"ALTER TABLE {table} ADD COLUMN {column['name']} TEXT{default}")
        assert set(columns_of(db, table)) == {
            one["name"] for one in stored["tables"][table]["columns"]
        }
    then = time.time() - 90_000
    for name, parent in (("chat", None), ("orphan", "gone")):
        db.execute(
            "INSERT INTO sessions (id, source, parent_session_id, started_at, message_count)"
            " VALUES (?, 'cli', ?, ?, 9)",
            (name, parent, then),
        )
        for number, role in enumerate(("user", "assistant")):
            db.execute(
                "INSERT INTO messages (session_id, role, content, timestamp, active)"
                " VALUES (?, ?, ?, ?, 1)",
                (name, role, f"{name} {number}", then + number),
            )
    lock = ("chat", "pid=999999:tid=1:agent=1:nonce=ab", then, then + 60)
    db.execute("INSERT INTO compression_locks VALUES (?, ?, ?, ?)", lock)
    db.executemany("INSERT INTO conversation_generations VALUES (?, ?, ?)", GENERATIONS)
    db.commit()
    db.close()
    lines = [{"role": "user", "content": f"chat {number}"} for number in (0, 2)]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    (root / "sessions" / "chat.jsonl").write_text(text)
    entry = {"session_key": "k", "session_id": "chat", "created_at": "2026-05-01T00:00:00"}
    entries = json.dumps({"k": entry | {"updated_at": "2026-05-01T00:00:00"}, "l": entry}, indent=2)
    (root / "sessions" / "sessions.json").write_text(entries[:-40])
    return root


def test_it_is_read(home: Path) -> None:
    before = fingerprint(home)
    looked = run("doctor", "--json", home=home)
    assert fingerprint(home) == before
    found = {one["id"]: one for one in looked.document["findings"]}
    assert found["SC003"]["data"] == {"schema": 31}
    repaired = {id: one["repair"] for id, one in found.items() if id not in ("SC001", "FT006")}
    assert repaired == {
        "SC003": "none",
        "LK001": "safe",
        "LN001": "manual",
        "MS002": "manual",
        "TR007": "manual",
        "GW002": "manual",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("repair", "--yes", "--unsafe"),
        ("repair", "--yes", "--session", "orphan"),
        ("backfill", "--yes", "--all"),
        ("migrate", "--yes"),
    ],
)
def test_only_locks_are_written(words: tuple[str, ...], home: Path) -> None:
    tables = [
        name for (name,) in query(home, "SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    plain = [name for name in tables if not name.startswith("messages_fts")]
    before = {name: query(home, f"SELECT * FROM {name}") for name in plain}
    files = {place: place.read_bytes() for place in (home / "sessions").iterdir()}
    done = run(*words, home=home)
    assert done.code in (0, 1, 4), done.err
    after = {name: query(home, f"SELECT * FROM {name}") for name in plain}
    assert {name for name in plain if after[name] != before[name]} <= {"compression_locks"}
    assert {place: place.read_bytes() for place in files} == files
    assert query(home, _ASK) == GENERATIONS


def test_salvage_keeps_every_generation(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "salvaged"
    target.mkdir()
    done = run("salvage", "--out", target / "state.db", home=home)
    assert done.code == 0, done.err
    assert query(target, _ASK) == GENERATIONS


def test_merge_leaves_generations_alone(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(home, other)
    execute(other, "UPDATE conversation_generations SET generation = 99")
    execute(other, "INSERT INTO sessions (id, source, started_at) VALUES ('new', 'cli', 1)")
    before = query_at_rest(home, "SELECT COUNT(*) FROM sessions")
    done = run("merge", other, "--yes", home=home)
    assert done.code == 4 and "schema 31 is newer" in done.err
    assert query(home, _ASK) == GENERATIONS
    assert query(home, "SELECT COUNT(*) FROM sessions") == before
