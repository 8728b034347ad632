"""The titles of a database, resolved as Hermes does it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.schema.session_titles import ASCII_LOWER


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
            lower = node.title.translate(ASCII_LOWER)
            for match in re.finditer(" #", lower):
                numbered[lower[: match.start()]].append((start, node.id))
        return cls(exact, {base: tuple(found) for base, found in numbered.items()})

    def resolve(self, title: str, without: Collection[str] = ()) -> str | None:
        """Return what ``resolve_session_by_title`` returns were ``without`` not titled so."""
        found = self.numbered.get(title.translate(ASCII_LOWER), ())
        latest = max(
            (pair for pair in found if pair[1] not in without),
            key=lambda pair: pair[0],
            default=None,
        )
        if latest is not None:
            return latest[1]
        session_id = self.exact.get(title)
        return None if session_id in without else session_id
