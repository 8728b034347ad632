"""``history`` and ``undo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hermes_repair.app import history as runs
from hermes_repair.app import undo as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.undo import warnings
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import HtmlOption, TitlesOption, YesOption, at_homes, group
from hermes_repair.cli.pages import Page
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord, ExitCode
from hermes_repair.report import history_text

if TYPE_CHECKING:
    from hermes_repair.report.page_history import HistoryOfHome

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose")
def history(
    target: Target,
    html: HtmlOption = None,
    titles: TitlesOption = False,
) -> int:
    """List what hermes-repair did here, newest first."""
    page = Page(target, html, titles=titles)
    histories: list[HistoryOfHome] = []

    def work(responder: Responder) -> Answer:
        unread: list[tuple[Path, BadRecord]] = []
        entries = runs.history(responder.run.home, unread)
        next_one = runs.next_to_undo(entries)
        if html is not None:
            histories.append(_for_page(responder, entries, unread, next_one, page))
        return responder.answer(
            ExitCode.OK,
            lambda: history_text.history_document(entries, unread, next_one),
            lambda: history_text.history_lines(entries, unread, next_one, responder.audience),
        )

    code = each_home(target, work, old_file=OldFile.IS_LEFT)
    if histories:
        from hermes_repair.report import page_history

        page.write(lambda made_at: page_history.page(histories, made_at))
    return code


def _for_page(
    responder: Responder,
    entries: list[runs.Entry],
    unread: list[tuple[Path, BadRecord]],
    next_one: runs.Entry | None,
    page: Page,
) -> HistoryOfHome:
    from hermes_repair.app.run_details import details
    from hermes_repair.report.page_history import HistoryOfHome

    seen, why_not = details(responder.run, entries)
    name = next_one.name if next_one is not None else None
    audience = page.audience(responder)
    return HistoryOfHome(responder.run.home, seen, unread, name, why_not, audience)


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet")
def undo(
    target: Target,
    receipt: Annotated[
        str | None,
        typer.Argument(
            help="Undo this run and all later ones. Default: the newest that is not a lock"
            " cleaning.",
            show_default=False,
        ),
    ] = None,
    yes: YesOption = False,
) -> int:
    """Undo what was done, newest first.

    Lock cleanings do not count: a timer runs them all the time, and nobody needs what they remove.
    One is undone when you name it, when there is nothing else, or when it removed a lock that
    belongs to the result of an earlier run (a migration, which is undone as a whole).
    """
    look = advice("Add --yes to go ahead; `{}` shows what it would undo.", command("history"))

    def work(responder: Responder) -> Answer:
        require_yes(yes, lambda: app.require_undoable(responder.run, receipt), look)
        stays: list[runs.Entry] = []
        expected: list[str] = []

        def agree(entries: list[runs.Entry]) -> bool:
            expected.extend(warnings(responder.run, entries))
            stays.extend(runs.staying(responder.run.home, entries))
            lines = history_text.question_lines(entries, stays, expected)
            return yes or ask("Undo this?", [*responder.heading(), *lines])

        undone = app.undo(responder.run, receipt, agree)
        next_one = runs.next_to_undo(runs.history(responder.run.home))
        return responder.answer(
            ExitCode.OK,
            lambda: history_text.undo_document(undone, stays, expected, next_one),
            lambda: history_text.undo_lines(undone, stays, expected, next_one, responder.audience),
            headed=yes,
        )

    return each_home(target, work, old_file=OldFile.STOPS)
