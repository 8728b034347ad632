"""Is a compression lock (or a turn lease) still held? Pure; every verdict names its proof.

Facts. A lock lasts 300 seconds. 0.16 and 0.17 never renew it; 0.18 on renew it every 60 seconds
while it has not expired; releases after 0.19.0 (schema 23 on) renew it even after it has expired,
so that a process that was suspended gets it back. Every release takes over a lock that has expired
at its next compression of that session, whoever holds it. The row is keyed by the session that is
being left behind: in every healthy rotation that session is already ended, and may be gone, while
the lock is held. So nothing about the session is asked here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum

from hermes_repair.host import Openers, ProcessInfo
from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Value
from hermes_repair.model.words import count

LOCK_SECONDS = 300.0
GRACE = 60.0
MAX_AGE = 3600.0

_PID = re.compile(r"pid=([1-9][0-9]{0,9})")


class Kind(Enum):
    """What a thing that holds or blocks is found to be."""

    FREE = "free"  # holds nothing
    LIVE = "live"  # in force, its owner is there
    EXPIRED = "expired"  # its time is over
    HOLDER_DEAD = "holder-dead"  # still in force, but its owner is proven gone
    ABSURD = "absurd"  # lasts far longer than any release lets it
    STUCK = "stuck"  # waits for something that nobody is doing any more
    UNKNOWN = "unknown"  # in force, and its owner cannot be judged: counts as live


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, why in one plain sentence, and whether it may be cleaned.

    ``safety`` is SAFE (proven to be over), UNSAFE (only when asked for by name) or None (never by
    us: it is alive, or may be, or Hermes itself takes it away).
    """

    kind: Kind
    reason: Hint
    safety: Safety | None = None

    @property
    def cleanable(self) -> bool:
        """Whether it may be cleaned without being asked for by name."""
        return self.safety is Safety.SAFE


