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
