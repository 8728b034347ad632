"""Hints on a page: words, and commands in a box that one click selects."""

from __future__ import annotations

from string import Formatter
from typing import TypeAlias

from hermes_repair.model.commands_to_type import Advice, Command, Hint, typed

Typed: TypeAlias = tuple[tuple[str, bool], ...]
"""Parts of a hint, each with whether it is a command to type."""


def typed_parts(hint: Hint, home_option: str) -> Typed:
    """Return a hint as parts; its commands name the home by ``home_option``."""
    if not isinstance(hint, Advice):
        return ((typed(hint, home_option), isinstance(hint, Command)),)
    parts = iter(hint.parts)
    shown: list[tuple[str, bool]] = []
    for words, place, _, _ in Formatter().parse(hint.text):
        shown.append((words.replace("`", ""), False))
        if place is not None:
            shown += typed_parts(next(parts), home_option)
    return tuple(part for part in shown if part[0])
