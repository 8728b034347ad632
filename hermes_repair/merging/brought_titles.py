"""What the sessions of a home are called, and which further title would lead away from one.

Hermes resolves a title to the latest session whose title is LIKE ``<title> #%``, whatever follows
and without regard to the case of ASCII letters (``resolve_session_by_title``, 0.13.0 to 0.19.0).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from hermes_repair.schema.session_titles import ASCII_LOWER, base_title

_MARK = " #"
_MARKS = re.compile(r" #+")


class HomeTitles:
    """The titles of a home's sessions and of those that were brought so far.

    ``sessions`` are (id, parent, title) of all sessions; ``taken`` are their titles.
    """

    def __init__(self, sessions: Iterable[tuple[str, str | None, str | None]] = ()) -> None:
        self.taken: set[str] = set()
        self._folded: set[str] = set()
        self._named: dict[str, str] = {}
        self._parents: dict[str, str | None] = {}
        for session_id, parent, title in sessions:
            self.add(session_id, parent, title)

    def add(self, session_id: str, parent: str | None, title: str | None) -> None:
        """Note a session, or the title that one gets."""
        self._parents[session_id] = parent
        if title is not None:
            self.taken.add(title)
            self._folded.add(_folded(title))
            self._named[session_id] = title

    def knows(self, session_id: str) -> bool:
        """Whether there is such a session."""
        return session_id in self._parents

    def leads_away(self, title: str, session_id: str | None) -> bool:
        """Whether a chat that is called by another title would be left for one called ``title``.

        ``session_id`` is what the new title belongs to or continues, None for nothing: its own
        chat goes on so, and is not left.
        """
        if _MARK not in title:
            return False
        led = self._folded.intersection(_before_marks(_folded(title)))
        return bool(led) and not led <= {_folded(own) for own in self._above(session_id)}

    def _above(self, session_id: str | None) -> Iterator[str]:
        seen: set[str] = set()
        while session_id is not None and session_id not in seen:
            seen.add(session_id)
            if session_id in self._named:
                yield self._named[session_id]
            session_id = self._parents.get(session_id)


def unmarked(title: str) -> str:
    """Return a title that leads away from none: its numbers are left out, its words are kept."""
    while (base := base_title(title).rstrip()) != title:
        title = base
    return _MARKS.sub(" ", title)


def _folded(title: str) -> str:
    return title.translate(ASCII_LOWER)


def _before_marks(title: str) -> Collection[str]:
    return [title[: found.start()] for found in re.finditer(re.escape(_MARK), title)]
