"""Titles that a repair gives, and which title makes Hermes resume the wrong session.

To Hermes `` #<n>`` at the end of a title means 'later continuation of the title before it':
``resolve_session_by_title`` returns the latest started session whose title is LIKE ``<title> #%``
and the exact title only without such a one (0.13.0 to 0.19.0, equal). So no name of ours ends so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hermes_repair.lineage.session_node import SessionNode

TITLE_LIMIT = 100  # SessionDB.MAX_TITLE_LENGTH, all releases
OTHER_HALF = "other half"
MERGED = "merged"
REVIEW = "background review"
EMPTY = "empty"
_NUMBER = re.compile(r" #\d+$")
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def base_title(title: str) -> str:
    """Return a title without the `` #<n>`` at its end, taken off once, as Hermes does."""
    return _NUMBER.sub("", title)


def continues(title: str, base: str) -> bool:
    """Whether Hermes takes ``title`` for a later continuation of ``base``."""
    return title.translate(_ASCII_LOWER).startswith(f"{base.translate(_ASCII_LOWER)} #")


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


@dataclass(frozen=True, slots=True)
class Titles:
    """All titles of a database, ready to be resolved as Hermes does.

    ``exact`` maps a title to its session; ``numbered`` maps what comes before a `` #`` in a title,
    in lower case, to the (start time, session) pairs that the LIKE finds, earliest row first.
    """

    exact: Mapping[str, str]
    numbered: Mapping[str, tuple[tuple[float, str], ...]]

    @classmethod
    def of(cls, nodes: Iterable[SessionNode]) -> Titles:
        """Index the titles of these sessions."""
        exact: dict[str, str] = {}
        numbered: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for node in nodes:
            if node.title is None:
                continue
            exact.setdefault(node.title, node.id)
            start = float("-inf") if node.started_at is None else node.started_at
            lower = node.title.translate(_ASCII_LOWER)
            for match in re.finditer(" #", lower):
                numbered[lower[: match.start()]].append((start, node.id))
        return cls(exact, {base: tuple(found) for base, found in numbered.items()})

    def resolve(self, title: str, without: Collection[str] = ()) -> str | None:
        """Return what ``resolve_session_by_title`` returns were ``without`` not titled so."""
        found = self.numbered.get(title.translate(_ASCII_LOWER), ())
        latest = max(
            (pair for pair in found if pair[1] not in without),
            key=lambda pair: pair[0],
            default=None,
        )
        if latest is not None:
            return latest[1]
        session_id = self.exact.get(title)
        return None if session_id in without else session_id
