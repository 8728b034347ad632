"""Real releases open what salvage makes of their damaged databases, and show the same chats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from hermes_repair.app.salvage import reading
from hermes_repair.salvage import Bundle
from tests.releases import run_release

CHATS = """
from hermes_state import SessionDB
db = SessionDB()
words = "harbour lantern sparrow cedar ferry window garden choir".split()
for number in range(24):
    name = f"chat-{number:02d}"
    db.create_session(name, source="telegram", model="example/model-1")
    db.set_session_title(name, f"Chat number {number}")
    for turn in range(12):
        text = f"{words[turn % 8]} {number} {turn} " * (3 + 40 * (turn == 5))
        db.append_message(name, "user", text)
        db.append_message(name, "assistant", "answer " + text, finish_reason="stop")
db.close()
"""
SHOWN = """
import json
from hermes_state import SessionDB
db = SessionDB()
listed = [row["id"] for row in db.list_sessions_rich(limit=1000)]
said = {name: [(m["role"], m["content"]) for m in db.get_messages_as_conversation(name)]
        for name in listed}
hits = sorted(hit["session_id"] for hit in db.search_messages('"sparrow 7 2"', limit=50))
db.append_message(listed[0], "user", "Is all of it back?")
db.close()
print(json.dumps({"said": said, "hits": hits}))
"""

Break = Callable[[Path], set[int]]
"""Damages a database; returns the ids of the messages whose bytes are gone."""


def nothing(_: Path) -> set[int]:
    return set()


def first_page(path: Path) -> set[int]:
    with path.open("r+b") as file:
        file.write(bytes(4096))
    return set()


def a_leaf(path: Path) -> set[int]:
    """Zero the third leaf of messages, as a disk does that never wrote it."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    leaves = list(
        db.execute("SELECT pageno, ncell FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf'"
                   " ORDER BY path")
    )  # fmt: skip
    db.close()
    before = sum(cells for _, cells in leaves[:2])
    page, cells = leaves[2]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    return set(range(before + 1, before + cells + 1))


def root(path: Path) -> set[int]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    ((page,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'messages'")
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    return set()


@pytest.mark.parametrize(
    "breaks", [nothing, first_page, a_leaf, root], ids=lambda one: one.__name__
)
@pytest.mark.parametrize(
    "version",
    [pytest.param(one, marks=() if one in ("0.13.0", "0.19.0") else pytest.mark.long)
     for one in ("0.13.0", "0.14.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0")],
)  # fmt: skip
def test_the_release_shows_what_was_there(version: str, breaks: Break, tmp_path: Path) -> None:
    home, again = tmp_path / "home", tmp_path / "again"
    home.mkdir()
    again.mkdir()
    run_release(version, CHATS, home)
    database = home / "state.db"
    gone = breaks(database)
    with reading(Bundle.beside(database), lambda _: None, 0.0) as found:
        made = found.make(again / "state.db")
    ledger = made.ledger
    lost = {id_ for first, last in ledger.table("messages").lost
            for id_ in range(first, last + 1)}  # fmt: skip
    # What the search copy has whole is filled; nothing else is missing.
    assert lost <= gone and ledger.table("messages").read == 24 * 24 - len(lost)
    assert ledger.complete == (not gone and breaks is not first_page)
    whole = tmp_path / "whole"
    whole.mkdir()
    run_release(version, CHATS, whole)
    before: Any = json.loads(run_release(version, SHOWN, whole))
    after: Any = json.loads(run_release(version, SHOWN, again))
    hurt = {f"chat-{(id_ - 1) // 24:02d}" for id_ in gone}
    assert after["said"].keys() == before["said"].keys()
    for name, messages in before["said"].items():
        if name in hurt:
            assert [message for message in messages if message in after["said"][name]] == (
                after["said"][name]
            )
        else:
            assert after["said"][name] == messages
    assert after["hits"] == before["hits"] or "chat-07" in hurt


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_a_release_works_on_with_a_number_that_was_chosen(version: str, tmp_path: Path) -> None:
    """Nothing of sqlite_master and schema_version is left: the release still takes messages."""
    home, again = tmp_path / "home", tmp_path / "again"
    home.mkdir()
    again.mkdir()
    run_release(version, CHATS, home)
    database = home / "state.db"
    with database.open("r+b") as file:
        file.write(bytes(1 << 17))
    with reading(Bundle.beside(database), lambda _: None, 0.0) as found:
        made = found.make(again / "state.db")
    assert made.ledger.schema_by == "lowest" and not made.ledger.complete
    shown: Any = json.loads(run_release(version, SHOWN, again))
    assert sum(map(len, shown["said"].values())) == made.ledger.table("messages").read > 0
