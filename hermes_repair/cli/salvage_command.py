"""``salvage``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import salvage_home as app
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import at_homes, group
from hermes_repair.cli.target import Answer, Run, Target, each_home
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import salvage_text

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
) -> int:
    """Read what can be read of a damaged database, and write it to a new one.

    The damaged files stay as they are. It says first how much can be read and what is lost, then
    writes. Exit status 4: something is lost or in doubt; the ledger beside FILE names it.
    """
    if deleted and out is None:
        raise UsageError("--deleted needs --out FILE.", "Add --out FILE: nothing is written else.")

    def work(run: Run) -> Answer:
        with app.salvaging(run.home, run.environment, wal) as reading:
            found = reading.ledger
            if not target.as_json:
                run.print([*run.heading(), *salvage_text.found_lines(found, run.audience)])
            made = reading.make(out, deleted=deleted) if out is not None else None
        ledger = made.ledger if made is not None else found
        return run.answer(
            ExitCode.OK if ledger.complete else ExitCode.REFUSED,
            lambda: salvage_text.document(ledger, made),
            lambda: (
                salvage_text.made_lines(made, run.audience)
                if made is not None
                else salvage_text.next_lines(ledger, run.audience)
            ),
            headed=False,
        )

    return each_home(target, work)
