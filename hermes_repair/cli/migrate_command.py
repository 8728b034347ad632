"""``migrate``. What ``--check`` does not need is imported where it is: a hook waits for it."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.migrate import behind
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import json_documents
from hermes_repair.report.lines import show

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose")
def migrate(
    target: Target,
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
) -> int:
    """Bring state.db to the schema that the installed Hermes expects, in one transaction."""
    if check:
        return each_home(target, lambda responder: _check(responder, to), old_file=OldFile.STOPS)
    if list_versions:
        return _list(target)
    if dry_run:
        return each_home(
            target, lambda responder: _preview(responder, to, force), old_file=OldFile.STOPS
        )
    return each_home(
        target, lambda responder: _migrate(responder, to, force, yes), old_file=OldFile.STOPS
    )


def _check(responder: Responder, to: int | None) -> Answer:
    """Say whether a home is behind: by the exit code alone, for a hook before Hermes starts."""
    is_behind = behind(responder.run, to)
    code = ExitCode.FINDINGS if is_behind else ExitCode.OK
    return responder.answer(code, lambda: {"behind": is_behind}, list, headed=False)


def _list(target: Target) -> int:
    from hermes_repair.report import migration_text

    if target.as_json:
        json_documents.write_alone(versions=migration_text.versions_entries())
    else:
        show(migration_text.versions_lines())
    return int(ExitCode.OK)


def _preview(responder: Responder, to: int | None, force: bool) -> Answer:
    from hermes_repair.app.migrate import plan_way
    from hermes_repair.report import migration_text

    way = plan_way(responder.run, to, force)
    short = way.space is not None and not way.space.enough
    return responder.answer(
        ExitCode.REFUSED if short else ExitCode.OK,
        lambda: migration_text.plan_document(way),
        lambda: migration_text.plan_lines(way, responder.place, responder.audience),
        database=responder.unread | {"schema": way.route.start},
        headed=False,
    )


def _migrate(responder: Responder, to: int | None, force: bool, yes: bool) -> Answer:
    from hermes_repair.app.migrate import Way, migrate, require_way
    from hermes_repair.report import migration_text

    def agree(way: Way) -> bool:
        lines = migration_text.question_lines(way, responder.place, responder.audience)
        return yes or ask("Migrate?", lines)

    require_yes(yes, lambda: require_way(responder.run, to, force))
    result = migrate(responder.run, to, force, agree)
    if result.problem is not None:
        raise result.problem
    return responder.answer(
        ExitCode.REFUSED if result.stopped else ExitCode.OK,
        lambda: migration_text.result_document(result),
        lambda: migration_text.result_lines(result, responder.place, responder.audience),
        database=responder.unread | {"schema": result.way.route.start},
        headed=False,
    )
