"""Titles that a repair gives, and which title makes Hermes resume the wrong session.

To Hermes `` #<n>`` at the end of a title means 'later continuation of the title before it':
``resolve_session_by_title`` returns the latest started session whose title is LIKE ``<title> #%``
and the exact title only without such a one (0.13.0 to 0.19.0, equal). So no name of ours ends so.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

TITLE_LIMIT = 100  # SessionDB.MAX_TITLE_LENGTH, all releases
OTHER_HALF = "other half"
MERGED = "merged"
REVIEW = "background review"
EMPTY = "empty"
_NUMBER = re.compile(r" #\d+$")
ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def base_title(title: str) -> str:
    """Return a title without the `` #<n>`` at its end, taken off once, as Hermes does."""
    return _NUMBER.sub("", title)


def continues(title: str, base: str) -> bool:
    """Whether Hermes takes ``title`` for a later continuation of ``base``."""
    return title.translate(ASCII_LOWER).startswith(f"{base.translate(ASCII_LOWER)} #")


def given_title(base: str | None, words: str, at: float | None, taken: Collection[str]) -> str:
    """Return ``<base> (<words>, <day>)``, not in ``taken`` and not longer than Hermes allows.

    ``base`` loses every `` #<n>`` at its end; without one it is 'Untitled'. ``at`` is in epoch
    seconds and gives a UTC day. ``taken`` are all titles of the database.
    """
    stem = (base or "").strip()
    while _NUMBER.search(stem):
        stem = base_title(stem).rstrip()
    stem = stem or "Untitled"
    day = _day(at)
    number = 1
    while True:
        counted = words if number == 1 else f"{words} {number}"
        suffix = f" ({counted}, {day})" if day else f" ({counted})"
        title = stem[: TITLE_LIMIT - len(suffix)].rstrip() + suffix
        if title not in taken:
            return title
        number += 1


def _day(at: float | None) -> str:
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return ""  # a time outside the calendar names no day
