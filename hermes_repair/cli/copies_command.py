"""``copies``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app.copies import see_copies
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import at_homes, group
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import copies_text

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose")
def copies(
    target: Target,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="More copies to look at: files, captured -wal folders, other Hermes folders.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Show every copy of the database, and what each has that state.db has not.

    Backups, snapshots of Hermes, captured -wal files, other profiles and folders; nothing is
    changed. Of what only a copy has it says whether state.db never held it, held it once, or
    neither is certain. What is read of a copy is remembered in your cache folder, so that the next
    time is quick.
    """

    def work(responder: Responder) -> Answer:
        seen = see_copies(responder.run, paths or [])
        return responder.answer(
            ExitCode.OK,
            lambda: copies_text.document(seen),
            lambda: copies_text.lines(seen, responder.audience),
            database=seen.database,
        )

    return each_home(target, work, old_file=OldFile.IS_NAMED)
