"""Which chats a view of a database has, and what no commit takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import number, whole
from hermes_repair.store.look import Look


@dataclass(frozen=True, slots=True)
class Chat:
    """How many messages a session has in one view, and the time of the latest."""

    messages: int
    latest: float | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The sessions of one view by id."""

    chats: Mapping[str, Chat]

    @property
    def messages(self) -> int:
        """The messages of all sessions."""
        return sum(chat.messages for chat in self.chats.values())

    @property
    def latest(self) -> float | None:
        """The time of the last message, None without one."""
        times = (chat.latest for chat in self.chats.values())
        return max((time for time in times if time is not None), default=None)


def contents(look: Look) -> Contents | None:
    """Return what a view has, None where that cannot be read. No index is asked."""
    try:
        if not look.has("sessions") or not look.has("messages"):
            return Contents({})
        chats = {
            str(row[0]): Chat(
                whole(row[1]),
                number(row[2]),
            )
            for row in look.rows(
                "SELECT s.id, t.n, t.late FROM sessions s NOT INDEXED LEFT JOIN (SELECT"
                " session_id, COUNT(*) n, MAX(timestamp) late FROM messages"
                " NOT INDEXED GROUP BY session_id) t ON t.session_id = s.id"
            )
        }
    except DatabaseUnreadable:
        return None
    return Contents(chats)


def undone_by_joining(main: Look, joined: Look) -> tuple[str, ...]:
    """Return what the joined view would take back of the main file that no commit takes back.

    Rows go with a delete, an /undo, a prune or a compaction, and counters with them; the mark of
    AUTOINCREMENT never goes down.
    """
    if not main.has("sessions") or not main.has("messages"):
        return ()
    if not joined.has("sessions") or not joined.has("messages"):
        return ("with it the tables of conversations are gone",)
    before, after = _highest_id(main), _highest_id(joined)
    if after >= before:
        return ()
    return (f"the last message id ever given is {after} with it, and {before} without it",)


def _highest_id(look: Look) -> int:
    if not look.has("sqlite_sequence"):
        return 0
    row = look.one("SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages'")
    return whole(row[0]) if row is not None else 0
