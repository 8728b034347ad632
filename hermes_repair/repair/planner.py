"""From proposed units to the order in which they are done. Pure.

Units go in the order of their stages. Those that touch a session which an earlier unit changes
wait: they are proposed again from a fresh look after that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from hermes_repair.model.choices import Selection
from hermes_repair.model.plans import Outline, Stage, Unit, written_by


@dataclass(frozen=True, slots=True)
class Plan:
    """Units to do now, units that wait for them, and judgements that nobody asked for.

    ``behind`` are units that rest on a step which was refused in this run, each with that step: it
    is about a session of theirs, or changes the structure or an index of a table that they write.
    """

    now: tuple[Outline, ...]
    waiting: tuple[Outline, ...]
    left: tuple[Outline, ...]
    behind: tuple[tuple[Outline, Unit], ...] = ()


def _nothing(_outline: Outline) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What keeps units from being done in this round.

    ``beside_live``: somebody has the database open, so only live-safe units are done; the others
    are returned as waiting (R10). ``held`` tells of units that wait because something has to be
    settled first. ``refused`` were tried in this run already and are not tried again; what does not
    rest on them goes on.
    """

    beside_live: bool
    held: Callable[[Outline], bool] = _nothing
    refused: Collection[Unit] = ()


def plan(
    outlines: Iterable[Outline],
    selection: Selection,
    stages: Mapping[str, Stage],
    obstacles: Obstacles,
) -> Plan:
    """Order the proposed units and say which can be done in this round.

    ``stages`` says of the id of a finding when its units are done; of a unit for several findings
    the earliest decides. What undo restores from a backup, what it takes back in a file and what
    row by row (R5) are never done in one round: the rest waits from the first unit of another kind
    on.
    """

    def place(one: Outline) -> tuple[Stage, str]:
        first = min(stages[finding_id] for finding_id in one.unit.finding_ids)
        return first, min(one.unit.sessions, default="")

    ordered = sorted(outlines, key=place)
    now: list[Outline] = []
    waiting: list[Outline] = []
    left: list[Outline] = []
    behind: list[tuple[Outline, Unit]] = []
    tried = {unit.step: unit for unit in obstacles.refused}
    stuck: dict[str, Unit] = {}
    tables = {
        table: unit for unit in obstacles.refused if unit.needs_backup for table in written_by(unit)
    }
    busy: set[str] = set()
    cut = False
    for outline in ordered:
        unit = outline.unit
        if not selection.wants(unit):
            if selection.covers(unit):
                left.append(outline)
            continue
        if unit.step in tried:
            stuck |= dict.fromkeys(unit.sessions, tried[unit.step])
            continue
        before = [stuck[id] for id in sorted(unit.sessions) if id in stuck]
        before += [tables[table] for table in outline.tables if table in tables]
        if before:
            behind.append((outline, before[0]))
            continue
        if (
            (obstacles.beside_live and not unit.live)
            or busy & unit.sessions
            or obstacles.held(outline)
        ):
            waiting.append(outline)
        elif cut or (now and now[0].undone_by != outline.undone_by):
            waiting.append(outline)
            cut = True
        else:
            now.append(outline)
        busy |= unit.sessions
    return Plan(tuple(now), tuple(waiting), tuple(left), tuple(behind))
