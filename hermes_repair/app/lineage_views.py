"""``forks`` and ``tree``: conversations that forked, side by side, and whole families.

Resolving forks is a repair of LN002 and LN009 with a wish (:class:`ForkOptions`): the plan, its
rounds, the receipt and undo are those of ``repair``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from hermes_repair.app.environment import Run
from hermes_repair.app.open_scene import ask_scene, require_readable
from hermes_repair.app.scene_facts import facts
from hermes_repair.checks.forked_sessions import Settled, forks, reviews, settle
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.family_tree import Tree, grow
from hermes_repair.lineage.forks import Fork, Sibling
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.release_rules import RULES, Rules, compression_tip, resume_target
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.choices import ForkOptions
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.errors import UnknownSession, UsageError
from hermes_repair.model.values import text

IDS = ("LN002", "LN009")
"""The findings that are forks."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message that only one sibling has; ``content`` only where it was asked for (R9)."""

    id: int
    role: str
    at: float | None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Half:
    """One sibling with its row."""

    sibling: Sibling
    node: SessionNode
    own: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Led:
    """What releases ``first`` to ``last`` list and resume for a fork's conversation."""

    first: str
    last: str
    lists: str
    resumes: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a wish would make of a fork, or with ``possible`` false the ``reason`` why not.

    ``merged`` and ``left_out`` (by reason) count messages of each half in a merge.
    """

    keep: str
    possible: bool
    safety: str
    reason: Hint
    merged: Mapping[str, int]
    left_out: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One fork for a reader; ``outcome`` only where there is a wish."""

    fork: Fork
    parent: SessionNode
    halves: tuple[Half, ...]
    led: tuple[Led, ...]
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Forks:
    """All forks that were asked for."""

    database: dict[str, Any]
    forks: tuple[Seen, ...]


def see_forks(
    run: Run,
    sessions: Collection[str],
    wish: ForkOptions | None,
    *,
    content: bool = False,
) -> Forks:
    """Look at the forks that the named sessions are part of, at all of them where none is named.

    Raises :class:`UnknownSession` for a session that is not there, :class:`UsageError` for a wish
    to keep one that is no half of these forks, :class:`Refused` where there are no conversations.
    """

    def look(scene: Scene) -> Forks:
        require_readable(scene)
        _require_known(scene, sessions)
        meant = [fork for fork in forks(scene) if _is_meant(fork, sessions)]
        _require_halves(meant, wish)
        shown = tuple(_seen(scene, fork, wish, content) for fork in meant)
        return Forks(facts(scene), shown)

    return ask_scene(run, look)


def _require_known(scene: Scene, sessions: Collection[str]) -> None:
    unknown = sorted(name for name in sessions if name not in scene.node)
    if unknown:
        raise UnknownSession(
            f"There is no session {unknown[0]!r} in this database.",
            advice("`{}` without a session lists every fork.", command("forks")),
        )


def _require_halves(candidates: Collection[Fork], wish: ForkOptions | None) -> None:
    halves = {sibling.session_id for fork in candidates for sibling in fork.siblings}
    strange = sorted(wish.keep - halves) if wish is not None else []
    if strange:
        raise UsageError(
            f"{strange[0]!r} is not a half of these forks, so it cannot be kept.",
            advice("`{}` shows the halves.", command("forks")),
        )


def _is_meant(fork: Fork, sessions: Collection[str]) -> bool:
    """Whether a named session is the fork's parent or part of one of its halves."""
    members = {fork.parent_id, *(name for sibling in fork.siblings for name in sibling.chain)}
    return not sessions or not members.isdisjoint(sessions)


def _seen(scene: Scene, fork: Fork, wish: ForkOptions | None, content: bool) -> Seen:
    return Seen(
        fork=fork,
        parent=scene.node[fork.parent_id],
        halves=tuple(
            Half(sibling, scene.node[sibling.session_id], tuple(_own(scene, sibling, content)))
            for sibling in fork.siblings
        ),
        led=tuple(led(scene.graph, fork.parent_id)),
        outcome=_outcome(settle(scene, fork, wish)) if wish is not None else None,
    )


def _outcome(settled: Settled) -> Outcome:
    merge = settled.merge
    return Outcome(
        keep=settled.keep,
        possible=bool(settled.resolution.changes),
        safety=settled.resolution.safety.value,
        reason=settled.resolution.reason,
        merged=merge.merged if merge is not None else {},
        left_out={
            name: {reason.value: number for reason, number in reasons.items()}
            for name, reasons in (merge.left_out if merge is not None else {}).items()
        },
    )


def _own(scene: Scene, sibling: Sibling, content: bool) -> Iterator[Spoken]:
    for message in sibling.own:
        words = None
        if content:
            row = scene.look.one("SELECT content FROM messages WHERE id = ?", [message.id])
            words = (text(row[0]) or "") if row is not None else ""
        yield Spoken(message.id, message.role, message.at, words)


def led(graph: Graph, parent: str) -> Iterator[Led]:
    """Yield what each release lists and resumes for a conversation, releases alike in one."""
    first = graph.beginning(parent)

    def answer(rules: Rules) -> tuple[str, str]:
        return compression_tip(graph, first, rules), resume_target(graph, parent, rules)

    for (lists, resumes), group in groupby(RULES.items(), lambda item: answer(item[1])):
        releases = [release for release, _ in group]
        yield Led(releases[0], releases[-1], lists, resumes)


@dataclass(frozen=True, slots=True)
class Forest:
    """The families that were asked for; ``alone`` counts sessions of no family that were left out.

    ``notes`` are things that could not be looked at.
    """

    database: dict[str, Any]
    trees: tuple[Tree, ...]
    alone: int


def see_trees(run: Run, session: str | None, *, everything: bool) -> Forest:
    """Look at the family of one session, or at all families of two or more sessions.

    ``everything``: sessions on their own too. Raises :class:`UnknownSession` for one that does
    not exist, :class:`Refused` where there are no conversations.
    """

    def look(scene: Scene) -> Forest:
        require_readable(scene)
        if session is not None and session not in scene.node:
            raise UnknownSession(
                f"There is no session {session!r} in this database.",
                advice("`{}` without a session draws every family.", command("tree")),
            )
        graph = Graph.build(scene.nodes, reviews(scene), scene.early)
        members = None if session is None else [session]
        trees = list(grow(graph, scene.routing, members))
        shown = [t for t in trees if everything or session is not None or _matters(t)]
        return Forest(facts(scene), tuple(shown), len(trees) - len(shown))

    return ask_scene(run, look)


def _matters(tree: Tree) -> bool:
    """Whether a family has more than one member, or one whose parent is gone."""
    return len(tree.leaves) > 1 or "orphan" in tree.leaves[0].marks
