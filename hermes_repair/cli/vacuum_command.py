"""``vacuum``."""

from __future__ import annotations

from hermes_repair.app import vacuum as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import vacuum_text

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose")
def vacuum(target: Target, dry_run: DryRunOption = False, yes: YesOption = False) -> int:
    """Give the disk back the room that state.db does not need. `undo` gives the old file back.

    SQLite writes the file anew, every row of that is compared with the old one, and it takes its
    place. Hermes has to be stopped. Nothing does this unasked.
    """

    def work(responder: Responder) -> Answer:
        return _look(responder) if dry_run else _do(responder, target, yes=yes)

    return each_home(target, work, old_file=OldFile.STOPS)


def _look(responder: Responder) -> Answer:
    foreseen = app.foresee(responder.run)
    return responder.answer(
        ExitCode.OK if foreseen.space.enough else ExitCode.REFUSED,
        lambda: vacuum_text.document(foreseen),
        lambda: [
            *vacuum_text.foreseen_lines(foreseen),
            *vacuum_text.next_lines(responder.audience),
        ],
    )


def _do(responder: Responder, target: Target, *, yes: bool) -> Answer:
    require_yes(yes, lambda: app.foresee(responder.run))

    def agree(foreseen: app.Foreseen) -> bool:
        lines = [*responder.heading(), *vacuum_text.foreseen_lines(foreseen)]
        if yes:
            if not target.as_json:
                responder.print(lines)
            return True
        return ask("Write state.db anew? `undo` gives the old file back.", lines)

    done = app.vacuum(responder.run, agree)
    return responder.answer(
        ExitCode.OK if done.complete else ExitCode.REFUSED,
        lambda: vacuum_text.document(done.foreseen, done),
        lambda: vacuum_text.done_lines(done, responder.audience),
        headed=False,
    )
