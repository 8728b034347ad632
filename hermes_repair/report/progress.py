"""How far a run is, in one line in place on stderr, for a person who waits at a terminal.

Nothing hides the cursor and no thread draws: whatever ends the program leaves the terminal as it
was. What is printed next takes the place of the line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from hermes_repair.model.words import escape

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

AT_FIRST = 0.5  # seconds in which nobody asks how far it is
BETWEEN = 0.1  # seconds between two drawings
_CLEAN = "\r\x1b[2K"


class Progress:
    """One line that says what is done now, and of steps how many of how many and how long still."""

    def __init__(
        self, stream: TextIO, *, shown: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._shown = shown
        self._clock = clock
        self._begun = self._drawn = clock()
        self._bar: Bar | None = None
        self._on_screen = False
        self._done = self._number = 0
        self._before = 0

    def tell(self, sentence: str) -> None:
        """Say what is done now; a text of the data is spelled out as in any other line."""
        self._draw(escape(sentence))

    def reached(self, done: int, number: int) -> None:
        """Note that so many steps of ``number`` are done, and stay; 0 of them begins others."""
        if not done:
            self._bar = None
            self._before += self._done
        self._done, self._number = done, number

    @property
    def far(self) -> tuple[int, int]:
        """How many steps are done and how many were to be done, in all rounds so far."""
        return self._before + self._done, self._before + self._number

    def clear(self) -> None:
        """Take the line away."""
        if self._on_screen:
            self._on_screen = False
            self._stream.write(_CLEAN)
            self._stream.flush()

    def _draw(self, sentence: str) -> None:
        now = self._clock()
        if not self._shown or now - self._begun < AT_FIRST:
            return
        if self._on_screen and now - self._drawn < BETWEEN:
            return
        self._drawn, self._on_screen = now, True
        self._stream.write(f"{_CLEAN}{self._line(sentence)}")
        self._stream.flush()

    def _line(self, sentence: str) -> str:
        """Return the line with colours, cut to the width of the terminal."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar
        from rich.table import Column

        from hermes_repair.report.colour import coloured

        console = Console(
            file=self._stream,
            force_terminal=True,
            color_system="standard" if coloured(self._stream) else None,
        )
        if self._bar is None:
            text = TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            )
            counted: list[ProgressColumn] = []
            if self._number:
                counted = [BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(compact=True)]
            self._bar = Bar(
                *counted,
                text,
                console=console,
                auto_refresh=False,
                expand=True,
                get_time=self._clock,
            )
            self._bar.add_task(sentence, total=self._number or None)
        (task,) = self._bar.task_ids
        self._bar.update(task, completed=self._done, description=sentence)
        with console.capture() as drawn:
            console.print(self._bar.get_renderable())
        return drawn.get().rstrip("\n")


_now: ContextVar[Progress | None] = ContextVar("_now", default=None)
"""The line of the run that goes on; a process has one terminal."""


def begin(*, shown: bool) -> Progress:
    """Return the line of the run that begins now; it is never drawn unless it is ``shown``."""
    clear()
    line = Progress(sys.stderr, shown=shown)
    _now.set(line)
    return line


def clear() -> None:
    """Take the line away before something else is printed."""
    line = _now.get()
    if line is not None:
        line.clear()


def how_far() -> tuple[int, int]:
    """Return how many steps of how many the run has done; (0, 0) where it never came to any."""
    line = _now.get()
    return line.far if line is not None else (0, 0)
