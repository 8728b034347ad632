"""What the doctor says: severities, safety classes and findings, all plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any


class Severity(IntEnum):
    """How bad a finding is; ordered so that ``--fail-on`` is a comparison."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Safety(Enum):
    """SAFE loses nothing, derives from the data, undoes exactly. UNSAFE is a judgement."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Remedy(Enum):
    """Who mends a finding: ``repair`` (safe or with --unsafe), ``migrate``, a person, nobody."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"
    MIGRATE = "migrate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage at one place.

    ``subject`` names the place: ``{"kind": "session", "session_id": ...}``,
    ``{"kind": "lock", ...}``, ``{"kind": "database"}``, ``{"kind": "file", "path": ...}``,
    ``{"kind": "receipt", ...}``.
    ``message`` is one plain sentence without conversation text or titles (R9); ``hint`` is what to
    do, usually the next command. ``data`` carries counts, ids and times for JSON readers.
    ``identity`` are the facts whose change makes it another finding (for ``ack``).
    """

    id: str
    name: str
    severity: Severity
    subject: Mapping[str, Any]
    message: str
    hint: str
    remedy: Remedy
    data: Mapping[str, Any] = field(default_factory=dict)
    identity: tuple[Any, ...] = ()
    sessions: int = 0
    messages: int = 0

    @property
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
