"""A home that a release wrote and nothing damaged: the doctor warns of nothing, before and after.

Left out are homes of one release that a later one has not opened: what stands only in their files
(TR...) is said of releases that do not read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.case import INSIDE
from tests.command import run
from tests.homes.content import fingerprint
from tests.releases import RELEASES, run_release

PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"

CHATS = """
from chats import Chats

with Chats("2026-05-02 18:00") as chats:
    chats.turn("telegram anna", "Do we have eggs?", "Four, says your list.")
    chats.turn("telegram anna", "And milk?", "None.", title="Shopping")
    chats.turn("telegram bob", "Which port?", "8080.")
    chats.turn("telegram bob", "Sure?", "Yes.", rotate=True)
    chats.turn("telegram bob", "Then change it.", "Done.")
    chats.new("telegram anna")
    chats.turn("telegram anna", "Is it raining?", "No.")
    called = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    asked = {"role": "assistant", "content": "", "tool_calls": [called]}
    answered = {"role": "tool", "content": "clear", "tool_call_id": "c1", "tool_name": "look"}
    chats.turn("signal cara", "Look outside.", asked, answered,
               {"role": "assistant", "content": "It is clear."})
"""
"""Turns, titles, a compression, a /new and a tool, as a person does it."""

ROWS = """
from rows import db, say

db.create_session("terminal", source="cli")
say("terminal", "Which port?", "8080.")
db.set_session_title("terminal", "Ports")
db.end_session("terminal", "cli_close")
db.create_session("branch", source="cli", parent_session_id="terminal",
                  model_config={"_branched_from": "terminal"})
say("branch", "Which port?", "8080.", "And the other?", "9090.")
db.create_session("worker", source="tool", parent_session_id="branch",
                  model_config={"_delegate_from": "branch"})
say("worker", "Look it up.", "It is 9090.")
db.end_session("worker", "agent_close")
db.create_session("cron_1_20260502", source="cron")
say("cron_1_20260502", "Water the plants.", "Done.")
db.end_session("cron_1_20260502", "cron_complete")
db.create_session("again", source="cli")
say("again", "ok", "ok", "ok", "ok")
db.end_session("again", "cli_close")
db.reopen_session("again")
db.create_session("gone", source="cli")
say("gone", "Forget this.", "Forgotten.")
db.delete_session("gone")
if hasattr(db, "archive_and_compact"):
    db.create_session("compacted", source="cli")
    say("compacted", "one", "two", "three", "four")
    db.archive_and_compact("compacted", [
        {"role": "user", "content": "[CONTEXT COMPACTION — REFERENCE ONLY] one to two."},
        {"role": "user", "content": "three"}, {"role": "assistant", "content": "four"},
    ])
if hasattr(db, "rewind_to_message"):
    ids = [row[0] for row in db._conn.execute("SELECT id FROM messages WHERE session_id = 'again'")]
    db.rewind_to_message("again", ids[2])
if hasattr(db, "set_session_archived"):
    db.set_session_archived("terminal", True)
db.close()
"""


def worse_than_notes(home: Path, *words: str) -> list[dict[str, Any]]:
    found = run("doctor", "--json", *words, home=home).document["findings"]
    return [one for one in found if one["severity"] != "info"]


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("parts", [(CHATS,), (CHATS, ROWS)], ids=["chats", "both"])
def test_nothing_is_wrong(parts: tuple[str, ...], version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for part in parts:
        run_release(version, PATHS + part, home)
    before = fingerprint(home)
    assert worse_than_notes(home, "--deep") == []
    assert worse_than_notes(home, "--ahead", "30") == []
    planned = run("repair", "--dry-run", "--json", home=home)
    assert (planned.code, planned.document["plan"]["actions"]) == (0, [])
    assert fingerprint(home) == before
