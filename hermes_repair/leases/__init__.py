"""Who still holds what, judged: rows of Hermes, who has the database open and the time → verdict.

Pure: no file, no clock, no SQLite. The values that come from the machine are made by
:mod:`hermes_repair.host`.
"""

from hermes_repair.leases.lock_verdicts import (
    GRACE,
    LOCK_SECONDS,
    MAX_AGE,
    USUAL_TERMS,
    Holder,
    Kind,
    LeaseTerms,
    LockRow,
    Verdict,
    parse_holder,
    settled,
    verdict,
)
from hermes_repair.leases.other_verdicts import (
    Delegation,
    Heartbeat,
    breaker_verdict,
    cooldown_verdict,
    delegation_verdict,
    handoff_verdict,
    heartbeat_verdict,
    turn_lease_verdict,
)

__all__ = [
    "GRACE",
    "LOCK_SECONDS",
    "MAX_AGE",
    "USUAL_TERMS",
    "Delegation",
    "Heartbeat",
    "Holder",
    "Kind",
    "LeaseTerms",
    "LockRow",
    "Verdict",
    "breaker_verdict",
    "cooldown_verdict",
    "delegation_verdict",
    "handoff_verdict",
    "heartbeat_verdict",
    "parse_holder",
    "settled",
    "turn_lease_verdict",
    "verdict",
]
