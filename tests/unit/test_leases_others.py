"""leases: cooldowns, breaker, handoffs, delegations, turn leases, heartbeats."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from hermes_repair.host import ProcessInfo
from hermes_repair.leases import (
    Delegation,
    Heartbeat,
    Kind,
    LockRow,
    breaker_verdict,
    cooldown_verdict,
    delegation_verdict,
    handoff_verdict,
    heartbeat_verdict,
    turn_lease_verdict,
)
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Value
from tests.unit.test_leases_locks import HOLDER, NOW, opened_by, process_of


@pytest.mark.parametrize(
    ("until", "kind", "safety"),
    [
        (None, Kind.FREE, None),
        (NOW - 1, Kind.EXPIRED, Safety.SAFE),
        (NOW, Kind.EXPIRED, Safety.SAFE),
        (0, Kind.EXPIRED, Safety.SAFE),
        (-math.inf, Kind.EXPIRED, Safety.SAFE),
        (NOW + 600, Kind.LIVE, None),
        (NOW + 3601, Kind.ABSURD, Safety.UNSAFE),
        (math.inf, Kind.ABSURD, Safety.UNSAFE),
        ("soon", Kind.ABSURD, Safety.UNSAFE),
        (b"", Kind.ABSURD, Safety.UNSAFE),
    ],
)
def test_cooldown(until: Value, kind: Kind, safety: Safety | None) -> None:
    found = cooldown_verdict(until, NOW)
    assert (found.kind, found.safety) == (kind, safety)


@pytest.mark.parametrize(
    ("streak", "kind"),
    [
        (0, Kind.FREE),
        (1, Kind.FREE),
        (2, Kind.LIVE),
        (9, Kind.LIVE),
        (None, Kind.FREE),
        ("2", Kind.FREE),
    ],
)
def test_breaker(streak: Value, kind: Kind) -> None:
    found = breaker_verdict(streak)
    assert (found.kind, found.safety) == (kind, None)


@pytest.mark.parametrize(
    ("state", "idle", "gateway", "kind"),
    [
        (None, 9999, False, Kind.FREE),
        ("completed", 9999, False, Kind.FREE),
        ("failed", 9999, False, Kind.FREE),
        (b"pending", 9999, False, Kind.FREE),
        ("pending", 10, False, Kind.LIVE),
        ("pending", 301, False, Kind.STUCK),
        ("pending", 301, True, Kind.LIVE),
        ("running", 301, False, Kind.LIVE),
        ("running", 1801, False, Kind.STUCK),
    ],
)
def test_handoff(state: Value, idle: float, gateway: bool, kind: Kind) -> None:
    found = handoff_verdict(state, NOW - idle, gateway, NOW)
    assert (found.kind, found.safety) == (kind, None)


@pytest.mark.parametrize(
    ("state", "idle", "gateway", "kind"),
    [
        ("pending", 9999, False, Kind.STUCK),
        ("running", 1799, False, Kind.LIVE),
        ("running", 1801, True, Kind.LIVE),
        ("running", 1801, False, Kind.HOLDER_DEAD),
    ],
)
def test_handoff_where_nobody_is_there(state: str, idle: float, gateway: bool, kind: Kind) -> None:
    found = handoff_verdict(state, NOW - idle, gateway, NOW, nobody=True)
    assert found.kind is kind
    assert found.cleanable is (kind is Kind.HOLDER_DEAD)


RUNNING = Delegation("running", "pending", None, 4711, 168661)


@pytest.mark.parametrize(
    ("row", "process", "comparable", "kind"),
    [
        (RUNNING, process_of(start_ticks=168661), True, Kind.LIVE),
        (RUNNING, process_of(start_ticks=168662), True, Kind.HOLDER_DEAD),
        (RUNNING, process_of(start_ticks=168661, zombie=True), True, Kind.HOLDER_DEAD),
        (RUNNING, None, True, Kind.HOLDER_DEAD),
        (RUNNING, None, False, Kind.UNKNOWN),
        (replace(RUNNING, state="finalizing"), None, True, Kind.HOLDER_DEAD),
        (replace(RUNNING, owner_started_at=None), process_of(start_ticks=1), True, Kind.LIVE),
        (replace(RUNNING, owner_started_at=0), process_of(start_ticks=1), True, Kind.LIVE),
        (replace(RUNNING, owner_started_at="x"), process_of(start_ticks=1), True, Kind.LIVE),
        (RUNNING, process_of(start_ticks=None), True, Kind.LIVE),
        (replace(RUNNING, owner_pid=None), None, True, Kind.UNKNOWN),
        (replace(RUNNING, owner_pid=-1), None, True, Kind.UNKNOWN),
        (replace(RUNNING, owner_pid="4711"), None, True, Kind.UNKNOWN),
        (Delegation("completed", "delivered", NOW - 9999, 1, 1), None, True, Kind.FREE),
        (Delegation("completed", "pending", NOW - 10, 1, 1), None, True, Kind.FREE),
        (Delegation("unknown", "pending", NOW - 9999, 1, 1), None, True, Kind.STUCK),
        (Delegation("completed", "pending", "then", 1, 1), None, True, Kind.FREE),
    ],
)
def test_delegation(
    row: Delegation, process: ProcessInfo | None, comparable: bool, kind: Kind
) -> None:
    found = delegation_verdict(row, process, comparable, NOW)
    assert (found.kind, found.safety) == (kind, None)


def test_turn_lease() -> None:
    lease = LockRow("c1", "pid=4711:turn=x:platform=telegram", NOW - 900, NOW - 600)
    gone, held = opened_by((process_of(pid=99),)), opened_by((process_of(),))
    alive = turn_lease_verdict(lease, held, process_of(), NOW)
    assert (alive.kind, alive.safety) == (Kind.EXPIRED, None)
    kept = turn_lease_verdict(lease, gone, None, NOW)
    assert (kept.kind, kept.safety) == (Kind.EXPIRED, None)  # shown, never cleaned
    free = turn_lease_verdict(replace(lease, holder=""), gone, None, NOW)
    assert free.kind is Kind.FREE
    live = replace(lease, holder=HOLDER, expires_at=NOW + 100)
    assert turn_lease_verdict(live, held, process_of(), NOW).kind is Kind.LIVE


@pytest.mark.parametrize(
    ("row", "process", "kind"),
    [
        (Heartbeat(4711, NOW - 60, ""), None, Kind.LIVE),
        (Heartbeat(4711, NOW - 301, "here"), None, Kind.HOLDER_DEAD),
        (Heartbeat(4711, NOW - 301, ""), process_of(zombie=True), Kind.HOLDER_DEAD),
        (Heartbeat(4711, NOW - 301, "there"), None, Kind.EXPIRED),
        (Heartbeat(4711, NOW - 90000, "here"), process_of(), Kind.EXPIRED),
        (Heartbeat(4711, "never", "here"), None, Kind.ABSURD),
        (Heartbeat(4711, None, "here"), None, Kind.ABSURD),
    ],
)
def test_heartbeat(row: Heartbeat, process: ProcessInfo | None, kind: Kind) -> None:
    found = heartbeat_verdict(row, process, "here", NOW)
    assert (found.kind, found.safety) == (kind, None)
