"""A screen at a time: what a talk shows between two questions is no higher than the terminal.

Only a talk (``guide``) begins one. Without it everything is printed as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from hermes_repair.model.words import cells

LOWEST = 12  # rows; on a lower terminal it scrolls
_CONTROL = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Screen:
    """What was said since the last answer, for a terminal of so many rows and columns.

    ``said`` are its lines as the terminal is given them, each with its end.
    """

    rows: int
    columns: int
    said: list[str] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Keep what a command says until something is asked."""
        self.said += text.splitlines(keepends=True)

    def fit(self, asked: str) -> tuple[str, int]:
        """Return what of it is shown above a question, and how many rows are left out.

        The beginning is shown, below an empty row. A row stays free for the sentence that names the
        rest.
        """
        while self.said and not self.said[0].strip():
            del self.said[0]
        self.said.insert(0, "\n")
        room = max(self.rows, LOWEST) - self._high(asked)
        if sum(map(self._high, self.said)) <= room:
            return "".join(self.said), 0
        shown, used = 0, 1
        while used + self._high(self.said[shown]) <= room:
            used += self._high(self.said[shown])
            shown += 1
        left = sum(map(self._high, self.said[shown:]))
        return "".join(self.said[:shown]), left

    def clear(self) -> str:
        """Begin anew, and return all that was said."""
        text = "".join(self.said)
        self.said.clear()
        return text

    def _high(self, line: str) -> int:
        wide = cells(_CONTROL.sub("", line.rstrip("\n")))
        return max(1, -(-wide // self.columns))


_now: ContextVar[Screen | None] = ContextVar("_now", default=None)


def current() -> Screen | None:
    """Return the screen of the talk that goes on; None where there is none."""
    return _now.get()


@contextmanager
def one_at_a_time(rows: int, columns: int) -> Iterator[Screen]:
    """Hold back what is said until the next question, for as long as a talk goes on."""
    token = _now.set(screen := Screen(rows, columns))
    try:
        yield screen
    finally:
        _now.reset(token)
