"""``backfill`` and ``find``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from hermes_repair.app import backfill_report, find_words
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.proposal import Request
from hermes_repair.app.session_ids import whole_ids
from hermes_repair.cli import completion
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import (
    DryRunOption,
    ShowContentOption,
    TimezoneOption,
    YesOption,
    at_homes,
    group,
)
from hermes_repair.cli.repair_command import RepairOptions, repair_home
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import transcript_text
from hermes_repair.report.lines import as_asked

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def backfill(
    target: Target,
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these sessions, including what is UNSAFE there.",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ] = None,
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
    show_content: ShowContentOption = False,
) -> int:
    """Bring back the messages that only a transcript file still has."""
    named = frozenset(sessions or ())
    if report:
        if every or before is not None:
            raise UsageError(
                "--report shows every file; you cannot select some.",
                "Leave out --all and --before, or --report.",
            )
        if show_content:
            raise UsageError("--report shows no plan.", "Leave out --show-content, or --report.")
        look_options = LookOptions(timezone=timezone, sessions=named)
        return each_home(
            target, lambda responder: _report(responder, look_options), old_file=OldFile.STOPS
        )
    words = [*(sessions or ()), *(["--all"] if every else [])]
    words += ["--before", before.isoformat()] if before is not None else []
    words += ["--timezone", timezone] if timezone is not None else []
    options = RepairOptions(
        command("backfill", *words),
        Request(
            LookOptions(
                timezone=timezone,
                named=named,
                before=before.timestamp() if before is not None else None,
            ),
            Selection(("TR",), sessions=named, unsafe=every),
        ),
        dry_run=dry_run,
        yes=yes,
        show_content=show_content,
    )
    return each_home(
        target, lambda responder: repair_home(responder, options), old_file=OldFile.STOPS
    )


def _report(responder: Responder, look_options: LookOptions) -> Answer:
    """Say how every file and its session stand to each other."""
    meant = whole_ids(responder.run, look_options.sessions)
    report = backfill_report.report(responder.run, replace(look_options, sessions=meant))
    return responder.answer(
        ExitCode.OK,
        lambda: transcript_text.report_document(report),
        lambda: as_asked(transcript_text.report_lines(report, responder.audience)),
    )


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def find(
    target: Target,
    words: Annotated[list[str], typer.Argument(help="Words that the message has, all of them.")],
) -> int:
    """Find where a conversation is: in the database, in which file and line, in which copy.

    Titles are searched too. Of a message in the database it also says whether Hermes' own search
    for these words, as typed, finds it, and if not, why. At a terminal the words around it stand
    below.
    """

    def work(responder: Responder) -> Answer:
        seen = responder.audience.titles
        result = find_words.find(responder.run, " ".join(words), snippets=seen)
        return responder.answer(
            ExitCode.OK,
            lambda: transcript_text.find_document(result),
            lambda: transcript_text.find_lines(result, responder.audience),
        )

    return each_home(target, work, old_file=OldFile.IS_NAMED)
