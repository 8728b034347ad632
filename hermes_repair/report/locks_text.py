"""``locks list`` and ``locks clean`` in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hermes_repair.leases.holders import span
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import readable
from hermes_repair.report.json_documents import plain_time

if TYPE_CHECKING:
    from hermes_repair.app.locks import Held
    from hermes_repair.evidence.judged_locks import JudgedLock
    from hermes_repair.evidence.lock_holds import Hold
    from hermes_repair.host import ProcessInfo


def lock_entry(lock: JudgedLock) -> dict[str, Any]:
    return {
        "session_id": lock.session,
        "holder": readable(lock.row["holder"]),
        "acquired_at": plain_time(lock.row["acquired_at"]),
        "expires_at": plain_time(lock.row["expires_at"]),
        "verdict": lock.verdict.kind.value,
        "reason": str(lock.verdict.reason),
        "cleanable": lock.verdict.cleanable,
    }


LOCK = "compression-lock"


def row(hold: Hold, held: Held, now: float) -> tuple[str, ...]:
    return (
        hold.what,
        hold.subject,
        _holder(hold),
        span(now - hold.taken) if hold.taken is not None else "-",
        _until(hold.expires, now),
        hold.verdict.kind.value,
        cleaned_by(hold, held) or "nothing",
    )


def cleaned_by(hold: Hold, held: Held) -> str | None:
    """Return the command that may take it away; None where nothing of ours does."""
    if hold.verdict.safety is None:
        return None
    if hold.verdict.safety is Safety.UNSAFE:
        return "repair --unsafe"
    return "locks clean" if hold.what == LOCK and not held.left_behind else "repair"


def _until(expires: float | None, now: float) -> str:
    if expires is None:
        return "-"
    return span(expires - now) if expires > now else f"{span(now - expires)} ago"


def _holder(hold: Hold) -> str:
    """Say who holds it: number, alive or not, since when, which command."""
    if hold.pid is None:
        return "unreadable" if hold.holder is not None else "-"
    if hold.process is None:
        return f"pid {hold.pid}, not there"
    if hold.process.zombie:
        return f"pid {hold.pid}, ended"
    return hold.process.describe()


def hold_entry(hold: Hold, held: Held, now: float) -> dict[str, Any]:
    return {
        "what": hold.what,
        "subject": hold.subject,
        "session_id": hold.session,
        "holder": hold.holder,
        "pid": hold.pid,
        "process": _process(hold.process),
        "acquired_at": plain_time(hold.taken),
        "expires_at": plain_time(hold.expires),
        "age": plain_time(now - hold.taken) if hold.taken is not None else None,
        "expires_in": plain_time(hold.expires - now) if hold.expires is not None else None,
        "verdict": hold.verdict.kind.value,
        "reason": str(hold.verdict.reason),
        "notes": list(hold.notes),
        "cleanable": hold.verdict.cleanable,
        "cleaned_by": cleaned_by(hold, held),
    }


def _process(process: ProcessInfo | None) -> dict[str, Any] | None:
    """Return the process that has the holder's number now; None where there is none."""
    if process is None:
        return None
    return {
        "pid": process.pid,
        "alive": not process.zombie,
        "since": process.start_time,
        "program": process.program.value,
        "command": process.command,
    }
