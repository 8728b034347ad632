"""Homes of any number of whole chats, for bigger tests."""

from __future__ import annotations

import random
from pathlib import Path

from tests.scenario.build import LAST_WITH_FILES, Script, chat_of
from tests.scenario.play import play
from tests.scenario.talk import Message

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
