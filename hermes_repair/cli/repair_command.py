"""``repair``, and what ``backfill`` and ``forks`` do with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import repair as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.plan_words import Words
from hermes_repair.app.proposal import Proposal, Request, waiting
from hermes_repair.app.saved_plan import apply_saved, require_plan_of
from hermes_repair.app.session_ids import whole_ids
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import (
    DryRunOption,
    IgnoreOption,
    SelectOption,
    SessionOption,
    ShowContentOption,
    TimezoneOption,
    YesOption,
    at_homes,
    finding_ids,
    group,
)
from hermes_repair.cli.plan_question import ask_about_plan
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.choices import LookOptions, Selection, WalChoice
from hermes_repair.model.commands_to_type import Command, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import repair_text
from hermes_repair.report.lines import Line

commands = group()


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """How one repair goes.

    ``again`` is the command that does what a dry run shows; its name is that of the receipt.
    """

    again: Command
    request: Request
    dry_run: bool = False
    yes: bool = False
    plan_out: Path | None = None
    plan: Path | None = None
    show_content: bool = False


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def repair(
    target: Target,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    session: SessionOption = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Also do what needs your decision.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also find what only `doctor --deep` finds.")
    ] = False,
    plan_out: Annotated[
        Path | None,
        typer.Option("--plan-out", help="Save the plan to this file.", show_default=False),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="Apply exactly this saved plan.", show_default=False),
    ] = None,
    backup: Annotated[
        bool,
        typer.Option(
            "--backup", help="Back up the whole database first, even if that is not needed."
        ),
    ] = False,
    wal: Annotated[
        WalChoice | None,
        typer.Option("--wal", help="What to do with a doubtful -wal (DB002).", show_default=False),
    ] = None,
    timezone: TimezoneOption = None,
    show_content: ShowContentOption = False,
) -> int:
    """Repair what the doctor found, as far as that is SAFE. `undo` reverts it."""
    selection = Selection(
        select=finding_ids("--select", select),
        ignore=finding_ids("--ignore", ignore),
        sessions=frozenset(session or ()),
        unsafe=unsafe,
    )
    if plan is not None and (selection.select or session or unsafe or deep or dry_run):
        raise UsageError(
            "--plan applies a saved plan as it is; you cannot select parts of it.",
            "Leave out --select, --session, --unsafe, --deep and --dry-run.",
        )
    words = [word for id in session or () for word in ("--session", id)]
    words += ["--select", ",".join(selection.select)] if selection.select else []
    words += ["--ignore", ",".join(selection.ignore)] if selection.ignore else []
    words += ["--unsafe"] if unsafe else []
    words += ["--deep"] if deep else []
    words += ["--backup"] if backup else []
    words += ["--wal", wal.value] if wal is not None else []
    words += ["--timezone", timezone] if timezone is not None else []
    options = RepairOptions(
        command("repair", *words),
        Request(
            LookOptions(timezone=timezone, named=selection.sessions, deep=deep),
            selection,
            wal,
            backup,
        ),
        dry_run=dry_run,
        yes=yes,
        plan_out=plan_out,
        plan=plan,
        show_content=show_content,
    )
    return each_home(
        target, lambda responder: repair_home(responder, options), old_file=OldFile.STOPS
    )


def repair_home(responder: Responder, options: RepairOptions) -> Answer:
    """Plan, show, ask, apply and verify at one home."""
    if options.show_content and not responder.shows_content(yes=options.yes):
        raise UsageError(
            "--show-content shows words of chats, and only to a person at a terminal.",
            "Leave it out, or leave out --json, --yes and what the output is sent to.",
        )
    options = replace(options, request=_meant(responder, options.request))
    if options.dry_run or options.plan_out is not None:
        return _preview(responder, options)
    require_yes(options.yes, lambda: _require_plan(responder, options))
    asked = False
    head: Iterable[Line] = ()

    def agree(proposal: Proposal) -> bool | app.Chosen:
        nonlocal asked, head
        if options.yes:
            return True
        if not asked:
            head = responder.heading(proposal.database)
        asked = True
        answer = ask_about_plan(
            responder, proposal, options.again.name, head, show_content=options.show_content
        )
        head = repair_text.CHOSEN if isinstance(answer, app.Chosen) else repair_text.MORE_TO_DO
        return answer

    if options.plan is not None:
        result = apply_saved(responder.run, options.plan)
    else:
        result = app.repair(responder.run, options.request, agree, command=options.again.name)
    return responder.answer(
        ExitCode.OK if result.complete else ExitCode.REFUSED,
        lambda: repair_text.result_document(result),
        lambda: repair_text.result_lines(result, responder.audience),
        database=result.after.database if result.after is not None else None,
        headed=not asked,
    )


def _meant(responder: Responder, request: Request) -> Request:
    """Return a request in which every session that was named is a whole id."""
    named = request.selection.sessions
    if not named:
        return request
    whole = whole_ids(responder.run, named)
    return replace(
        request,
        look_options=replace(request.look_options, named=whole),
        selection=replace(request.selection, sessions=whole),
    )


def _require_plan(responder: Responder, options: RepairOptions) -> None:
    """Raise for a plan file, a session or a database of which no plan can be made here."""
    if options.plan is not None:
        require_plan_of(responder.run.home, options.plan)
    else:
        app.preview(responder.run, options.request)


def _preview(responder: Responder, options: RepairOptions) -> Answer:
    """Show the plan, and save it where that was asked for."""
    saved = options.plan_out
    if saved is not None and not saved.parent.is_dir():
        raise UsageError(
            f"The folder {saved.parent} for the plan does not exist.",
            "Give --plan-out a file in a folder that exists.",
        )
    words: dict[int, Words] | None = {} if options.show_content else None
    proposal = app.preview(responder.run, options.request, plan_out=saved, words=words)
    blocked = bool(waiting(proposal, options.request.selection))
    short = proposal.space is not None and not proposal.space.enough
    return responder.answer(
        ExitCode.REFUSED if blocked or short else ExitCode.OK,
        lambda: repair_text.plan_document(proposal, saved),
        lambda: [
            *repair_text.plan_lines(proposal, responder.audience, options.again.name, words),
            *repair_text.next_lines(proposal, responder.audience, saved, options.again),
        ],
        database=proposal.database,
    )
