"""The spool of later releases: what a repair brings back of it, and what it leaves to Hermes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.case import CASES
from tests.command import run
from tests.homes import home as homes
from tests.homes.small import add_session
from tests.releases import ReleaseError, run_release

SAID = ["Is it done?", "Not yet.", "And tomorrow?", "Tomorrow it is."]
TWO = [("user", SAID[0], 0.0), ("assistant", SAID[1], 0.1)]

REPLAY = """
import json, sys
from pathlib import Path
from hermes_state import SessionDB

db = SessionDB()
for place in sorted(Path(sys.argv[1], "pending_messages").glob("*.json")):
    data = json.loads(place.read_text())["data"]
    db.append_message(session_id=data["session_id"], **data["message"])
    place.unlink()
db.close()
"""
"""What a later gateway does with its spool when it starts; how it stores is that of 0.19.0."""


def test_release_takes_in_what_waits_once_the_session_has_a_row(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with homes.new_home(home, 22) as db:
        add_session(db, "chat", TWO)
    case = CASES / "TR009_session_gone" / "break.py"
    run_release("0.19.0", case.read_text(encoding="utf-8"), home, str(home))
    with pytest.raises(ReleaseError, match="FOREIGN KEY"):
        run_release("0.19.0", REPLAY, home, str(home))

    done = run("repair", "--session", "lost", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    run_release("0.19.0", REPLAY, home, str(home))
    told = homes.query(home, "SELECT content FROM messages WHERE session_id = 'lost' ORDER BY id")
    assert told == [("And tomorrow?",), ("Tomorrow it is.",)]
    assert run("doctor", "--json", "--select", "TR009", home=home).document["findings"] == []


@pytest.mark.parametrize("schema", [11, 22, 25, 30])
def test_list_comes_back_once(schema: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with homes.new_home(home, schema) as db:
        add_session(db, "chat", TWO)
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": text}
        for number, text in enumerate(SAID)
    ]
    told = {"reason": "shutdown-with-unpersisted-agent-history", "session_id": "chat"}
    spool = home / "pending_messages"
    spool.mkdir()
    (spool / "pending-1.json").write_text(json.dumps(told | {"messages": messages}))

    for _again in range(2):
        done = run("repair", "--session", "chat", "--yes", home=home)
        assert done.code == 0, done.out + done.err
    query = "SELECT content FROM messages WHERE session_id = 'chat' ORDER BY id"
    assert [text for (text,) in homes.query(home, query)] == SAID
    assert run("undo", "--yes", home=home).code == 0
    assert [text for (text,) in homes.query(home, query)] == SAID[:2]
