"""A source held against a home: every chat gets its verdict. Pure, in one pass over what differs.

Chats whose new rows may be copies of others, and chats of which an earlier merge made a fork, are
read whole afterwards, some at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hermes_repair.lineage.graph import EdgeKind, Graph
from hermes_repair.merging.brought_lineage import BroughtLineage
from hermes_repair.merging.chat_verdicts import Sides, verdict_alone
from hermes_repair.merging.common_past import Presence, RowJudge, crossed_over
from hermes_repair.merging.fork_ids import beginning, origin
from hermes_repair.merging.histories import Histories, batches
from hermes_repair.merging.sides import Fingerprint, HistoryRow, Side, TwoHistories
from hermes_repair.merging.standing import Above, Standing, shared_rows, stand
from hermes_repair.merging.undone_above import UndoneAbove
from hermes_repair.merging.verdicts_of_chats import (
    UNASKED,
    ChatCounts,
    ChatVerdict,
    Comparison,
    Reason,
    RowCounts,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Brought:
    """What earlier merges brought: here, and into the source, as far as its records are at hand.

    ``counted`` are sessions of the home that once counted more messages than they had, and how
    many: those were lost. ``ids_here`` and ``ids_there`` are the message ids that runs of ours
    gave on either side; ``withdrawn`` those that merges gave here and that were undone.
    ``undone`` are their messages, each with the id that it had here and had not there. ``told``: no
    receipt of the source may be elsewhere.
    """

    here: Container[Fingerprint] = frozenset()
    there: Container[Fingerprint] = frozenset()
    ids_here: Collection[int] = frozenset()
    ids_there: Collection[int] = frozenset()
    withdrawn: Collection[int] = frozenset()
    counted: Mapping[str, int] = field(default_factory=dict)
    told: bool = True
    undone: Container[tuple[int, Fingerprint]] = frozenset()


NOTHING_BROUGHT = Brought()


def compare(
    sides: Sides,
    histories: Histories,
    brought: Brought = NOTHING_BROUGHT,
    named: Collection[str] = (),
) -> Comparison:
    """Return what the source has that the home does not, chat by chat; ``named`` are the only
    sessions that are to be brought, where some are.
    """
    return _Compared(sides, histories, brought).comparison(named)


class _Compared:
    def __init__(self, sides: Sides, histories: Histories, brought: Brought) -> None:
        self._sides = sides
        self._histories = histories
        self._brought = brought
        self._judge = _judge(sides, brought)
        self._crossed = False
        self._graph = Graph.build(sides.source.sessions.values())
        self._standings: dict[str, Standing] = {}
        self._unreadable: dict[str, ChatVerdict] = {}
        self._forks = _forks(sides.home)
        self._branches = _branches(sides)
        self._given: set[str] = set()

    def comparison(self, named: Collection[str]) -> Comparison:
        doubtful = self._first_pass()
        if self._crossed:
            past = replace(self._sides.past, unrecorded=True)
            self._sides = replace(self._sides, past=past)
            self._judge = _judge(self._sides, self._brought)
            doubtful = self._first_pass()
        for batch in batches(self._graph, doubtful):
            self._second_pass(batch)
        alone = {
            node.id: verdict_alone(self._sides, node, self._standings.get(node.id))
            for node in self._sides.source.sessions.values()
            if node.id not in self._unreadable
        }
        alone |= {name: _unreadable(alone[name]) for name in self._unreadable_of(alone)}
        undone = UndoneAbove(self._sides.home, self._graph, self._histories)
        for name in undone.shown_by(alone, lambda name: self._above(name).parents):
            alone[name] = replace(alone[name], verdict=Verdict.ASK, reason=Reason.UNDONE_HERE)
        lineage = BroughtLineage(self._sides.home, self._graph, self._standings, alone, named)
        all_verdicts = lineage.verdicts()
        all_verdicts.update(self._unreadable)
        verdicts = {
            name: verdict
            for name, verdict in all_verdicts.items()
            if verdict.verdict is not Verdict.SAME
        }
        return Comparison(
            relation=self._sides.relation,
            past=self._sides.past,
            home=self._sides.home,
            source=self._sides.source,
            verdicts=verdicts,
            same=len(all_verdicts) - len(verdicts),
            rows=sum((verdict.rows for verdict in verdicts.values()), RowCounts()),
            chats=_counted(verdicts.values()),
            accepted=frozenset(lineage.accepted),
        )

    def _unreadable_of(self, alone: Mapping[str, ChatVerdict]) -> Collection[str]:
        """Return the chats that would come unasked and that Hermes could not read then."""
        since = {
            name: one.bring.since
            for name, one in alone.items()
            if one.unasked and one.bring is not None
        }
        damaged = {
            name
            for name in since
            if name not in self._sides.home.sessions and not self._graph.nodes[name].config_valid
        }
        return damaged.union(self._histories.unreadable(since) if since else ())

    def _first_pass(self) -> list[str]:
        """Judge what can be judged from the rows that differ; return the other chats."""
        doubtful = []
        for two in self._histories.differing():
            if not self._known(two):
                continue
            if self._sides.source.partial:
                two = _from_where_it_begins(two)
            ids = self._brought.ids_here, self._brought.ids_there
            self._crossed = self._crossed or crossed_over(two, self._sides.past, *ids)
            standing = stand(two, two.session_id, self._judge, None)
            if standing is None or (standing.source_more and self._relatives(two.session_id)):
                doubtful.append(two.session_id)
            else:
                self._standings[two.session_id] = standing
        return doubtful

    def _known(self, two: TwoHistories) -> bool:
        """Whether both sides have a row of ``sessions`` for their messages, and the source any."""
        home, source = self._sides.home.sessions, self._sides.source.sessions
        if two.session_id not in source and not two.source:
            return False
        here = two.session_id in home or not (two.home or two.shared)
        if two.session_id in source and here:
            return True
        judged = self._judge.judge(two.session_id, two.source)
        rows = _count(one.presence for one in judged)
        self._unreadable[two.session_id] = ChatVerdict(
            two.session_id, Verdict.ASK, Reason.NO_SESSION_ROW, two.shared, rows
        )
        return False

    def _relatives(self, session_id: str) -> tuple[str, ...]:
        """Return the home's sessions, beside its own, that may be this chat: forks of merges."""
        found = list(self._forks.get(beginning(session_id), ()))
        if (other := origin(session_id)) is not None:
            found += [*self._forks.get(other, ()), other]
        found += self._siblings(session_id)
        return tuple(
            name
            for name in dict.fromkeys(found)
            if name != session_id and name in self._sides.home.sessions
        )

    def _siblings(self, session_id: str) -> Sequence[str]:
        """Return branches that only the home has, of what this one is a branch of."""
        return self._branches.get(self._graph.nodes[session_id].branched_from or "", ())

    def _second_pass(self, batch: Collection[str]) -> None:
        above = {name: self._above(name) for name in batch}
        relatives = {name: self._relatives(name) for name in batch}
        source = self._histories.of_source(
            {*batch, *(p for one in above.values() for p in one.parents)}
        )
        home = self._histories.of_home({*batch, *(r for near in relatives.values() for r in near)})
        for name in batch:
            free = [
                other
                for other in relatives[name]
                if self._is_free(other, name, source.get(name, ()), home.get(other, ()))
            ]
            into = self._nearest(name, free, home, source)
            two = TwoHistories(name, 0, home.get(into, ()), source.get(name, ()))
            if self._sides.source.partial:
                two = _from_where_it_begins(two)
            standing = stand(two, into, self._judge, source, above[name])
            if standing is not None:
                self._standings[name] = standing
                if into != name and not standing.went_apart:
                    self._given.add(into)

    def _is_free(
        self, other: str, name: str, rows: Sequence[HistoryRow], ours: Sequence[HistoryRow]
    ) -> bool:
        """Whether a session of the home may be a chat of the source that has another id.

        One that the source has too may be a fork of it there: the two sides call the two parts of
        a chat that went two ways each by the other's name, once both have merged the other. Of two
        forks there of one chat here, which went on between, the earlier is all in it.
        """
        named_so = other in self._sides.source.sessions and other != origin(name)
        taken = other in self._given and [row.key for row in ours[: len(rows)]] != [
            row.key for row in rows
        ]
        return not taken and not named_so

    def _above(self, session_id: str) -> Above:
        """Return the sessions above one, by parent or by mark."""
        node = self._graph.nodes[session_id]
        above = self._graph.ancestors(session_id)
        marked = node.branched_from
        for other in (marked, origin(session_id)):
            if other is not None and other in self._graph.nodes:
                above = (*above, other, *self._graph.ancestors(other))
        past = self._sides.past
        later = past.time is None or (node.started_at is not None and node.started_at > past.time)
        continues = self._graph.kinds.get(session_id) is EdgeKind.CONTINUATION
        grown = later and continues and past.consistent and not past.gap
        return Above(tuple(dict.fromkeys(above)), grown)

    def _nearest(
        self,
        name: str,
        relatives: Collection[str],
        home: Mapping[str, tuple[HistoryRow, ...]],
        source: Mapping[str, tuple[HistoryRow, ...]],
    ) -> str:
        """Return the home's session that this chat is: its own, unless a relative has more of it.

        Two branches of one chat are the same only as long as one has nothing of its own. A chat
        that itself is a fork has its beginning in common with the one that it is a fork of, in the
        source too; only more than that counts.
        """
        rows = source.get(name, ())

        def shared_with(others: Sequence[HistoryRow]) -> int:
            return shared_rows(TwoHistories(name, 0, tuple(others), rows))

        least = shared_with(home.get(name, ()))
        if (other := origin(name)) is not None:
            least = max(least, shared_with(source.get(other, ())))
        common = {other: shared_with(home.get(other, ())) for other in relatives}
        for other in self._siblings(name):
            if common.get(other, 0) < min(len(rows), len(home.get(other, ()))):
                common.pop(other, None)
        best = max(common, key=lambda other: common[other], default=name)
        return best if common.get(best, 0) > least else name


