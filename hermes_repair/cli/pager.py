"""Showing more than a screen to a person: through PAGER, as git and man do."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable

from hermes_repair.report.lines import Line, drawn, show

DEFAULT = ("less", "more")


def page(lines: Iterable[Line]) -> None:
    """Show lines in a pager where they are higher than the terminal, else as they are.

    ``less`` is told to keep colours and to write no history. Nothing is shown off a terminal.
    """
    page_text(drawn(lines, sys.stderr))


def page_text(text: str) -> None:
    """Show a text, which was drawn for this terminal, as :func:`page` does."""
    pager = _pager()
    if text.count("\n") < shutil.get_terminal_size().lines or not pager:
        sys.stderr.write(text)
        sys.stderr.flush()
        return
    environ = {"LESS": "FRX", "LESSHISTFILE": "-", **os.environ}
    before = signal.getsignal(signal.SIGINT)
    try:
        with subprocess.Popen(
            pager, env=environ, stdin=subprocess.PIPE, stdout=sys.stderr, text=True
        ) as running:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is the pager's, as in git
            running.communicate(text)
    except OSError as error:
        show([Line(f"{pager[0]} cannot be started: {error.strerror}.", "warning")], stream="stderr")
        sys.stderr.write(text)
    finally:
        signal.signal(signal.SIGINT, before)


def _pager() -> list[str]:
    """Return the words of the pager: PAGER, or the first that is there; none for an empty PAGER."""
    named = os.environ.get("PAGER")
    if named is not None:
        try:
            return shlex.split(named)
        except ValueError:  # a quote is open
            return []
    return next(([name] for name in DEFAULT if shutil.which(name)), [])
