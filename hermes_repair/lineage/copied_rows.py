"""Which rows of a session were copied from another: the trace that lineage leaves in messages."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from hermes_repair.lineage.message_nature import Message, Nature

PROOF_ROWS = 2


def copied_rows(parent: Sequence[Message], child: Sequence[Message]) -> int:
    """Return how many rows of a continuation, from the first, come from its parent.

    Compression copies the first messages and the last ones of the parent, in order, with a summary
    between and perhaps a task list after (facts: section 6). Those two and rows that no release
    shows count as copied.
    """
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, message in enumerate(parent):
        places[message.match].append(index)
    reached = 0
    for count, message in enumerate(child):
        if message.nature in (Nature.CARRIED, Nature.META):
            continue
        found = places.get(message.match, [])
        place = bisect_left(found, reached)
        if place == len(found):
            return count
        reached = found[place] + 1
    return len(child)


def begins_with(parent: Sequence[Message], child: Sequence[Message]) -> int:
    """Return how many genuine rows ``child`` took over from ``parent``, 0 where it proves nothing.

    A proof needs two of them, one a person's: a greeting alone is in many chats.
    """
    taken = [row for row in child[: copied_rows(parent, child)] if row.nature is Nature.GENUINE]
    proven = len(taken) >= PROOF_ROWS and any(row.is_person for row in taken)
    return len(taken) if proven else 0


def origin_of(child: Sequence[Message], candidates: Mapping[str, Sequence[Message]]) -> str | None:
    """Return the candidate whose rows ``child`` begins with, ``None`` where none or more than one.

    ``candidates`` are the rows of other sessions by id. Of several the one with the most rows taken
    over is meant; two with equally many say nothing.
    """
    found = {name: begins_with(rows, child) for name, rows in candidates.items()}
    most = max(found.values(), default=0)
    names = [name for name, taken in found.items() if taken == most]
    return names[0] if most and len(names) == 1 else None
