"""What holds or blocks a session by the rows of state.db, each with its verdict.

Compression locks are shared by ``locks`` and the LK checks. Only they and pauses are ever cleaned;
all else is shown with what Hermes does about it itself (``locks list``). Tables and columns that a
schema lacks give nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hermes_repair import host
from hermes_repair.host import Openers, OpenStatus, ProcessInfo
from hermes_repair.leases import (
    USUAL_TERMS,
    Delegation,
    Heartbeat,
    Holder,
    Kind,
    LeaseTerms,
    LockRow,
    Verdict,
    breaker_verdict,
    cooldown_verdict,
    delegation_verdict,
    handoff_verdict,
    heartbeat_verdict,
    parse_holder,
    settled,
    turn_lease_verdict,
    verdict,
)
from hermes_repair.leases.lock_verdicts import number
from hermes_repair.model.actions import LOCK_TABLE, RowDelete
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value, readable, whole
from hermes_repair.model.words import shown_id
from hermes_repair.store.look import Look

LOCK_COLUMNS = ("session_id", "holder", "acquired_at", "expires_at")
LOCK_KEY = ("session_id", "holder", "expires_at")
MOST = 1000
"""Locks that one look judges, the longest expired first: a table full of them has turns."""

_FIRST_REVIVING = 23
_LATER_TABLES = ("session_turn_leases", "gateway_heartbeats")


@dataclass(frozen=True, slots=True)
class JudgedLock:
    """One compression lock with its verdict; ``session_there`` only chooses the finding's id.

    ``process`` is the one that has the holder's number now.
    """

    row: Row
    holder: Holder | None
    process: ProcessInfo | None
    verdict: Verdict
    session_there: bool

    @property
    def session(self) -> str:
        return readable(self.row["session_id"])

    @property
    def finding_id(self) -> str | None:
        """Which finding this is; None for a lock that is nobody's business."""
        match self.verdict.kind:
            case Kind.EXPIRED | Kind.HOLDER_DEAD if self.verdict.safety is None:
                return None
            case Kind.EXPIRED | Kind.HOLDER_DEAD if not self.session_there:
                return "LK003"
            case Kind.EXPIRED:
                return "LK001"
            case Kind.HOLDER_DEAD:
                return "LK002"
            case Kind.ABSURD:
                return "LK004"
        return None


def known_table(look: Look) -> bool:
    """Whether there is a table of compression locks as the releases 0.16 and later make it."""
    return sorted(look.columns(LOCK_TABLE)) == sorted(LOCK_COLUMNS)


def judged_locks(
    look: Look,
    database: Path,
    openers: Openers,
    now: float,
    terms: LeaseTerms = USUAL_TERMS,
) -> tuple[JudgedLock, ...]:
    """Return every compression lock with its verdict; none where the table is not a known one.

    ``openers`` were asked for before the rows were read, so a process that began in between would
    look as if it were gone. Who has ``database`` open is therefore asked for again before a holder
    is called dead: whoever held a row that we have read had the database open before that.
    """
    if not known_table(look):
        return ()
    rows = list(look.rows_of(LOCK_TABLE, f"1 ORDER BY expires_at LIMIT {MOST}"))
    if not rows:
        return ()
    terms = replace(terms, revivable=_revivable(look))

    def judge(row: Row, openers: Openers) -> JudgedLock:
        lock = LockRow(*(row[column] for column in LOCK_COLUMNS))
        holder = parse_holder(lock.holder)
        process = host.process(holder.pid) if holder is not None else None
        judgement = verdict(lock, openers, process, now, terms)
        return JudgedLock(row, holder, process, judgement, _is_there(look, row))

    judged = [judge(row, openers) for row in rows]
    if any(lock.verdict.kind is Kind.HOLDER_DEAD for lock in judged):
        later = host.who_has_open(database)
        judged = [
            judge(lock.row, later) if lock.verdict.kind is Kind.HOLDER_DEAD else lock
            for lock in judged
        ]
    return tuple(judged)


