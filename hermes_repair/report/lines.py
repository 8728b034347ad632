"""Printing: plain lines and columns off a terminal, the same with a little colour on one."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hermes_repair.model.errors import NotPrinted
from hermes_repair.model.words import escape, shorten

STYLES = {"error": "bold red", "warning": "yellow", "good": "green", "dim": "dim", "head": "bold"}
CELL = 60  # characters of a cell of a table


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; ``style`` is a key of STYLES or empty.

    ``asked``: this is what the command was asked for, or what of that was not done. With ``-q``
    nothing else is said.
    """

    text: str
    style: str = ""
    asked: bool = False


def as_asked(lines: Iterable[Line]) -> list[Line]:
    """Return lines as what a command was asked for."""
    return [replace(line, asked=True) for line in lines]


def show(lines: Iterable[Line], *, stream: str = "stdout") -> None:
    """Print lines; control characters in them are spelled out whatever they came from."""
    target = sys.stdout if stream == "stdout" else sys.stderr
    if not target.isatty():
        text = "".join(f"{escape(line.text)}\n" for line in lines)
        if stream == "stdout":
            put(text)
        else:
            target.write(text)
            target.flush()
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=target, markup=False, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(escape(line.text), style=STYLES.get(line.style, "")))


def put(text: str) -> None:
    """Write text to stdout, at once.

    Raises ``BrokenPipeError`` where nobody reads it, and :class:`NotPrinted` where stdout takes
    nothing: the text has gone to stderr then, for it may say what was done.
    """
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
    cells = [[shorten(cell, CELL) for cell in row] for row in (headings, *rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
