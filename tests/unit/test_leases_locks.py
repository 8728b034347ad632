"""leases.verdict: what is proven to be over, and all that must count as alive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.host import Openers, OpenStatus, ProcessInfo, Program
from hermes_repair.leases import (
    GRACE,
    LOCK_SECONDS,
    MAX_AGE,
    Holder,
    Kind,
    LeaseTerms,
    LockRow,
    Verdict,
    parse_holder,
    verdict,
)
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import RawText, Value

NOW = 1_780_000_000.0
HOLDER = "pid=4711:tid=140:agent=7f2a:nonce=0badcafe"


def process_of(
    pid: int = 4711,
    *,
    is_hermes: bool = False,
    start_time: float | None = NOW - 9000,
    start_tolerance: float = 1.0,
    start_ticks: int | None = None,
    same_namespace: bool = True,
    zombie: bool = False,
) -> ProcessInfo:
    """Return a process that began before the lock was taken."""
    return ProcessInfo(
        pid=pid,
        program=Program.HERMES if is_hermes else Program.OTHER,
        start_time=start_time,
        start_tolerance=start_tolerance,
        start_ticks=start_ticks,
        same_namespace=same_namespace,
        zombie=zombie,
    )


def opened_by(processes: Sequence[ProcessInfo] = (), complete: bool = True) -> Openers:
    """Return who has the database open."""
    status = OpenStatus.SOMEBODY if processes else OpenStatus.NOBODY
    return Openers(status, tuple(processes), complete)


@dataclass(frozen=True)
class Case:
    """One situation; the default is a lock in force whose holder is gone."""

    lock: LockRow = field(default_factory=lambda: LockRow("s1", HOLDER, NOW - 100, NOW + 200))
    openers: Openers = field(default_factory=lambda: opened_by((process_of(pid=99),)))
    process: ProcessInfo | None = None
    revivable: bool = False

    def judge(self) -> Verdict:
        return verdict(
            self.lock, self.openers, self.process, NOW, LeaseTerms(revivable=self.revivable)
        )


GONE = Case()
HELD = Case(openers=opened_by((process_of(pid=99), process_of())), process=process_of())


def with_lock(case: Case, **changes: Value) -> Case:
    return replace(case, lock=replace(case.lock, **changes))


def test_held_is_live() -> None:
    found = HELD.judge()
    assert (found.kind, found.safety, found.cleanable) == (Kind.LIVE, None, False)
    assert found.reason == "Process 4711 has the database open."


def test_holder_gone() -> None:
    found = GONE.judge()
    assert (found.kind, found.safety, found.cleanable) == (Kind.HOLDER_DEAD, Safety.SAFE, True)
    assert found.reason == "Process 4711 is gone."


def test_nobody_has_it_open() -> None:
    for process in (None, process_of(), process_of(is_hermes=True)):
        found = replace(GONE, openers=opened_by(), process=process).judge()
        assert (found.kind, found.cleanable) == (Kind.HOLDER_DEAD, True)


@pytest.mark.parametrize(
    "case",
    [
        replace(GONE, openers=opened_by((process_of(pid=99),), complete=False)),
        replace(GONE, openers=opened_by((), complete=False)),
        replace(GONE, openers=opened_by((process_of(pid=99, same_namespace=False),))),
        replace(
            GONE, openers=opened_by((process_of(pid=99), process_of(pid=0, same_namespace=False)))
        ),
        replace(GONE, process=process_of(is_hermes=True)),
        replace(GONE, process=process_of(same_namespace=False)),
        with_lock(GONE, holder="background-review"),
        with_lock(GONE, holder=None),
        with_lock(GONE, holder=b"pid=4711:tid=1"),
        with_lock(GONE, holder=RawText(b"pid=4711:\xff")),
    ],
)
def test_what_is_not_proven_is_unknown(case: Case) -> None:
    found = case.judge()
    assert (found.kind, found.safety) == (Kind.UNKNOWN, None)


def test_an_opener_of_another_namespace_with_the_same_number_is_alive() -> None:
    found = replace(GONE, openers=opened_by((process_of(same_namespace=False),))).judge()
    assert found.kind is Kind.LIVE


def test_other_ways_to_be_dead() -> None:
    zombie = process_of(zombie=True)
    assert replace(GONE, process=zombie).judge().kind is Kind.HOLDER_DEAD
    both = opened_by((process_of(pid=99), zombie))
    assert replace(GONE, openers=both, process=zombie).judge().kind is Kind.HOLDER_DEAD
    other = replace(GONE, process=process_of(is_hermes=False)).judge()
    assert other.kind is Kind.HOLDER_DEAD and "another program" in str(other.reason)


def reused(start: float, tolerance: float = 1.0, **lock: Value) -> Kind:
    process = process_of(start_time=start, start_tolerance=tolerance, is_hermes=True)
    case = replace(GONE, openers=opened_by((process,)), process=process)
    return with_lock(case, **lock).judge().kind


def test_a_reused_number() -> None:
    """Lock of 100 s ago, expiring in 200: last renewed (or taken) 100 s ago."""
    assert reused(NOW - 50) is Kind.HOLDER_DEAD
    assert reused(NOW - 150) is Kind.LIVE
    assert reused(NOW - 99.5) is Kind.LIVE  # within the tolerance
    assert reused(NOW - 50, tolerance=86400.0) is Kind.LIVE  # started just after boot
    assert reused(NOW - 50, acquired_at="yesterday") is Kind.LIVE
    assert reused(NOW - 50, acquired_at=-math.inf) is Kind.LIVE
    process = process_of(start_time=None)
    assert replace(GONE, openers=opened_by((process,))).judge().kind is Kind.LIVE


def test_a_clock_that_was_set_forward_makes_no_live_holder_dead() -> None:
    """Acquired by the clock of before; the clock went one hour forward; renewed 40 s ago."""
    step = 3600.0
    started_before_the_lock = NOW - 500
    acquired = NOW - 400 - step
    assert reused(started_before_the_lock, acquired_at=acquired, expires_at=NOW + 260) is Kind.LIVE
    # The same numbers without a renewal since: such a lock has expired by the new clock.
    old = with_lock(HELD, acquired_at=acquired, expires_at=acquired + LOCK_SECONDS).judge()
    assert old.kind is Kind.EXPIRED


@pytest.mark.parametrize("holder", [HOLDER, "no idea", None])
@pytest.mark.parametrize("complete", [True, False])
def test_expired(holder: Value, complete: bool) -> None:
    openers = opened_by((process_of(),), complete)
    case = with_lock(replace(HELD, openers=openers), holder=holder, acquired_at=NOW - 1000)
    receipt_history = with_lock(case, expires_at=NOW - GRACE - 1).judge()
    assert (receipt_history.kind, receipt_history.safety) == (Kind.EXPIRED, Safety.SAFE)
    within = with_lock(case, expires_at=NOW - GRACE + 1).judge()
    assert (within.kind, within.safety) == (Kind.EXPIRED, None)
    assert "grace" in str(within.reason)
    # Hermes asks expires_at < now, so this very moment is still in force.
    assert with_lock(case, expires_at=NOW).judge().kind in (Kind.LIVE, Kind.UNKNOWN)


def test_the_grace_does_not_protect_the_dead() -> None:
    assert with_lock(GONE, expires_at=NOW - 5).judge().kind is Kind.HOLDER_DEAD


def test_an_expired_lock_that_its_holder_may_renew() -> None:
    """After 0.19 a suspended process renews what expired meanwhile."""
    case = replace(with_lock(HELD, expires_at=NOW - 5000), revivable=True)
    found = case.judge()
    assert (found.kind, found.safety) == (Kind.EXPIRED, None)
    assert "has the database open" in str(found.reason)
    assert replace(case, openers=opened_by((process_of(pid=99),)), process=None).judge().cleanable


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOW + MAX_AGE + 1},
        {"expires_at": math.inf},
        {"expires_at": None},
        {"expires_at": math.nan},
        {"expires_at": "never"},
        {"expires_at": b"\0"},
        {"expires_at": RawText(b"\xff")},
        {"acquired_at": NOW + MAX_AGE + 1},
    ],
)
@pytest.mark.parametrize("case", [HELD, with_lock(GONE, holder="x")])
def test_absurd(case: Case, changes: dict[str, Value]) -> None:
    found = with_lock(case, **changes).judge()
    assert (found.kind, found.safety, found.cleanable) == (Kind.ABSURD, Safety.UNSAFE, False)
    assert with_lock(GONE, **changes).judge().kind is Kind.HOLDER_DEAD  # the proof needs no time


def test_a_long_compression_that_is_renewed_is_not_absurd() -> None:
    found = with_lock(HELD, acquired_at=NOW - 50_000, expires_at=NOW + 280).judge()
    assert found.kind is Kind.LIVE


def test_limits_are_parameters() -> None:
    lock = replace(HELD.lock, expires_at=NOW - 10)
    assert verdict(lock, HELD.openers, HELD.process, NOW, LeaseTerms(grace=5)).cleanable
    lock = replace(HELD.lock, expires_at=NOW + 100)
    assert (
        verdict(lock, HELD.openers, HELD.process, NOW, LeaseTerms(max_age=50)).kind is Kind.ABSURD
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HOLDER, Holder(4711)),
        ("pid=1:turn=abc:platform=x", Holder(1)),
        ("pid=1", Holder(1)),
        ("pid=0:tid=1", None),
        ("pid=-5:tid=1", None),
        ("pid=007:tid=1", None),
        ("pid=4711 :tid=1", None),
        ("pid=٤٧:tid=1", None),
        ("pid=99999999999", None),
        ("pid=4294967296", None),
        ("tid=1:pid=4711", None),
        ("", None),
        ("pid=1\0:tid=2", None),
        (4711, None),
        (None, None),
    ],
)
def test_parse_holder(value: Value, expected: Holder | None) -> None:
    assert parse_holder(value) == expected


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True),
    st.floats(NOW - 1000, NOW + 1000),
    st.text(),
    st.binary(),
    st.binary().map(RawText),
    st.just(HOLDER),
)
PROCESSES = st.builds(
    process_of,
    pid=st.sampled_from([0, 99, 4711]),
    start_time=st.one_of(st.none(), st.floats(NOW - 1000, NOW)),
    start_tolerance=st.sampled_from([1.0, 86400.0]),
    same_namespace=st.booleans(),
    is_hermes=st.booleans(),
    zombie=st.booleans(),
)


@given(
    lock=st.builds(LockRow, VALUES, VALUES, VALUES, VALUES),
    openers=st.builds(opened_by, st.lists(PROCESSES, max_size=3), st.booleans()),
    process=st.one_of(st.none(), PROCESSES),
    revivable=st.booleans(),
)
def test_any_row_gets_a_verdict_and_no_live_holder_is_cleaned(
    lock: LockRow, openers: Openers, process: ProcessInfo | None, revivable: bool
) -> None:
    found = verdict(lock, openers, process, NOW, LeaseTerms(revivable=revivable))
    assert str(found.reason).endswith(".") and str(found.reason)[0].isupper()
    if found.kind in (Kind.LIVE, Kind.UNKNOWN):
        assert found.safety is None
    expired = isinstance(lock.expires_at, int | float) and lock.expires_at < NOW - GRACE
    if found.cleanable and not expired:
        assert openers.complete and all(p.same_namespace for p in openers.processes)
        holder = parse_holder(lock.holder)
        for opener in openers.processes:
            assert holder is not None
            if opener.pid == holder.pid and not opener.zombie:
                assert opener.start_time is not None
                assert isinstance(lock.acquired_at, int | float)
                assert opener.start_time > lock.acquired_at


@given(
    start=st.floats(NOW - 100_000, NOW - 400),
    taken_after=st.floats(0, 399),
    renewed_after=st.floats(0, 299),
    step=st.floats(-100_000, 100_000),
)
def test_clock_steps_before_the_last_renewal_never_kill_a_live_holder(
    start: float, taken_after: float, renewed_after: float, step: float
) -> None:
    """A live holder, renewed at ``NOW - renewed_after``; the clock stepped before that renewal."""
    taken = min(start + taken_after, NOW - renewed_after)
    lock = LockRow("s", HOLDER, taken - step, NOW - renewed_after + LOCK_SECONDS)
    process = process_of(start_time=start, is_hermes=True)
    found = verdict(lock, opened_by((process,)), process, NOW)
    assert not found.cleanable