def _judge(sides: Sides, brought: Brought) -> RowJudge:
    home = sides.home
    has_mark = home.sequence is not None
    return RowJudge(sides.past, home.is_new, has_mark, brought.here, brought.there, brought.undone)


def _unreadable(verdict: ChatVerdict) -> ChatVerdict:
    return replace(verdict, verdict=Verdict.ASK, reason=Reason.UNREADABLE)


def _count(presences: Iterable[Presence]) -> RowCounts:
    counted = Counter(presences)
    return RowCounts(
        counted[Presence.NEVER_HERE], counted[Presence.WAS_HERE], counted[Presence.UNKNOWN]
    )


def _counted(verdicts: Iterable[ChatVerdict]) -> ChatCounts:
    counted = Counter(verdict.verdict for verdict in verdicts)
    return ChatCounts(
        sum(counted[verdict] for verdict in UNASKED),
        counted[Verdict.REMOVED_OR_LOST],
        counted[Verdict.ASK],
    )


def _forks(home: Side) -> dict[str, list[str]]:
    """Return the forks that merges made, by the chat that they went apart from."""
    forks: dict[str, list[str]] = {}
    for name in home.sessions:
        if (other := origin(name)) is not None:
            forks.setdefault(other, []).append(name)
    return forks


def _branches(sides: Sides) -> dict[str, list[str]]:
    """Return the branches that only the home has, by what they are branches of."""
    branches: dict[str, list[str]] = {}
    for node in sides.home.sessions.values():
        if node.branched_from is not None and node.id not in sides.source.sessions:
            branches.setdefault(node.branched_from, []).append(node.id)
    return branches


def _from_where_it_begins(two: TwoHistories) -> TwoHistories:
    """Return a chat of a partial source without what the source does not have of its beginning.

    It begins with the same message here, whatever id a merge gave that; else ids say where.
    """
    if not two.source:
        return two
    first = two.source[0]
    alike = (
        place
        for place, row in enumerate(two.home)
        if (row.key, row.timestamp) == (first.key, first.timestamp)
    )
    before = next(alike, None)
    if before is None:
        before = sum(row.id < first.id for row in two.home)
    return replace(two, shared=two.shared + before, home=two.home[before:])
