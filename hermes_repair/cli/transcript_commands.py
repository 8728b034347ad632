"""The options of ``backfill`` and ``find``."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.cli.options import (
    AllProfilesOption,
    DryRunOption,
    HomeOption,
    JsonOption,
    NoTitlesOption,
    ProfileOption,
    QuietOption,
    TimezoneOption,
    VerboseOption,
    YesOption,
)
from hermes_repair.cli.target import Target


def backfill(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(help="Only these, and what is UNSAFE in them too.", show_default=False),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    report: Annotated[
        bool, typer.Option("--report", help="Compare every file with its session; change nothing.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    timezone: TimezoneOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Bring back the messages that only a transcript file still has."""
    from hermes_repair.cli import run_backfill
    from hermes_repair.cli.run_repair import Asked

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    named = tuple(sessions or ())
    if report:
        return run_backfill.report(target, named, timezone)
    asked = Asked(dry_run=dry_run, yes=yes, select=("TR",), sessions=named, timezone=timezone)
    return run_backfill.backfill(target, asked)


def find(
    words: Annotated[list[str], typer.Argument(help="Words that the message holds, all of them.")],
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Where a conversation is: in the database, in which file at which line, in which copy."""
    from hermes_repair.cli import run_find

    target = Target(home, profile, all_profiles, as_json, quiet, verbose)
    return run_find.find(target, " ".join(words))
