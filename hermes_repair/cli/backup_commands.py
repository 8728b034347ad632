"""``backup`` and ``restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import backups as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import backup_text
from hermes_repair.report.disk_text import space_lines

commands = group()
backup = group(
    help="Make, list and prune verified copies of state.db.", invoke_without_command=True
)
commands.add_typer(backup, name="backup")


@backup.callback(invoke_without_command=True, epilog=EXIT_STATUS)
@at_homes("quiet")
def backup_now(target: Target, context: typer.Context) -> int:
    """Make a consistent, verified copy of state.db now, or list and prune the copies."""
    if context.invoked_subcommand is not None:
        return int(ExitCode.OK)

    def work(responder: Responder) -> Answer:
        copied = app.make(responder.run)
        return responder.answer(
            ExitCode.REFUSED if copied.damage else ExitCode.OK,
            lambda: backup_text.made_document(copied),
            lambda: backup_text.made_lines(copied, responder.audience),
        )

    return each_home(target, work, old_file=OldFile.STOPS)


@backup.command("list", epilog=EXIT_STATUS)
@at_homes("quiet")
def backup_list(target: Target) -> int:
    """List the copies, newest first."""

    def work(responder: Responder) -> Answer:
        backups = app.listed(responder.run.home)
        can_copy = bool(backups) or app.can_copy(responder.run.home)
        others = app.other_copies(responder.run.home)
        return responder.answer(
            ExitCode.OK,
            lambda: backup_text.list_document(backups, others),
            lambda: backup_text.list_lines(
                backups, responder.audience, can_copy=can_copy, others=len(others)
            ),
        )

    return each_home(target, work, old_file=OldFile.IS_LEFT)


@backup.command("prune", epilog=EXIT_STATUS)
@at_homes("quiet")
def backup_prune(target: Target) -> int:
    """Remove old copies; the newest 3, those of unfinished runs and the last 7 days' stay."""

    def work(responder: Responder) -> Answer:
        removed = app.prune(responder.run)
        return responder.answer(
            ExitCode.OK,
            lambda: {"removed": [path.name for path in removed]},
            lambda: backup_text.pruned_lines(removed),
        )

    return each_home(target, work, old_file=OldFile.IS_LEFT)


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet")
def restore(
    target: Target,
    backup_name: Annotated[
        str | None,
        typer.Argument(
            metavar="[BACKUP]",
            help="A name from `backup list`, or a file. Default: the copy, if there is only one.",
            show_default=False,
        ),
    ] = None,
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
) -> int:
    """Restore state.db from a copy, after backing up its present state."""
    look = advice("Add --yes to go ahead; `{}` shows the copies.", command("backup list"))

    def work(responder: Responder) -> Answer:
        require_yes(
            yes,
            lambda: app.require_restorable(responder.run.home, backup_name, from_profile),
            look,
        )

        restored = backup_name

        def agree(source: Path, now: app.Copied) -> bool:
            nonlocal restored
            restored = restored or source.parent.name
            question = f"Restore {source}? The present state is kept in {now.backup.name}."
            return yes or ask(question, [*responder.heading(), *space_lines(now.space)])

        kept = app.restore(responder.run, backup_name, agree, from_profile)
        return responder.answer(
            ExitCode.OK,
            lambda: backup_text.restored_document(str(restored), kept),
            lambda: backup_text.restored_lines(str(restored), kept),
        )

    return each_home(target, work, old_file=OldFile.STOPS)
