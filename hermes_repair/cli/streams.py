"""The three standard streams, whatever the surroundings left of them.

A daemon or a shell may start us with one of them closed, a terminal may have an encoding that lacks
characters of a title, and a full disk or a reader that went away ends what can be said. None of
that is a defect, and none may decide the exit code at the interpreter's own exit.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TextIO

_SIMPLER = {"✓": "+", "✗": "x", "…": "...", "·": "-"}
"""What stands for signs of ours where an encoding lacks them."""


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what cannot be encoded in characters that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    escapes = (_SIMPLER.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text)
    return "".join(escapes), error.end


def prepare() -> None:
    """Make the streams usable: a closed one leads nowhere, what cannot be encoded is spelled out.

    A closed descriptor is taken before anything else can be opened under its number: a database
    file with the number of stdout would be written to by whoever prints.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    codecs.register_error("spelled", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelled")


def settle() -> None:
    """Give up what can no longer be written, so that the exit code stays what was returned."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            stop_talking(stream)


def stop_talking(stream: TextIO) -> None:
    """Lead a stream nowhere: there is nobody left to tell, at exit neither."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
