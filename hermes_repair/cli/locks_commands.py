"""``locks``. What ``clean`` does not need is imported where it is: cron runs it all the time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import clean_locks as app
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, at_homes, finite, group
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.home.layout import default_root, open_home
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import json_documents, locks_text
from hermes_repair.report.lines import put, show

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

    return each_home(target, work)


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
                cleaned, responder.run.home.root, dry_run=dry_run, verbose=target.verbose
            ),
            headed=False,
        )

    return each_home(target, work)


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
    from hermes_repair.app import locks as install_timer

    if systemd == cron:
        raise UsageError("Add --systemd or --cron.", command("locks install", "--systemd"))
    if cron and write:
        raise UsageError(
            "--write only writes systemd units; edit the crontab yourself.",
            advice("(crontab -l; {}) | crontab -", command("locks install", "--cron")),
        )
    environment = target.environment()
    home = open_home(target.roots(environment)[0])
    install_timer.require_owner(home)
    clean = install_timer.cleaning(_program(), home, all_profiles=target.all_profiles)
    if cron:
        line = install_timer.crontab_line(clean)
        if target.as_json:
            json_documents.write_alone(crontab=line)
        else:
            put(line + "\n")
        return int(ExitCode.OK)
    usual = default_root({}, environment.user_home, environment.platform)
    texts = install_timer.unit_texts(clean, home, usual)
    folder = install_timer.unit_folder(environment)
    if write:
        install_timer.write_units(texts, folder)
    timer = next(name for name in texts if name.endswith(".timer"))
    start = f"systemctl --user daemon-reload && systemctl --user enable --now {timer}"
    files = {folder / name: text for name, text in texts.items()}
    if target.as_json:
        json_documents.write_alone(**locks_text.timer_document(files, start, written=write))
    else:
        show(locks_text.timer_lines(files))
        show(locks_text.timer_advice(start, written=write), stream="stderr")
    return int(ExitCode.OK)


def _program() -> list[str]:
    """Return how this very program is started: its script, else the interpreter and the module."""
    script = Path(sys.argv[0])
    if script.name == "hermes-repair" and os.access(script, os.X_OK):
        return [str(script.absolute())]
    return [sys.executable, "-m", "hermes_repair"]
