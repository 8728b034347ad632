"""What each run changed, for a page: its steps, and each chat before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from hermes_repair.app.environment import Run
from hermes_repair.app.history import Entry
from hermes_repair.app.open_scene import ask_scene, require_readable
from hermes_repair.evidence.message_places import Stretch
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import RowDelete, RowInsert, RowMove
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.plans import UnitRecord, UnitState
from hermes_repair.model.values import number, whole
from hermes_repair.model.words import SessionLabel
from hermes_repair.records import plan_database

MESSAGES = "messages"
RUNS = 50
"""The newest so many runs are told in full."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of a run: what it is, what it mended, what became of it."""

    kind: str
    summary: str
    findings: tuple[str, ...]
    state: UnitState


@dataclass(frozen=True, slots=True)
class ChatChanged:
    """One chat that a run changed: messages ``added`` and ``removed``, and how they stand.

    A stretch says ``database`` for before and ``file`` for after. There is none where nothing was
    added, or where what stood before them is not known.
    """

    session_id: str
    label: SessionLabel | None
    added: int
    removed: int
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class RunDetails:
    """One run with its steps and chats; ``told`` is false for runs older than the newest ones."""

    entry: Entry
    steps: tuple[StepDone, ...] = ()
    chats: tuple[ChatChanged, ...] = ()
    told: bool = True


class _Placed(NamedTuple):
    """A message at its place after the run; ``added`` by it, or moved there at ``time`` or none."""

    id: int
    added: bool
    time: float | None


@dataclass
class _Chat:
    placed: list[_Placed] = field(default_factory=list)
    removed: int = 0


def details(run: Run, entries: Sequence[Entry]) -> tuple[list[RunDetails], str | None]:
    """Return what these runs did, and why nothing is told of today's database where that is so.

    ``entries`` as :func:`hermes_repair.app.history.history` gives them. Receipts are read; the
    database is only asked what stands before the messages that were added.
    """
    shown = [entry for entry in entries if not entry.cleans_locks]
    told = [(entry, *_read(entry)) for entry in shown[:RUNS]]
    before: dict[tuple[str, int], int] = {}
    labels: dict[str, SessionLabel] = {}
    why: str | None = None

    def look(scene: Scene) -> None:
        require_readable(scene)
        labels.update(_labels(scene))
        asked = {
            (session, min(one.id for one in chat.placed))
            for _, _, chats in told
            for session, chat in chats.items()
            if chat.placed
        }
        before.update(_before(scene, asked))

    try:
        ask_scene(run, look)
    except HermesRepairError as error:
        why = error.message
    seen = [
        RunDetails(entry, steps, tuple(_changed(entry, chats, labels, before)))
        for entry, steps, chats in told
    ]
    return seen + [RunDetails(entry, told=False) for entry in shown[RUNS:]], why


def _read(entry: Entry) -> tuple[tuple[StepDone, ...], dict[str, _Chat]]:
    steps: list[StepDone] = []
    chats: defaultdict[str, _Chat] = defaultdict(_Chat)
    with plan_database.read(entry.path) as receipt:
        for record in receipt.records():
            unit = record.unit
            steps.append(StepDone(unit.kind, unit.summary, unit.finding_ids, record.state))
            if record.state in (UnitState.DONE, UnitState.UNDONE):
                _note(record, chats)
    return tuple(steps), chats


def _note(record: UnitRecord, chats: Mapping[str, _Chat]) -> None:
    for action in record.unit.actions:
        if isinstance(action, RowInsert) and action.table == MESSAGES:
            session = str(action.values.get("session_id", record.unit.subject))
            time = number(action.values.get("timestamp"))
            chats[session].placed.append(_Placed(whole(action.key["id"]), True, time))
        elif isinstance(action, RowMove):
            chats[record.unit.subject].placed.append(_Placed(action.new_id, False, None))
        elif isinstance(action, RowDelete) and action.table == MESSAGES:
            session = str(action.before.get("session_id", record.unit.subject))
            chats[session].removed += 1


def _labels(scene: Scene) -> Iterator[tuple[str, SessionLabel]]:
    for node in scene.nodes:
        label = SessionLabel(node.started_at, node.source, node.active_rows, node.title)
        yield node.id, label


def _before(
    scene: Scene, asked: Iterable[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], int]]:
    """Yield how many messages of a session have a lower id than one that a run gave out."""
    for session, first in asked:
        row = scene.look.one(
            "SELECT COUNT(*) FROM messages WHERE session_id = ? AND id < ?", [session, first]
        )
        yield (session, first), whole(row[0]) if row is not None else 0


def _changed(
    entry: Entry,
    chats: Mapping[str, _Chat],
    labels: Mapping[str, SessionLabel],
    before: Mapping[tuple[str, int], int],
) -> Iterator[ChatChanged]:
    for session, chat in chats.items():
        placed = sorted(chat.placed)
        added = sum(one.added for one in placed)
        changed = ChatChanged(session, labels.get(session), added, chat.removed)
        kept = before.get((session, placed[0].id)) if placed else None
        if added and kept is not None:
            if entry.state == "undone":  # what was moved has its old, lower ids again
                kept -= sum(not one.added for one in placed)
            changed = replace(changed, stretches=tuple(_stretches(max(0, kept), placed)))
        yield changed


def _stretches(kept: int, placed: Sequence[_Placed]) -> Iterator[Stretch]:
    if kept:
        yield Stretch(kept, True, True)
    for added, group in groupby(placed, key=lambda one: one.added):
        own = list(group)
        times = [one.time for one in own if one.time is not None]
        first, last = (min(times), max(times)) if times else (None, None)
        yield Stretch(len(own), not added, True, first, last)
