"""Tool calls and their answers, session by session, in the order of ids (MS005)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Pairs:
    """What of one session has no counterpart.

    ``open`` maps the id of a call that nothing answered to the row that made it; ``orphans`` are
    rows that answer a call that nothing made.
    """

    open: dict[str, int] = field(default_factory=dict)
    orphans: list[int] = field(default_factory=list)
    made: set[str] = field(default_factory=set)


class Pairing:
    """Matches calls and answers that are given in the order of their rows' ids."""

    def __init__(self) -> None:
        self._sessions: dict[str, Pairs] = {}

    def call(self, session: str, row: int, calls: Any) -> None:
        """Take what one assistant row calls, decoded; calls without ids say nothing."""
        pairs = self._sessions.setdefault(session, Pairs())
        for call in calls if isinstance(calls, list) else ():
            id = call_id(call)
            if id is not None:
                pairs.open[id] = row
                pairs.made.add(id)

    def answer(self, session: str, row: int, call: str) -> None:
        """Take one tool row that answers ``call``."""
        pairs = self._sessions.setdefault(session, Pairs())
        if call in pairs.made:
            pairs.open.pop(call, None)
        else:
            pairs.orphans.append(row)

    def unpaired(self) -> dict[str, Pairs]:
        """Return the sessions where something has no counterpart."""
        return {
            name: found for name, found in self._sessions.items() if found.open or found.orphans
        }


def call_id(call: Any) -> str | None:
    """Return the id of one decoded call; releases before 2026-03 wrote none."""
    id = (call.get("id") or call.get("call_id")) if isinstance(call, dict) else None
    return id if isinstance(id, str) and id else None
