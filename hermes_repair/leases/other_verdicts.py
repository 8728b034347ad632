"""What else holds or blocks: cooldowns, the breaker, handoffs, delegations, leases, heartbeats.

Pure. Most of it is only shown: Hermes takes it away by itself, or a person has to decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.host import Openers, ProcessInfo
from hermes_repair.leases.lock_verdicts import (
    Kind,
    LeaseTerms,
    LockRow,
    Verdict,
    number,
    span,
    verdict,
)
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Value

COOLDOWN_LIMIT = 3600.0  # the longest that 0.18 to 0.19 set is 900 s
BREAKER_STREAK = 2  # 0.19 stops compressing by itself from this many fallbacks in a row
HANDOFF_PENDING_LIMIT = 300.0  # the asking program gives up after 60 s
HANDOFF_RUNNING_LIMIT = 1800.0
DELIVERY_LIMIT = 3600.0
HEARTBEAT_FRESH = 300.0  # a backend writes one every 60 s
HEARTBEAT_PRUNED = 86400.0  # and Hermes drops those of a day ago at its next start


@dataclass(frozen=True, slots=True)
class Delegation:
    """The columns of one ``async_delegations`` row (0.19, schema 20 on) that a verdict needs.

    ``owner_started_at`` is what Hermes' ``get_process_start_time`` gave: on Linux the clock ticks
    since boot of the process start, elsewhere hundredths of epoch seconds.
    """

    state: Value
    delivery_state: Value
    completed_at: Value
    owner_pid: Value
    owner_started_at: Value


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The columns of one ``gateway_heartbeats`` row (after 0.19) that a verdict needs."""

    pid: Value
    last_heartbeat: Value
    host: Value


def cooldown_verdict(until: Value, now: float) -> Verdict:
    """Judge ``sessions.compression_failure_cooldown_until`` (0.18 on, epoch seconds).

    A value in the past does nothing any more. Hermes fails on one that is not a number.
    """
    if until is None:
        return Verdict(Kind.FREE, "There is no cooldown.")
    time = number(until)
    if time is None:
        return Verdict(Kind.ABSURD, "The cooldown is not a time.", Safety.UNSAFE)
    if time <= now:
        reason = f"The cooldown ended {span(now - time)} ago."
        return Verdict(Kind.EXPIRED, reason, Safety.SAFE)
    left = f"No compression will be tried for another {span(time - now)}"
    if time - now > COOLDOWN_LIMIT:
        reason = f"{left}, far longer than any release asks for."
        return Verdict(Kind.ABSURD, reason, Safety.UNSAFE)
    return Verdict(Kind.LIVE, f"{left}, because one failed.")


def breaker_verdict(streak: Value) -> Verdict:
    """Judge ``sessions.compression_fallback_streak`` (0.19): from 2 on Hermes stops compressing."""
    count = number(streak) or 0.0
    if count < BREAKER_STREAK:
        return Verdict(Kind.FREE, "The session is compressed when it needs to be.")
    reason = (
        f"Hermes stopped compressing this session after {count:.0f} summaries that "
        "failed; /compress in the chat tries again."
    )
    return Verdict(Kind.LIVE, reason)


def handoff_verdict(
    state: Value, idle_since: float, gateway_runs: bool, now: float, *, nobody: bool = False
) -> Verdict:
    """Judge ``sessions.handoff_state`` (0.14 on).

    The handoff itself has no time, so ``idle_since`` is when the session was last written to.
    ``gateway_runs`` says whether a gateway has the database open (True where it is not known),
    ``nobody`` that it is proven that no process has, and that no release after 0.19 is at work.
    A gateway that is at it has the database open all the time, and another never goes on with it.
    """
    if state not in ("pending", "running"):
        return Verdict(Kind.FREE, "No handoff is under way.")
    idle = now - idle_since
    limit = HANDOFF_PENDING_LIMIT if state == "pending" else HANDOFF_RUNNING_LIMIT
    if gateway_runs or idle < limit:
        return Verdict(Kind.LIVE, f"A handoff is {state}; the session was idle for {span(idle)}.")
    if state == "running" and nobody:
        reason = (
            "The gateway that was handing this chat over is gone; until that is noted, every later"
            f" handoff is refused. The session was idle for {span(idle)}."
        )
        return Verdict(Kind.HOLDER_DEAD, reason, Safety.SAFE)
    after = (
        "Hermes finishes it when its gateway starts."
        if state == "pending"
        else "No gateway goes on with it."
    )
    reason = (
        f"A handoff is {state} and no gateway is running to finish it; the session was idle for"
        f" {span(idle)}. {after}"
    )
    return Verdict(Kind.STUCK, reason)


