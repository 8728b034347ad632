"""The options of `locks`."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.cli.options import (
    EXIT_STATUS,
    AllProfilesOption,
    DryRunOption,
    HomeOption,
    JsonOption,
    NoTitlesOption,
    ProfileOption,
    QuietOption,
    VerboseOption,
    finite,
)
from hermes_repair.cli.target import Target

locks_app = typer.Typer(
    help="Show what holds or blocks a session, and free what is provably over.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=EXIT_STATUS,
)


@locks_app.command("list", epilog=EXIT_STATUS)
def locks_list(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """List what holds or blocks sessions, who holds it, and whether it may be cleaned."""
    from hermes_repair.cli import run_holds

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    return run_holds.list_all(target)


@locks_app.command("clean", epilog=EXIT_STATUS)
def locks_clean(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    dry_run: DryRunOption = False,
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=0,
            callback=finite,
            help="Seconds to wait after a lock expires.",
        ),
    ] = 60.0,
    max_age: Annotated[
        float,
        typer.Option(
            "--max-age",
            min=0,
            callback=finite,
            help="Longest plausible lease in seconds.",
        ),
    ] = 3600.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Free the locks that are provably over. Made for cron; safe beside a live gateway."""
    from hermes_repair.cli import run_locks

    target = Target(home, profile, all_profiles, as_json, quiet, verbose)
    return run_locks.clean(target, dry_run=dry_run, grace=grace, max_age=max_age)


@locks_app.command("install", epilog=EXIT_STATUS)
def locks_install(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    systemd: Annotated[
        bool, typer.Option("--systemd", help="Print a service and a timer for your user.")
    ] = False,
    cron: Annotated[bool, typer.Option("--cron", help="Print one line for your crontab.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Also write the unit files; starts nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Print systemd units or a crontab line that run `locks clean` every few minutes."""
    from hermes_repair.cli import run_install

    target = Target(home, profile, all_profiles, as_json)
    return run_install.install(target, systemd=systemd, cron=cron, write=write)
