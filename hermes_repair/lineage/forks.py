"""Forked conversations (LN002): which siblings there are, what is whose own, which one is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hermes_repair.gateway_routing import Routing
from hermes_repair.lineage.compared_messages import Message, Nature, copied_rows
from hermes_repair.lineage.graph import Graph


class Holds(Enum):
    """What a sibling has that no other has; the repair depends on it."""

    NOTHING = "nothing"  # no rows at all: a rotation that was never written
    COPIES = "copies"  # rows, all of them the parent's or another sibling's as well
    REVIEW = "review"  # its own rows are a background review: the program's words, not a person's
    WORDS = "words"  # turns of the user's own


class Decision(Enum):
    """What says which sibling is live; only the first two are proof."""

    ROUTING = "routing"
    ONLY_OPEN = "only-open"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Sibling:
    """One continuation of a forked parent.

    ``shared`` is how many rows, from the first, it has in common with the parent or with another
    sibling (summaries counted). ``own`` are the rest. ``chain`` is the session and all that
    continues it; ``continued`` says whether there is more than itself. ``diverges_at`` is the time
    of its first own row, ``latest`` of the last genuine row of the whole chain.
    """

    session_id: str
    chain: tuple[str, ...]
    holds: Holds
    shared: int
    own: tuple[Message, ...]
    diverges_at: float | None
    latest: float | None

    @property
    def continued(self) -> bool:
        return len(self.chain) > 1


@dataclass(frozen=True, slots=True)
class Live:
    """Which sibling the conversation goes on in.

    ``session_id`` is set only where ``by`` is a proof; ``suggestion`` is the sibling with the
    latest genuine message, for ``--keep``. ``routed`` are the siblings whose chain a routing key
    names.
    """

    session_id: str | None
    by: Decision
    suggestion: str
    routed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fork:
    """A parent with two or more continuations, oldest first."""

    parent_id: str
    siblings: tuple[Sibling, ...]
    live: Live

    def others(self, live: str) -> tuple[Sibling, ...]:
        """Return the siblings beside the one that is kept."""
        return tuple(sibling for sibling in self.siblings if sibling.session_id != live)


def find_fork(
    graph: Graph,
    parent_id: str,
    messages: Mapping[str, Sequence[Message]],
    routing: Routing,
) -> Fork:
    """Compare the continuations of ``parent_id`` and say which one is live.

    ``messages`` has the active rows of the parent and of each continuation by id of session, and
    may have those of later members of their chains, which then count for ``latest``; where they are
    missing the last row of any kind counts.
    """
    ids = sorted(
        graph.continuations(parent_id),
        key=lambda session_id: (graph.nodes[session_id].started_at or 0.0, session_id),
    )
    parts = [_part(graph, session_id, messages, parent_id) for session_id in ids]
    live = _live(graph, parent_id, parts, routing)
    keepers = _keepers(parts, live)
    return Fork(parent_id, tuple(_sibling(part, parts, keepers) for part in parts), live)


@dataclass(frozen=True, slots=True)
class _Part:
    """A sibling before it is compared with the others: ``tail`` is what the parent has not."""

    session_id: str
    chain: tuple[str, ...]
    rows: tuple[Message, ...]
    copied: int
    latest: float | None

    @property
    def tail(self) -> tuple[Message, ...]:
        return self.rows[self.copied :]


def _part(
    graph: Graph, session_id: str, messages: Mapping[str, Sequence[Message]], parent_id: str
) -> _Part:
    rows = tuple(messages.get(session_id, ()))
    chain = graph.chain(session_id)
    copied = copied_rows(messages.get(parent_id, ()), rows)
    return _Part(session_id, chain, rows, copied, _latest(graph, chain, messages))


def _sibling(part: _Part, parts: Sequence[_Part], keepers: Sequence[_Part]) -> Sibling:
    # Up to 0.16 a rotation did not write the parent's last turn to the parent: each sibling got
    # a copy of it, so what two siblings begin with alike is no one's own.
    alike = _alike(part, parts)
    holds = _holds(part, alike)
    if part in keepers and holds is not Holds.WORDS:
        holds, alike = Holds.WORDS, 0
    shared = part.copied + alike
    own = part.rows[shared:]
    return Sibling(
        session_id=part.session_id,
        chain=part.chain,
        holds=holds,
        shared=shared,
        own=own,
        diverges_at=own[0].at if own else None,
        latest=part.latest,
    )


def _keepers(parts: Sequence[_Part], live: Live) -> list[_Part]:
    """Return the siblings that stay visible, so that no row of a person's is only in the others.

    Those with words of their own; the live one; and of siblings whose rows only each other has,
    the longest.
    """
    keepers: list[_Part] = []
    rest: list[tuple[_Part, Sequence[Message]]] = []
    for part in parts:
        holds = _holds(part, _alike(part, parts))
        if holds is Holds.WORDS or (part.session_id == live.session_id and holds is Holds.COPIES):
            keepers.append(part)
        elif holds is not Holds.NOTHING:
            review = _review_at(part.tail)
            rest.append((part, part.tail if review is None else part.tail[:review]))
    for part, rows in sorted(rest, key=lambda pair: -len(pair[1])):
        kept = any(_common(rows, keeper.tail) == len(rows) for keeper in keepers)
        if _shown(rows) and not kept:
            keepers.append(part)
    return keepers


def _alike(part: _Part, parts: Sequence[_Part]) -> int:
    """Return how many rows of the tail another sibling begins with as well."""
    return max((_common(part.tail, other.tail) for other in parts if other is not part), default=0)


def _common(left: Sequence[Message], right: Sequence[Message]) -> int:
    for count, (mine, theirs) in enumerate(zip(left, right, strict=False)):
        if mine.match != theirs.match:
            return count
    return min(len(left), len(right))


def _shown(rows: Sequence[Message]) -> list[Message]:
    return [row for row in rows if row.nature not in (Nature.META, Nature.CARRIED)]


def _holds(part: _Part, alike: int) -> Holds:
    """Classify one sibling; what later members of its chain hold is a person's until looked at."""
    if len(part.chain) > 1:
        return Holds.WORDS
    if not part.rows:
        return Holds.NOTHING
    review = _review_at(part.tail)
    if review is not None and review <= alike:
        # Two reviews of one parent begin with the same instruction: it may be the last shared row.
        return Holds.REVIEW
    return Holds.WORDS if _shown(part.tail[alike:]) else Holds.COPIES


