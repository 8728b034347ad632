"""New chats that show what the home undid in a chat above them.

A branch has copies of what it was made of, and a merge that takes an undo along undoes nothing in
branches: so they show what their owner took back here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from hermes_repair.lineage.graph import Graph
from hermes_repair.merging.fork_ids import origin
from hermes_repair.merging.histories import Histories, batches
from hermes_repair.merging.sides import HistoryRow, Key, Side
from hermes_repair.merging.verdicts_of_chats import ChatVerdict, Verdict


def goes_on_in_twin(graph: Graph, one: ChatVerdict) -> bool:
    """Whether a branch goes on in another one of the same chat, with which it begins alike."""
    return (
        one.verdict is Verdict.CONTINUED
        and one.at_home != one.session_id
        and graph.nodes[one.session_id].branched_from is not None
        and origin(one.session_id) is None
    )


@dataclass(frozen=True, slots=True)
class UndoneAbove:
    """The home, the sessions of the source, and the rows of both."""

    home: Side
    graph: Graph
    histories: Histories

    def shown_by(
        self, alone: Mapping[str, ChatVerdict], above: Callable[[str], Collection[str]]
    ) -> Iterator[str]:
        """Yield those of the new chats in ``alone``, and of those that go on in a twin.

        ``above`` gives the sessions above one in the source, nearest first.
        """
        below: dict[str, list[tuple[str, str]]] = {}
        for name, one in alone.items():
            if one.verdict is Verdict.NEW or goes_on_in_twin(self.graph, one):
                places = self._places(name, alone, above(name))
                if any(self._has_undone(place) for _, place in places):
                    below[name] = places
        for batch in batches(self.graph, below):
            ids = {id for name in batch for id, _ in below[name]}
            come = {id for id in ids if id in alone and alone[id].unasked and id not in below}
            source = self.histories.of_source({*batch, *come})
            home = self.histories.of_home({p for name in batch for _, p in below[name]})
            shown = {id: source.get(id, ()) for id in come}
            for name in batch:
                if _shows_undone(source.get(name, ()), below[name], home, shown):
                    yield name

    def _places(
        self, name: str, alone: Mapping[str, ChatVerdict], above: Collection[str]
    ) -> list[tuple[str, str]]:
        """Return the sessions above one, nearest first, each with where it may be at home.

        The source may have one of them no more, or it is a fork here beside the home's.
        """
        node = self.graph.nodes[name]
        ids = dict.fromkeys((*above, node.parent_id, node.branched_from))
        return [
            (id, place)
            for id in filter(None, ids)
            for place in dict.fromkeys((alone[id].at_home if id in alone else None, id))
            if place is not None
        ]

    def _has_undone(self, place: str) -> bool:
        node = self.home.sessions.get(place)
        return node is not None and node.rows > node.active_rows


def _shows_undone(
    rows: Collection[HistoryRow],
    places: Collection[tuple[str, str]],
    home: Mapping[str, Collection[HistoryRow]],
    come: Mapping[str, Collection[HistoryRow]],
) -> bool:
    """Whether a chat shows what the home took back in one above it, and none that is nearer shows
    it. ``come`` are the rows of those of which something comes unasked, to be shown there.
    """
    shown: set[Key] = set()
    undone: set[Key] = set()
    for id, place in places:
        here = home.get(place, ())
        shown |= {row.key for row in here if row.active or row.compacted}
        shown |= {row.key for row in come.get(id, ()) if row.active}
        undone |= {row.key for row in here} - shown
    return any(row.active and row.key in undone for row in rows)
