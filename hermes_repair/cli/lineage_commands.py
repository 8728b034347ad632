"""The options of `forks` and `tree`."""

from __future__ import annotations

from typing import Annotated

import typer

from hermes_repair.cli.options import (
    AllProfilesOption,
    DryRunOption,
    HomeOption,
    JsonOption,
    NoTitlesOption,
    ProfileOption,
    QuietOption,
    Resolve,
    VerboseOption,
    YesOption,
)
from hermes_repair.cli.target import Target


def forks(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SESSION...]", help="Only the forks of these sessions. Default: all forks."
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    all_profiles: AllProfilesOption = False,
    resolve: Annotated[
        Resolve | None,
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Show forked conversations side by side, and resolve them.

    branch: the kept half continues, and every other half becomes a chat of its own. merge: whole
    turns of the others are merged into it by time, and the others are archived. archive: for halves
    with nothing of yours in them. `undo` reverts it.
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
        typer.Option("--dot", help="Print a graph for graphviz.", rich_help_panel="Output"),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_titles: NoTitlesOption = False,
) -> int:
    """Draw the lineage: which session continues, branches from or was delegated by which."""
    from hermes_repair.cli import run_tree

    target = Target(home, profile, all_profiles, as_json, quiet, verbose, no_titles)
    return run_tree.draw(target, session, dot=dot)
