"""From proposed units to the order in which they are done. Pure.

Units go in the order of their stages. Those that touch a session which an earlier unit changes
wait: they are proposed again from a fresh look after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hermes_repair.model.choices import Selection
from hermes_repair.model.plans import Outline, Stage


@dataclass(frozen=True, slots=True)
class Plan:
    """Units to do now, units that wait for them, and judgements that nobody asked for."""

    now: tuple[Outline, ...]
    waiting: tuple[Outline, ...]
    left: tuple[Outline, ...]


def _nothing(_outline: Outline) -> bool:
    return False


def plan(
    outlines: Iterable[Outline],
    selection: Selection,
    stages: Mapping[str, Stage],
    *,
    beside_live: bool,
    held: Callable[[Outline], bool] = _nothing,
) -> Plan:
    """Order the proposed units and say which can be done in this round.

    ``stages`` says of the id of a finding when its units are done; of a unit for several findings
    the earliest decides.
    ``beside_live``: somebody has the database open, so only live-safe units are done; the others
    are returned as waiting (R10). ``held`` tells of units that wait because something has to be
    settled first. What undo restores from a backup and what it takes back row by
    row (R5) are never done in one round: the rest waits from the first unit of the other kind on.
    """

    def place(one: Outline) -> tuple[Stage, str]:
        first = min(stages[finding_id] for finding_id in one.unit.finding_ids)
        return first, min(one.unit.sessions, default="")

    ordered = sorted(outlines, key=place)
    now: list[Outline] = []
    waiting: list[Outline] = []
    left: list[Outline] = []
    busy: set[str] = set()
    cut = False
    for outline in ordered:
        unit = outline.unit
        if not selection.wants(unit):
            if selection.covers(unit):
                left.append(outline)
            continue
        if (beside_live and not unit.live) or busy & unit.sessions or held(outline):
            waiting.append(outline)
        elif cut or (now and now[0].needs_backup != outline.needs_backup):
            waiting.append(outline)
            cut = True
        else:
            now.append(outline)
        busy |= unit.sessions
    return Plan(tuple(now), tuple(waiting), tuple(left))
