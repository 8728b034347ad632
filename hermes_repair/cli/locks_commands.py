"""``locks``. What ``clean`` does not need is imported where it is: cron runs it all the time."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.app import clean_locks as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, at_homes, finite, group
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import locks_text

commands = group()
locks = group(
    help="Show what holds or blocks a session, and free what is provably over.",
    no_args_is_help=True,
)
commands.add_typer(locks, name="locks")


@locks.command("list", epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def locks_list(target: Target) -> int:
    """List what holds or blocks sessions, who holds it, and whether it may be cleaned."""
    from hermes_repair.app.locks import everything

    def work(responder: Responder) -> Answer:
        held, now = everything(responder.run), responder.run.now()
        return responder.answer(
            held.problem.exit_code if held.problem is not None else ExitCode.OK,
            lambda: locks_text.held_document(held, now),
            lambda: locks_text.held_lines(held, now, responder.audience),
        )

    return each_home(target, work, old_file=OldFile.IS_NAMED)


@locks.command("clean", epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose")
def locks_clean(
    target: Target,
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
) -> int:
    """Free the locks that are provably over. Made for cron; safe beside a live gateway."""

    def work(responder: Responder) -> Answer:
        cleaned = app.clean(responder.run, grace=grace, max_age=max_age, dry_run=dry_run)
        return responder.answer(
            ExitCode.REFUSED if cleaned.refused else ExitCode.OK,
            lambda: locks_text.cleaned_document(cleaned, dry_run=dry_run),
            lambda: locks_text.cleaned_lines(
                cleaned,
                responder.run.home.root,
                dry_run=dry_run,
                verbose=target.verbose,
                profile=responder.run.home.profile if target.all_profiles else "",
            ),
            headed=False,
        )

    return each_home(target, work, old_file=OldFile.STOPS)


@locks.command("install", epilog=EXIT_STATUS)
@at_homes("all_profiles")
def locks_install(
    target: Target,
    systemd: Annotated[
        bool, typer.Option("--systemd", help="Print a service and a timer for your user.")
    ] = False,
    cron: Annotated[bool, typer.Option("--cron", help="Print one line for your crontab.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Also write the unit files; starts nothing.")
    ] = False,
) -> int:
    """Print systemd units or a crontab line that run `locks clean` every few minutes."""
    from hermes_repair.app.timer_files import CLEANING
    from hermes_repair.cli.timer_install import TimerKind, install

    kind = TimerKind(CLEANING, "locks install", lambda _: ["locks", "clean"])
    return install(target, kind, systemd=systemd, cron=cron, write=write)