def delete_lock(lock: JudgedLock, finding_id: str, fingerprint: str = "") -> Unit:
    """Return the unit that frees one lock: compare-and-delete on the whole row.

    Without a safety in its verdict nobody may be offered this, and it is UNSAFE.
    """
    return Unit(
        kind="lock",
        subject=lock.session,
        summary=f"free the compression lock of {shown_id(lock.session)}",
        actions=(
            RowDelete(
                table=LOCK_TABLE,
                key={column: lock.row[column] for column in LOCK_KEY},
                before=lock.row,
            ),
        ),
        safety=lock.verdict.safety or Safety.UNSAFE,
        live=True,
        findings=(fingerprint,) if fingerprint else (),
        finding_ids=(finding_id,),
    )


def _is_there(look: Look, row: Row) -> bool:
    return look.one("SELECT 1 FROM sessions WHERE id IS ?", [row["session_id"]]) is not None


def _revivable(look: Look) -> bool:
    """Whether releases of schema 23 or later may be at work, which renew an expired lock.

    Told by the stamped number and two tables of later schemas, for that costs nothing; what is in
    doubt counts as revivable, which only leaves more locks alone.
    """
    stamps = look.rows("SELECT version FROM schema_version LIMIT 2")
    numbers = [row[0] for row in stamps] if look.has("schema_version") else []
    stamped = len(numbers) == 1 and isinstance(numbers[0], int) and numbers[0] < _FIRST_REVIVING
    return not stamped or any(look.has(table) for table in _LATER_TABLES)


_NOTHING = Verdict(Kind.FREE, "")
_COOLDOWN = "compression_failure_cooldown_until"
_BREAKER = "compression_fallback_streak"


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that holds or blocks. Times are epoch seconds.

    ``what`` is a word of a closed set (see :func:`rows_that_hold` and ``app.holding``); ``subject``
    names it (an id or a path), ``session`` the session where it is about one. ``pid`` is its owner
    and ``process`` what has that number now; ``taken`` and ``expires`` are its times. ``notes`` are
    sentences that are shown and never acted on.
    """

    what: str
    subject: str
    verdict: Verdict
    session: str | None = None
    holder: str | None = None
    pid: int | None = None
    process: ProcessInfo | None = None
    taken: float | None = None
    expires: float | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the verdicts weigh besides the rows. ``comparable``: pids in rows are of our machine."""

    database: Path
    openers: Openers
    comparable: bool
    hostname: str
    now: float


def pids_comparable(database: Path) -> bool:
    """Whether a number that Hermes wrote down means the process that we see under it."""
    place = host.filesystem(database)
    return place.local and place.layer_of is None and not host.hidden_processes()


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
    """Yield the pauses, breakers and handoffs that are noted in ``sessions``."""
    known = look.columns("sessions")
    conditions = [condition for column, condition in _BLOCKING.items() if column in known]
    if not conditions:
        return
    listed = ", ".join(c if c in known else "NULL" for c in ("id", "started_at", *_BLOCKING))
    where = " OR ".join(conditions)
    for session, started, until, streak, handoff in look.scan(listed, "sessions", where):
        name = readable(session)
        expires = number(until)
        yield Hold("cooldown", name, cooldown_verdict(until, around.now), name, expires=expires)
        yield Hold("breaker", name, breaker_verdict(streak), name)
        judged = _NOTHING
        if handoff in ("pending", "running"):
            idle = _idle_since(look, session, started)
            judged = handoff_verdict(handoff, idle, _gateway_runs(around.openers), around.now)
        yield Hold("handoff", name, judged, name)


_BLOCKING = {
    _COOLDOWN: f"{_COOLDOWN} IS NOT NULL",
    _BREAKER: f"{_BREAKER} > 0",
    "handoff_state": "handoff_state IN ('pending', 'running')",
}


def _idle_since(look: Look, session: Value, started: Value) -> float:
    row = look.one("SELECT MAX(timestamp) FROM messages WHERE session_id IS ?", [session])
    last = number(row[0]) if row is not None else None
    return last if last is not None else number(started) or 0.0


def _gateway_runs(openers: Openers) -> bool:
    """Whether a gateway may have the database open; 0.19 may hide that it is one."""
    known = openers.status is not OpenStatus.UNKNOWN and openers.complete
    return not known or any(process.is_hermes for process in openers.processes)


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
