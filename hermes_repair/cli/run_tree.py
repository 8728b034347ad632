"""``tree`` from options to an exit code."""

from __future__ import annotations

import sys
from typing import Any

from hermes_repair.app import lineage_views as app
from hermes_repair.app.environment import Environment
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.model.words import count
from hermes_repair.report import json_documents, tree_text
from hermes_repair.report.lines import Line, show


def draw(target: Target, session: str | None, *, dot: bool) -> int:
    """Draw the family of one session, or all families, of every home that is meant."""
    if dot and target.as_json:
        raise UsageError("--dot and --json are two forms of the same output.", "Choose one.")

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        forest = app.see_trees(
            home, environment, session, everything=target.verbose or target.as_json
        )
        if target.as_json:
            return ExitCode.OK, {
                **json_documents.envelope(str(home.root), forest.database),
                "trees": tree_text.entries(forest.trees),
            }
        if dot:
            show(Line(line) for line in tree_text.dot(forest.trees))
            return ExitCode.OK, None
        if not target.quiet or target.all_profiles:
            show([*heading(home, forest.database), Line("")])
        if sys.stdout.isatty():
            tree_text.show_on_terminal(forest.trees, title=target.show_titles)
        else:
            show(Line(line) for line in tree_text.plain(forest.trees, title=False))
        if forest.alone and not target.quiet:
            told = f"and {count(forest.alone, 'session')} on their own; -v shows them"
            show([Line(""), Line(told, "dim")])
        return ExitCode.OK, None

    return each_home(target, work)
