"""``backfill`` from options to an exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hermes_repair.app import backfill_report as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli import run_repair
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile
from hermes_repair.evidence.snapshot import LookOptions
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.printed_commands import quoted
from hermes_repair.model.words import count
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, as_asked
from hermes_repair.transcripts.verdicts import Comparison, Verdict

QUIET = (Verdict.EQUAL, Verdict.NOTHING_IN_FILE)


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
                "sessions": [_entry(comparison) for comparison in made.comparisons],
                "only_in_database": list(made.only_in_database),
                "witnesses": [asdict(auxiliary_file) for auxiliary_file in made.auxiliary_files],
                "unread": [{"file": name, "problem": why} for name, why in made.unread],
            }
        target.say([*heading(home), *as_asked(_lines(made, home, target))])
        return ExitCode.OK, None

    return each_home(target, work)


def _entry(found: Comparison) -> dict[str, Any]:
    return {
        "session_id": found.session_id,
        "verdict": found.verdict.value,
        "finding": found.finding,
        "safe": found.safe,
        "reason": found.reason,
        "counts": asdict(found.counts),
    }


def _lines(made: app.Report, home: Home, target: Target) -> list[Line]:
    lines = [
        Line(f"{verdict:<24} {count(number, 'session')}")
        for verdict, number in sorted(made.tally().items(), key=lambda item: -item[1])
    ]
    lines.append(Line(""))
    for found in made.comparisons:
        if target.verbose or found.verdict not in QUIET:
            counts = found.counts
            lines.append(
                Line(
                    f"{found.session_id}  {found.verdict.value}"
                    f"{' (proven)' if found.safe else ''}: {count(counts.file, 'message')} in the"
                    f" file, {counts.database:,} in the database, {counts.missing:,} only in the"
                    f" file, {counts.later:,} from after the file's end. {found.reason}"
                )
            )
    for auxiliary_file in made.auxiliary_files:
        if auxiliary_file.problem is not None:
            lines.append(Line(f"{auxiliary_file.path}: {auxiliary_file.problem}"))
        if auxiliary_file.only_here:
            lines.append(
                Line(
                    f"{auxiliary_file.session_id or 'no session'}: only {auxiliary_file.path} has"
                    f" {auxiliary_file.only_here} of its"
                    f" {count(auxiliary_file.messages, 'message')}; look at them with"
                    f" {target.typed(home, '`hermes-repair find WORDS`')}"
                    f"{target.typed(home, _offer(auxiliary_file))}."
                )
            )
    return lines + [Line(f"{name} could not be read: {why}") for name, why in made.unread]


def _offer(auxiliary_file: AuxiliaryFile) -> str:
    if not auxiliary_file.offered:
        return ""
    command = f"`hermes-repair backfill {quoted(auxiliary_file.session_id or '')}`"
    return f", {command} puts {auxiliary_file.offered} of them back"
