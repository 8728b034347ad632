"""``locks list`` from options to an exit code."""

from __future__ import annotations

import sys
from typing import Any

from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.app.locks import Held, everything
from hermes_repair.cli.run_doctor import shown_labels
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.plans import Safety
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, as_asked
from hermes_repair.report.locks_text import cleaned_by, hold_entry, row
from hermes_repair.report.table import table

HEADINGS = ("WHAT", "SESSION OR NAME", "HOLDER", "AGE", "EXPIRES IN", "VERDICT", "CLEANED BY")


def list_all(target: Target) -> int:
    """Show everything that holds or blocks in every home that is meant."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        held = everything(home, environment)
        now = environment.now()
        code = held.problem.exit_code if held.problem is not None else ExitCode.OK
        if target.as_json:
            return code, _document(home, held, now)
        lines = heading(home)
        if held.problem is not None:
            told = f"state.db was not checked. {held.problem.message}"
            lines.append(Line(target.typed(home, told), "error", asked=True))
        if held.holds:
            lines += [*as_asked(_lines(held, now, home, target)), *_next(held, home, target)]
        elif held.problem is None:
            lines.append(Line("Nothing is held."))
        target.say(lines)
        return code, None

    return each_home(target, work)


def _lines(held: Held, now: float, home: Home, target: Target) -> list[Line]:
    rows = [row(hold, held, now) for hold in held.holds]
    told = [(target.typed(home, hold.verdict.reason), *hold.notes) for hold in held.holds]
    if not sys.stdout.isatty():
        lines = [Line("  ".join((*HEADINGS, "WHY")))]
        lines += [Line("  ".join((*row, *why))) for row, why in zip(rows, told, strict=True)]
        return lines
    labels = shown_labels(held.labels, target)
    first, *aligned = table(HEADINGS, rows)
    lines = [Line(first, "dim")]
    for text, hold, why in zip(aligned, held.holds, told, strict=True):
        lines.append(Line(text, "warning" if hold.verdict.safety is not None else ""))
        label = labels.get(hold.session or "")
        said = (label.words(),) if label is not None else ()
        lines += [Line(f"    {part}", "dim") for part in (*why, *said)]
    return lines


def _next(held: Held, home: Home, target: Target) -> list[Line]:
    """Return the commands that clean what may be cleaned without a judgement."""
    safe = [hold for hold in held.holds if hold.verdict.safety is Safety.SAFE]
    return [
        Line(target.typed(home, f"Next: hermes-repair {command}"), "head")
        for command in dict.fromkeys(cleaned_by(hold, held) for hold in safe)
    ]


def _document(home: Home, held: Held, now: float) -> dict[str, Any]:
    return {
        **json_documents.envelope(str(home.root), place_of(home)),
        "locks": [hold_entry(hold, held, now) for hold in held.holds],
        "note": held.problem.message if held.problem is not None else None,
    }
