"""``forks`` and ``tree``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, NoReturn

import typer

from hermes_repair.app import lineage_views as app
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.proposal import Request
from hermes_repair.app.session_ids import whole_ids
from hermes_repair.cli import completion
from hermes_repair.cli.commands import EXIT_STATUS
from hermes_repair.cli.options import DryRunOption, YesOption, at_homes, group
from hermes_repair.cli.repair_command import RepairOptions, repair_home
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.choices import ForkOptions, LookOptions, Method, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode, Refused, UsageError
from hermes_repair.report import forks_text, tree_text
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line, show

commands = group()


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def forks(
    target: Target,
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SESSION...]",
            help="Only the forks of these sessions. Default: all forks.",
            autocompletion=completion.sessions,
        ),
    ] = None,
    resolve: Annotated[
        Method | None,
        typer.Option(
            "--resolve", help="What to do with the halves that you do not keep.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="SESSION",
            help="The half to continue, where nothing proves which one; may be repeated.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    show_content: Annotated[
        bool,
        typer.Option(
            "--show-content",
            help="On a terminal, also show what each half says.",
            rich_help_panel="Output",
        ),
    ] = False,
) -> int:
    """Show forked conversations side by side, and resolve them.

    branch: the kept half continues, and every other half becomes a chat of its own. merge: whole
    turns of the others are merged into it by time, and the others are archived. archive: for halves
    with nothing of yours in them. `undo` reverts it.
    """
    named, kept = sessions or [], keep or []
    if resolve is None and kept:
        example = command("forks", "SESSION", "--resolve", "branch", "--keep", "SESSION")
        raise UsageError(
            "--keep names the half of a fork to continue, so it needs --resolve.",
            advice("For example: {}", example),
        )
    fork_options = ForkOptions(resolve, frozenset(kept)) if resolve is not None else None

    def work(responder: Responder) -> Answer:
        # Conversation text only on a terminal, and only when asked for (R9).
        content = show_content and responder.audience.terminal and not target.as_json
        meant = whole_ids(responder.run, named)
        wish = fork_options
        if wish is not None:
            wish = replace(wish, keep=whole_ids(responder.run, wish.keep))
        forked = app.see_forks(responder.run, meant, wish, content=content)
        possible = [fork for fork in forked.forks if fork.outcome and fork.outcome.possible]
        if wish is None or not forked.forks:
            return _show(responder, forked)
        if not possible:
            _refuse(responder, forked)
        words = [*named, "--resolve", wish.method.value]
        words += [word for id in kept for word in ("--keep", id)]
        parents = frozenset(fork.fork.parent_id for fork in possible)
        options = RepairOptions(
            command("forks", *words),
            Request(
                LookOptions(named=parents, forks=wish),
                Selection(app.IDS, sessions=parents, unsafe=True),
            ),
            dry_run=dry_run,
            yes=yes,
        )
        code, document = repair_home(responder, options)
        if document is not None:
            document |= forks_text.document(forked)
        refused = [fork for fork in forked.forks if fork not in possible]
        if refused and document is None:
            show(
                [Line(f"Not resolved: {forks_text.reasons(refused, responder.audience)}.", "error")]
            )
        return (ExitCode.REFUSED if refused else code), document

    old_file = OldFile.IS_NAMED if fork_options is None else OldFile.STOPS
    return each_home(target, work, old_file=old_file)


def _show(responder: Responder, forked: app.Forks) -> Answer:
    return responder.answer(
        ExitCode.OK,
        lambda: forks_text.document(forked),
        lambda: forks_text.lines(forked, responder.audience),
        database=forked.database,
    )


def _refuse(responder: Responder, forked: app.Forks) -> NoReturn:
    """Say why none of the forks can be resolved as wished."""
    if not responder.target.as_json:
        show(forks_text.lines(forked, responder.audience), stream="stderr")
    halves = command("forks", forked.forks[0].fork.parent_id)
    audience = Audience() if responder.target.as_json else responder.audience
    raise Refused(
        f"Nothing was changed: {forks_text.reasons(forked.forks, audience)}.",
        advice("`{}` shows the halves and suggests one.", halves),
    )


@commands.command(epilog=EXIT_STATUS)
@at_homes("all_profiles", "quiet", "verbose", "no_titles")
def tree(
    target: Target,
    session: Annotated[
        str | None,
        typer.Argument(
            help="Draw the family of this session. Default: every family.",
            autocompletion=completion.sessions,
        ),
    ] = None,
    dot: Annotated[
        bool,
        typer.Option("--dot", help="Print a graph for graphviz.", rich_help_panel="Output"),
    ] = False,
) -> int:
    """Draw the lineage: which session continues, branches from or was delegated by which."""
    if dot and target.as_json:
        raise UsageError("--dot and --json are two forms of the same output.", "Choose one.")
    everything = target.verbose or target.as_json

    def work(responder: Responder) -> Answer:
        (meant,) = whole_ids(responder.run, [session]) if session is not None else (None,)
        forest = app.see_trees(responder.run, meant, everything=everything)
        if target.as_json:
            trees = tree_text.entries(forest.trees)
            return responder.answer(
                ExitCode.OK, lambda: {"trees": trees}, list, database=forest.database
            )
        if dot:
            show(Line(line, verbatim=True) for line in tree_text.dot(forest.trees))
            return ExitCode.OK, None
        if not target.quiet or target.all_profiles:
            show([*responder.heading(forest.database), Line("")])
        if responder.audience.terminal:
            tree_text.show_on_terminal(forest.trees, title=responder.audience.titles)
        else:
            show(map(Line, tree_text.plain(forest.trees, title=False)))
        if not target.quiet:
            show(tree_text.alone_lines(forest.alone))
        return ExitCode.OK, None

    return each_home(target, work, old_file=OldFile.IS_NAMED)
