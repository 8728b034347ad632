"""``salvage``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import salvage_home as app
from hermes_repair.app.begin_anew import (
    Beginning,
    Begun,
    begin_anew,
    begin_in_file,
    beginning,
)
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.salvage import NoPages
from hermes_repair.app.salvage_held import salvaging_held
from hermes_repair.app.salvage_install import salvage_and_install, why_not
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.home.side_stores import find_store
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, salvage_command
from hermes_repair.model.errors import ExitCode, NoDatabase, NoInstall, UsageError
from hermes_repair.model.salvage_ledger import Ledger
from hermes_repair.report import begin_text, salvage_text
from hermes_repair.report.lines import Line

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet", "verbose")
def salvage(
    target: Target,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the new database to this file. Without it nothing is written.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="FILE",
            help="Another database of the home instead of state.db, such as kanban.db.",
            show_default=False,
        ),
    ] = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Put the new database in the place of the damaged one. The old files are kept;"
            " `undo` gives them back.",
        ),
    ] = False,
    from_process: Annotated[
        int | None,
        typer.Option(
            "--from-process",
            metavar="PID",
            help="Read what this process has open of state.db, for files that were deleted under"
            " it. It goes on; needs --out.",
            show_default=False,
        ),
    ] = None,
    deleted: Annotated[
        bool,
        typer.Option("--deleted", help="Also write what was deleted before, to a file of its own."),
    ] = False,
    wal: Annotated[
        WalChoice | None,
        typer.Option(
            "--wal",
            help="What to do with the -wal beside state.db. Default: use it, unless it is proven"
            " to be of another state.db.",
            show_default=False,
        ),
    ] = None,
    yes: YesOption = False,
) -> int:
    """Read what can be read of a damaged database, and write it to a new one.

    The damaged files stay as they are. It says first how much can be read and what is lost, then
    writes. Exit status 4: something is lost or in doubt; the ledger beside FILE names it.
    """
    if install and out is not None:
        raise UsageError("--install and --out exclude each other.", "Leave one of them out.")
    if deleted and out is None and not install:
        raise UsageError("--deleted needs --out FILE.", "Add --out FILE: nothing is written else.")
    if from_process is not None and (out is None or wal is not None):
        raise UsageError(
            "--from-process needs --out FILE, and uses the -wal of that process.",
            "Add --out FILE, and leave --wal out.",
        )
    if store is not None and (from_process is not None or target.all_profiles):
        raise UsageError(
            "--store names one file of one home, and no process.",
            "Leave --from-process and --all-profiles out.",
        )
    if install:
        named = str(store) if store is not None else None
        shows = advice("Add --yes to go ahead; `{}` shows it.", salvage_command(named))
        require_yes(yes, lambda: None, shows)

    def work(responder: Responder) -> Answer:
        if store is not None:
            run = responder.run
            responder = replace(responder, run=replace(run, home=find_store(run.home, store)))
        try:
            if install:
                return _install(responder, target, wal, deleted=deleted, yes=yes)
            return look(responder)
        except (NoPages, NoInstall) as error:
            if store is not None or from_process is not None or isinstance(error, NoDatabase):
                raise
            return _begin(responder, target, out, install=install, yes=yes)

    def look(responder: Responder) -> Answer:
        opened = (
            app.salvaging(responder.run, wal)
            if from_process is None
            else salvaging_held(responder.run, from_process)
        )
        with opened as reading:
            found = reading.ledger
            if not target.as_json:
                responder.print(
                    [*responder.heading(), *salvage_text.found_lines(found, responder.audience)]
                )
            made = reading.make(out, deleted=deleted) if out is not None else None
        ledger = made.ledger if made is not None else found
        refused = why_not(responder.run, found) if made is None else None
        return responder.answer(
            ExitCode.OK if ledger.complete else ExitCode.REFUSED,
            lambda: salvage_text.document(ledger, made),
            lambda: (
                salvage_text.made_lines(made, responder.audience)
                if made is not None
                else salvage_text.next_lines(
                    ledger, responder.audience, responder.run.home.store, refused
                )
            ),
            headed=False,
        )

    old_file = OldFile.STOPS if install else OldFile.IS_NAMED
    # Another database of the home is what it always was.
    return each_home(target, work, old_file=OldFile.IS_LEFT if store is not None else old_file)


def _install(
    responder: Responder, target: Target, wal: WalChoice | None, *, deleted: bool, yes: bool
) -> Answer:
    """Salvage into the place of state.db at one home: show, ask, do, say."""

    def agree(found: Ledger) -> bool:
        lines = [*responder.heading(), *salvage_text.found_lines(found, responder.audience)]
        if yes:
            if not target.as_json:
                responder.print(lines)
            return True
        name = responder.run.home.database_name
        return ask(f"Put this in the place of {name}? `undo` gives the old files back.", lines)

    done = salvage_and_install(responder.run, wal, agree, deleted=deleted)
    return responder.answer(
        ExitCode.OK if done.complete or done.installed is None else ExitCode.REFUSED,
        lambda: salvage_text.installed_document(done),
        lambda: salvage_text.installed_lines(done, responder.audience),
        headed=False,
    )


def _begin(
    responder: Responder, target: Target, out: Path | None, *, install: bool, yes: bool
) -> Answer:
    """Show what a home without a database can begin with; with ``install``, ask and do it.

    With ``out``, do it in that file.
    """
    if out is None and not install:
        with beginning(responder.run) as (_, found):
            return responder.answer(
                ExitCode.OK,
                lambda: begin_text.document(Begun(found)),
                lambda: [
                    *begin_text.found_lines(found, responder.audience),
                    *begin_text.next_lines(responder.audience),
                ],
            )

    def shown(found: Beginning) -> list[Line]:
        return [*responder.heading(), *begin_text.found_lines(found, responder.audience)]

    def show(found: Beginning) -> None:
        if not target.as_json:
            responder.print(shown(found))

    def agree(found: Beginning) -> bool:
        if yes:
            show(found)
            return True
        return ask("Do this?", shown(found))

    if out is not None:
        done = begin_in_file(responder.run, out, show)
    else:
        done = begin_anew(responder.run, agree)
    return responder.answer(
        ExitCode.OK if done.complete or done.filled is None else ExitCode.REFUSED,
        lambda: begin_text.document(done),
        lambda: begin_text.begun_lines(done, responder.audience),
        headed=False,
    )
