"""Session logs as the releases write them, and what their messages become as rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.transcripts.sequences import SessionMeta
from hermes_repair.transcripts.session_files import read_head, read_log
from tests.command import run
from tests.homes.content import RECORDS, rows, sound
from tests.releases import run_release
from tests.unit.transcripts_model import key_of

SAID: list[dict[str, Any]] = [
    {"role": "user", "content": 'Where is "it", ‹there›?\nOr here?'},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
        ],
        "finish_reason": "tool_calls",
    },
    {"role": "tool", "content": "nothing", "tool_name": "find", "tool_call_id": "c1"},
    {"role": "assistant", "content": "Nowhere.", "finish_reason": "stop"},
]
WRITE = """
import json, os, sys
from datetime import datetime
from pathlib import Path
from unittest.mock import MagicMock

while True:  # what an agent needs to talk to a model is not there, and is not needed
    try:
        from run_agent import AIAgent
        break
    except ModuleNotFoundError as error:
        sys.modules[error.name] = MagicMock(name=error.name)

agent = AIAgent.__new__(AIAgent)
agent._session_messages, agent.verbose_logging = [], True
agent.session_id, agent.platform, agent.model, agent.base_url = "s1", "cli", "m/x", "https://x"
agent.session_start, agent.tools = datetime(2026, 6, 1, 8, 0), [{"type": "function"}] * 30
agent._cached_system_prompt, agent._session_json_enabled = "You are." * 9000, True
agent.logs_dir = Path(os.environ["HERMES_HOME"]) / "sessions"
agent.logs_dir.mkdir(exist_ok=True)
agent.session_log_file = agent.logs_dir / "session_s1.json"
agent._save_session_log(json.loads(sys.argv[1]))
"""
TALK = """
import json, sys
from hermes_state import SessionDB

db = SessionDB()
db.create_session("s1", source="cli")
db.create_session("s2", source="cli")
for number, message in enumerate(json.loads(sys.argv[1])):
    if number not in (1, 2):
        message.pop("finish_reason", None)
        db.append_message("s1", **message)
    db.append_message("s2", "user", "Meanwhile")
db.close()
"""
READ = """
import json
from hermes_state import SessionDB

db = SessionDB()
print(json.dumps(db.get_messages_as_conversation("s1")))
db.close()
"""


@pytest.mark.parametrize("version", ["0.13.0", "0.14.0", "0.19.0"])
def test_a_log_of_a_release_is_read_and_fills_its_session(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, WRITE, home, json.dumps(SAID))
    run_release(version, TALK, home, json.dumps(SAID))
    path = home / "sessions" / "session_s1.json"
    head = read_head(path)
    assert head is not None
    assert (head.session_id, head.platform, head.messages) == ("s1", "cli", 4)
    assert head.updated is not None
    log = read_log(path).sequence
    assert log.keys == [key_of(message) for message in SAID]
    assert log.meta == SessionMeta("cli", "m/x")
    assert log.time(3) == head.updated[0]

    before, file = rows(home / "state.db"), path.read_bytes()
    looked = run("doctor", "--json", home=home)
    told = {f["id"]: f for f in looked.document["findings"]}["TR001"]
    assert (looked.code, told["severity"], told["repair"]) == (0, "info", "unsafe")
    assert told["subject"]["path"] == path.name
    assert run("repair", "--yes", home=home).code == 0
    assert rows(home / "state.db") == before, "nobody asked for it"

    done = run("backfill", "s1", "--yes", "--json", home=home)
    assert done.code == 0, done.out + done.err
    sound(home / "state.db")
    shown = json.loads(run_release(version, READ, home))
    assert [message["role"] for message in shown] == ["user", "assistant", "tool", "assistant"]
    assert shown[1]["tool_calls"] == SAID[1]["tool_calls"]
    assert path.read_bytes() == file
    assert len(list((home / RECORDS / "sources").rglob("session_s1.json.gz"))) == 1
    assert provenance(Path(done.document["receipt"]["path"])) == [
        ("sessions/session_s1.json", log.offsets[line], log.lengths[line], 64) for line in (1, 2)
    ]
    assert run("backfill", "s1", "--dry-run", "--json", home=home).document["plan"]["actions"] == []
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home / "state.db") == before


def provenance(receipt: Path) -> list[tuple[str, int, int, int]]:
    """Return where a receipt says that inserted messages come from (file, offset, length)."""
    with closing(sqlite3.connect(receipt)) as db:
        return db.execute(
            "SELECT source, offset, length, length(sha256) FROM actions"
            " WHERE kind = 'RowInsert' AND source IS NOT NULL ORDER BY unit, position"
        ).fetchall()
