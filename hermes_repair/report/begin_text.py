"""What ``salvage`` says of a home that has no database to read: what it can begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hermes_repair.app.begin_anew import Beginning, Begun
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import count, size, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line
from hermes_repair.report.repair_text import not_done_lines, plan_document, plan_lines, result_lines


def document(begun: Begun) -> dict[str, Any]:
    """Return what a home can begin with, and what became of that, as JSON."""
    found = begun.beginning
    installed = None
    if begun.installed is not None:
        kept = str(begun.installed.kept)
        installed = {"receipt": begun.installed.receipt.stem, "kept": kept, "late": []}
    return {
        "salvage": None,
        "written": None,
        "installed": installed,
        "begun": {
            "copy": str(found.copy) if found.copy is not None else None,
            "schema": found.schema,
            "plan": plan_document(found.proposal, None)["plan"],
            "filled": begun.complete,
            "written": str(begun.written) if begun.written is not None else None,
        },
    }


def found_lines(found: Beginning, audience: Audience) -> Iterator[Line]:
    """Yield what the new database has, before anything is written."""
    if found.copy is not None:
        text = f"There is no database to read. The newest sound copy takes its place: {found.copy}."
    else:
        text = f"There is no database to read. A new one takes its place (schema {found.schema})."
    yield Line(text, "head", asked=True)
    yield from plan_lines(found.proposal, audience, "backfill")


def next_lines(audience: Audience) -> Iterator[Line]:
    """Yield what to type after a look that wrote nothing."""
    do = advice(
        "Nothing was written. To do that: `{}`. Into a file: `{}`.",
        command("salvage", "--install"),
        command("salvage", "--out", "FILE"),
    )
    yield Line(audience.typed(do), "head")


def begun_lines(begun: Begun, audience: Audience) -> Iterator[Line]:
    """Yield what was done."""
    yield from map(Line, begun.recovered)
    if begun.filled is None:
        yield Line("Nothing was changed.", asked=True)
        return
    if begun.written is not None:
        told = size(begun.written.stat().st_size)
        yield Line(f"Written and verified: {begun.written} ({told}).", "good", asked=True)
        steps = count(begun.filled.units, "step")
        yield Line(
            f"What files have is in it: {steps} {verb(begun.filled.units, 'was', 'were')} done."
        )
        yield from not_done_lines(begun.filled, audience)
        yield Line("The home is as it was.", "dim")
        return
    yield Line("state.db is in place.", "good", asked=True)
    yield from result_lines(begun.filled, audience)
