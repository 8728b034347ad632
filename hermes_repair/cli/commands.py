"""The commands: their options, and which function of ``app`` each one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.cli import (
    backup_commands,
    lineage_commands,
    locks_commands,
    transcript_commands,
)
from hermes_repair.cli.options import (
    EXIT_STATUS,
    AllProfilesOption,
    DryRunOption,
    FailOn,
    HomeOption,
    IgnoreOption,
    JsonOption,
    NoTitlesOption,
    ProfileOption,
    QuietOption,
    SelectOption,
    SessionOption,
    TimezoneOption,
    VerboseOption,
    Wal,
    YesOption,
)
from hermes_repair.cli.target import Target

app = typer.Typer(
    name="hermes-repair",
    help="Check, migrate and repair the conversations of a Hermes Agent install.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_STATUS,
)
app.add_typer(locks_commands.locks_app, name="locks")
app.add_typer(backup_commands.backup_app, name="backup")


def _version(wanted: bool) -> None:
    if wanted:
        from hermes_repair import __version__

        typer.echo(f"hermes-repair {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Check, migrate and repair the conversations of a Hermes Agent install.

    `doctor` finds damage and changes nothing. `repair --dry-run` shows the plan, `repair` applies
    it, `undo` reverts it.
    """


@app.command(epilog=EXIT_STATUS)
def doctor(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Find what is wrong with an install. Changes nothing, creates nothing."""
    from hermes_repair.cli import run_doctor

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    return run_doctor.doctor(target, select, ignore, fail_on.value, deep, for_release, timezone)


@app.command(epilog=EXIT_STATUS)
def migrate(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            metavar="N",
            help="Schema number. Default: what the installed Hermes expects.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go beyond what the installed Hermes expects.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print nothing; exit 1 if the database is behind.")
    ] = False,
    dry_run: DryRunOption = False,
    list_versions: Annotated[
        bool, typer.Option("--list", help="List the schema versions and stop.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Bring state.db to the schema that the installed Hermes expects, in one transaction."""
    target = Target(home, profile, all_profiles, as_json, quiet, verbose)
    if check:
        from hermes_repair.cli import run_check

        return run_check.check(target, to)
    from hermes_repair.cli import run_migrate

    if list_versions:
        return run_migrate.list_versions(target)
    return run_migrate.migrate(target, to, force, dry_run, yes)


@app.command(epilog=EXIT_STATUS)
def repair(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    session: SessionOption = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Also do what needs your decision.")
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
        Wal | None,
        typer.Option("--wal", help="What to do with a doubtful -wal (DB002).", show_default=False),
    ] = None,
    timezone: TimezoneOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Repair what the doctor found, as far as that is SAFE. `undo` reverts it."""
    from hermes_repair.cli import run_repair
    from hermes_repair.cli.selecting import meant

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    asked = run_repair.Asked(
        dry_run=dry_run,
        yes=yes,
        select=meant("--select", select),
        ignore=meant("--ignore", ignore),
        sessions=tuple(session or ()),
        unsafe=unsafe,
        plan_out=plan_out,
        plan=plan,
        backup=backup,
        wal=wal.value if wal is not None else None,
        timezone=timezone,
    )
    return run_repair.repair(target, asked)


@app.command(epilog=EXIT_STATUS)
def explain(
    finding: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="For example TR001. Default: list them all.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Explain a finding: what it means, how it happens, what repair does and how safe that is."""
    from hermes_repair.cli import run_doctor

    return run_doctor.explain(finding, as_json)


@app.command(epilog=EXIT_STATUS)
def ack(
    fingerprint: Annotated[str, typer.Argument(help="As `doctor -v` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why you accept it.")],
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Accept a finding: it stays in the report, but no longer sets the exit code."""
    from hermes_repair.cli import run_doctor

    return run_doctor.ack(Target(home, profile, False, as_json, quiet), fingerprint, reason)


@app.command(epilog=EXIT_STATUS)
def history(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """List what hermes-repair did here, newest first."""
    from hermes_repair.cli import run_history

    return run_history.history(Target(home, profile, all_profiles, as_json, quiet, verbose))


@app.command(epilog=EXIT_STATUS)
def undo(
    receipt: Annotated[
        str | None,
        typer.Argument(
            help="Undo this run and all later ones. Default: the newest that is not a lock"
            " cleaning.",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Undo what was done, newest first.

    Lock cleanings do not count: a timer runs them all the time, and nobody needs what they remove.
    One is undone when you name it, when there is nothing else, or when it removed a lock that
    belongs to the result of an earlier run (a migration, which is undone as a whole).
    """
    from hermes_repair.cli import run_history

    return run_history.undo(Target(home, profile, False, as_json, quiet), receipt, yes)


app.command("backfill", epilog=EXIT_STATUS)(transcript_commands.backfill)
app.command("find", epilog=EXIT_STATUS)(transcript_commands.find)
app.command("forks", epilog=EXIT_STATUS)(lineage_commands.forks)
app.command("tree", epilog=EXIT_STATUS)(lineage_commands.tree)
app.command("restore", epilog=EXIT_STATUS)(backup_commands.restore)
