"""Builds the home of the main scenario with the real releases 0.13.0, 0.14.0 and 0.15.2.

The years of the operator, in days before ``now`` (all text invented, all times set by the driver):

====  =========  ==========================================================================
day   release    what happens
====  =========  ==========================================================================
-70   0.13.0     chats with SQLite and JSONL
-48              a database reset: ``state.db`` is moved away, ``sessions/`` stays
-47   0.14.0     new chats, and old ones go on: their next flush writes the new turn alone, as
                 in Hermes #3212 (994 messages in the JSONL, 2 in SQLite)
-30   0.14.0     turns of two interleaved chats; meanwhile ``state.db`` is copied without ``-wal``
-26              that copy is put back: the turns are in the JSONL alone
-24   0.14.0     a last turn in one chat; one chat's rows are deleted by SQL (see below)
-18   0.15.2     the update: JSONL is not read any more; half of the chats go on for one turn,
                 others are undone, deleted, compressed (twice: the fork)
-3               a parent row is deleted by SQL (see below)
====  =========  ==========================================================================

Two states no release was found to make by calls that can be named; they are made with SQL after
it: the session without messages (``message_count`` stays) and the child without its parent (foreign
keys off, as other tools write).
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.homes.home import changing
from tests.scenario.model import CASES, HEALTHY, WENT_ON, Chat, Fork, Scenario
from tests.scenario.play import TIMEZONE, Running, play
from tests.scenario.talk import Message, turn

DAY = 86400.0
OLD, LAST_WITH_FILES, UPDATED = "0.13.0", "0.14.0", "0.15.2"

# 0.13.0 wrote 994 messages of this chat: 248 turns with a tool (4 each) and one without.
BIG_TURNS = 249

_PLATFORMS = ("telegram", "discord", "whatsapp", "slack", "signal")

Op = dict[str, Any]


class Script:
    """Collects the operations of one phase, in days relative to ``now``."""

    def __init__(self, now: float, modern: bool = False) -> None:
        """``modern``: tool results have a ``tool_name``, as from 0.15.0 on."""
        self._now = now
        self._modern = modern
        self._ops: list[Op] = []

    def add(self, op: str, days: float, **rest: Any) -> None:
        """Add one operation of the driver."""
        self._ops.append({"op": op, "at": self._now + days * DAY, **rest})

    def say(
        self,
        case: str,
        numbers: Iterable[int],
        days: float,
        step: float = 0.0,
        kind: str | None = None,
        **rest: Any,
    ) -> None:
        """Add the turns ``numbers`` of the chat ``case``, from ``days`` on, ``step`` days apart."""
        for index, number in enumerate(numbers):
            named = {"name": case, "title": title_of(case)} if number == 0 else {}
            messages = turn(case, number, kind, tool_name=self._modern)
            self.add(
                "turn",
                days + index * step,
                **{"chat": chat_of(case), "case": case, "messages": messages, **named, **rest},
            )

    def speak(self, session: str, source: str, number: int, days: float, **rest: Any) -> None:
        """Add turn ``number`` of an agent that writes to ``session`` past the gateway."""
        messages = turn(session, number, tool_name=self._modern)
        self.add("turn", days, session=session, source=source, messages=messages, **rest)

    @property
    def ops(self) -> list[Op]:
        """Return the operations in the order of their times: the chats interleave."""
        return sorted(self._ops, key=lambda op: float(op["at"]))


def title_of(case: str) -> str:
    """Return the title that the chat ``case`` was given."""
    return f"About {case.replace('_', ' ')}"


def chat_of(case: str) -> dict[str, Any]:
    """Return the place where the chat ``case`` is held (fields of ``SessionSource``)."""
    number = sum(case.encode())
    group = number % 3 == 0
    return {
        "platform": _PLATFORMS[number % len(_PLATFORMS)],
        "chat_id": f"{'-100' if group else ''}{number}{len(case)}",
        "chat_type": "group" if group else "dm",
        "chat_name": f"{case} room" if group else None,
        "user_id": f"user-{number}",
        "user_name": "Ada Example",
    }


def build_scenario(home: Path, now: float) -> Scenario:
    """Make the damaged home at ``home`` (created) as it lies there at ``now``; see the module.

    ``now`` is in epoch seconds. Equal arguments give equal ids, texts and times. The home is at
    rest: schema 13, everything checkpointed, no ``-wal``, ``-shm`` or ``-journal``.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.yaml").write_text("session_reset:\n  mode: none\n", encoding="utf-8")
    ids: dict[str, str] = {}
    later: dict[str, list[Message]] = {case: [] for case in CASES}

    _run(home, OLD, _before_the_reset(now), ids, seed=1)
    for path in home.glob("state.db*"):
        path.unlink()
    _run(home, LAST_WITH_FILES, _after_the_reset(now, later), ids, seed=2)
    _lose_tail(home, _tail(now))
    _run(home, LAST_WITH_FILES, _after_the_restore(now), ids, seed=3)
    for case in ("all_missing", "all_missing_went_on"):
        _execute(home, ["DELETE FROM messages WHERE session_id = ?"], ids[case])

    shown = _load(LAST_WITH_FILES, home, ids)
    _run(home, UPDATED, _updated(now, later), ids, seed=4)
    _execute(
        home,
        ["DELETE FROM messages WHERE session_id = ?", "DELETE FROM sessions WHERE id = ?"],
        ids["orphan"],
    )
    left = _load(UPDATED, home, ids)
    return Scenario(
        home=home,
        now=now,
        timezone=TIMEZONE,
        chats={
            case: Chat(case, ids[case], tuple(shown[case]), tuple(later[case]), tuple(left[case]))
            for case in CASES
        },
        fork=Fork(ids["fork"], ids["fork_live"], ids["fork_hidden"], title_of("fork")),
        orphan_child=ids["orphan_child"],
        orphan_parent=ids["orphan"],
        closed_parent=ids["closed"],
        healthy={name: ids[name] for name in HEALTHY},
        birth=_birth(home),
    )


