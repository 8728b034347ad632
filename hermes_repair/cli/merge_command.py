"""``merge``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.merge_into_home import MergeRequest, Preview, preview
from hermes_repair.app.merge_into_home import merge as merge_here
from hermes_repair.app.merge_into_profile import move, preview_move
from hermes_repair.app.merge_sources import NOT_A_SOURCE
from hermes_repair.cli import completion
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, YesOption, at_homes, group
from hermes_repair.cli.questions import ask
from hermes_repair.cli.target import Answer, Responder, Target, each_home, require_yes
from hermes_repair.model.commands_to_type import Command, advice, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import merge_text

commands = group()


@dataclass(frozen=True, slots=True)
class _Options:
    request: MergeRequest
    again: Command
    dry_run: bool
    yes: bool


@dataclass(frozen=True, slots=True)
class _Moving:
    sessions: frozenset[str]
    profile: str
    dry_run: bool
    yes: bool


@dataclass(slots=True)
class _Question:
    """Asks once whether what is shown is to be merged.

    ``shown``: the reader has seen it. ``of_other``: the preview is of another home than the one
    that the command is about.
    """

    responder: Responder
    text: str
    yes: bool
    of_other: bool = False
    shown: bool = False

    def agree(self, plan: Preview) -> bool:
        """Whether the user agrees; with ``--yes`` nothing is shown."""
        if self.yes:
            return True
        self.shown = True
        heading = self.responder.heading(None if self.of_other else plan.database)
        return ask(self.text, [*heading, *merge_text.preview_lines(plan, self.responder.audience)])


@commands.command(epilog=EXIT_STATUS)
@at_homes("quiet", "verbose", "no_titles")
def merge(
    target: Target,
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Hermes folders, databases or copies of one, captured -wals, exports.",
            show_default=False,
        ),
    ] = None,
    session: Annotated[
        list[str] | None,
        typer.Option(
            "--session",
            help="Only this session, also where only you can decide; may be repeated.",
            show_default=False,
        ),
    ] = None,
    into_profile: Annotated[
        str | None,
        typer.Option(
            "--into-profile",
            metavar="NAME",
            help="Take the lineage of --session to this profile, and archive it in its own.",
            show_default=False,
            autocompletion=completion.profiles,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> int:
    """Bring the chats that another copy has and this home never had. `undo` takes them out again.

    What this home perhaps had and removed is listed, and brought only when its session is named.
    Nothing of a source is changed. Exit status 4: something was left for you to decide.
    """
    if into_profile is not None:
        if sources or not session:
            raise UsageError(
                "--into-profile takes chats of this home, and no other source.",
                advice(
                    "Name them: `{}`, and with --profile the one that they are in.",
                    command("merge", "--session", "ID", "--into-profile", into_profile),
                ),
            )
        moving = _Moving(frozenset(session), into_profile, dry_run, yes)
        return each_home(target, lambda responder: _move(responder, moving), old_file=OldFile.STOPS)
    if not sources:
        raise UsageError("There is nothing to merge: no source is named.", NOT_A_SOURCE)
    words = [str(path) for path in sources]
    again = command("merge", *words, *(w for id in session or () for w in ("--session", id)))
    request = MergeRequest(tuple(sources), frozenset(session or ()))
    options = _Options(request, again, dry_run, yes)
    return each_home(target, lambda responder: _merge(responder, options), old_file=OldFile.STOPS)


def _merge(responder: Responder, options: _Options) -> Answer:
    if options.dry_run:
        return _preview(responder, options)
    require_yes(options.yes, lambda: preview(responder.run, options.request))
    question = _Question(responder, "Merge this?", options.yes)
    result = merge_here(responder.run, options.request, question.agree)
    done = result.complete or result.declined
    return responder.answer(
        ExitCode.OK if done else ExitCode.REFUSED,
        lambda: merge_text.result_document(result),
        lambda: merge_text.result_lines(result, responder.audience, shown=question.shown),
        database=result.preview.database,
        headed=not question.shown,
    )


def _preview(responder: Responder, options: _Options) -> Answer:
    plan = preview(responder.run, options.request)
    short = plan.space is not None and not plan.space.enough
    return responder.answer(
        ExitCode.REFUSED if short or plan.asks or plan.live else ExitCode.OK,
        lambda: merge_text.preview_document(plan),
        lambda: [
            *merge_text.preview_lines(plan, responder.audience),
            *merge_text.next_lines(plan, responder.audience, options.again),
        ],
        database=plan.database,
    )


def _move(responder: Responder, moving: _Moving) -> Answer:
    run, audience = responder.run, responder.audience
    if moving.dry_run:
        plan, sessions = preview_move(run, moving.sessions, moving.profile)
        return responder.answer(
            ExitCode.REFUSED if plan.live else ExitCode.OK,
            lambda: merge_text.preview_document(plan),
            lambda: [
                *merge_text.moving_lines(moving.profile, sessions),
                *merge_text.preview_lines(plan, audience),
            ],
        )
    require_yes(moving.yes, lambda: preview_move(run, moving.sessions, moving.profile))
    question = _Question(
        responder, f"Take this to profile {moving.profile}?", moving.yes, of_other=True
    )
    done = move(run, moving.sessions, moving.profile, question.agree)
    return responder.answer(
        ExitCode.OK if done.complete or done.merged.declined else ExitCode.REFUSED,
        lambda: merge_text.moved_document(done, moving.profile),
        lambda: merge_text.moved_lines(done, audience, shown=question.shown),
        headed=not question.shown,
    )