def delegation_verdict(
    row: Delegation, process: ProcessInfo | None, pids_comparable: bool, now: float
) -> Verdict:
    """Judge one background delegation by its owner, the way Hermes 0.19 does at its next start.

    ``process`` is the process that now has the owner's pid. ``pids_comparable`` is False where
    owners may live in another PID namespace or on another machine.
    """
    if row.state not in ("running", "finalizing"):
        done = number(row.completed_at)
        if row.delivery_state != "pending" or done is None or now - done < DELIVERY_LIMIT:
            return Verdict(Kind.FREE, "The delegation has ended.")
        reason = f"Its result has waited for {span(now - done)} to be delivered to its chat."
        return Verdict(Kind.STUCK, reason)
    if not isinstance(row.owner_pid, int) or row.owner_pid <= 0:
        return Verdict(Kind.UNKNOWN, "It is running, and its owner is not recorded.")
    name = f"process {row.owner_pid}"
    if not pids_comparable:
        return Verdict(Kind.UNKNOWN, f"It is run by {name}, which cannot be seen from here.")
    swept = "Hermes marks it as unknown at its next start."
    if process is None or process.zombie:
        return Verdict(Kind.HOLDER_DEAD, f"It was run by {name}, which is gone. {swept}")
    # Hermes splits /proc/PID/stat at blanks: a process name with a blank gives it 0 or another
    # field, which proves nothing.
    started = number(row.owner_started_at)
    if started and process.start_ticks is not None and started != process.start_ticks:
        reason = f"It was run by {name}, whose id now belongs to another process. {swept}"
        return Verdict(Kind.HOLDER_DEAD, reason)
    return Verdict(Kind.LIVE, f"It is run by {name}, which is running.")


def turn_lease_verdict(
    lease: LockRow, openers: Openers, process: ProcessInfo | None, now: float
) -> Verdict:
    """Judge one row of ``session_turn_leases`` (after 0.19; ``session_id`` is its conversation_id).

    The rule is that of compression locks, with leases that are renewed after they expired. Never
    cleaned by us: Hermes takes an expired one over, some of its builds keep the row with an empty
    holder and count on in it, and no release that has the table could be tried.
    """
    if lease.holder == "":
        return Verdict(Kind.FREE, "The lease was released.")
    judged = verdict(lease, openers, process, now, LeaseTerms(revivable=True))
    return Verdict(judged.kind, judged.reason)


def heartbeat_verdict(
    row: Heartbeat, process: ProcessInfo | None, hostname: str, now: float
) -> Verdict:
    """Judge one backend's heartbeat; ``process`` is the one that now has its pid, here.

    Never cleaned by us: Hermes' startup sweep asks these rows which sessions are still served.
    """
    beat = number(row.last_heartbeat)
    if beat is None:
        return Verdict(Kind.ABSURD, "The heartbeat is not a time.")
    age = now - beat
    if age <= HEARTBEAT_FRESH:
        return Verdict(Kind.LIVE, f"Its last heartbeat was {span(age)} ago.")
    here = row.host in ("", hostname)
    gone = here and (process is None or process.zombie)
    where = "its process is gone" if gone else "its process may still be running"
    kind = Kind.HOLDER_DEAD if gone else Kind.EXPIRED
    later = "; Hermes drops it at its next start" if age > HEARTBEAT_PRUNED else ""
    return Verdict(kind, f"Its last heartbeat was {span(age)} ago, and {where}{later}.")
