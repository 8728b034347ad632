"""Everything in the rows of state.db that holds or blocks a session, each with its verdict.

Compression locks, pauses and abandoned handoffs may be cleaned; all else is shown with what Hermes
does about it itself (``locks list``). Tables and columns that a schema lacks give nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair import host
from hermes_repair.evidence.handoffs import handoffs
from hermes_repair.evidence.lock_holds import Circumstances, Hold, JudgedLock, judged_locks
from hermes_repair.leases import (
    Delegation,
    Heartbeat,
    Kind,
    LockRow,
    breaker_verdict,
    cooldown_verdict,
    delegation_verdict,
    heartbeat_verdict,
    parse_holder,
    settled,
    turn_lease_verdict,
)
from hermes_repair.leases.lock_verdicts import number
from hermes_repair.model.values import Row, Value, readable, whole
from hermes_repair.store.look import Look


def rows_that_hold(look: Look, around: Circumstances) -> Iterator[Hold]:
    """Yield ``compression-lock``, ``turn-lease``, ``cooldown``, ``breaker``, ``handoff``,
    ``delegation`` and ``heartbeat``, what is free left out."""
    for lock in judged_locks(look, around.database, around.openers, around.now):
        yield _compression_lock(look, lock)
    yield from other_holds(look, around)


def other_holds(look: Look, around: Circumstances) -> Iterator[Hold]:
    """Yield all of :func:`rows_that_hold` but compression locks."""
    for hold in (
        *_turn_leases(look, around),
        *_sessions(look, around),
        *handoffs(look, around.database, around.openers, around.now),
        *_delegations(look, around),
        *_heartbeats(look, around),
    ):
        if hold.verdict.kind is not Kind.FREE:
            yield hold


def _compression_lock(look: Look, lock: JudgedLock) -> Hold:
    taken = number(lock.row["acquired_at"])
    return Hold(
        what="compression-lock",
        subject=lock.session,
        session=lock.session,
        holder=readable(lock.row["holder"]),
        pid=lock.holder.pid if lock.holder is not None else None,
        process=lock.process,
        taken=taken,
        expires=number(lock.row["expires_at"]),
        verdict=lock.verdict,
        notes=tuple(_about_session(look, lock.row["session_id"], taken)),
    )


def _about_session(look: Look, session_id: Value, taken: float | None) -> Iterator[str]:
    """Yield what became of a locked session. None of it proves that a lock is over."""
    row = look.one("SELECT end_reason, ended_at FROM sessions WHERE id IS ?", [session_id])
    if row is None:
        yield "Its session has no row, which is normal."
        return
    reason, ended = row
    if ended is not None:
        word = f" ({readable(reason)})" if reason is not None else ""
        rotation = readable(reason) == "compression" if reason is not None else False
        rest = ", as in every healthy rotation" if rotation else "; that alone proves nothing"
        yield f"Its session has ended{word}{rest}."
    later = look.one(
        "SELECT COUNT(*) FROM messages WHERE session_id IS ? AND timestamp > ?",
        [session_id, taken if taken is not None else float("inf")],
    )
    children = look.one(
        "SELECT COUNT(DISTINCT s.id), COUNT(m.id) FROM sessions s"
        " LEFT JOIN messages m ON m.session_id = s.id WHERE s.parent_session_id IS ?",
        [session_id],
    )
    counted = [*(later or (0,)), *(children or (0, 0))]
    note = settled(reason, *map(whole, counted))
    if note is not None:
        yield note


def _turn_leases(look: Look, around: Circumstances) -> Iterator[Hold]:
    for row in _rows(look, "session_turn_leases", ("conversation_id", *_LEASE)):
        lease = LockRow(row["conversation_id"], *(row[column] for column in _LEASE))
        holder = parse_holder(lease.holder)
        process = host.process(holder.pid) if holder is not None else None
        yield Hold(
            what="turn-lease",
            subject=readable(lease.session_id),
            session=readable(lease.session_id),
            holder=readable(lease.holder),
            pid=holder.pid if holder is not None else None,
            process=process,
            taken=number(lease.acquired_at),
            expires=number(lease.expires_at),
            verdict=turn_lease_verdict(lease, around.openers, process, around.now),
        )


_LEASE = ("holder", "acquired_at", "expires_at")


def _sessions(look: Look, around: Circumstances) -> Iterator[Hold]:
    """Yield the pauses and breakers that are noted in ``sessions``."""
    known = look.columns("sessions")
    conditions = [condition for column, condition in _BLOCKING.items() if column in known]
    if not conditions:
        return
    listed = ", ".join(c if c in known else "NULL" for c in ("id", *_BLOCKING))
    for session, until, streak in look.scan(listed, "sessions", " OR ".join(conditions)):
        name = readable(session)
        expires = number(until)
        yield Hold("cooldown", name, cooldown_verdict(until, around.now), name, expires=expires)
        yield Hold("breaker", name, breaker_verdict(streak), name)


_BLOCKING = {
    "compression_failure_cooldown_until": "compression_failure_cooldown_until IS NOT NULL",
    "compression_fallback_streak": "compression_fallback_streak > 0",
}


def _delegations(look: Look, around: Circumstances) -> Iterator[Hold]:
    state = ("state", "delivery_state", "completed_at", "owner_pid", "owner_started_at")
    where = "state IN ('running', 'finalizing') OR delivery_state = 'pending'"
    columns = ("delegation_id", "parent_session_id", "dispatched_at", *state)
    for row in _rows(look, "async_delegations", columns, where):
        pid = row["owner_pid"]
        process = host.process(pid) if isinstance(pid, int) else None
        parent = row["parent_session_id"]
        yield Hold(
            what="delegation",
            subject=readable(row["delegation_id"]),
            session=readable(parent) if parent is not None else None,
            pid=pid if isinstance(pid, int) else None,
            process=process if around.comparable else None,
            taken=number(row["dispatched_at"]),
            verdict=delegation_verdict(
                Delegation(*(row[column] for column in state)),
                process,
                around.comparable,
                around.now,
            ),
        )


def _heartbeats(look: Look, around: Circumstances) -> Iterator[Hold]:
    columns = ("backend_id", "pid", "started_at", "last_heartbeat", "host")
    for row in _rows(look, "gateway_heartbeats", columns):
        pid = row["pid"]
        process = host.process(pid) if isinstance(pid, int) else None
        beat = Heartbeat(pid, row["last_heartbeat"], row["host"])
        yield Hold(
            what="heartbeat",
            subject=readable(row["backend_id"]),
            pid=pid if isinstance(pid, int) else None,
            process=process,
            taken=number(row["started_at"]),
            verdict=heartbeat_verdict(beat, process, around.hostname, around.now),
        )


def _rows(look: Look, table: str, columns: tuple[str, ...], where: str = "1") -> Iterator[Row]:
    """Yield rows of a table that has these columns; none where it has not."""
    if not set(columns) <= set(look.columns(table)):
        return
    for values in look.scan(", ".join(columns), table, where):
        yield dict(zip(columns, values, strict=True))
