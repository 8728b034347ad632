"""``backfill`` from options to an exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hermes_repair.app import backfill as app
from hermes_repair.app.outside import place_of
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Wishes
from hermes_repair.checks.witnesses import Witness
from hermes_repair.cli import run_repair
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.commands import quoted
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import documents
from hermes_repair.report.escape import count
from hermes_repair.report.lines import Line, as_asked
from hermes_repair.transcripts.verdicts import Comparison, Verdict

QUIET = (Verdict.EQUAL, Verdict.NOTHING_IN_FILE)


def backfill(target: Target, asked: run_repair.Asked) -> int:
    """Do the transcript repairs alone."""
    return run_repair.repair(target, asked, command="backfill")


def report(target: Target, sessions: tuple[str, ...], timezone: str | None) -> int:
    """Print how every file and its session stand to each other."""
    wishes = Wishes(timezone=timezone, sessions=frozenset(sessions))

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        made = app.report(home, world, wishes)
        if target.as_json:
            return ExitCode.OK, {
                **documents.envelope(str(home.root), place_of(home)),
                "classification": made.tally(),
                "sessions": [_entry(comparison) for comparison in made.comparisons],
                "only_in_database": list(made.only_in_database),
                "witnesses": [asdict(witness) for witness in made.witnesses],
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
    for witness in made.witnesses:
        if witness.problem is not None:
            lines.append(Line(f"{witness.path}: {witness.problem}"))
        if witness.only_here:
            lines.append(
                Line(
                    f"{witness.session_id or 'no session'}: only {witness.path} has"
                    f" {witness.only_here} of its {count(witness.messages, 'message')}; look at"
                    f" them with {target.typed(home, '`hermes-repair find WORDS`')}"
                    f"{target.typed(home, _offer(witness))}."
                )
            )
    return lines + [Line(f"{name} could not be read: {why}") for name, why in made.unread]


def _offer(witness: Witness) -> str:
    if not witness.offered:
        return ""
    command = f"`hermes-repair backfill {quoted(witness.session_id or '')}`"
    return f", {command} puts {witness.offered} of them back"
