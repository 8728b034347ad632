"""One message as forks and merges compare it, and which rows a session copied from another."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hermes_repair.program_texts import Kind


class Nature(Enum):
    """Whose a message is."""

    GENUINE = "genuine"  # a person's, the model's or a tool's
    PROMPT = "prompt"  # the program's own words within a turn
    REVIEW = "review"  # the instruction of a background review
    CARRIED = "carried"  # a compaction summary or task list
    META = "meta"  # session_meta, system: no release shows them


@dataclass(frozen=True, slots=True)
class Message:
    """One row of ``messages``, in the order of its id.

    ``key`` is equal for equal messages (role, normalised text, tool call ids): any hashable that
    the transcripts room makes. ``at`` is epoch seconds. ``calls`` are the ids of the tool calls
    that an assistant message makes, ``answers`` the id of the call that a tool message answers.
    """

    id: int
    role: str
    key: Hashable
    at: float | None
    nature: Nature = Nature.GENUINE
    calls: tuple[str, ...] = ()
    answers: str | None = None

    @property
    def match(self) -> Hashable:
        """What is compared with a parent's row: compression may have cut a tool's answer."""
        return ("tool", self.answers) if self.role == "tool" and self.answers else self.key

    @property
    def is_person(self) -> bool:
        """Whether a person wrote it."""
        return self.role == "user" and self.nature is Nature.GENUINE


def nature_of(role: str, kind: Kind | None) -> Nature:
    """Say whose a message of this role is, given what program text it opens with.

    Summaries are written with either role, all other program texts as the user.
    """
    if role not in ("user", "assistant", "tool"):
        return Nature.META
    if kind is Kind.SUMMARY and role != "tool":
        return Nature.CARRIED
    if role != "user" or kind is None:
        return Nature.GENUINE
    if kind is Kind.TODO:
        return Nature.CARRIED
    return Nature.REVIEW if kind is Kind.REVIEW else Nature.PROMPT


PROOF_ROWS = 2


def copied_rows(parent: Sequence[Message], child: Sequence[Message]) -> int:
    """Return how many rows of a continuation, from the first, come from its parent.

    Compression copies the first messages and the last ones of the parent, in order, with a summary
    between and perhaps a task list after. Those two and rows that no release
    shows count as copied.
    """
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, message in enumerate(parent):
        places[message.match].append(index)
    reached = 0
    for count, message in enumerate(child):
        if message.nature in (Nature.CARRIED, Nature.META):
            continue
        at = places.get(message.match, [])
        place = bisect_left(at, reached)
        if place == len(at):
            return count
        reached = at[place] + 1
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
    copied = {name: begins_with(rows, child) for name, rows in candidates.items()}
    most = max(copied.values(), default=0)
    names = [name for name, taken in copied.items() if taken == most]
    return names[0] if most and len(names) == 1 else None
