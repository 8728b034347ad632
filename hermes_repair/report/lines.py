"""Printing: plain lines and columns off a terminal, the same with a little colour on one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from typing import TextIO

from hermes_repair.model.commands_to_type import UNBROKEN
from hermes_repair.model.errors import NotPrinted
from hermes_repair.model.words import cells, escape, pad, shorten
from hermes_repair.report import progress, screen
from hermes_repair.report.colour import coloured

STYLES = {"error": "bold red", "warning": "yellow", "good": "green", "dim": "dim", "head": "bold"}
CELL = 60  # columns of the terminal that a cell of a table may take
NARROWEST = 30  # columns; on fewer the terminal breaks the lines
_COPIED = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; ``style`` is a key of STYLES or empty.

    ``asked``: this is what the command was asked for, or what of that was not done. With ``-q``
    nothing else is said. ``verbatim``: never broken, because it is copied, or a drawing.
    """

    text: str
    style: str = ""
    asked: bool = False
    verbatim: bool = False


def as_asked(lines: Iterable[Line]) -> list[Line]:
    """Return lines as what a command was asked for."""
    return [replace(line, asked=True) for line in lines]


def show(lines: Iterable[Line], *, stream: str = "stdout") -> None:
    """Print lines; control characters in them are spelled out whatever they came from.

    On a terminal a line that does not fit ends after a word, never within a command to copy. In a
    talk it is shown when something is asked.
    """
    progress.clear()
    target = sys.stdout if stream == "stdout" else sys.stderr
    if (talk := screen.current()) is not None:
        talk.take(drawn(lines, target))
        return
    terminal = target.isatty()
    if terminal or coloured(target):
        _show_in_colour(lines, target, terminal=terminal)
        return
    text = "".join(f"{_unwrapped(line)}\n" for line in lines)
    if stream == "stdout":
        put(text)
    else:
        target.write(text)
        target.flush()


def drawn(lines: Iterable[Line], target: TextIO) -> str:
    """Return lines as a terminal is given them, with colour where ``target`` has it."""
    text = StringIO()
    _show_in_colour(lines, target, terminal=True, written_to=text)
    return text.getvalue()


def _show_in_colour(
    lines: Iterable[Line], target: TextIO, *, terminal: bool, written_to: TextIO | None = None
) -> None:
    from rich.console import Console
    from rich.text import Text

    colour = coloured(target)
    console = Console(
        file=written_to or target,
        markup=False,
        highlight=False,
        soft_wrap=True,
        force_terminal=terminal or colour,
        color_system="standard" if colour else None,
    )
    for line in lines:
        parts = wrapped(line, console.width) if terminal else [_unwrapped(line)]
        for part in parts:
            console.print(Text(part, style=STYLES.get(line.style, "") if colour else ""))


def _unwrapped(line: Line) -> str:
    return escape(line.text).replace(UNBROKEN, " ")


def wrapped(line: Line, width: int) -> list[str]:
    """Return an escaped line as the lines of at most ``width`` columns that a terminal shows.

    What follows stands a little further in. A command, ours or between backticks, stays whole: one
    that is too long has a line of its own, so that the terminal breaks it and copying joins it.
    """
    text = escape(line.text)
    if line.verbatim or width < NARROWEST or cells(text) <= width:
        return [text.replace(UNBROKEN, " ")]
    text = _COPIED.sub(lambda found: found[0].replace(" ", UNBROKEN), text)
    margin = " " * (len(text) - len(text.lstrip(" ")))
    deeper = margin + ("   " if text.lstrip(" ").startswith("-> ") else "  ")
    lines = list(_broken(text.lstrip(" "), margin, deeper, width))
    return [part.replace(UNBROKEN, " ") for part in lines]


def _broken(text: str, margin: str, deeper: str, width: int) -> Iterator[str]:
    """Yield lines of ``text``; the first begins with ``margin``, the others with ``deeper``."""
    now, start = margin, True
    for gap, word in re.findall(r"( *)([^ ]+)", text):
        if not start and cells(now) + len(gap) + cells(word) > width:
            yield now
            now, gap = deeper, ""
        now += gap + word
        start = False
    yield now


def put(text: str) -> None:
    """Write text to stdout, at once.

    Raises ``BrokenPipeError`` where nobody reads it, and :class:`NotPrinted` where stdout takes
    nothing: the text has gone to stderr then, for it may say what was done.
    """
    progress.clear()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
        raise NotPrinted(
            f"Cannot write to stdout: {error.strerror}. The output is above."
        ) from error


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line for the headings and one for every row."""
    short = [[shorten(cell, CELL) for cell in row] for row in (headings, *rows)]
    widths = [max(map(cells, column)) for column in zip(*short, strict=True)]
    return [
        "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]
