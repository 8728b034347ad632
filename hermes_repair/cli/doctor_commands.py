"""``doctor``, and what is done with its findings beside repairing: ``explain`` and ``ack``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hermes_repair.app import diagnose as app_explain
from hermes_repair.app.acceptance import accept, take_back
from hermes_repair.app.diagnose import diagnose
from hermes_repair.app.target_release import require_release
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.completion import findings
from hermes_repair.cli.options import (
    ColourOption,
    FailOn,
    HtmlOption,
    IgnoreOption,
    JsonOption,
    SelectOption,
    TimezoneOption,
    TitlesOption,
    at_homes,
    finding_ids,
    group,
)
from hermes_repair.cli.pages import Page
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.model.findings import Severity
from hermes_repair.report import doctor_text, json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.colour import Colour
from hermes_repair.report.lines import show

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def doctor(
    target: Target,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit 1 for findings of this severity or worse.")
    ] = FailOn.WARNING,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also run the checks that take long on big installs.")
    ] = False,
    for_release: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="RELEASE",
            help="Also say what that release would hide, crash on or stop reading.",
            show_default=False,
        ),
    ] = None,
    timezone: TimezoneOption = None,
    html: HtmlOption = None,
    titles: TitlesOption = False,
) -> int:
    """Find what is wrong with an install. Changes nothing, creates nothing."""
    selection = Selection(finding_ids("--select", select), finding_ids("--ignore", ignore))
    narrowed = bool(selection.select or selection.ignore)
    threshold = Severity[fail_on.name]
    if for_release is not None:
        require_release(for_release)
    page = Page(target, html, titles=titles)
    look_options = LookOptions(
        timezone=timezone, release=for_release, deep=deep, picture=html is not None
    )
    looks: list[tuple[app_explain.Diagnosis, Audience]] = []

    def work(responder: Responder) -> Answer:
        diagnosis = diagnose(responder.run, look_options, selection)
        if html is not None:
            looks.append((diagnosis, page.audience(responder)))
        bad = diagnosis.worst is not None and diagnosis.worst >= threshold
        return responder.answer(
            ExitCode.FINDINGS if bad else ExitCode.OK,
            lambda: doctor_text.document(diagnosis, every_profile=target.all_profiles),
            lambda: doctor_text.lines(diagnosis, responder.audience, narrowed=narrowed),
            database=diagnosis.database,
        )

    code = each_home(target, work)
    if looks:
        from hermes_repair.report import page_doctor

        page.write(lambda made_at: page_doctor.page(looks, made_at, narrowed=narrowed))
    return code


@commands.command(epilog=EXIT_STATUS)
def explain(
    finding: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="An id or a name, such as TR001 or orphan-child. Default: list them all.",
            show_default=False,
            autocompletion=findings,
        ),
    ] = None,
    as_json: JsonOption = False,
    colour: ColourOption = Colour.AUTO,
) -> int:
    """Explain a finding: what it means, how it happens, what repair does and how safe that is."""
    if finding is None:
        checks = app_explain.explained()
        if as_json:
            entries = [doctor_text.explained_entry(check) for check in checks]
            json_documents.write_alone(findings=entries)
        else:
            show(doctor_text.list_lines(checks))
        return int(ExitCode.OK)
    check = app_explain.explain(finding)
    if as_json:
        json_documents.write_alone(**doctor_text.explained_entry(check), text=check.text)
    else:
        show(doctor_text.explained_lines(check, terminal=sys.stdout.isatty()))
    return int(ExitCode.OK)


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet")
def ack(
    target: Target,
    fingerprint: Annotated[
        str, typer.Argument(help="As `doctor -v` shows it, or the beginning of that.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why you accept it; required.", show_default=False)
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Take it back: the finding counts again.")
    ] = False,
) -> int:
    """Accept a finding: it stays in the report, but no longer sets the exit code."""
    if remove and reason:
        raise UsageError("--remove needs no --reason.", "Leave out one of the two.")
    if not remove and not reason.strip():
        example = command("ack", fingerprint, "--reason", "WHY")
        raise UsageError("A finding is accepted for a reason.", advice("Type it: {}", example))

    def undecide(responder: Responder) -> Answer:
        name, finding, diagnosis = take_back(responder.run, fingerprint)
        return responder.answer(
            ExitCode.OK,
            lambda: doctor_text.taken_back_document(name, finding),
            lambda: doctor_text.taken_back_lines(name, finding),
            database=diagnosis.database,
        )

    def work(responder: Responder) -> Answer:
        finding, diagnosis = accept(responder.run, fingerprint, reason)
        return responder.answer(
            ExitCode.OK,
            lambda: doctor_text.accepted_document(finding, diagnosis, reason),
            lambda: doctor_text.accepted_lines(finding, reason),
            database=diagnosis.database,
        )

    return each_home(target, undecide if remove else work)
