"""``tree``: the lineage of one session, or of every family of a home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hermes_repair.app.diagnose import facts, require_readable
from hermes_repair.app.environment import Environment
from hermes_repair.app.open_scene import ask_scene
from hermes_repair.checks.forked_sessions import forks
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home
from hermes_repair.lineage.family_tree import Tree, grow
from hermes_repair.lineage.forks import Holds
from hermes_repair.lineage.graph import Graph
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import UnknownSession


@dataclass(frozen=True, slots=True)
class Forest:
    """The families that were asked for; ``alone`` counts sessions of no family that were left out.

    ``notes`` are things that could not be looked at.
    """

    database: dict[str, Any]
    trees: tuple[Tree, ...]
    alone: int


def see(home: Home, environment: Environment, session: str | None, *, everything: bool) -> Forest:
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
        graph = Graph.build(scene.nodes, _reviews(scene), scene.early)
        members = None if session is None else [session]
        trees = list(grow(graph, scene.routing, members))
        shown = [t for t in trees if everything or session is not None or _matters(t)]
        return Forest(facts(scene), tuple(shown), len(trees) - len(shown))

    return ask_scene(home, environment, look)


def _matters(tree: Tree) -> bool:
    """Whether a family has more than one member, or one whose parent is gone."""
    return len(tree.leaves) > 1 or "orphan" in tree.leaves[0].marks


def _reviews(scene: Scene) -> frozenset[str]:
    """Return the halves of forks that a background review made."""
    return frozenset(
        sibling.session_id
        for fork in forks(scene)
        for sibling in fork.siblings
        if sibling.holds is Holds.REVIEW
    )
