"""Starts and ends of sessions that are no times, and what the rows around them prove (SE003).

The proofs are those of a message's time: a reading counts as proven where it lies between what came
before and what came after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hermes_repair.checks.message_values import LATEST, Mended, Neighbours, readings
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import EARLIEST, MILLISECONDS, is_time
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
    told = said(scene, session_id)
    began = sane(scene, started)
    if began is None and started is not None:
        ends = (at for at in (told.first, sane(scene, ended)) if at is not None)
        around = Neighbours(_begun_before(scene, rowid), min(ends, default=scene.now + LATEST))
        made = _read(scene, "started_at", started, around, instead=told.first)
        began = number(made.value)
        yield made
    if ended is not None and sane(scene, ended) is None:
        before = max((at for at in (began, told.last) if at is not None), default=None)
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
