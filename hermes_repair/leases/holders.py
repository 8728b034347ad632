"""What the verdicts are about and what they say. Values only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Value


class ProcessLike(Protocol):
    """What a verdict needs to know of a process; ``host.ProcessInfo`` is one."""

    @property
    def pid(self) -> int: ...
    @property
    def start_time(self) -> float | None: ...
    @property
    def start_tolerance(self) -> float: ...
    @property
    def start_ticks(self) -> int | None: ...
    @property
    def same_namespace(self) -> bool: ...
    @property
    def is_hermes(self) -> bool: ...
    @property
    def zombie(self) -> bool: ...


class OpenersLike(Protocol):
    """What a verdict needs to know of who has the database open; ``host.Openers`` is one.

    ``complete``: the processes are proven to be all, on a filesystem that only this machine has.
    """

    @property
    def complete(self) -> bool: ...
    @property
    def processes(self) -> Sequence[ProcessLike]: ...


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
class Holder:
    """A holder as Hermes writes it; only the pid tells something about the owner."""

    pid: int
    fields: tuple[tuple[str, str], ...]


_PID = re.compile(r"pid=([1-9][0-9]{0,9})")


def parse_holder(value: Value) -> Holder | None:
    """Parse ``pid=N:tid=N:agent=HEX:nonce=HEX`` (0.16 to 0.19), or a lease's ``pid=N:turn=...``.

    None for everything else: then the owner cannot be told.
    """
    if not isinstance(value, str):
        return None
    first, *rest = value.split(":")
    match = _PID.fullmatch(first)
    if match is None or int(match[1]) >= 2**31:
        return None
    pairs = (word.partition("=") for word in rest)
    return Holder(int(match[1]), tuple((name, text) for name, _, text in pairs))


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
    whole = round(max(seconds, 0.0))
    return f"{whole} second{'' if whole == 1 else 's'}"
