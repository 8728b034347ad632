"""How brought sessions hang together, and what is asked for because of what it hangs on.

A release shows a session by its parent: a continuation below a parent that did not end captures
what is resumed (0.18.2, 0.19.0) or is hidden (0.14.0, 0.16.0), and taking the parent's end too
hides what the home said there since. So a parent's end comes only with what continues it, and only
where the home's did not go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from hermes_repair.lineage.graph import EdgeKind, Graph, started_after_end
from hermes_repair.lineage.release_rules import is_unmarked
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.merging.chat_verdicts import ENDS, fork_of, unasked
from hermes_repair.merging.sides import Side
from hermes_repair.merging.standing import Display, Standing
from hermes_repair.merging.undone_above import goes_on_in_twin
from hermes_repair.merging.verdicts_of_chats import Bring, ChatVerdict, Link, Reason, Verdict

_WAITS = (Verdict.ASK, Verdict.REMOVED_OR_LOST)
_GOES_ON = frozenset({EdgeKind.CONTINUATION, EdgeKind.REVIEW, EdgeKind.BRANCH})


def parents_first(graph: Graph) -> Iterator[SessionNode]:
    """Yield every session after its parent; members of a cycle come in the order of the rows."""
    done: set[str] = set()
    for start in graph.nodes.values():
        path: list[SessionNode] = []
        node: SessionNode | None = start
        while node is not None and node.id not in done:
            done.add(node.id)
            path.append(node)
            node = graph.nodes.get(node.parent_id or "")
        yield from reversed(path)


class BroughtLineage:
    """The verdicts of a source with what lineage says of them.

    ``named`` are the only sessions that are meant, by their ids there or by what they would be
    called here; without any it is all that comes unasked. ``accepted`` are the sessions that are
    brought, once :meth:`verdicts` has said how.
    """

    def __init__(
        self,
        home: Side,
        graph: Graph,
        standings: Mapping[str, Standing],
        alone: Mapping[str, ChatVerdict],
        named: Collection[str] = (),
    ) -> None:
        self._home = home
        self._ours = Graph.build(home.sessions.values())
        self._graph = graph
        self._standings = standings
        self._order = [node for node in parents_first(graph) if node.id in alone]
        self._verdicts = dict(alone)
        self._named = named
        self.accepted = {name for name, verdict in alone.items() if unasked(verdict)}

    def verdicts(self) -> dict[str, ChatVerdict]:
        """Return the verdicts with their reasons, ends and links, parents before children."""
        self._keep_lines_whole()
        self._ask_above()
        self._ask_below()
        if self._named:
            self.accepted = self._meant()
        self._fork_where_captured()
        ends = {node.id for node in self._order if self._takes_end(node)}
        linked: dict[str, ChatVerdict] = {}
        for node in self._order:
            verdict = self._verdicts[node.id]
            bring = verdict.bring
            if bring is not None:
                bring = replace(bring, takes_end=node.id in ends or not self._continuing(node))
                if bring.link is Link.NONE and bring.new_session:
                    bring = self._linked(node, bring, ends)
                elif bring.link is Link.BRANCH:
                    bring = self._beside(node, bring)
            elif node.id in ends:
                bring = Bring(verdict.at_home or node.id, new_session=False)
                verdict = replace(verdict, verdict=Verdict.CONTINUED)
            linked[node.id] = replace(verdict, bring=bring)
        self.accepted |= ends
        return linked

    def _meant(self) -> set[str]:
        """Return what is brought with the sessions that are named: the chats that they are part of.

        A chat that compression closed is shown by what continues it, and what continues one goes by
        its place. What hangs from a session that the home does not have needs that one too.
        """
        into = {
            verdict.bring.into: name
            for name, verdict in self._verdicts.items()
            if verdict.bring is not None
        }
        names = (name if name in self._verdicts else into.get(name) for name in self._named)
        queue = [name for name in names if name is not None]
        meant = dict.fromkeys(queue)
        for name in queue:
            follows = [*self._parts_below(name), *self._needed_above(name)]
            queue += [other for other in follows if other not in meant]
            meant |= dict.fromkeys(follows)
        return set(meant)

    def _parts_below(self, name: str) -> Iterator[str]:
        below = list(self._graph.chain(name))
        if self._home.marks_runs:
            below += [child.id for child in self._graph.child_nodes(name) if is_unmarked(child)]
        for part in below:
            if part in self._verdicts and self._verdicts[part].verdict is not Verdict.EMPTY:
                yield part

    def _needed_above(self, name: str) -> Iterator[str]:
        parent = self._graph.nodes[name].parent_id
        if parent not in self._verdicts:
            return
        node, above = self._graph.nodes[name], self._verdicts[parent]
        part = self._graph.kinds[name] in (EdgeKind.CONTINUATION, EdgeKind.REVIEW)
        part = part or (self._home.marks_runs and is_unmarked(node) and above.bring is not None)
        if part or above.at_home is None:
            yield parent

    def _keep_lines_whole(self) -> None:
        """Leave alone what goes on here and is shown there by a child that takes its place.

        That child has to be named, because it would take the place of the home's chat too. Until
        then the chat would show a beginning of what the source shows; with it comes a fork, in the
        place of which it is opened as in the source.
        """
        for node in self._order:
            verdict = self._verdicts[node.id]
            standing = self._standings.get(node.id)
            if standing is None or not _goes_on(verdict) or standing.display is Display.SAME:
                continue
            if not any(map(self._is_shown_for, self._graph.child_nodes(node.id))):
                continue
            if standing.display is Display.HOME_MORE:
                verdict = replace(verdict, verdict=Verdict.HOME_AHEAD, bring=None)
            elif verdict.verdict is Verdict.CONTINUED:
                verdict = replace(verdict, verdict=Verdict.ASK, reason=Reason.CHILD_NOT_BROUGHT)
            self._verdicts[node.id] = self._as_fork(verdict, standing)
            self.accepted.discard(node.id)

    def _as_fork(self, verdict: ChatVerdict, standing: Standing) -> ChatVerdict:
        if verdict.bring is None or standing.first is None:
            return replace(verdict, bring=None)
        return replace(verdict, bring=fork_of(self._home, standing, standing.first))

    def _is_shown_for(self, child: SessionNode) -> bool:
        """Whether the source shows this child in place of its parent, and the home has it not."""
        verdict = self._verdicts.get(child.id)
        absent = verdict is not None and verdict.at_home is None
        return absent and child.rows > 0 and self._takes_place(child)

    def _fork_where_captured(self) -> None:
        """Make forks of what goes on here, where what continues it comes and its end cannot."""
        for node in self._order:
            verdict = self._verdicts[node.id]
            standing = self._standings.get(node.id)
            if standing is None or not _goes_on(verdict) or not self._comes(node.id):
                continue
            if self._is_continued(node) and self._captures(node, standing.into):
                if verdict.verdict is Verdict.CONTINUED:
                    verdict = replace(verdict, verdict=Verdict.FORK)
                self._verdicts[node.id] = self._as_fork(verdict, standing)

    def _ask_above(self) -> None:
        """Ask for what compression closed there, where what continues it is asked for: without that
        it would show what the source does not.
        """
        for node in reversed(self._order):
            following = (self._verdicts.get(id) for id in self._graph.continuations(node.id))
            follows = [one for one in following if one is not None]
            goes_on = any(one.at_home or self._comes(one.session_id) for one in follows)
            if self._comes(node.id) and not goes_on and any(o.verdict in _WAITS for o in follows):
                asked = replace(
                    self._verdicts[node.id], verdict=Verdict.ASK, reason=Reason.CHILD_NOT_BROUGHT
                )
                self._verdicts[node.id] = asked
                self.accepted.discard(node.id)

    def _ask_below(self) -> None:
        """Ask for what hangs on a chat that is asked for, or of which the home took something."""
        cyclic = {name for cycle in self._graph.cycles for name in cycle}
        for node in self._order:
            verdict = self._verdicts[node.id]
            is_new = verdict.verdict is Verdict.NEW
            if not is_new and not goes_on_in_twin(self._graph, verdict):
                continue
            reason = Reason.CYCLE if node.id in cyclic else self._reason_above(node)
            if reason is None and is_new and (self._takes_place(node) or self._loses_place(node)):
                reason = Reason.TAKES_PLACE
            if reason is not None:
                asked = replace(verdict, verdict=Verdict.ASK, reason=reason)
                self._verdicts[node.id] = asked
                self.accepted.discard(node.id)

    def _reason_above(self, node: SessionNode) -> Reason | None:
        above = self._verdicts.get(node.parent_id or node.branched_from or "")
        if above is None:
            return None
        standing = self._standings.get(above.session_id)
        if above.verdict is Verdict.HOME_AHEAD and standing is not None and standing.undone:
            return Reason.UNDONE_HERE
        if above.verdict in (Verdict.ASK, Verdict.REMOVED_OR_LOST):
            return Reason.PARENT_NOT_BROUGHT
        return None

    def _takes_place(self, node: SessionNode) -> bool:
        """Whether a new session would be opened in place of a chat of the home's that it does not
        continue. 0.18.0 and later open the newest unmarked child, whatever ended the parent.
        """
        return (
            self._home.marks_runs
            and node.parent_id in self._home.sessions
            and self._brought_anew(node.parent_id or "") is None
            and is_unmarked(node)
            and self._graph.kinds[node.id] not in _GOES_ON
        )

    def _loses_place(self, node: SessionNode) -> bool:
        """Whether a chat of the home, which names a new session as its parent, would be opened in
        place of it.
        """
        return self._home.marks_runs and any(
            is_unmarked(child) and child.id not in self._graph.nodes
            for child in self._ours.child_nodes(node.id)
        )

    def _continuing(self, node: SessionNode) -> list[SessionNode]:
        """Return the sessions of the source in which a chat goes on after its end."""
        if node.end_reason not in ENDS:
            return []
        kinds = self._graph.kinds
        return [child for child in self._graph.child_nodes(node.id) if kinds[child.id] in _GOES_ON]

    def _takes_end(self, node: SessionNode) -> bool:
        """Whether the source's end of a chat comes too: what continues it does, and nothing else
        was said in it at home.
        """
        if not self._is_continued(node):
            return False
        if self._brought_anew(node.id) is not None:
            return True
        verdict = self._verdicts[node.id]
        at_home = self._home.sessions.get(verdict.at_home or "")
        if at_home is None or at_home.end_reason in ENDS:
            return False
        as_there = verdict.verdict in (Verdict.SAME, Verdict.CONTINUED) or self._comes(node.id)
        return as_there and not self._captures(node, at_home.id)

    def _is_continued(self, node: SessionNode) -> bool:
        """Whether something in which a chat of the source goes on comes."""
        return any(self._comes(child.id) for child in self._continuing(node))

    def _captures(self, node: SessionNode, at_home: str) -> bool:
        """Whether a child of the home's own would be taken for what continues a chat that ended."""
        return any(
            child.id not in self._graph.nodes
            and (
                (self._home.continued_by_time and started_after_end(child, node))
                or (self._home.marks_runs and is_unmarked(child))
            )
            for child in self._ours.child_nodes(at_home)
        )

    def _linked(self, node: SessionNode, bring: Bring, ends: Collection[str]) -> Bring:
        """Return where a session hangs that the home does not have."""
        if node.parent_id is None or (parent := self._place_of(node.parent_id)) is None:
            return bring
        kind = self._graph.kinds[node.id]
        brought = self._brought_anew(node.parent_id) is not None
        as_in_source = brought or node.parent_id in ends or kind not in _GOES_ON
        if not as_in_source and kind is EdgeKind.BRANCH:
            # Ended so on both sides: the parent had other branches before.
            ours, theirs = self._home.sessions[parent], self._graph.nodes[node.parent_id]
            as_in_source = ours.end_reason == theirs.end_reason == "branched"
        if as_in_source and not brought and kind not in _GOES_ON:
            parent = self._open(parent)
        as_in_source = as_in_source or self._is_hidden(parent, self._ours)
        if self._takes_place(node):
            as_in_source = False
        return replace(bring, link=Link.PARENT if as_in_source else Link.BRANCH, parent=parent)

    def _is_hidden(self, session_id: str, graph: Graph) -> bool:
        """Whether no list shows a session of one side, because it is a run below another.

        0.18.0 and later open an unmarked one in place of what it is below.
        """
        kind = graph.kinds.get(session_id)
        if kind in (None, EdgeKind.ORPHAN, *_GOES_ON):
            return False
        return not (self._home.marks_runs and is_unmarked(graph.nodes[session_id]))

    def _beside(self, node: SessionNode, bring: Bring) -> Bring:
        """Return the fork of a chat; that of a run which no list shows, here and there, stays below
        its parent.
        """
        ours = self._home.sessions[bring.parent or ""]
        if not (self._is_hidden(ours.id, self._ours) and self._is_hidden(node.id, self._graph)):
            return bring
        return replace(bring, link=Link.PARENT, parent=ours.parent_id)

    def _open(self, parent: str) -> str:
        """Return the session in which a chat of the home goes on now.

        Below one that ended by compression a delegate's run would be taken for what continues it.
        """
        for _ in range(len(self._ours.nodes)):
            if parent in self._graph.nodes and self._graph.nodes[parent].end_reason in ENDS:
                return parent  # as in the source
            following = [
                self._ours.nodes[name]
                for name in self._ours.continuations(parent)
                if name not in self._graph.nodes
            ]
            if not following:
                return parent
            parent = max(following, key=lambda node: (node.started_at or 0.0, node.id)).id
        return parent

    def _comes(self, name: str) -> bool:
        """Whether something of a session is brought."""
        return name in self.accepted and self._verdicts[name].bring is not None

    def _brought_anew(self, name: str) -> Bring | None:
        """Return how a session is brought that the home gets as a new one."""
        bring = self._verdicts[name].bring if name in self.accepted else None
        return bring if bring is not None and bring.new_session else None

    def _place_of(self, parent: str) -> str | None:
        """Return the home's session that stands for a parent after the merge."""
        if (bring := self._brought_anew(parent)) is not None:
            return bring.into
        verdict = self._verdicts.get(parent)
        if verdict is not None and verdict.at_home is not None:
            return verdict.at_home
        return parent if parent in self._home.sessions else None


def _goes_on(verdict: ChatVerdict) -> bool:
    """Whether messages would be added to a chat of the home's, or its flags set."""
    bring = verdict.bring
    return bring is not None and not bring.new_session and bool(bring.messages or bring.flags)
