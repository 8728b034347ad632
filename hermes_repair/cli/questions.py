"""Asking a person at a terminal, below what was said before."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from hermes_repair.cli.pager import page_text
from hermes_repair.report import screen
from hermes_repair.report.lines import Line, drawn, show


def ask(question: str, lines: Iterable[Line]) -> bool:
    """Show ``lines`` to a person at a terminal, and ask; anything but yes is no."""
    show(lines, stream="stderr")
    return answer_to(f"{question} [y/N] ").lower() in ("y", "yes")


def answer_to(question: str, style: str = "") -> str:
    """Ask, and return the answer without the space around it; nothing where there is none.

    In a talk what was said since the last answer is shown now, as far as it fits on the screen
    together with the question; ``l`` shows all of it in a pager, and the question is asked again.
    """
    text = drawn([Line(question.rstrip(), style)], sys.stderr).rstrip("\n") + " "
    talk = screen.current()
    if talk is None:
        return _read(text)
    shown, left = talk.fit(question)
    sys.stderr.write(shown)
    if left:
        more = f"… {left} more lines; `l` shows all."
        sys.stderr.write(drawn([Line(more, "dim")], sys.stderr))
    whole = talk.clear()
    while (answer := _read(text)).lower() in ("l", "list") and left:
        page_text(whole)
    return answer


def _read(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
