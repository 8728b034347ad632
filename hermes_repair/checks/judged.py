"""Every compression lock of a look with its verdict; ``locks`` and the LK checks share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair import host
from hermes_repair.host import Openers
from hermes_repair.leases import GRACE, MAX_AGE, Kind, LockRow, Verdict, parse_holder, verdict
from hermes_repair.model.values import Row, Value
from hermes_repair.store.look import Look

LOCK_KEY = ("session_id", "holder", "expires_at")


@dataclass(frozen=True, slots=True)
class JudgedLock:
    """One compression lock with its verdict; ``session_there`` only chooses the finding's id."""

    row: Row
    verdict: Verdict
    session_there: bool

    @property
    def session(self) -> str:
        return text(self.row["session_id"])

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


def text(value: Value) -> str:
    """Return an id for a reader, whatever its type turned out to be."""
    return value if isinstance(value, str) else repr(value)


def judged_locks(
    look: Look,
    openers: Openers,
    now: float,
    *,
    revivable: bool,
    grace: float = GRACE,
    max_age: float = MAX_AGE,
) -> Iterator[JudgedLock]:
    """Yield every compression lock with its verdict; none where the schema has no such table.

    ``revivable``: the schema is 23 or later, whose releases renew an expired lock.
    """
    if not look.has("compression_locks"):
        return
    for row in list(look.rows_of("compression_locks", "1")):
        lock = LockRow(row["session_id"], row["holder"], row["acquired_at"], row["expires_at"])
        holder = parse_holder(lock.holder)
        there = look.one("SELECT 1 FROM sessions WHERE id IS ?", [row["session_id"]])
        process = host.process(holder.pid) if holder is not None else None
        yield JudgedLock(
            row=row,
            verdict=verdict(
                lock, openers, process, now, grace=grace, max_age=max_age, revivable=revivable
            ),
            session_there=there is not None,
        )
