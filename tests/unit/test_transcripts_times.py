"""Times: what proves a zone, daylight saving, and an order that no release can turn round."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.transcripts.clock import (
    Clock,
    Period,
    Twin,
    find_periods,
    parse_time,
    spread,
    trusted_twins,
)

DAY = 86400.0
BERLIN = ZoneInfo("Europe/Berlin")
MAY = datetime(2026, 5, 2, 10, tzinfo=UTC).timestamp()
JANUARY = datetime(2026, 1, 10, 10, tzinfo=UTC).timestamp()


def wall(epoch: float, zone: ZoneInfo = BERLIN) -> float:
    local = datetime.fromtimestamp(epoch, zone)
    return local.replace(tzinfo=UTC).timestamp()


def chat(start: float, turns: int, gap: float = 600.0) -> list[Twin]:
    """Return the turns of a healthy chat in Berlin; rows are stamped within half a minute."""
    moments = [start + number * gap for number in range(turns)]
    return [Twin(wall(moment), moment - (number * 7) % 30) for number, moment in enumerate(moments)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-02T10:00:01.5", (1777716001.5, False)),
        ("2026-05-02T10:00:01+00:00", (1777716001.0, True)),
        ("2026-05-02T12:00:01+02:00", (1777716001.0, True)),
        (1777716001, (1777716001.0, True)),
        (1777716001.5, (1777716001.5, True)),
        (1777716001500, None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        (float("nan"), None),
        ("0001-01-01T00:00:00", (-62135596800.0, False)),
    ],
)
def test_line_times(value: object, expected: tuple[float, bool] | None) -> None:
    assert parse_time(value) == expected


def test_three_turns_prove_an_offset_and_two_do_not() -> None:
    assert find_periods(trusted_twins(chat(MAY, 2))) == ()
    (period,) = find_periods(trusted_twins(chat(MAY, 3)))
    assert (period.offset, period.twins) == (7200.0, 3)
    clock = Clock(UTC, (period,))
    assert clock.proven_offset(wall(MAY)) == 7200.0
    assert clock.proven_offset(wall(MAY + 20 * DAY)) == 7200.0
    assert clock.proven_offset(wall(MAY + 200 * DAY)) is None
    assert clock.epoch(wall(MAY)) == MAY
    # Beyond what is proven, the machine's zone is a guess and the bounds are those of the earth.
    far = wall(MAY + 200 * DAY)
    assert clock.epoch(far) == far
    assert (clock.earliest(far), clock.latest(far)) == (far - 14 * 3600, far + 12 * 3600)


def test_a_rewritten_session_proves_nothing() -> None:
    # Three turns within fifteen minutes, all stamped at once eight hours later.
    rewritten = [Twin(wall(MAY + n * 180), MAY + 8 * 3600 + n * 1e-6) for n in range(3)]
    assert trusted_twins(rewritten) == []
    assert find_periods(trusted_twins(rewritten)) == ()


def test_daylight_saving_makes_periods() -> None:
    twins = chat(JANUARY, 5, DAY) + chat(MAY, 5, DAY)
    winter, summer = find_periods(trusted_twins(twins))
    assert (winter.offset, summer.offset) == (3600.0, 7200.0)
    clock = Clock(UTC, (winter, summer))
    assert clock.epoch(wall(JANUARY)) == JANUARY
    assert clock.epoch(wall(MAY)) == MAY
    assert clock.proven_offset(wall(MAY - 60 * DAY)) is None
    autumn = Clock(
        UTC, (Period(7200.0, 0, 30 * DAY, 9), Period(3600.0, 30 * DAY - 3600, 60 * DAY, 9))
    )
    double = 30 * DAY - 1800
    assert (autumn.earliest(double), autumn.latest(double)) == (double - 7200, double - 3600)
    assert autumn.proven_offset(double) == 7200.0


def test_one_odd_twin_does_not_split_a_period() -> None:
    twins = chat(MAY, 9, DAY)
    odd = Twin(twins[4].wall + 60, twins[4].wall + 60 - 3600)
    (period,) = find_periods([*twins, odd])
    assert (period.offset, period.twins) == (7200.0, 9)


def test_a_named_zone_is_proof_and_takes_the_earlier_epoch_in_the_double_hour() -> None:
    clock = Clock(UTC, (), BERLIN)
    assert clock.epoch(wall(MAY)) == MAY
    assert clock.epoch(wall(JANUARY)) == JANUARY
    double = datetime(2026, 10, 25, 2, 30, tzinfo=UTC).timestamp()
    assert clock.epoch(double) == double - 7200
    assert clock.latest(double) == double - 3600


def test_in_the_double_hour_what_came_before_tells_which_pass_it_is() -> None:
    autumn = datetime(2026, 10, 24, 23, 30, tzinfo=UTC).timestamp()  # 01:30 in Berlin
    moments = [autumn + number * 600.0 for number in range(24)]
    walls = [wall(moment) for moment in moments]
    missing = {4, 5, 10, 11, 12}
    stored = [Twin(walls[n], moments[n] - n % 30) for n in range(24) if n not in missing]
    summer, winter = find_periods(trusted_twins(stored))
    assert (summer.offset, winter.offset) == (7200.0, 3600.0)
    for clock in (Clock(UTC, (summer, winter)), Clock(UTC, (), BERLIN), Clock(BERLIN)):
        assert [clock.epoch(walls[n], after=moments[n - 1]) for n in range(1, 24)] == moments[1:]
        assert clock.epoch(walls[10]) == moments[4], "nothing says that it is the second pass"
    clock = Clock(UTC, (summer, winter))
    assert clock.proven_offsets(walls[3] + 60) == (7200.0, 3600.0)
    assert clock.proven_offsets(walls[0]) == (7200.0,)
    assert clock.proven_offsets(walls[20]) == (3600.0,)


def test_a_machine_zone_with_an_odd_offset() -> None:
    clock = Clock(timezone(timedelta(hours=5, minutes=45)))
    assert clock.epoch(20_700.0) == 0.0
    assert not clock.is_proven(20_700.0)


@given(
    st.lists(st.one_of(st.none(), st.floats(1e9, 2e9)), max_size=20),
    st.one_of(st.just(-math.inf), st.floats(1e9, 2e9)),
    st.one_of(st.just(math.inf), st.floats(1e9, 2e9)),
)
def test_new_times_stay_between_their_neighbours(
    times: list[float | None], lower: float, upper: float
) -> None:
    upper = max(lower, upper)
    given_times = spread(times, lower, upper)
    assert len(given_times) == len(times)
    assert all(a <= b for a, b in pairwise([lower, *given_times, upper]))
    if times and all(time is None for time in times) and math.isfinite(lower):
        assert given_times[0] == pytest.approx(lower, abs=1e-5)


def test_lines_of_one_turn_follow_each_other_by_microseconds() -> None:
    first, second, third = spread([MAY, MAY, None], -math.inf, math.inf)
    assert first == MAY
    assert 0 < second - first < 1e-5
    assert 0 < third - second < 1e-5
