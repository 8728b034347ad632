"""From proposed units to the order in which they are done. Pure.

Families go in one order: structure first, then rows that make queries raise,
transcripts, lineage, duplicates, sessions, locks, counts, search. Units that touch a session which
an earlier unit changes wait: they are proposed again from a fresh look after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hermes_repair.model.choices import Selection
from hermes_repair.model.plans import Outline, Unit

ORDER = (
    ("RP",),
    ("SC",),
    ("SE001", "MS004"),
    ("TR",),
    ("LN",),
    ("MS001", "MS003"),
    ("SE",),
    ("LK",),
    ("MS",),
    ("FT",),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Units to do now, units that wait for them, and judgements that nobody asked for."""

    now: tuple[Outline, ...]
    waiting: tuple[Outline, ...]
    left: tuple[Outline, ...]


def stage(unit: Unit) -> int:
    """Return the place of a unit's family in the order; the earliest of its findings decides."""
    return min((_stage_of(finding_id) for finding_id in unit.finding_ids), default=len(ORDER))


def _stage_of(finding_id: str) -> int:
    exact = [n for n, family in enumerate(ORDER) if finding_id in family]
    if exact:
        return exact[0]
    for number, family in enumerate(ORDER):
        if any(finding_id.startswith(prefix) for prefix in family if len(prefix) == 2):
            return number
    return len(ORDER)


def _nothing(_outline: Outline) -> bool:
    return False


def plan(
    outlines: Iterable[Outline],
    selection: Selection,
    *,
    beside_live: bool,
    held: Callable[[Outline], bool] = _nothing,
) -> Plan:
    """Order the proposed units and say which can be done in this round.

    ``beside_live``: somebody has the database open, so only live-safe units are done; the others
    are returned as waiting (R10). ``held`` tells of units that wait because something has to be
    settled first. What undo restores from a backup and what it takes back row by
    row (R5) are never done in one round: the rest waits from the first unit of the other kind on.
    """
    ordered = sorted(outlines, key=lambda o: (stage(o.unit), min(o.unit.sessions, default="")))
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
