"""The first and the last words of what a plan brings back, for a person who asks to see them.

Conversation text: it is shown at a terminal and nowhere else (R9), and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hermes_repair.app.apply_units import Draft, resolve
from hermes_repair.app.environment import Run
from hermes_repair.app.open_scene import ask_scene, readable
from hermes_repair.checks.registry import all_checks
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import RowInsert, RowUpdate
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.findings import Concerns
from hermes_repair.model.plans import Outline, Unit
from hermes_repair.model.values import Row, number, text
from hermes_repair.records import plan_database
from hermes_repair.transcripts.message_keys import stored_text

SPOKEN = ("user", "assistant")
NEAR_THE_END = 20  # messages that are asked for one with words in it
LONGEST = 400  # characters that are kept of a message


@dataclass(frozen=True, slots=True)
class Said:
    """One message: who said it, when (epoch seconds), and how it begins."""

    role: str
    at: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """The first and last of the messages that a step brings back; one where it is only one.

    ``problem`` says why they cannot be shown.
    """

    said: tuple[Said, ...] = ()
    problem: str = ""


def words_of(run: Run, draft: Draft, outlines: Iterable[Outline]) -> dict[int, Words]:
    """Return the words of steps by their number in the draft; a step without any has none.

    What a file has is read there, what is in the database and in no list is read in the database.
    """
    if draft.path is None:
        return {}
    unseen = {check.id for check in all_checks() if check.concerns is Concerns.UNSEEN}
    found: dict[int, Words] = {}
    hidden: dict[int, str] = {}
    with plan_database.read(draft.path) as plan:
        for one in outlines:
            if one.messages > 0:
                found[one.number] = _imported(run.home, plan.record(one.number).unit)
            elif unseen.intersection(one.unit.finding_ids):
                hidden[one.number] = _shown_again(plan.record(one.number).unit)
    if hidden:
        found |= ask_scene(run, lambda scene: _in_database(scene, hidden))
    return found


def _imported(home: Home, unit: Unit) -> Words:
    """Return the words of messages that a step inserts."""
    inserts = [a for a in unit.actions if isinstance(a, RowInsert) and a.table == "messages"]
    inserts.sort(key=lambda insert: number(insert.values.get("timestamp")) or 0.0)
    try:
        first = _first_spoken(resolve(home, one) for one in inserts[:NEAR_THE_END])
        last = _first_spoken(resolve(home, one) for one in inserts[: -NEAR_THE_END - 1 : -1])
    except HermesRepairError as error:
        return Words(problem=error.message)
    return _both(first, last)


def _shown_again(unit: Unit) -> str:
    """Return the session that a step leads a reader to: the one whose row it changes."""
    changed = (a for a in unit.actions if isinstance(a, RowUpdate) and a.table == "sessions")
    return next((str(action.key.get("id")) for action in changed), unit.subject)


def _in_database(scene: Scene, sessions: dict[int, str]) -> dict[int, Words]:
    if not readable(scene):
        return {}
    return {place: _ends(scene, session) for place, session in sessions.items()}


def _ends(scene: Scene, session: str) -> Words:
    first, last = (
        _first_spoken(
            {"role": role, "content": content, "timestamp": at}
            for role, content, at in scene.look.rows(
                "SELECT role, content, timestamp FROM messages WHERE session_id = ?"
                f" ORDER BY timestamp {way}, id {way} LIMIT {NEAR_THE_END}",
                [session],
            )
        )
        for way in ("ASC", "DESC")
    )
    return _both(first, last)


def _first_spoken(rows: Iterable[Row]) -> Said | None:
    """Return the first message of a person or a model that has words."""
    return next(_spoken(rows), None)


def _spoken(rows: Iterable[Row]) -> Iterator[Said]:
    for row in rows:
        words = " ".join(stored_text(row.get("content"))[:LONGEST].split())
        role = text(row.get("role")) or ""
        if words and role in SPOKEN:
            yield Said(role, number(row.get("timestamp")), words)


def _both(first: Said | None, last: Said | None) -> Words:
    said = [one for one in (first, last) if one is not None]
    return Words(tuple(dict.fromkeys(said)))
