"""A gateway of a release for the scripts of the cases, which write their chats as dialogues.

    from chats import Chats

    with Chats("2026-05-02 18:00") as chats:
        chats.turn("telegram anna", "Do we have eggs?", "Four, says your list.")

Runs inside a release. Times are the operator's local ones; a turn ends ten minutes after the one
before it, or where ``at`` says. The ids of new sessions are predictable: the n-th has the suffix
``nn``, four times.
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import datetime
from itertools import count
from typing import Any

from inside.driver import Driver
from inside.turns import Clock

TEN_MINUTES = 600.0


class Chats(Driver):
    """One process of a release at work; leaving the block stops it cleanly.

    ``first`` is the number of the first id that it makes.
    """

    def __init__(self, at: str, *, first: int = 1) -> None:
        clock = Clock()
        clock.now = epoch(at)
        numbers = count(first)
        time.time = clock.time
        os.fsync = lambda fd: None
        uuid.uuid4 = lambda: uuid.UUID(hex=f"{next(numbers):02x}" * 16)
        super().__init__(clock, bulk=False)
        self.moment = clock.now

    def __enter__(self) -> Chats:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def at(self, moment: str) -> None:
        """Let the next turn end at this local time."""
        self.moment = epoch(moment)

    def turn(self, chat: str, *said: str | dict[str, Any], **how: Any) -> str:
        """One turn of ``chat`` ("<platform> <name>"); returns the session that it went to.

        ``said`` are texts, a person's and the answer in turn, or whole messages. ``how`` as in
        ``do_turn``: ``flush``, ``file``, ``rotate``, ``title``, ``session``.
        """
        place = how if "session" in how else {"chat": place_of(chat)}
        done = self.do_turn(
            {"at": self.moment, "messages": messages(said), "source": chat.split()[0]} | place | how
        )
        self.moment += TEN_MINUTES
        return str(done["session"])

    def undo(self, chat: str) -> None:
        """``/undo`` in ``chat``, as in 0.13.0 to 0.15.2."""
        self.do_undo({"chat": place_of(chat), "at": self.moment})
        self.moment += TEN_MINUTES

    def new(self, chat: str) -> None:
        """``/new`` in ``chat``."""
        self.do_new({"chat": place_of(chat), "at": self.moment})
        self.moment += TEN_MINUTES

    def killed(self) -> None:
        """End as ``kill -9`` does: nothing is closed, a ``-wal`` or ``-journal`` stays."""
        os._exit(0)


def epoch(moment: str) -> float:
    """Return the epoch of a local time as ``2026-05-02 18:00``."""
    return datetime.fromisoformat(moment).timestamp()


def messages(said: tuple[str | dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Return the messages of one turn as an agent keeps them."""
    roles = ("user", "assistant")
    return [
        text if isinstance(text, dict) else {"role": roles[index % 2], "content": text}
        for index, text in enumerate(said)
    ]


def place_of(chat: str) -> dict[str, Any]:
    """Return where a chat is held (fields of ``SessionSource``): a person's direct messages."""
    platform, name = chat.split()
    return {"platform": platform, "chat_id": name, "user_id": name, "chat_type": "dm"}
