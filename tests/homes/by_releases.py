"""Homes that real releases write, each by a script that runs inside one."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.homes.damage import HURTS, close_ids, nothing
from tests.homes.folders import kept_folder
from tests.homes.home import changing, copy_home
from tests.homes.small import NOW
from tests.releases import run_release
from tests.scenario.build import LAST_WITH_FILES, Script, chat_of
from tests.scenario.play import play
from tests.scenario.talk import Message
from tests.support import ROOT

# --- Two chats ------------------------------------------------------------------------------------

TWO_CHATS = """
from hermes_state import SessionDB
db = SessionDB()
for name in ("choir", "garden"):
    db.create_session(name, source="telegram")
    db.append_message(name, "user", "Who sings alto on Friday?")
    db.append_message(name, "assistant", "Four of six have said yes.")
db.close()
"""


def home_of_chats(folder: Path, version: str = "0.19.0") -> Path:
    """Return a home at rest with two chats, made by ``version``."""
    home = folder / "home"
    home.mkdir()
    run_release(version, TWO_CHATS, home)
    return home


# --- Any number of whole chats, and such that lost something --------------------------------------

DAYS = 40.0  # how long the chats of such a home went on


def legacy_home(
    home: Path, now: float, *, sessions: int, turns: int, seed: int = 0
) -> dict[str, list[Message]]:
    """Make a home of the real 0.14.0: ``sessions`` chats of ``turns`` turns, JSONL and SQLite.

    The chats interleave at random (``seed``) over the 40 days before ``now`` and are whole in both
    places; the tests damage them as they need. Returns, by session id, what was said.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.yaml").write_text("session_reset:\n  mode: none\n", encoding="utf-8")
    numbers = random.Random(seed)
    script = Script(now)
    for index in range(sessions):
        times = sorted(numbers.uniform(-DAYS, -1) for _ in range(turns))
        for number, days in enumerate(times):
            name = f"chat {index}"
            place = {**chat_of(name), "chat_id": str(70_000 + index)}
            script.say(name, [number], days, chat=place)
    ops = script.ops
    said: dict[str, list[Message]] = {}
    for op, result in zip(ops, play(LAST_WITH_FILES, home, ops, seed=seed, bulk=True), strict=True):
        said.setdefault(result["session"], []).extend(op["messages"])
    return said


def hurt_home(home: Path, *, sessions: int, turns: int) -> dict[str, list[str]]:
    """Make the home and hurt its chats in turn; return the sessions by the name of the hurt."""
    said = legacy_home(home, NOW, sessions=sessions, turns=turns, seed=7)
    by_hurt: dict[str, list[str]] = {}
    with changing(home) as db:
        first = db.execute("SELECT session_id FROM messages WHERE id = 1").fetchone()[0]
        for number, session in enumerate(sorted(said)):
            hurt = HURTS[number % len(HURTS)] if session != first else nothing
            hurt(db, session, home / "sessions" / f"{session}.jsonl")
            by_hurt.setdefault(hurt.__name__, []).append(session)
        close_ids(db)
    return by_hurt


# --- Forks ----------------------------------------------------------------------------------------

RACE = ROOT / "tests" / "lineage" / "inside"
T = 1_779_969_600.0  # when the parent ended, 2026-05-28 12:00 UTC

FORK = """
import sys, pathlib
from hermes_state import SessionDB
db = SessionDB(pathlib.Path(sys.argv[1]) / "state.db")
def session(sid, parent=None, title=None):
    db.create_session(sid, source="telegram", user_id="u7", parent_session_id=parent)
    if title:
        db.set_session_title(sid, title)
def say(sid, *words):
    for word in words:
        role = "assistant" if word.startswith("a") else "user"
        db.append_message(sid, role, word)
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
session("P", title="Trip")
say("P", "u1", "a1", "u2", "a2")
db.end_session("P", "compression")
session("L", "P", db.get_next_title_in_lineage("Trip"))
say("L", "u1", SUMMARY, "u2", "a2", "u-live", "a-live")
"""

PLAIN = """
session("O", "P", db.get_next_title_in_lineage("Trip"))
say("O", "u1", SUMMARY, "u2", "a2", "u-other", "a-other")
"""

CONTINUED = """
db.end_session("O", "compression")
session("O2", "O", db.get_next_title_in_lineage("Trip"))
say("O2", "u1", SUMMARY, "u-other", "a-other", "u-more", "a-more")
session("E", "P")
"""

REVIEWED = """
session("R", "P", db.get_next_title_in_lineage("Trip"))
say("R", "u1", SUMMARY, "Review the conversation above and update the skill library. Now.", "a-r")
"""


def build_fork(home: Path, siblings: str, version: str = "0.15.2") -> None:
    """Let a release write parent P, live L and ``siblings``; L has the earlier start, later words.

    Only times are set by SQL: a race of minutes cannot be waited for.
    """
    home.mkdir(parents=True)
    run_release(version, FORK + siblings + "db.close()\n", home, str(home))
    starts = {"P": T - 900, "L": T + 1, "O": T + 2, "O2": T + 60, "R": T + 3, "E": T + 4}
    last = {"P": T - 10, "L": T + 5000, "O": T + 40, "O2": T + 90, "R": T + 5, "E": T}
    with changing(home) as connection:
        for session_id, start in starts.items():
            connection.execute(
                "UPDATE sessions SET started_at = ? WHERE id = ?", (start, session_id)
            )
            connection.execute(
                "UPDATE messages SET timestamp = ? - 0.001 * (SELECT COUNT(*) FROM messages later "
                "WHERE later.session_id = messages.session_id AND later.id > messages.id) "
                "WHERE session_id = ?",
                (last[session_id], session_id),
            )
        for session_id, end in (("P", T), ("O", T + 50)):
            connection.execute(
                "UPDATE sessions SET ended_at = ? WHERE id = ? AND end_reason IS NOT NULL",
                (end, session_id),
            )


@dataclass(frozen=True, slots=True)
class Raced:
    """A fork that two agents of 0.15.2 raced into; all ids of sessions.

    ``said`` has what each half's agent held at the end, as (role, content).
    """

    home: Path
    parent: str
    live: str
    other: str
    review: str | None
    said: Mapping[str, Sequence[tuple[str, str]]]

    @property
    def sessions(self) -> list[str]:
        found = [self.parent, self.live, self.other, self.review]
        return [session for session in found if session is not None]


def raced(folder: Path, *, review: bool = False) -> Raced:
    """Return the raced fork in a home of its own below ``folder``; raced once per process."""
    built, told = _raced(review)
    home = folder / "home"
    copy_home(built, home)
    said = {
        session: [(role, content) for role, content in messages]
        for session, messages in told["said"].items()
    }
    return Raced(home, told["parent"], told["live"], told["other"], told["review"], said)


@cache
def _raced(review: bool) -> tuple[Path, Any]:
    home = kept_folder() / "home"
    home.mkdir()
    script = "\n".join((RACE / name).read_text() for name in ("stand_ins.py", "race.py"))
    out = run_release("0.15.2", script, home, *(["review"] if review else []))
    return home, json.loads(out.splitlines()[-1])