def _review_at(tail: Sequence[Message]) -> int | None:
    """Return where a background review begins that no person's message follows."""
    for index, message in enumerate(tail):
        if message.nature is Nature.REVIEW:
            return None if any(row.is_person for row in tail[index:]) else index
    return None


def _latest(
    graph: Graph, chain: Sequence[str], messages: Mapping[str, Sequence[Message]]
) -> float | None:
    times: list[float] = []
    for session_id in chain:
        if session_id in messages:
            times += [
                message.at
                for message in messages[session_id]
                if message.at is not None and message.nature is Nature.GENUINE
            ]
        elif (last := graph.nodes[session_id].last_message_at) is not None:
            times.append(last)
    return max(times, default=None)


def _live(graph: Graph, parent_id: str, parts: Sequence[_Part], routing: Routing) -> Live:
    holds = {part.session_id: _holds(part, _alike(part, parts)) for part in parts}
    worth = {name: held in (Holds.WORDS, Holds.COPIES) for name, held in holds.items()}
    suggestion = max(
        parts,
        key=lambda part: (
            holds[part.session_id] is Holds.WORDS,
            worth[part.session_id],
            part.latest if part.latest is not None else float("-inf"),
            graph.nodes[part.session_id].started_at or 0.0,
        ),
    ).session_id
    keys = {
        part.session_id: frozenset(key for member in part.chain for key in routing.keys_of(member))
        for part in parts
    }
    routed = frozenset(session_id for session_id, names in keys.items() if names)
    chosen = routed
    if len(routed) > 1:
        # Two chats of the gateway share the parent: the one whose key the parent had goes on.
        key = graph.nodes[parent_id].session_key
        chosen = frozenset(session_id for session_id in routed if key in keys[session_id])
    if len(chosen) == 1:
        return Live(next(iter(chosen)), Decision.ROUTING, suggestion, routed)
    # An open sibling without anything of the user's is no rival; one with copies only may be.
    still_open = [
        part.session_id
        for part in parts
        if worth[part.session_id] and any(graph.nodes[member].is_open for member in part.chain)
    ]
    if not routed and len(still_open) == 1:
        return Live(still_open[0], Decision.ONLY_OPEN, suggestion, routed)
    return Live(None, Decision.UNDECIDED, suggestion, routed)
