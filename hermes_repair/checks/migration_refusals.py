"""Whether a migration would be refused here, so that nothing that would be is ever printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hermes_repair.evidence.scene import Scene
from hermes_repair.model.errors import Refused
from hermes_repair.model.findings import Finding, Remedy
from hermes_repair.schema.catalogue import NEWEST_TARGET, default_catalogue
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.route import read_crowded, route
from hermes_repair.schema.route_parts import RouteFacts

BY_ITS_PARTS = frozenset({"SC004", "SC006", "SC007"})
"""Findings that the repair mends by parts of the migration to the database's own number."""


def only_where_there_is_a_way(scene: Scene, found: Sequence[Finding]) -> list[Finding]:
    """Return the findings; what a migration would mend says why not where that is refused."""
    if not any(_needs_one(finding) for finding in found):
        return list(found)
    why = _refusal(scene)
    if why is None:
        return list(found)
    reason = f"Not repaired here: {why}"
    return [
        replace(finding, remedy=Remedy.MANUAL, hint=reason) if _needs_one(finding) else finding
        for finding in found
    ]


def _needs_one(finding: Finding) -> bool:
    by_parts = finding.id in BY_ITS_PARTS and finding.remedy in (Remedy.SAFE, Remedy.UNSAFE)
    return finding.remedy is Remedy.MIGRATE or by_parts


def _refusal(scene: Scene) -> str | None:
    """Return why the way to the database's own number is refused, or to the newest."""
    if scene.recognition.family not in (Family.OLD, Family.REPAIRED):
        return None
    own = scene.recognition.number  # 0 where nothing tells it, 3 is not known
    for target in sorted({own, NEWEST_TARGET} & {*default_catalogue().known_numbers()}):
        crowded = read_crowded(scene.look.rows, scene.structure, target)
        try:
            route(scene.structure, target, RouteFacts(crowded=crowded))
        except Refused as refused:
            return refused.message
    return None
