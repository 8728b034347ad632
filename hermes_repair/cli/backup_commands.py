"""The options of `backup` and `restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.cli.options import (
    EXIT_STATUS,
    HomeOption,
    JsonOption,
    ProfileOption,
    QuietOption,
    YesOption,
)
from hermes_repair.cli.target import Target

backup_app = typer.Typer(
    help="Make, list and prune verified copies of state.db.",
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog=EXIT_STATUS,
)


@backup_app.callback(invoke_without_command=True, epilog=EXIT_STATUS)
def backup(
    context: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a consistent, verified copy of state.db now, or list and prune the copies."""
    if context.invoked_subcommand is not None:
        return 0
    from hermes_repair.cli import run_backup

    return run_backup.make(Target(home, profile, False, as_json, quiet))


@backup_app.command("list", epilog=EXIT_STATUS)
def backup_list(
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """List the copies, newest first."""
    from hermes_repair.cli import run_backup

    return run_backup.list_all(Target(home, profile, False, as_json, quiet))


@backup_app.command("prune", epilog=EXIT_STATUS)
def backup_prune(
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Remove old copies; the newest 3, those of unfinished runs and the last 7 days' stay."""
    from hermes_repair.cli import run_backup

    return run_backup.prune(Target(home, profile, False, as_json, quiet))


def restore(
    backup_name: Annotated[
        str, typer.Argument(metavar="BACKUP", help="A name from `backup list`, or a file.")
    ],
    home: HomeOption = None,
    profile: ProfileOption = None,
    from_profile: Annotated[
        str | None,
        typer.Option(
            "--from-profile",
            metavar="NAME",
            help="Allow a copy of this other profile: its chats replace the ones here.",
            show_default=False,
        ),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Restore state.db from a copy, after backing up its present state."""
    from hermes_repair.cli import run_backup

    target = Target(home, profile, False, as_json, quiet)
    return run_backup.restore(target, backup_name, yes, from_profile)
