"""Compression locks and cooldowns that nobody needs any more (LK...). Live-safe, all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from hermes_repair.checks.registry import Check, check, each
from hermes_repair.checks.resolution_units import REPAIR, session_unit
from hermes_repair.evidence.lock_holds import LOCK_KEY, JudgedLock, delete_lock
from hermes_repair.evidence.scene import Scene
from hermes_repair.leases import cooldown_verdict
from hermes_repair.model.actions import LOCK_TABLE, RowUpdate
from hermes_repair.model.commands_to_type import command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Value, readable
from hermes_repair.store.file_state import SideFile

LOCKS = (LOCK_TABLE, "schema_version")
"""What a lock is judged by: its own row, and which releases may renew it."""

lock_check = partial(check, live=True, stage=Stage.LOCKS)


def _findings(scene: Scene, found_by: Check) -> Iterator[Finding]:
    # `locks clean` is never the first to open a database with a -wal that a crash left.
    crashed = not scene.look.live and scene.file.side is not SideFile.NONE
    clean = REPAIR if crashed else command("locks clean")
    for lock in scene.locks:
        if lock.finding_id == found_by.id:
            yield found_by.finding(
                {"kind": "lock", "session_id": lock.session},
                f"a compression lock is stuck. {lock.verdict.reason}",
                clean
                if lock.verdict.cleanable
                else command("repair", "--select", found_by.id, "--unsafe"),
                data={"holder": readable(lock.row["holder"]), "kind": lock.verdict.kind.value},
                identity=tuple(lock.row[column] for column in LOCK_KEY),
                sessions=int(lock.session_there),
                fix=each(partial(_free, lock)),
            )


def _free(lock: JudgedLock, finding: Finding) -> Iterator[Unit]:
    if lock.verdict.safety is not None:
        yield delete_lock(lock, finding.id, finding.fingerprint)


@lock_check("LK001", "lock-expired", Severity.WARNING, Remedy.SAFE, tables=LOCKS)
def lock_expired(scene: Scene) -> Iterator[Finding]:
    """A compression lock has expired.

    What it means: the process that was compressing this session did not finish. Hermes takes an
    expired lock over at the session's next compression, so it blocks nobody: it is a trace of what
    went wrong, not the trouble itself.

    How it happens: the gateway was killed or crashed in the middle of a compression (0.16 on).

    What repair does: it removes the row, if the row is still the same by then. `undo` puts it back;
    for a lock that `locks clean` removed, name the receipt.

    How safe it is: a lock that is renewed or taken again in the meantime has another expiry and
    stays.
    """
    yield from _findings(scene, lock_expired)


@lock_check("LK002", "lock-holder-dead", Severity.WARNING, Remedy.SAFE, tables=LOCKS)
def lock_holder_dead(scene: Scene) -> Iterator[Finding]:
    """A compression lock has time left, but the process that took it is gone.

    What it means: until the lock expires (300 seconds) this session cannot be compressed, and
    releases up to 0.19.0 wait for it.

    How it happens: the gateway was killed or crashed in the middle of a compression.

    What repair does: it removes the row, if the row is still the same by then. `undo` puts it back;
    for a lock that `locks clean` removed, name the receipt.

    How safe it is: only where it is proven that the process is gone: everybody who has the database
    open is known, on a local disk, in our own process namespace, and none of them is that process.
    Otherwise it waits until the lock expires.
    """
    yield from _findings(scene, lock_holder_dead)


@lock_check(
    "LK003",
    "lock-of-missing-session",
    Severity.WARNING,
    Remedy.SAFE,
    tables=(*LOCKS, "sessions"),
)
def lock_of_missing_session(scene: Scene) -> Iterator[Finding]:
    """A compression lock is over, and its session does not exist either.

    What it means: a left-over row that nobody will ever take again.

    How it happens: the session was deleted after its compression was interrupted. A missing session
    alone proves nothing: a lock may be taken before its session has a row.

    What repair does: it removes the row, if the row is still the same by then. `undo` puts it back;
    for a lock that `locks clean` removed, name the receipt.

    How safe it is: only where the lock has expired or its holder is proven dead.
    """
    yield from _findings(scene, lock_of_missing_session)


@lock_check("LK004", "lock-lease-absurd", Severity.WARNING, Remedy.UNSAFE, tables=LOCKS)
def lock_lease_absurd(scene: Scene) -> Iterator[Finding]:
    """A compression lock runs far longer than any release asks for.

    What it means: this session is not compressed until then, which may be never.

    How it happens: the clock was wrong when the lock was taken, or another program wrote the row.

    What repair does: with --unsafe, or when the session is named, it removes the row.

    How safe it is: nothing proves that nobody relies on it any more, so it is only done when you
    ask for it.
    """
    yield from _findings(scene, lock_lease_absurd)


@lock_check("LK005", "compression-cooldown-stale", Severity.INFO, Remedy.SAFE, tables=("sessions",))
def cooldown_stale(scene: Scene) -> Iterator[Finding]:
    """A pause after a failed compression is over, but still recorded.

    What it means: nothing to Hermes, which compares the time; it is only noise when you look for
    what blocks a session.

    How it happens: Hermes writes it after a failed compression (0.18 on) and clears it only at the
    next one that succeeds.

    What repair does: it clears the two columns, if they are still the same by then.

    How safe it is: the receipt keeps the old values.
    """
    for pause in _cooldowns(scene):
        verdict = cooldown_verdict(pause.until, scene.now)
        if verdict.cleanable:
            reason = str(verdict.reason)
            yield cooldown_stale.finding(
                {"kind": "session", "session_id": pause.session_id},
                reason[0].lower() + reason[1:],
                REPAIR,
                data={"until": pause.until, "has_error": pause.error is not None},
                identity=(pause.until,),
                sessions=1,
                fix=each(partial(_clear_cooldown, pause)),
            )


@dataclass(frozen=True, slots=True)
class _Cooldown:
    """A pause as its row has it."""

    session_id: str
    until: Value
    error: Value


def _cooldowns(scene: Scene) -> list[_Cooldown]:
    if "compression_failure_cooldown_until" not in scene.look.columns("sessions"):
        return []
    return [
        _Cooldown(readable(id), until, error)
        for id, until, error in scene.look.scan(
            "id, compression_failure_cooldown_until, compression_failure_error",
            "sessions",
            "compression_failure_cooldown_until IS NOT NULL",
        )
    ]


def _clear_cooldown(pause: _Cooldown, finding: Finding) -> Iterator[Unit]:
    """Clear the pause and its error."""
    before = {
        "compression_failure_cooldown_until": pause.until,
        "compression_failure_error": pause.error,
    }
    update = RowUpdate("sessions", {"id": pause.session_id}, before, dict.fromkeys(before))
    summary = f"clear the compression pause of {pause.session_id}, which is over"
    unit = session_unit(finding, summary, [update], Safety.SAFE)
    yield replace(unit, kind="lock", live=True, sessions=frozenset())
