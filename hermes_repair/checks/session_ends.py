"""Starts and ends that are missing, no times, or contradict themselves: LN008 and SE003.

A start or an end that is no time is read as a message's time is: a reading counts as proven where
it lies between what came before and what came after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from hermes_repair.checks.fill_units import file_copy, relative
from hermes_repair.checks.message_values import LATEST, Mended, Neighbours, readings
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import (
    followed_by,
    how,
    in_cycle,
    remedy,
    row_of,
    unit_of,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import EARLIEST, MILLISECONDS, is_time
from hermes_repair.lineage.column_changes import Resolution, changes_of, refused, resolved
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Value, number

IN_THE_FUTURE = "in the future"
NO_TIME = "not a time in seconds"


class Said(NamedTuple):
    """The first and the last time of a session's messages, of those that are times."""

    first: float | None
    last: float | None


def said(scene: Scene, session_id: str) -> Said:
    """Return when the messages of a session were stored; what is no time does not count."""
    row = scene.look.one(
        "SELECT MIN(timestamp), MAX(timestamp) FROM messages WHERE session_id = ?"
        " AND typeof(timestamp) IN ('real', 'integer') AND timestamp BETWEEN ? AND ?",
        [session_id, EARLIEST, scene.now + LATEST],
    )
    return Said(*map(number, row)) if row else Said(None, None)


def sane(scene: Scene, at: Value) -> float | None:
    """Return a time as it is, ``None`` where it is none or lies in the future."""
    return number(at) if is_time(at) and (number(at) or 0.0) <= scene.now + LATEST else None


def odd_times(scene: Scene) -> dict[str, tuple[Mended, ...]]:
    """Return, by session, the starts and ends that are no times, and what each has to be."""
    if not {"started_at", "ended_at"} <= set(scene.look.columns("sessions")):
        return {}
    time = "typeof({0}) IN ('real', 'integer') AND {0} BETWEEN ?1 AND ?2"
    rows = scene.look.rows(
        "SELECT id, started_at, ended_at, rowid FROM sessions WHERE"
        f" (started_at IS NOT NULL AND NOT ({time.format('started_at')}))"
        f" OR (ended_at IS NOT NULL AND NOT ({time.format('ended_at')})) ORDER BY rowid",
        [EARLIEST, scene.now + LATEST],
    )
    return {
        id: tuple(_mended(scene, id, started, ended, rowid))
        for id, started, ended, rowid in list(rows)
        if isinstance(id, str) and id in scene.node
    }


def _mended(
    scene: Scene, session_id: str, started: Value, ended: Value, rowid: Value
) -> Iterator[Mended]:
    times = said(scene, session_id)
    began = sane(scene, started)
    if began is None and started is not None:
        ends = (at for at in (times.first, sane(scene, ended)) if at is not None)
        around = Neighbours(_begun_before(scene, rowid), min(ends, default=scene.now + LATEST))
        reading = _read(scene, "started_at", started, around, instead=times.first)
        began = number(reading.value)
        yield reading
    if ended is not None and sane(scene, ended) is None:
        before = max((at for at in (began, times.last) if at is not None), default=None)
        around = Neighbours(before, scene.now + LATEST)
        yield _read(scene, "ended_at", ended, around, instead=before)


def _begun_before(scene: Scene, rowid: Value) -> float | None:
    """Return when the session began that was made before this one, by rowid."""
    row = scene.look.one(
        "SELECT started_at FROM sessions WHERE rowid < ? AND typeof(started_at) IN"
        " ('real', 'integer') AND started_at BETWEEN ? AND ? ORDER BY rowid DESC LIMIT 1",
        [rowid, EARLIEST, scene.now + LATEST],
    )
    return number(row[0]) if row else None


def _read(
    scene: Scene, column: str, value: Value, around: Neighbours, instead: float | None
) -> Mended:
    """Return what a value has to be: the reading that fits, else one that can be, else ``instead``.

    ``sure`` says that the first was found.
    """
    at = number(value)
    late = at is not None and scene.now + LATEST < at <= MILLISECONDS
    kind = IN_THE_FUTURE if late else NO_TIME
    possible = [] if late else [at for at in readings(value, scene.zone) if sane(scene, at)]
    for reading in possible:
        if around.allow(reading):
            return Mended(column, reading, kind, sure=True)
    return Mended(column, next(iter(possible), instead), kind, sure=False)


