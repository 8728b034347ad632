"""The commands: their options, and which function of ``app`` each one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.cli import transcript_commands
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
    Resolve,
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
    help="Look at, migrate and repair the conversations of a Hermes Agent install.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_STATUS,
)
locks_app = typer.Typer(
    help="What holds or blocks a session, and freeing what is provably over.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=EXIT_STATUS,
)
app.add_typer(locks_app, name="locks")
backup_app = typer.Typer(
    help="A consistent, verified copy of state.db.",
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog=EXIT_STATUS,
)
app.add_typer(backup_app, name="backup")


def _version(wanted: bool) -> None:
    if wanted:
        from hermes_repair import __version__

        typer.echo(f"hermes-repair {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Look at, migrate and repair the conversations of a Hermes Agent install.

    `doctor` looks and changes nothing. `repair --dry-run` shows what would be done, `repair` does
    it, `undo` takes it back.
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
        bool, typer.Option("--deep", help="Also look at what takes long on big installs.")
    ] = False,
    for_release: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="RELEASE",
            help="Also what that release would hide, crash on or stop reading.",
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
    return run_doctor.doctor(
        target, select or [], ignore or [], fail_on.value, deep, for_release, timezone
    )


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
        bool, typer.Option("--force", help="Also beyond what the installed Hermes expects.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say nothing; exit 1 when the database is behind.")
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
        bool, typer.Option("--unsafe", help="Also what is a judgement, not a proof.")
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
        bool, typer.Option("--backup", help="Copy the whole database first, even if not needed.")
    ] = False,
    wal: Annotated[
        Wal | None,
        typer.Option(
            "--wal", help="What to do with a -wal in question (DB002).", show_default=False
        ),
    ] = None,
    timezone: TimezoneOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Do what is SAFE of what the doctor found. `undo` takes it back."""
    from hermes_repair.cli import run_repair

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    asked = run_repair.Asked(
        dry_run=dry_run,
        yes=yes,
        select=tuple(select or ()),
        ignore=tuple(ignore or ()),
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
def forks(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SESSION...]", help="Of these sessions. Default: every fork."),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    resolve: Annotated[
        Resolve | None,
        typer.Option(
            "--resolve", help="What becomes of the halves that are not kept.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="SESSION",
            help="The half that goes on, where nothing proves it; may be repeated.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    show_content: Annotated[
        bool,
        typer.Option(
            "--show-content",
            help="On a terminal, also what each half says.",
            rich_help_panel="Output",
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Forked conversations side by side, and resolving them.

    branch: the kept half goes on, each other one becomes a chat of its own. merge: whole turns of
    the others are woven into it by time, and they are archived. archive: for halves with nothing of
    yours in them. `undo` takes it back.
    """
    from hermes_repair.cli import run_forks

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    wanted = run_forks.Wanted(
        sessions=tuple(sessions or ()),
        resolve=resolve.value if resolve is not None else None,
        keep=tuple(keep or ()),
        dry_run=dry_run,
        yes=yes,
        show_content=show_content,
    )
    return run_forks.forked(target, wanted)


@app.command(epilog=EXIT_STATUS)
def tree(
    session: Annotated[
        str | None,
        typer.Argument(help="Draw the family of this session. Default: every family."),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    dot: Annotated[
        bool,
        typer.Option("--dot", help="As a graph for graphviz.", rich_help_panel="Output"),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """The lineage as a picture: what continues, branches from or was delegated by what."""
    from hermes_repair.cli import run_tree

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    return run_tree.draw(target, session, dot=dot)


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
    """What holds or blocks: who has it, alive or not, and whether it may be cleaned."""
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
        float, typer.Option("--grace", min=0, help="Seconds past its expiry before a lock counts.")
    ] = 60.0,
    max_age: Annotated[
        float, typer.Option("--max-age", min=0, help="Seconds of lease beyond which it is absurd.")
    ] = 3600.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Free the locks that are provably over. Made for cron, beside a live gateway."""
    from hermes_repair.cli import run_locks

    target = Target(home, profile, all_profiles, as_json, quiet, verbose)
    return run_locks.clean(target, dry_run=dry_run, grace=grace, max_age=max_age)


@locks_app.command("install", epilog=EXIT_STATUS)
def locks_install(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    systemd: Annotated[
        bool, typer.Option("--systemd", help="A service and a timer of your user.")
    ] = False,
    cron: Annotated[bool, typer.Option("--cron", help="One line for your crontab.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Also write the units; nothing is started.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Print what runs `locks clean` every few minutes: systemd units, or a crontab line."""
    from hermes_repair.cli import run_install

    target = Target(home, profile, all_profiles, as_json)
    return run_install.install(target, systemd=systemd, cron=cron, write=write)


@app.command(epilog=EXIT_STATUS)
def explain(
    finding: Annotated[str, typer.Argument(metavar="ID", help="For example TR001.")],
    as_json: JsonOption = False,
) -> int:
    """What a finding means, how it happens, what repair does and how safe that is."""
    from hermes_repair.cli import run_doctor

    return run_doctor.explain(finding, as_json)


@app.command(epilog=EXIT_STATUS)
def ack(
    fingerprint: Annotated[str, typer.Argument(help="As `doctor -v` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is accepted.")],
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> int:
    """Accept a finding: out of the exit code, not out of the report."""
    from hermes_repair.cli import run_doctor

    return run_doctor.ack(Target(home, profile, False, as_json), fingerprint, reason)


@app.command(epilog=EXIT_STATUS)
def history(
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """What hermes-repair did here, newest first."""
    from hermes_repair.cli import run_history

    return run_history.history(Target(home, profile, all_profiles, as_json, verbose=verbose))


@app.command(epilog=EXIT_STATUS)
def undo(
    receipt: Annotated[
        str | None,
        typer.Argument(help="Take back this one and all later. Default: the newest."),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Take back what was done, last first."""
    from hermes_repair.cli import run_history

    return run_history.undo(Target(home, profile, False, as_json, quiet), receipt, yes)


@backup_app.callback(invoke_without_command=True, epilog=EXIT_STATUS)
def backup(
    context: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Make a consistent, verified copy of state.db now; or list and prune the copies."""
    if context.invoked_subcommand is not None:
        return 0
    from hermes_repair.cli import run_backup

    return run_backup.make(Target(home, profile, False, as_json, quiet))


@backup_app.command("list", epilog=EXIT_STATUS)
def backup_list(
    home: HomeOption = None, profile: ProfileOption = None, as_json: JsonOption = False
) -> int:
    """The copies that there are, newest first."""
    from hermes_repair.cli import run_backup

    return run_backup.list_all(Target(home, profile, False, as_json))


@backup_app.command("prune", epilog=EXIT_STATUS)
def backup_prune(
    home: HomeOption = None, profile: ProfileOption = None, as_json: JsonOption = False
) -> int:
    """Remove old copies: the newest 3, unfinished runs' and those under 7 days stay."""
    from hermes_repair.cli import run_backup

    return run_backup.prune(Target(home, profile, False, as_json))


@app.command(epilog=EXIT_STATUS)
def restore(
    backup_name: Annotated[
        str, typer.Argument(metavar="BACKUP", help="A name of `backup list`, or a file.")
    ],
    home: HomeOption = None,
    profile: ProfileOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> int:
    """Put a copy back into state.db, after keeping what is there now."""
    from hermes_repair.cli import run_backup

    return run_backup.restore(Target(home, profile, False, as_json), backup_name, yes)


app.command("backfill", epilog=EXIT_STATUS)(transcript_commands.backfill)
app.command("find", epilog=EXIT_STATUS)(transcript_commands.find)
