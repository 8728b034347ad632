"""What became of every message of a history: kept beside the home that a release makes of it.

Every message has a mark of its own, which the releases carry along with it (column ``tool_name``,
which no comparison looks at), so that a row or a line is always known to be a certain message, even
where texts repeat. Nothing here looks at a database: the player says what was done.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

SAID = "said"
"""Never taken back: it belongs in the chat, whether a row holds it or not."""
UNDONE = "undone"
DELETED = "deleted"
COMPACTED = "compacted"


class Truth:
    """The messages of every session, in the order in which they were said, and their fate."""

    def __init__(self, state: dict[str, Any] | None = None, first: str = "m") -> None:
        """``first`` is what the marks of new messages begin with."""
        self._first = first
        made = {"next": 0, "words": {}, "said": {}, "fate": {}, "held": {}}
        self.state: dict[str, Any] = state or made

    # What is known

    def order(self, session: str) -> list[str]:
        """Return the marks of all messages of a session, in the order in which they were said."""
        found: list[str] = self.state["said"].get(session, [])
        return found

    def fate(self, session: str, mark: str) -> str:
        return str(self.state["fate"].get(session, {}).get(mark, SAID))

    def visible(self, session: str) -> list[str]:
        """Return the marks of what belongs in a chat."""
        return [mark for mark in self.order(session) if self.fate(session, mark) == SAID]

    # What happens

    def new_mark(self, role: str, text: str) -> str:
        """Return the mark of a new message."""
        mark = f"{self._first}{self.state['next']}"
        self.state["next"] += 1
        self.state["words"][mark] = [role, text]
        return mark

    def say(self, session: str, marks: Iterable[str]) -> None:
        """Add messages to the end of a session; copies keep the mark of what they copy."""
        said = self.state["said"].setdefault(session, [])
        for mark in marks:
            if mark in said:  # the same message again, behind what was said meanwhile
                said.remove(mark)
                self.state["fate"].get(session, {}).pop(mark, None)
            said.append(mark)

    def take(self, session: str, marks: Iterable[str], fate: str) -> None:
        """Note that these messages were taken out of a session on purpose."""
        fates = self.state["fate"].setdefault(session, {})
        for mark in marks:
            if fates.get(mark, SAID) == SAID:
                fates[mark] = fate

    def take_from(self, session: str, mark: str | None, fate: str) -> None:
        """Note that ``mark`` and all that was said after it were taken out."""
        order = self.order(session)
        if mark in order:
            self.take(session, order[order.index(mark) :], fate)

    def take_all(self, session: str, fate: str) -> None:
        """Note that all messages of a session were taken out."""
        self.take(session, self.order(session), fate)

    def hold(self, session: str, mark: str) -> None:
        """Note that the database has a row of this message."""
        held = self.state["held"].setdefault(session, [])
        if mark not in held:
            held.append(mark)

    def snapshot(self) -> dict[str, Any]:
        """Return the fates as they are now, for the day on which this database is put back."""
        return deepcopy({"fate": self.state["fate"], "held": self.state["held"]})

    def put_back(self, snapshot: dict[str, Any] | None) -> None:
        """Note that an older database took the place of this one, or (``None``) a new one.

        What was taken out of the database that is gone does not count: it would have to be taken
        out again anyway. What the older one does not know was lost, not taken out.
        """
        self.state["fate"] = deepcopy(snapshot["fate"]) if snapshot else {}
        self.state["held"] = deepcopy(snapshot["held"]) if snapshot else {}
