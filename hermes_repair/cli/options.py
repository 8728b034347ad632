"""Options that many commands share, each written once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from hermes_repair.cli import completion
from hermes_repair.cli.commands import EXIT_STATUS, Listing
from hermes_repair.cli.target import Target
from hermes_repair.model.errors import UsageError
from hermes_repair.report.colour import Colour, chosen


def group(**more: Any) -> typer.Typer:
    """Return commands that belong together: those of one file, or ``locks`` and ``backup``."""
    return typer.Typer(cls=Listing, rich_markup_mode=None, epilog=EXIT_STATUS, **more)


def _choose_colour(choice: Colour) -> Colour:
    chosen.set(choice)
    return choice


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


def days_or_none(days: float | None) -> float | None:
    """Return a number of days that a calendar still has, None for none given."""
    if days is not None and not 0 <= days <= _MOST_DAYS:
        raise typer.BadParameter(f"{days} is not a number of days from 0 to {_MOST_DAYS:,}.")
    return days


_MOST_DAYS = 36_500


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
    typer.Option(
        "--profile",
        help="Use this profile of the home.",
        show_default=False,
        autocompletion=completion.profiles,
    ),
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
ColourOption = Annotated[
    Colour,
    typer.Option(
        "--color",
        help="Colour. auto: on a terminal, unless NO_COLOR, CLICOLOR or FORCE_COLOR say otherwise.",
        callback=_choose_colour,
        is_eager=True,
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Also write a page to look at: one file for a browser, without titles of chats.",
        show_default=False,
    ),
]
TitlesOption = Annotated[bool, typer.Option("--titles", help="Show titles of chats in it.")]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        help="Only these findings, by id, family or name (TR001,LN); `explain` lists them.",
        show_default=False,
        autocompletion=completion.findings,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        help="All but these findings, named in the same way.",
        show_default=False,
        autocompletion=completion.findings,
    ),
]
SessionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--session",
        help="Only this session, including what is UNSAFE there; may be repeated."
        " The beginning of its id will do.",
        show_default=False,
        autocompletion=completion.sessions,
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


ShowContentOption = Annotated[
    bool,
    typer.Option(
        "--show-content",
        help="At a terminal, show the first and last words of what comes back.",
    ),
]


class FailOn(StrEnum):
    """Severities of ``--fail-on``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"


_WHICH_HOMES = {
    "home": HomeOption,
    "profile": ProfileOption,
    "all_profiles": AllProfilesOption,
}
_HOW_TO_SPEAK = {
    "as_json": JsonOption,
    "quiet": QuietOption,
    "verbose": VerboseOption,
    "no_titles": NoTitlesOption,
    "colour": ColourOption,
}


_DEFAULTS = {"home": None, "profile": None, "colour": Colour.AUTO}


def at_homes(*more: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the options of a :class:`Target`, and hand it the target in their place.

    Each has --home, --profile, --json and --color; ``more`` are the others, by their name as a
    field. In the help those that name a home stand first, the command's own next, those of the
    output last.
    """
    shared = {"home", "profile", "as_json", *more}

    def decorate(work: Callable[..., int]) -> Callable[..., int]:
        @wraps(work)
        def command(**values: Any) -> int:
            del values["colour"]  # it was chosen when it was read
            target = Target(
                **{name: values.pop(name) for name in shared},
                takes_all_profiles="all_profiles" in shared,
            )
            return work(target, **values)

        _, *own = inspect.signature(work, eval_str=True).parameters.values()
        parameters = [
            *_parameters(_WHICH_HOMES, shared),
            *(parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own),
            *_parameters(_HOW_TO_SPEAK, {*shared, "colour"}),
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def _parameters(options: dict[str, Any], shared: set[str]) -> list[Parameter]:
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=_DEFAULTS.get(name, False),
            annotation=option,
        )
        for name, option in options.items()
        if name in shared
    ]


def finding_ids(option: str, words: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ids, or beginnings of ids, that the words of --select or --ignore name.

    A word is an id, the beginning of one or a whole name, in upper or lower case; several stand
    with commas between them. Raises :class:`UsageError` for a word that is nothing of these: a
    misspelt id would let everything through, or nothing.
    """
    from hermes_repair.app.explain import explained  # every check, which few commands need

    checks = explained()
    ids: list[str] = []
    for word in (part.strip() for text in words or () for part in text.split(",")):
        id = next((check.id for check in checks if check.name == word.lower()), word.upper())
        if not word or not any(check.id.startswith(id) for check in checks):
            raise UsageError(
                f"{option}: there is no finding {word!r}.",
                "`hermes-repair explain` lists all findings. Use an id (TR001), a family (TR) or a"
                " name.",
            )
        ids.append(id)
    return tuple(ids)
