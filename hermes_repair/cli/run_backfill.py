"""``backfill`` from options to an exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hermes_repair.app import backfill_report as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli import run_repair
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import json_documents
from hermes_repair.report.backfill_text import entry, lines
from hermes_repair.report.lines import as_asked


def backfill(target: Target, asked: run_repair.Asked) -> int:
    """Do the transcript repairs alone."""
    return run_repair.repair(target, asked, command="backfill")


def report(target: Target, sessions: tuple[str, ...], timezone: str | None) -> int:
    """Print how every file and its session stand to each other."""
    look_options = LookOptions(timezone=timezone, sessions=frozenset(sessions))

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        made = app.report(home, environment, look_options)
        if target.as_json:
            return ExitCode.OK, {
                **json_documents.envelope(str(home.root), place_of(home)),
                "classification": made.tally(),
                "sessions": [entry(comparison) for comparison in made.comparisons],
                "only_in_database": list(made.only_in_database),
                "witnesses": [asdict(auxiliary_file) for auxiliary_file in made.auxiliary_files],
                "unread": [{"file": name, "problem": why} for name, why in made.unread],
            }
        target.say(
            [
                *heading(home),
                *as_asked(
                    lines(made, lambda text: target.typed(home, text), verbose=target.verbose)
                ),
            ]
        )
        return ExitCode.OK, None

    return each_home(target, work)
