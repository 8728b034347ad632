"""What the doctor says: severities, safety classes and findings, all plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from functools import cached_property
from typing import Any, TypeAlias

from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.plans import Unit


class Severity(IntEnum):
    """How bad a finding is; ordered so that ``--fail-on`` is a comparison."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Remedy(Enum):
    """Who mends a finding: ``repair`` (safe or with --unsafe), ``migrate``, a person, nobody."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"
    MIGRATE = "migrate"
    NONE = "none"


class Concerns(Enum):
    """What is the matter with the messages that a finding counts, for a verdict over all of them.

    ``UNSEEN``: they are in the database, and no list, search or next message leads to them.
    ``ELSEWHERE``: the database does not have them, a file or a copy does. ``AT_RISK``: they are
    shown now, and the next update hides them. ``COPIED``: a copy of the database has them, and
    somebody says which come.
    """

    UNSEEN = "unseen"
    ELSEWHERE = "elsewhere"
    AT_RISK = "at-risk"
    COPIED = "copied"


@dataclass(frozen=True)  # without slots, for what is cached
class Finding:
    """One damage at one place.

    ``subject`` names the place: ``{"kind": "session", "session_id": ...}``,
    ``{"kind": "lock", ...}``, ``{"kind": "database"}``, ``{"kind": "file", "path": ...}``,
    ``{"kind": "receipt", ...}``.
    ``message`` is one plain sentence without conversation text or titles (R9); ``hint`` is what to
    do, usually the next command. ``data`` carries counts, ids and times for JSON readers.
    ``identity`` are the facts whose change makes it another finding (for ``ack``).
    ``fix`` makes the units that mend it, as long as the look lasts that it was found in.
    """

    id: str
    name: str
    severity: Severity
    subject: Mapping[str, Any]
    message: str
    hint: Hint
    remedy: Remedy
    data: Mapping[str, Any] = field(default_factory=dict)
    identity: tuple[Any, ...] = ()
    sessions: int = 0
    messages: int = 0
    fix: Fix | None = field(default=None, compare=False, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Stable name of this finding: equal again for the same damage at the same place."""
        text = json.dumps(
            [self.id, dict(self.subject), list(self.identity)], sort_keys=True, default=str
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def session_id(self) -> str | None:
        """The session that the finding is about, where it is about one."""
        value = self.subject.get("session_id")
        return value if isinstance(value, str) else None

    def without_fix(self) -> Finding:
        """Return the finding alone, which may outlive the look."""
        return replace(self, fix=None)


Fix: TypeAlias = Callable[[Sequence[Finding]], Iterable[Unit]]
"""What mends findings that carry one and the same fix: those that are asked for, at once."""