ABANDONED_SECONDS = 7 * 86400
"""After this time Hermes' own ``finalize_orphaned_compression_sessions`` closes one (all releases,
0.13.0 to 0.19.0)."""
ABANDONED_END = "orphaned_compression"
UNKNOWN_END = "unknown"
PRUNES = "an ended session may be deleted by Hermes' prune, with its transcript file"


@check("LN008", "continuation-abandoned", Severity.INFO, Remedy.UNSAFE, stage=Stage.LINEAGE)
def continuation_abandoned(scene: Scene) -> Iterator[Finding]:
    """A continuation was abandoned: it stays open forever, and no model was ever asked in it.

    What it means: nothing is lost. Hermes closes such a session by itself at some start, once per
    database.

    How it happens: the program stopped after writing the rotation (Hermes #20001), or a second
    agent made the continuation and nobody used it.

    What repair does: nothing by itself. When you name the session, it is ended at the time of its
    last message, as Hermes does; its transcript files are copied first.

    How safe it is: ending it is your decision, because Hermes' prune may delete ended sessions. A
    session that a gateway chat leads to is never ended.
    """
    if scene.look.live:
        return
    cycles = in_cycle(scene)
    for node in scene.nodes:
        if node.id not in cycles and _is_abandoned(scene, node):
            resolution = _end(scene, node)
            yield continuation_abandoned.finding(
                {"kind": "session", "session_id": node.id, "parent": node.parent_id},
                f"continues {node.parent_id} but was never used.",
                how(resolution, node.id),
                remedy=remedy(resolution),
                data={"parent": node.parent_id, "last_message_at": node.last_message_at},
                identity=(node.parent_id,),
                sessions=1,
                messages=node.active_rows,
                fix=each(partial(_end_now, scene, node, resolution)),
            )


def _is_abandoned(scene: Scene, node: SessionNode) -> bool:
    """What Hermes' own function asks, and that no chat leads to it and it has no rival."""
    if scene.graph.kinds.get(node.id) is not EdgeKind.CONTINUATION:
        return False
    parent = scene.node[node.parent_id or ""]
    old = node.started_at is not None and node.started_at < scene.now - ABANDONED_SECONDS
    unended = node.is_open and node.end_reason is None and parent.ended_at is not None
    untouched = node.api_call_count == 0 and node.rows > 0
    alone = len(scene.graph.continuations(parent.id)) == 1
    return old and unended and untouched and alone and not scene.routing.is_live(node.id)


def _end(scene: Scene, node: SessionNode) -> Resolution:
    after: dict[str, Value] = {"ended_at": _last(scene, node), "end_reason": ABANDONED_END}
    return resolved([changes_of(node.id, row_of(scene, node.id), after)], Safety.UNSAFE, PRUNES)


def _last(scene: Scene, node: SessionNode) -> float | None:
    """Return the last known moment of a session, of its times that are times."""
    times = (sane(scene, node.started_at), said(scene, node.id).last)
    return max((at for at in times if at is not None), default=None)


def _end_now(
    scene: Scene, node: SessionNode, resolution: Resolution, finding: Finding
) -> Iterator[Unit]:
    """End it as of its last message."""
    summary = f"end {node.id} at its last message ({resolution.reason})"
    yield followed_by(unit_of(finding, resolution, summary), file_copies(scene, node.id))


@check("SE003", "end-state-inconsistent", Severity.INFO, Remedy.UNSAFE, stage=Stage.SESSIONS)
def end_state_inconsistent(scene: Scene) -> Iterator[Finding]:
    """The start or end of a session is not a valid time, or the two contradict each other.

    What it means: lists, resume and prune read different columns, and so treat it differently. A
    chat that starts in milliseconds, or in the future, stays above all others, and prune never
    takes it.

    How it happens: an import, SQL by hand, or a clock that was ahead or set back.

    What repair does: a time gets the unit that the rows around it prove, as message times do; one
    in the future becomes that of the first message (an end: of the last one). A missing end time
    becomes that of the last message (or of the continuation's start), a missing reason 'unknown'.
    Transcript files are copied first.

    How safe it is: safe only for the start of an open session that lies, in the right unit, after
    the start of the session made before it and not after its own first message. Everything else is
    your decision, and done when you name the session: an end that nobody recorded is invented, and
    Hermes' prune may delete ended sessions. A session that a gateway chat leads to gets no end.
    """
    odd = odd_times(scene)
    for session_id, times in odd.items():
        yield _odd(scene, scene.node[session_id], times)
    for node in scene.nodes:
        wrong = None if node.id in odd else _contradiction(scene, node)
        if wrong is None:
            continue
        resolution = _settled(scene, node)
        yield end_state_inconsistent.finding(
            {"kind": "session", "session_id": node.id},
            wrong,
            how(resolution, node.id),
            remedy=remedy(resolution),
            data={
                "started_at": node.started_at,
                "ended_at": node.ended_at,
                "end_reason": node.end_reason,
            },
            identity=(node.ended_at, node.end_reason),
            sessions=1,
            messages=node.active_rows,
            fix=each(partial(_settle_end, scene, node, resolution)),
        )


