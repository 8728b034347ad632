"""``doctor``, and what is done with its findings beside repairing: ``explain`` and ``ack``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import explain as app_explain
from hermes_repair.app.acceptance import accept, take_back
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.target_release import require_release
from hermes_repair.app.timer_files import LOOKING, remembered
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.completion import findings
from hermes_repair.cli.fleet import Fleet, Memory, looking_ahead
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
    days_or_none,
    finding_ids,
    group,
)
from hermes_repair.cli.pages import Page
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.cli.timer_install import (
    CronOption,
    SystemdOption,
    TimerKind,
    WriteOption,
    install,
)
from hermes_repair.home.layout import Home, default_root
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.model.findings import Severity
from hermes_repair.report import doctor_text, json_documents
from hermes_repair.report.colour import Colour
from hermes_repair.report.lines import show

commands = group()


doctor = group(
    help="Find what is wrong with an install. Changes nothing, creates nothing.",
    invoke_without_command=True,
)
commands.add_typer(doctor, name="doctor")


@doctor.callback(invoke_without_command=True, epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def look(
    target: Target,
    context: typer.Context,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit 1 for findings of this severity or worse.")
    ] = FailOn.WARNING,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also run the checks that take long on big installs.")
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Read everything, also what nobody wrote to since the last look."
        ),
    ] = False,
    for_release: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="RELEASE",
            help="Also say what that release would hide, crash on, stop reading or delete.",
            show_default=False,
        ),
    ] = None,
    ahead_days: Annotated[
        float | None,
        typer.Option(
            "--ahead",
            metavar="DAYS",
            callback=days_or_none,
            help="Also say which chats and files Hermes will delete by itself until then.",
            show_default=False,
        ),
    ] = None,
    timezone: TimezoneOption = None,
    html: HtmlOption = None,
    titles: TitlesOption = False,
    changes: Annotated[
        Path | None,
        typer.Option(
            "--changes",
            metavar="FILE",
            help="Tell only what changed since the last look, which FILE remembers.",
            show_default=False,
        ),
    ] = None,
    nagios: Annotated[
        bool,
        typer.Option("--nagios", help="Print one line for a monitor, with its exit codes."),
    ] = False,
) -> int:
    """Find what is wrong with an install. Changes nothing, creates nothing."""
    if context.invoked_subcommand is not None:
        return int(ExitCode.OK)
    if (changes is not None) + nagios + target.as_json > 1:
        raise UsageError(
            "--changes, --nagios and --json each print something else.", "Use one of them."
        )
    selection = Selection(finding_ids("--select", select), finding_ids("--ignore", ignore))
    narrowed = bool(selection.select or selection.ignore)
    threshold = Severity[fail_on.name]
    if for_release is not None:
        require_release(for_release)
    page = Page(target, html, titles=titles)
    memory = Memory(target, changes, threshold)
    look_options = LookOptions(
        timezone=timezone,
        release=for_release,
        deep=deep,
        recall=not fresh,
        picture=html is not None,
        ahead=ahead_days,
    )
    fleet = Fleet(target)
    every_line = not (nagios or changes is not None or (fleet.is_one and target.quiet))

    def work(responder: Responder) -> Answer:
        diagnosis = fleet.seen(responder, ahead.diagnosis)
        memory.add(responder, diagnosis)
        page.add(responder, diagnosis)
        bad = diagnosis.worst is not None and diagnosis.worst >= threshold
        code = ExitCode.FINDINGS if bad else ExitCode.OK
        if not (every_line or target.as_json):
            return code, None
        return responder.answer(
            code,
            lambda: doctor_text.document(diagnosis, every_profile=target.all_profiles),
            lambda: doctor_text.lines(diagnosis, responder.audience, narrowed=narrowed),
            database=diagnosis.database,
        )

    with looking_ahead(target, look_options, selection) as ahead:
        code = each_home(target, work, old_file=OldFile.IS_LEFT, closing=fleet.document)
    if page.looks:
        from hermes_repair.report import page_doctor

        page.write(lambda made_at: page_doctor.page(page.looks, made_at, narrowed=narrowed))
    if nagios:
        return fleet.monitor(code)
    if changes is not None:
        return memory.tell(code)
    fleet.close()
    return code


@doctor.command("install", epilog=EXIT_STATUS)
@at_homes("all_profiles")
def doctor_install(
    target: Target,
    systemd: SystemdOption = False,
    cron: CronOption = False,
    write: WriteOption = False,
) -> int:
    """Print systemd units or a crontab line that look every night, and tell what changed."""
    environment = target.environment()
    usual = default_root({}, environment.user_home, environment.platform)

    def words(home: Home) -> list[str]:
        return ["doctor", "--changes", str(remembered(home, environment, usual))]

    kind = TimerKind(LOOKING, "doctor install", words)
    return install(target, kind, systemd=systemd, cron=cron, write=write)


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

    return each_home(target, undecide if remove else work, old_file=OldFile.IS_LEFT)
