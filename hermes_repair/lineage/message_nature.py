"""One message as forks and merges compare it."""

from __future__ import annotations

from collections.abc import Hashable
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
