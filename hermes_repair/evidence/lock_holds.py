"""Compression locks by the rows of state.db, each with its verdict; for ``locks`` and LK checks.

Tables and columns that a schema lacks give nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from hermes_repair import host
from hermes_repair.host import Openers, ProcessInfo
from hermes_repair.leases import (
    USUAL_TERMS,
    Holder,
    Kind,
    LeaseTerms,
    LockRow,
    Verdict,
    parse_holder,
    verdict,
)
from hermes_repair.model.actions import LOCK_TABLE, RowDelete
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, readable
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
    terms = replace(terms, revivable=may_be_later(look))

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


def may_be_later(look: Look) -> bool:
    """Whether releases of schema 23 or later may be at work, which renew an expired lock.

    Told by the stamped number and two tables of later schemas, for that costs nothing; what is in
    doubt counts as revivable, which only leaves more locks alone.
    """
    stamps = look.rows("SELECT version FROM schema_version LIMIT 2")
    numbers = [row[0] for row in stamps] if look.has("schema_version") else []
    stamped = len(numbers) == 1 and isinstance(numbers[0], int) and numbers[0] < _FIRST_REVIVING
    return not stamped or any(look.has(table) for table in _LATER_TABLES)


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
