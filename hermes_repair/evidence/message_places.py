"""Where the messages of a chat lie, as stretches of the chat."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages in a row that are in the same places. ``first`` and ``last`` are epoch seconds.

    ``file`` is None where it is not known which of them the file has, and ``copies`` where no copy
    was asked.
    """

    messages: int
    database: bool
    file: bool | None
    first: float | None = None
    last: float | None = None
    copies: bool | None = None
