"""A home that ``vacuum`` made smaller, as the release shows it: the same chats, hits and rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from tests.homes.home import changing
from tests.releases import run_release
from tests.releases.test_undamaged import CHATS, PATHS, ROWS

SHOWN = """
import json
from rows import db

chats = db.list_sessions_rich(limit=100)
shown = {chat["id"]: [chat.get("title"), chat.get("preview"), chat.get("message_count")]
         for chat in chats}
rows = db._conn.execute("SELECT id FROM sessions ORDER BY id").fetchall()
said = {row[0]: [[m["role"], m["content"]] for m in db.get_messages(row[0])] for row in rows}
words = ("port", "milk", "clear", "9090", "plants", "Shopping", "nothing-of-that")
hits = {word: [[hit["session_id"], hit["id"], hit["snippet"]]
               for hit in db.search_messages(word, limit=50)] for word in words}
db.close()
print(json.dumps([shown, said, hits]))
"""


def shown(home: Path, version: str) -> Any:
    return json.loads(run_release(version, PATHS + SHOWN, home))


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.19.0"])
def test_a_release_shows_the_same(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for part in (CHATS, ROWS):
        run_release(version, PATHS + part, home)
    with changing(home) as db:
        session = db.execute("SELECT id FROM sessions WHERE source = 'cli'").fetchone()[0]
        many = [(session, "user", f"bulk {n} " + f"{n:x}" * 400, 1.78e9 + n) for n in range(500)]
        insert = "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)"
        db.executemany(insert, many)
        db.execute("DELETE FROM messages WHERE content LIKE 'bulk%' AND id % 20 <> 0")
    before = shown(home, version)
    old = (home / "state.db").stat().st_size
    done = run("vacuum", "--yes", "--json", home=home)
    assert done.code == 0, done
    assert done.document["new_file"] < old - done.document["free"] + 4096
    assert shown(home, version) == before
    assert before[2]["port"] and before[2]["milk"] and not before[2]["nothing-of-that"]
    found = run("doctor", "--json", "--select", "DB,SC,FT", home=home).document["findings"]
    assert [one["id"] for one in found if one["severity"] != "info"] == []
