"""The signals that end a program: kept waiting while it starts, then each ends it in order.

A program that is stopped halfway through its imports ends with a traceback, and nobody is there yet
who could say it in words or as JSON. So :func:`keep_waiting` is the first thing that the command
line does, and the system holds back what is sent until :func:`listen`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_TOLD = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_ENDING = (signal.SIGINT, *_TOLD)
_OF_TERMINALS = tuple(getattr(signal, n) for n in ("SIGINT", "SIGHUP") if hasattr(signal, n))
_BY_DEFAULT = (signal.SIG_DFL, signal.default_int_handler)
_WAIT = hasattr(signal, "pthread_sigmask")  # not on Windows


def keep_waiting() -> None:
    """Let the signals that end a program wait."""
    if _WAIT:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def listen() -> None:
    """Let the next of them raise ``KeyboardInterrupt``, at once where one has waited.

    One that is ignored stays so: that is what ``nohup`` is for.
    """
    for number in _ENDING:
        if signal.getsignal(number) in _BY_DEFAULT:
            signal.signal(number, _interrupt)
    if _WAIT:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


@contextmanager
def starting_others() -> Iterator[None]:
    """Start processes inside that no key of the terminal ends: whoever started them does that.

    ^C reaches every process of a terminal; one that is still importing would die of it with a
    traceback. What is held back here they never hear, and this process hears it afterwards.
    """
    if not _WAIT:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_TERMINALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Raise ``KeyboardInterrupt``, once: what it stops is rolled back and said undisturbed.

    A terminal that closes says it twice, the second time in the rollback. ^C again ends the process
    at once, as ``kill -9`` would.
    """
    for number in _TOLD:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt
