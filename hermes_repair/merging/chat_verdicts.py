"""What is said of one chat by itself, from how its rows stand; lineage comes after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hermes_repair.lineage.release_rules import is_unmarked
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.merging.common_past import Because, Past, Relation
from hermes_repair.merging.fork_ids import fork_id
from hermes_repair.merging.sides import HistoryRow, Side
from hermes_repair.merging.standing import Display, Standing
from hermes_repair.merging.verdicts_of_chats import (
    UNASKED,
    Bring,
    ChatVerdict,
    Link,
    Reason,
    Verdict,
)

ENDS = frozenset({"compression", "branched"})
"""Ends after which a chat goes on in another session: what is added to it no release shows."""


@dataclass(frozen=True)
class Sides:
    """What every verdict looks at."""

    home: Side
    source: Side
    past: Past
    relation: Relation

    @cached_property
    def replaced(self) -> frozenset[str]:
        """The home's chats in place of which 0.18.0 and later open a child that only the home has:
        what is added to them no list shows.
        """
        if not self.home.marks_runs:
            return frozenset()
        children = filter(is_unmarked, self.home.sessions.values())
        return frozenset(
            node.parent_id
            for node in children
            if node.parent_id is not None and node.id not in self.source.sessions
        )

    def is_closed(self, at_home: SessionNode) -> bool:
        """Whether what is added to a chat of the home would be shown by no release."""
        return at_home.end_reason in ENDS or at_home.id in self.replaced


def verdict_alone(sides: Sides, node: SessionNode, standing: Standing | None) -> ChatVerdict:
    """Judge a session of the source without regard to others.

    ``standing`` is None where all of its messages are the same on both sides, or it has none.
    """
    at_home = sides.home.sessions.get(standing.into if standing else node.id)
    if standing is None and at_home is None:
        return ChatVerdict(node.id, Verdict.EMPTY, bring=Bring(node.id, new_session=True))
    if standing is None:
        return ChatVerdict(node.id, Verdict.SAME, shared=node.rows, at_home=node.id)
    if at_home is None:
        verdict, reason = _absent(sides, node, standing)
        bring: Bring | None = Bring(node.id, new_session=True, messages=node.rows)
    else:
        verdict, reason = _present(sides, at_home, standing)
        bring = _into(sides, verdict, standing, at_home)
    if not standing.source_more or verdict is Verdict.HOME_AHEAD:
        bring = None
    return ChatVerdict(
        node.id,
        verdict,
        reason,
        standing.shared,
        standing.rows,
        bring,
        at_home.id if at_home is not None else None,
        lost=at_home is not None and not standing.all_new and _counts_more(at_home),
    )


def _counts_more(node: SessionNode) -> bool:
    """Whether messages were lost: no undo, retry or compaction leaves a count above the rows."""
    return (node.message_count or 0) > node.rows


def _into(sides: Sides, verdict: Verdict, standing: Standing, at_home: SessionNode) -> Bring | None:
    """Return what bringing a chat writes that the home has.

    Where the home has, or shows, nothing but the beginning of it, it goes on: a fork would show
    that twice. Where the home shows all that it shows, only what a compaction put away can be
    missing.
    """
    is_open = not sides.is_closed(at_home)
    shown_here = standing.display in (Display.SAME, Display.HOME_MORE)
    left = verdict in (Verdict.ASK, Verdict.REMOVED_OR_LOST)
    if standing.first is None or (left and shown_here and not standing.archived):
        return None
    beginning = not standing.undone or standing.display is Display.SOURCE_MORE
    goes_on = not standing.home_more and beginning and is_open
    asked = left and is_open and not standing.archived
    if (verdict is Verdict.CONTINUED or asked) and standing.home_more and standing.after:
        since, messages = standing.after
        return Bring(standing.into, False, since, messages)
    if verdict is Verdict.CONTINUED or goes_on:
        since, messages = standing.first.id, standing.source_more
        return Bring(standing.into, False, since, messages, standing.flags)
    return fork_of(sides.home, standing, standing.first)


def fork_of(home: Side, standing: Standing, first: HistoryRow) -> Bring:
    """Return what makes a chat of its own of what the source has, beside the home's.

    ``first`` is the first row that only the source has (:attr:`Standing.first`).
    """
    return Bring(
        fork_id(standing.session_id, standing.shared, first, home.sessions),
        new_session=True,
        messages=standing.shared + standing.source_more,
        link=Link.BRANCH,
        parent=standing.into,
    )


def _absent(sides: Sides, node: SessionNode, standing: Standing) -> tuple[Verdict, Reason | None]:
    if not standing.all_new:
        return _not_new(sides, standing)
    began_before = sides.past.time is not None and (
        node.started_at is None or node.started_at <= sides.past.time
    )
    if began_before and not sides.home.is_new and sides.past.high > 0:
        return Verdict.ASK, Reason.BEGAN_BEFORE
    if sides.source.partial and (node.message_count or 0) > node.rows:
        return Verdict.ASK, Reason.PARTIAL_SOURCE
    return Verdict.NEW, None


def _present(
    sides: Sides, at_home: SessionNode, standing: Standing
) -> tuple[Verdict, Reason | None]:
    if not standing.source_more:
        ahead = standing.home_more or standing.flags
        return (Verdict.HOME_AHEAD if ahead else Verdict.SAME), None
    if not standing.all_new:
        return _not_new(sides, standing)
    if standing.undone:
        shown_here = standing.display in (Display.SAME, Display.HOME_MORE)
        return (Verdict.HOME_AHEAD, None) if shown_here else (Verdict.ASK, Reason.UNDONE_HERE)
    if sides.source.partial and standing.home_more:
        return Verdict.ASK, Reason.PARTIAL_SOURCE
    closed = sides.is_closed(at_home)
    if not standing.home_more and not closed:
        return Verdict.CONTINUED, None
    if standing.display in (Display.SAME, Display.HOME_MORE):
        return Verdict.HOME_AHEAD, None
    if standing.display is Display.SOURCE_MORE and not closed:
        return Verdict.CONTINUED, None
    # Copies of what is in other sessions are no reason for another chat.
    return (Verdict.FORK if standing.rows.never_here else Verdict.HOME_AHEAD), None


def _not_new(sides: Sides, standing: Standing) -> tuple[Verdict, Reason | None]:
    """Judge a chat of which the home had, or perhaps had, rows that only the source has now."""
    brought = Because.BROUGHT_BEFORE in standing.because
    if standing.rows.never_here and standing.rows.removed_or_lost:
        return Verdict.ASK, Reason.NEW_AFTER_REMOVED
    if not standing.rows.unknown:
        reason = Reason.BROUGHT_BEFORE if brought else Reason.REMOVED_HERE
        return Verdict.REMOVED_OR_LOST, reason
    if sides.relation is Relation.HOME_EMPTIED:
        return Verdict.ASK, Reason.HOME_EMPTIED
    if sides.relation is Relation.ANCESTOR:
        return Verdict.ASK, Reason.MAYBE_EARLIER_STATE
    if Because.OLD_BY_TIME in standing.because or Because.OUT_OF_ORDER in standing.because:
        return Verdict.ASK, Reason.WRONG_CLOCK
    return Verdict.ASK, Reason.UNPROVEN_ROWS


def unasked(verdict: ChatVerdict | None) -> bool:
    """Whether a verdict brings something without asking."""
    return verdict is not None and verdict.verdict in UNASKED
