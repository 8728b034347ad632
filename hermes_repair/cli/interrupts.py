"""The signals that end a program: kept waiting while it starts, then each ends it in order.

A program that is stopped halfway through its imports ends with a traceback, and nobody is there yet
who could say it in words or as JSON. So :func:`keep_waiting` is the first thing that the command
line does, and the system holds back what is sent until :func:`listen`.
"""

from __future__ import annotations

import signal
from types import FrameType

_TOLD = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_ENDING = (signal.SIGINT, *_TOLD)
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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Raise ``KeyboardInterrupt``, once: what it stops is rolled back and said undisturbed.

    A terminal that closes says it twice, the second time in the rollback. ^C again ends the process
    at once, as ``kill -9`` would.
    """
    for number in _TOLD:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt
