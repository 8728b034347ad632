"""The options of ``backfill`` and ``find``."""

from __future__ import annotations

from datetime import datetime
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
from hermes_repair.model.errors import UsageError


def backfill(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these sessions, including what is UNSAFE there.", show_default=False
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Also bring back what may have been deleted or undone on purpose."
        ),
    ] = False,
    before: Annotated[
        datetime | None,
        typer.Option(
            "--before",
            help="Only chats whose file ends before this date, or date and local time.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"],
            metavar="DATE",
            show_default=False,
        ),
    ] = None,
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
        if every or before is not None:
            raise UsageError(
                "--report shows every file; you cannot select some.",
                "Leave out --all and --before, or --report.",
            )
        return run_backfill.report(target, named, timezone)
    asked = Asked(
        dry_run=dry_run,
        yes=yes,
        select=("TR",),
        sessions=named,
        unsafe=every,
        timezone=timezone,
        before=before,
    )
    return run_backfill.backfill(target, asked)


def find(
    words: Annotated[list[str], typer.Argument(help="Words that the message has, all of them.")],
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Find where a conversation is: in the database, in which file and line, in which copy."""
    from hermes_repair.cli import run_find

    target = Target(home, profile, all_profiles, as_json, quiet, verbose)
    return run_find.find(target, " ".join(words))