def _before_the_reset(now: float) -> Script:
    script = Script(now)
    script.say("front_big", range(BIG_TURNS - 1), -70, 18 / BIG_TURNS, kind="tool")
    script.say("front_big", [BIG_TURNS - 1], -51.5, kind="plain")
    script.say("front_small", range(9), -68, 1.3)
    script.say("torn_front", range(5), -67, 1.1)
    script.say("only_in_file", range(9), -66, 0.7)
    script.add("new", -58, chat=chat_of("only_in_file"))
    script.say("only_in_file_went_on", range(5), -65, 1.9)
    return script


def _after_the_reset(now: float, later: dict[str, list[Message]]) -> Script:
    script = Script(now)
    script.say("complete", range(9), -47, 1.1)
    script.say("complete_went_on", range(6), -46.5, 1.2)
    script.say("front_big", [BIG_TURNS], -46, kind="plain")
    script.say("front_small", [9, 10, 11], -45.5, 1.7)
    script.say("torn_front", [5], -45.2)
    # Torn in its first line: all of this turn is in the database alone.
    script.say("torn_front", [6], -43.2, file=0)
    later["torn_front"] += turn("torn_front", 6)
    # An agent whose writes fail only warns, and does not write these messages again.
    script.say("middle", range(3), -46.2, 1.3)
    script.say("middle", [3, 4, 5], -42.3, 1.3, flush=False)
    script.say("middle", [6, 7, 8], -38.4, 1.3)
    script.say("all_missing", range(6), -46.1, 0.9)
    script.say("all_missing_went_on", range(5), -45.9, 1.0)
    script.say("file_shorter", range(3), -45.8, 1.0)
    script.say("file_shorter", [3], -42.5, file="none")
    script.say("file_shorter", [4], -41.5)
    script.say("torn", range(3), -45.7, 1.0)
    script.say("torn", [3], -42.4, kind="tool", file=3)
    script.say("undone", range(4), -45.6, 1.0)
    script.say("undone_asked_again", range(4), -45.1, 1.0, kind="plain")
    script.say("deleted", range(4), -45.4, 1.0)
    script.say("deleted_recreated", range(4), -45.3, 1.0)
    script.say("tail_lost", range(4), -34, 0.5)
    script.say("tail_lost_went_on", range(4), -33.8, 0.5)
    return script


def _tail(now: float) -> Script:
    script = Script(now)
    script.say("tail_lost", [4, 5], -30, 0.5)
    script.say("tail_lost_went_on", [4, 5], -29.8, 0.5)
    # Fewer than the 50 writes after which a release checkpoints by itself.
    script.add("wait", -29)
    return script


def _after_the_restore(now: float) -> Script:
    script = Script(now)
    script.say("complete_went_on", [6], -24)
    return script


