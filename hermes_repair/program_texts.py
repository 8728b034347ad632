"""What Hermes itself writes with the role of the user, and how to tell it from a person's words.

The openings are data (``schema/harness.toml``), each with the releases that write it. A message is
judged by the beginning of its text only; in: the text of one message as SQLite or a transcript file
holds it, out: the :class:`Kind` or a yes or no.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from hermes_repair.schema import catalogue_root


class Kind(Enum):
    """What a text of the program's own is for (the comment of ``harness.toml`` says more)."""

    SUMMARY = "summary"
    TODO = "todo"
    REVIEW = "review"
    CONTINUE = "continue"
    LIMIT = "limit"
    NUDGE = "nudge"
    NOTICE = "notice"


WHITE_SPACE = "\t\n\v\f\r "

CARRIED = frozenset({Kind.SUMMARY, Kind.TODO})
"""Kinds that compression puts into a continuation: not a person's, and not a prompt either."""


@dataclass(frozen=True, slots=True)
class HarnessText:
    """One opening; ``since`` and ``until`` are releases, ``since`` empty where none is known."""

    kind: Kind
    opening: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Harness:
    """The openings of every release as a matcher."""

    texts: tuple[HarnessText, ...]

    def kind(self, text: object) -> Kind | None:
        """Return what kind of program text ``text`` opens with, ``None`` for a person's words.

        Anything but ``str`` (NULL, a number, BLOB, invalid UTF-8) is ``None``: no release writes
        its own texts so.
        """
        if not isinstance(text, str):
            return None
        begin = text.lstrip(WHITE_SPACE)
        for entry in self.texts:
            if begin.startswith(entry.opening):
                return entry.kind
        return None

    def openings(self) -> tuple[str, ...]:
        """Return every opening, for queries that judge in SQL."""
        return tuple(entry.opening for entry in self.texts)


def load_harness(root: Path) -> Harness:
    """Read ``harness.toml`` below ``root``, the ``schema`` folder.

    Raises ``OSError`` where the file is missing, ``ValueError`` where it is not what it should be:
    both mean a broken install of hermes-repair.
    """
    with (root / "harness.toml").open("rb") as file:
        data = tomllib.load(file)
    return Harness(
        tuple(
            HarnessText(Kind(entry["kind"]), entry["opening"], entry["since"], entry["until"])
            for entry in data["text"]
        )
    )


@cache
def default_harness() -> Harness:
    """Return the harness texts that this install of hermes-repair ships with."""
    return load_harness(catalogue_root())


def is_harness(text: object) -> bool:
    """Whether the program wrote ``text`` as a prompt or a notice (no summary, no task list)."""
    kind = default_harness().kind(text)
    return kind is not None and kind not in CARRIED


def is_compaction_summary(text: object) -> bool:
    """Whether ``text`` opens like a summary that context compression left."""
    return default_harness().kind(text) is Kind.SUMMARY


def is_todo_snapshot(text: object) -> bool:
    """Whether ``text`` opens like the task list that context compression carries over."""
    return default_harness().kind(text) is Kind.TODO
