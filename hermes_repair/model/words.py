"""Times in words, whatever number a file claims for one."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def minute(at: float) -> str:
    """Return local date and minute of epoch seconds; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d %H:%M", None)


def second(at: float) -> str:
    """Return local date and time of epoch seconds; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d %H:%M:%S", None)


def day(at: float) -> str:
    """Return the local day of epoch seconds; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d", None)


def utc_day(at: float) -> str:
    """Return the day of epoch seconds in UTC; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d", UTC)


def _in_words(at: float, form: str, zone: tzinfo | None) -> str:
    try:
        return datetime.fromtimestamp(at, zone).strftime(form)
    except (OverflowError, OSError, ValueError):
        return f"time {at:g}"


def count(number: int, noun: str) -> str:
    """Return ``1 session``, ``1,234 sessions``."""
    ending = "es" if noun.endswith(("s", "sh", "ch", "x")) else "s"
    return f"{number:,} {noun if number == 1 else noun + ending}"


def verb(number: int, one: str, many: str) -> str:
    """Return the word that goes with a number: ``1 row belongs``, ``2 rows belong``."""
    return one if number == 1 else many


def size(number: int) -> str:
    """Return a number of bytes for a reader."""
    amount = float(number)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit always fits")


def moment(seconds: float | None) -> str:
    """Return a local date and time, empty for none, or the bare number where it is no time."""
    return "" if seconds is None else second(seconds)