def _updated(now: float, later: dict[str, list[Message]]) -> Script:
    script = Script(now, modern=True)
    for index, case in enumerate(WENT_ON):
        # The titler looks at a first exchange: to it, this chat begins here.
        title = title_of(case) if case == "only_in_file_went_on" else None
        script.say(case, [20], -17 + index * 0.4, kind="tool", title=title)
        later[case] += turn(case, 20, "tool", tool_name=True)

    script.add("undo", -16, chat=chat_of("undone"))
    script.add("undo", -16, chat=chat_of("undone_asked_again"))
    script.add("undo", -15.99, chat=chat_of("undone_asked_again"))
    script.say("undone_asked_again", [3], -15.98, kind="plain")
    later["undone_asked_again"] += turn("undone_asked_again", 3, "plain")
    script.add("new", -15.1, chat=chat_of("deleted"))
    script.add("delete", -15, session="deleted")
    script.add("delete", -14.5, session="deleted_recreated")
    script.say("deleted_recreated", [4], -14, title=title_of("deleted_recreated"))
    later["deleted_recreated"] += turn("deleted_recreated", 4, tool_name=True)

    # Two agents hold the same list and both compress it; the gateway follows the first.
    source = chat_of("fork")["platform"]
    script.say("fork", range(10), -16.5, 0.6)
    script.say("fork", [10], -9, rotate=True, name="fork_live")
    script.speak("fork", source, 11, -9 + 2.5 / DAY, rotate=True, name="fork_hidden")
    for number, days in ((12, -8.4), (13, -8.1), (14, -7.2)):
        script.speak("fork_hidden", source, number, days)
    script.say("fork", [15, 16, 17], -7, 0.8)

    script.say("orphan", range(6), -16.4, 0.6)
    script.say("orphan", [6], -12, rotate=True, name="orphan_child")
    script.say("orphan", [7, 8, 9], -11, 0.7)

    # Killed between the two calls of a compression: ended, no continuation.
    script.say("closed", range(6), -15.7, 0.9)
    script.add("end", -8, session="closed", reason="compression")

    script.say("chain", range(6), -15.5, 0.8)
    script.say("chain", [6], -10, rotate=True, name="chain_child")
    script.say("chain", [7, 8], -9.5, 0.7)
    script.add("open", -13, name="cli", source="cli")
    script.speak("cli", "cli", 0, -12.99, title=title_of("cli"))
    script.add("open", -12.987, name="delegate", source="cli", parent="cli")
    script.speak("delegate", "cli", 1, -12.985)
    script.speak("cli", "cli", 1, -12.98)
    script.add("end", -12.9, session="cli", reason="cli_close")
    cron = "cron_ab12cd34ef56_20260101_070000"
    script.speak(cron, "cron", 1, -12.5, name="cron")
    script.add("end", -12.49, session=cron, reason="cron_complete")
    return script


def _run(home: Path, version: str, script: Script, ids: dict[str, str], seed: int) -> None:
    """Play ``script``; names of earlier phases become ids, new names are learnt."""
    ops = [
        op | {"session": ids.get(op["session"], op["session"])} if "session" in op else op
        for op in script.ops
    ]
    for op, result in zip(ops, play(version, home, ops, seed=seed), strict=True):
        if "name" in op:
            ids.setdefault(op["name"], result["session"])


def _lose_tail(home: Path, script: Script) -> None:
    """Play ``script`` in 0.14.0 and put back a ``state.db`` copied meanwhile without its WAL."""
    database = home / "state.db"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "state.db"
        with Running(LAST_WITH_FILES, home, script.ops) as gateway:
            gateway.wait_until_ready()
            shutil.copyfile(database, copy)
            gateway.finish()
        shutil.copyfile(copy, database)


def _load(version: str, home: Path, ids: dict[str, str]) -> dict[str, list[Message]]:
    """Return what ``load_transcript`` of ``version`` gives of every case (asked on a copy)."""
    ops = [{"op": "load", "session": ids[case]} for case in CASES]
    return dict(zip(CASES, play(version, home, ops, on_copy=True), strict=True))


def _execute(home: Path, statements: Sequence[str], session_id: str) -> None:
    """Run ``statements`` on the database, each with ``session_id``, foreign keys off."""
    with changing(home) as connection:
        for statement in statements:
            connection.execute(statement, (session_id,))


def _birth(home: Path) -> float:
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as connection:
        row = connection.execute("SELECT timestamp FROM messages WHERE id = 1").fetchone()
    return float(row[0])
