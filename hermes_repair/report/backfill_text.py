"""``backfill --report`` in words and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hermes_repair.app.backfill_report import Report
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile
from hermes_repair.model.commands_to_type import quoted
from hermes_repair.model.words import count
from hermes_repair.report.lines import Line
from hermes_repair.transcripts.verdicts import Comparison, Verdict

QUIET = (Verdict.EQUAL, Verdict.NOTHING_IN_FILE)


def entry(found: Comparison) -> dict[str, Any]:
    return {
        "session_id": found.session_id,
        "verdict": found.verdict.value,
        "finding": found.finding,
        "safe": found.safe,
        "reason": found.reason,
        "counts": asdict(found.counts),
    }


def lines(made: Report, typed: Callable[[str], str], *, verbose: bool) -> list[Line]:
    """Return the report; ``typed`` names the home in commands, ``verbose`` adds equal files."""
    told = [
        Line(f"{verdict:<24} {count(number, 'session')}")
        for verdict, number in sorted(made.tally().items(), key=lambda item: -item[1])
    ]
    told.append(Line(""))
    for found in made.comparisons:
        if verbose or found.verdict not in QUIET:
            counts = found.counts
            told.append(
                Line(
                    f"{found.session_id}  {found.verdict.value}"
                    f"{' (proven)' if found.safe else ''}: {count(counts.file, 'message')} in the"
                    f" file, {counts.database:,} in the database, {counts.missing:,} only in the"
                    f" file, {counts.later:,} from after the file's end. {found.reason}"
                )
            )
    for auxiliary_file in made.auxiliary_files:
        if auxiliary_file.problem is not None:
            told.append(Line(f"{auxiliary_file.path}: {auxiliary_file.problem}"))
        if auxiliary_file.only_here:
            told.append(
                Line(
                    f"{auxiliary_file.session_id or 'no session'}: only {auxiliary_file.path} has"
                    f" {auxiliary_file.only_here} of its"
                    f" {count(auxiliary_file.messages, 'message')}; see them with"
                    f" {typed('`hermes-repair find WORDS`')}{typed(_offer(auxiliary_file))}."
                )
            )
    return told + [Line(f"{name} could not be read: {why}") for name, why in made.unread]


def _offer(auxiliary_file: AuxiliaryFile) -> str:
    if not auxiliary_file.offered:
        return ""
    command = f"`hermes-repair backfill {quoted(auxiliary_file.session_id or '')}`"
    return f", {command} brings {auxiliary_file.offered} of them back"