def _odd(scene: Scene, node: SessionNode, times: Sequence[Mended]) -> Finding:
    resolution = _timed(scene, node, times)
    words = {"started_at": "start", "ended_at": "end"}
    wrong = [f"its {words[time.column]} is {time.kind}" for time in times]
    sure = resolution.safety is Safety.SAFE and bool(resolution.changes)
    return end_state_inconsistent.finding(
        {"kind": "session", "session_id": node.id},
        f"{' and '.join(wrong)}.",
        how(resolution, node.id),
        severity=Severity.WARNING if sure else Severity.INFO,
        remedy=remedy(resolution),
        data={
            "started_at": node.started_at,
            "ended_at": node.ended_at,
            "end_reason": node.end_reason,
            "odd": [time.column for time in times],
        },
        identity=(node.ended_at, node.end_reason, *wrong),
        sessions=1,
        messages=node.active_rows,
        fix=each(partial(_settle_end, scene, node, resolution)),
    )


def _timed(scene: Scene, node: SessionNode, times: Sequence[Mended]) -> Resolution:
    """Return the change to these times: SAFE where they are proven and nothing is pruned for it."""
    after = {time.column: time.value for time in times if time.value is not None}
    if not after:
        return refused("neither it nor any of its messages has a time")
    change = changes_of(node.id, row_of(scene, node.id), after)
    if any(time.column == "ended_at" for time in times) or not node.is_open:
        return resolved([change], Safety.UNSAFE, PRUNES)
    if node.api_call_count == 0 and scene.graph.closed_if_unused(node.id):
        return resolved([change], Safety.UNSAFE, "Hermes would then close it as never used")
    if not all(time.sure for time in times):
        return resolved([change], Safety.UNSAFE, "nothing proves the time")
    return resolved([change], Safety.SAFE, "it falls between what came before and after")


def _contradiction(scene: Scene, node: SessionNode) -> str | None:
    if node.end_reason == "compression" and not scene.graph.continuations(node.id):
        return None  # LN004 says it
    if node.ended_at is None:
        has_reason = node.end_reason is not None
        return f"has the end reason '{node.end_reason}' but no end time." if has_reason else None
    if node.end_reason is None:
        return "has an end time but no reason."
    if node.started_at is not None and node.ended_at < node.started_at:
        return "ended before it began."
    return None


def _settled(scene: Scene, node: SessionNode) -> Resolution:
    if scene.routing.is_live(node.id):
        return refused("a gateway chat leads to it: its next message decides")
    after: dict[str, Value] = {}
    if node.end_reason is None:
        after["end_reason"] = UNKNOWN_END
    else:
        after["ended_at"] = _time_of_end(scene, node)
    if None in after.values():
        return refused("neither it nor any of its messages has a time")
    return resolved([changes_of(node.id, row_of(scene, node.id), after)], Safety.UNSAFE, PRUNES)


def _time_of_end(scene: Scene, node: SessionNode) -> float | None:
    """Return the latest thing known of a session; a continuation begins when its parent ends."""
    starts = [
        at
        for child in scene.graph.continuations(node.id)
        if (at := sane(scene, scene.node[child].started_at)) is not None
    ]
    last = min(starts, default=_last(scene, node))
    if last is None or node.started_at is None:
        return last
    return max(last, node.started_at)


def _settle_end(
    scene: Scene, node: SessionNode, resolution: Resolution, finding: Finding
) -> Iterator[Unit]:
    """Give the times that the data gives, and fill in what is missing of the end."""
    if resolution.changes:
        after = resolution.changes[0].after
        summary = f"set {' and '.join(after)} of {node.id} ({resolution.reason})"
        yield followed_by(unit_of(finding, resolution, summary), file_copies(scene, node.id))


def file_copies(scene: Scene, session_id: str) -> list[FileCopy]:
    """Return the copies of a session's transcript that go before anything that may cost it (R2)."""
    path = scene.home.sessions_dir / f"{session_id}.jsonl"
    if "\0" in session_id or not path.is_file():
        return []
    return [file_copy(path, relative(path, scene.home.root), path.stat().st_size)]
