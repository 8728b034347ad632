"""What a comparison asks of the rows of both sides, and how many of them it holds at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from hermes_repair.lineage.graph import Graph
from hermes_repair.merging.sides import HistoryRow, TwoHistories

ROWS_AT_ONCE = 20_000
"""About so many rows of whole chats are held at a time."""


class Histories(Protocol):
    """The rows of both sides, as far as they are asked for."""

    def differing(self) -> Iterator[TwoHistories]:
        """Yield every chat with messages that are not the same on both sides."""

    def of_home(self, session_ids: Collection[str]) -> Mapping[str, tuple[HistoryRow, ...]]:
        """Return all rows of these chats of the home, those without rows left out."""

    def of_source(self, session_ids: Collection[str]) -> Mapping[str, tuple[HistoryRow, ...]]:
        """Return the same of the source."""

    def unreadable(self, since: Mapping[str, int | None]) -> Collection[str]:
        """Return those chats of the source that Hermes cannot read: by the row of ``sessions``, or
        by a message with that id or a later one, None for all of the chat.
        """


def batches(graph: Graph, session_ids: Collection[str]) -> Iterator[list[str]]:
    """Yield chats of one side, about :data:`ROWS_AT_ONCE` rows at a time: each time all messages of
    a database are passed over.
    """
    batch: list[str] = []
    rows = 0
    for session_id in session_ids:
        batch.append(session_id)
        rows += graph.nodes[session_id].rows
        if rows >= ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch
