"""What schema step 16 of 0.17.0 and later would mark as a delegate's run, and what it should."""

from __future__ import annotations

from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.copied_rows import copied_rows
from hermes_repair.schema.data_steps import (
    Decisions,
    delegates_to_tag,
    read_candidates,
    would_tag,
)


def decide(scene: Scene, target: int) -> Decisions:
    """Decide on every session that step 16 of the release of schema ``target`` would mark.

    For databases below 16. The proofs are those of :mod:`hermes_repair.lineage.person_proof`; a
    copied row or a summary is enough to leave a session alone, because a wrong mark hides it.
    """
    candidates = [
        candidate
        for candidate in read_candidates(scene.look.rows, scene.structure)
        if candidate.id in scene.node and would_tag(candidate, target)
    ]
    ids = [candidate.id for candidate in candidates]
    persons = scene.proofs(ids)
    unproven = [session_id for session_id in ids if session_id not in persons]
    copies = {
        session_id
        for session_id, trace in scene.traces(unproven).items()
        if trace.carried or (trace.alike and _copies(scene, session_id))
    }
    return delegates_to_tag(candidates, target, persons, copies)


def _copies(scene: Scene, session_id: str) -> bool:
    parent = scene.node[session_id].parent_id or ""
    return copied_rows(scene.messages(parent), scene.messages(session_id)) > 0