@dataclass(frozen=True, slots=True)
class LockRow:
    """One row of ``compression_locks`` (schema 14 on) as SQLite gave it, types unchecked."""

    session_id: Value
    holder: Value
    acquired_at: Value
    expires_at: Value


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease is respected.

    ``grace`` are seconds past the expiry, ``max_age`` the longest lease that is believed, in
    seconds from now. ``revivable``: the database is of schema 23 or later, whose releases renew
    an expired lock; then one whose process is there is left alone.
    """

    grace: float = GRACE
    max_age: float = MAX_AGE
    revivable: bool = False


USUAL_TERMS = LeaseTerms()


@dataclass(frozen=True, slots=True)
class Holder:
    """A holder as Hermes writes it; only the pid tells something about the owner."""

    pid: int


class _Fate(Enum):
    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


def verdict(
    lock: LockRow,
    openers: Openers,
    process: ProcessInfo | None,
    now: float,
    terms: LeaseTerms = USUAL_TERMS,
) -> Verdict:
    """Judge one row of ``compression_locks``.

    ``openers`` is who has the database open, ``process`` the process that now has the pid which
    :func:`parse_holder` finds in the holder (None: there is none).
    ``now`` are epoch seconds.
    """
    grace = terms.grace
    expires = number(lock.expires_at)
    fate, why = _fate(lock, openers, process)
    if expires is not None and expires < now:
        over = now - expires
        expired = f"it expired {span(over)} ago"
        if over >= grace and not (terms.revivable and fate is _Fate.ALIVE):
            return Verdict(Kind.EXPIRED, _sentence(expired), Safety.SAFE)
        if fate is not _Fate.DEAD:
            wait = f"less than the grace of {span(grace)}" if over < grace else why
            return Verdict(Kind.EXPIRED, _sentence(f"{expired}, {wait}"))
    if fate is _Fate.DEAD:
        return Verdict(Kind.HOLDER_DEAD, _sentence(why), Safety.SAFE)
    absurd = _absurd(lock, expires, now, terms.max_age)
    if absurd is not None:
        return Verdict(Kind.ABSURD, _sentence(f"{absurd}; {why}"), Safety.UNSAFE)
    return Verdict(Kind.LIVE if fate is _Fate.ALIVE else Kind.UNKNOWN, _sentence(why))


def _absurd(lock: LockRow, expires: float | None, now: float, max_age: float) -> str | None:
    """Say why a lease cannot have been made by a release, or None."""
    if expires is None:
        return "its expiry is not a time, so to Hermes it never expires"
    if expires - now > max_age:
        return f"it lasts another {span(expires - now)}, and no release asks for more than 300 s"
    acquired = number(lock.acquired_at)
    if acquired is not None and acquired - now > max_age:
        return f"it was acquired {span(acquired - now)} in the future"
    return None


def _fate(lock: LockRow, openers: Openers, process: ProcessInfo | None) -> tuple[_Fate, str]:
    """Say whether the holder is there. Only what is proven is called dead."""
    if openers.complete and not openers.processes:
        return _Fate.DEAD, "nobody has the database open, so nobody holds it"
    holder = parse_holder(lock.holder)
    if holder is None:
        return _Fate.UNKNOWN, "its holder is not in Hermes' format"
    name = f"process {holder.pid}"
    for opener in openers.processes:
        if opener.pid == holder.pid and not opener.zombie and not _later(opener, lock):
            return _Fate.ALIVE, f"{name} has the database open"
    if not openers.complete:
        return (
            _Fate.UNKNOWN,
            f"{name} cannot be seen, but others may have the database open unseen",
        )
    if not all(opener.same_namespace for opener in openers.processes):
        return _Fate.UNKNOWN, (
            f"{name} cannot be seen, but a process in another container, where it has another id,"
            " has the database open"
        )
    return _absent(holder, lock, process)


def _absent(holder: Holder, lock: LockRow, process: ProcessInfo | None) -> tuple[_Fate, str]:
    """Judge a holder that has not got the database open, where every opener is known and ours."""
    name = f"process {holder.pid}"
    if process is None:
        return _Fate.DEAD, f"{name} is gone"
    if process.zombie:
        return _Fate.DEAD, f"{name} has ended, and its parent has not noticed yet"
    if _later(process, lock):
        return _Fate.DEAD, f"{name} is gone, and a later process has its id"
    if process.is_hermes or not process.same_namespace:
        return _Fate.UNKNOWN, f"{name} is running, although it does not have the database open"
    return _Fate.DEAD, f"{name} is another program and does not have the database open"


def _later(process: ProcessInfo, lock: LockRow) -> bool:
    """Whether this process is proven to have started after the lock was taken.

    The lock's times were stamped by the clock of then, the start is told by the clock of now, and
    a clock that was set forward in between makes an old process look young. Whoever held the lock
    was there at its last renewal too, 300 seconds before the expiry. So a process counts as later
    only when it started after both, by more than its tolerance: then a live holder could be
    mistaken only after a step of some minutes that came after the last renewal and within minutes
    of the start of the process.
    """
    stamps = [number(lock.acquired_at), number(lock.expires_at)]
    if process.start_time is None or stamps[0] is None or not math.isfinite(stamps[0]):
        return False
    last_seen = stamps[0]
    if stamps[1] is not None:
        last_seen = max(last_seen, stamps[1] - LOCK_SECONDS)
    return process.start_time - process.start_tolerance > last_seen


def settled(
    end_reason: Value, later_messages: int, continuations: int, their_messages: int
) -> str | None:
    """Say whether the turn that took a compression lock looks over by what was written since.

    ``end_reason`` is the locked session's, ``later_messages`` are its own after the lock was taken,
    ``continuations`` its children by compression and ``their_messages`` what those hold. Only ever
    shown: between the rotation and the release a healthy lock looks just like that.
    """
    if end_reason == "compression" and their_messages:
        other = "another session" if continuations == 1 else "others"
        return (
            f"Its conversation continued in {other} ({count(their_messages, 'message')}), so the"
            " turn seems over; that alone proves nothing."
        )
    if later_messages:
        return (
            f"{count(later_messages, 'message')} came to its session since, so the turn may be"
            " over; that alone proves nothing."
        )
    return None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def parse_holder(value: Value) -> Holder | None:
    """Parse ``pid=N:tid=N:agent=HEX:nonce=HEX`` (0.16 to 0.19), or a lease's ``pid=N:turn=...``.

    None for everything else: then the owner cannot be told.
    """
    if not isinstance(value, str):
        return None
    match = _PID.fullmatch(value.partition(":")[0])
    return Holder(int(match[1])) if match is not None and int(match[1]) < 2**31 else None


def number(value: Value) -> float | None:
    """Return a number as SQLite would compare it; None for NULL, NaN, TEXT and BLOB.

    Text and blobs sort above every number in SQLite, so to Hermes such a time never comes.
    """
    return float(value) if isinstance(value, int | float) and value == value else None


def span(seconds: float) -> str:
    """Return a length of time in words for a reader."""
    for size, name in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}s" if seconds < 1e15 else "endless time"
    return count(round(max(seconds, 0.0)), "second")
