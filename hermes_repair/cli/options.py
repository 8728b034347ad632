"""Options that many commands share, each written once."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def _folder(named: str) -> Path:
    """Return the folder of --home; an empty word is a variable that was not set, not "here"."""
    if not named.strip():
        raise typer.BadParameter("no folder is given (an empty variable?).")
    return Path(named)


def finite(seconds: float) -> float:
    """Return a number of seconds; ``nan`` and ``inf`` are numbers to Python, and none here."""
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is not a number of seconds.")
    return seconds


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="The Hermes folder. Default: HERMES_HOME, or the one that hermes itself would use.",
        show_default=False,
        parser=_folder,
        metavar="PATH",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help="Use this profile of the home.", show_default=False),
]
AllProfilesOption = Annotated[
    bool,
    typer.Option("--all-profiles", help="Run for every profile in turn."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
QuietOption = Annotated[
    bool,
    typer.Option(
        "-q", "--quiet", help="Print only what you asked for, and what could not be done."
    ),
]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Show everything.")]
NoTitlesOption = Annotated[
    bool,
    typer.Option("--no-titles", help="Hide chat titles on a terminal too."),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        help="Only these findings, by id, family or name (TR001,LN); `explain` lists them.",
        show_default=False,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore", help="All but these findings, named in the same way.", show_default=False
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--session",
        help="Only this session, including what is UNSAFE there; may be repeated.",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Show what would be done; change nothing.")
]
TimezoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        help="Time zone of the transcript files, for example Europe/Berlin.",
        show_default=False,
    ),
]


class FailOn(StrEnum):
    """Severities of ``--fail-on``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"


class Wal(StrEnum):
    """Answers to DB002."""

    USE = "use"
    IGNORE = "ignore"


class Resolve(StrEnum):
    """Answers to LN002."""

    BRANCH = "branch"
    MERGE = "merge"
    ARCHIVE = "archive"


EXIT_STATUS = """
Exit status:
0 clean, or everything you asked for was done and verified ·
1 only `doctor` (findings at or above --fail-on) and `migrate --check` (behind) ·
2 usage ·
3 internal error; nothing was changed, or it was rolled back ·
4 refused, wholly or in part: in use, changed base, no space, no permission, needs --yes ·
5 no install found ·
130 interrupted.
Treat any other code as a failure.
"""
