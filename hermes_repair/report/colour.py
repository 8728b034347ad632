"""Whether what is printed has colour: what the command line says, then the surroundings.

In the order of weight: ``--color``; NO_COLOR (no-color.org); FORCE_COLOR and CLICOLOR_FORCE;
CLICOLOR=0 (bixense.com/clicolors); a terminal that is not dumb.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import TextIO


class Colour(StrEnum):
    """What ``--color`` says."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


chosen: ContextVar[Colour] = ContextVar("chosen", default=Colour.AUTO)
"""What the command line said, for everything that it prints."""


def coloured(stream: TextIO) -> bool:
    """Return whether what goes to a stream has colour."""
    return wants_colour(chosen.get(), os.environ, terminal=stream.isatty())


def wants_colour(choice: Colour, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Decide it. Pure."""
    if choice is not Colour.AUTO:
        return choice is Colour.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and environ.get("CLICOLOR") != "0" and environ.get("TERM") != "dumb"
