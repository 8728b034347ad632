"""Databases that real releases wrote and upgraded, damaged: what was there is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from hermes_repair.salvage.assignment import ColumnsFrom
from tests.homes.home import opened
from tests.releases import run_release
from tests.salvage.faults import FAULTS, Fault, wal_frame_torn, wal_frames_lost, wal_page_torn
from tests.salvage.judge import judge, salvage
from tests.salvage.stores import Life
from tests.salvage.test_salvaged_rows import AT_ROWS, check_verdict

CHATS = """
import json, random, sys
from hermes_state import SessionDB
numbers = random.Random(int(sys.argv[1]))
words = "harbour lantern sparrow cedar ferry window garden choir alto bread".split()
def say(count):
    return " ".join(numbers.choices(words, k=count))
db = SessionDB()
for chat in range(int(sys.argv[2])):
    session = f"{sys.argv[1]}_{chat:04d}"
    db.create_session(session, source=numbers.choice(["cli", "telegram"]), model="m-a")
    for turn in range(numbers.randrange(2, 9)):
        db.append_message(session, "user", say(numbers.choice([3, 20, 200])))
        call = [{"id": f"c{turn}", "function": {"name": "terminal", "arguments": "{}"}}]
        db.append_message(session, "assistant", say(5), tool_calls=call, finish_reason="tool_calls")
        db.append_message(session, "tool", say(numbers.choice([9, 2000])), tool_name="terminal",
                          tool_call_id=f"c{turn}")
        db.append_message(session, "assistant", say(30), finish_reason="stop", reasoning=say(9))
    db.set_session_title(session, f"{say(2)} {session}")
    if chat % 3 == 0:
        db.end_session(session, "user_exit")
db.close()
"""


@cache
def written(*releases: str) -> Life:
    """Let releases write chats one after the other; ``older`` is before the last of them."""
    with TemporaryDirectory(prefix="salvage-releases-") as folder:
        home = Path(folder)
        states = [b""]
        for number, version in enumerate(releases):
            run_release(version, CHATS, home, str(number), str(30 // len(releases)))
            with opened(home) as db:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            states.append((home / "state.db").read_bytes())
        return Life(states[-2] or states[-1], states[-1], states[-1], b"")


@pytest.mark.parametrize(
    "releases",
    [
        ("0.14.0", "0.19.0"),
        pytest.param(("0.19.0",), marks=pytest.mark.long),
        pytest.param(("0.13.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2"), marks=pytest.mark.long),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "fault", [one for one in FAULTS if one not in (wal_frame_torn, wal_page_torn, wal_frames_lost)]
)
def test_rows_that_releases_wrote(fault: Fault, releases: tuple[str, ...]) -> None:
    damage = fault(Random(5), written(*releases))
    salvaged = salvage(damage)
    check_verdict(fault, judge(damage, salvaged))
    if fault in AT_ROWS:
        assert {one.columns_from for one in salvaged.assignment.tables.values()} == {
            ColumnsFrom.SCHEMA
        }
        assert salvaged.assignment.upgraded is (len(releases) > 1)
