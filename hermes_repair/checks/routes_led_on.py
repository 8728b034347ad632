"""Chats that sessions.json leads on to where compression moved them (GW001)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hermes_repair.checks.file_units import can_rewrite, rewritten_file
from hermes_repair.checks.resolution_units import printable
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Source, file_of
from hermes_repair.home.layout import routing_file, routing_place
from hermes_repair.host.regular_files import parse_json
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Finding
from hermes_repair.model.plans import Unit
from hermes_repair.model.words import count


@dataclass(frozen=True, eq=False)
class LeadOn:
    """The fix that leads chats of sessions.json on to where compression moved them, all at once.

    For releases that know a chat by this file alone (schemas below 17).
    """

    scene: Scene
    _led: dict[str, str] = field(default_factory=dict)

    def objection(self, key: str, closed: SessionNode, tip: SessionNode) -> str:
        """Return why a chat has to be told by its user, empty where its entry may lead to ``tip``.

        Whoever begins a chat anew or leads it elsewhere ends the session that it leaves (0.13.0 to
        0.17.0), so one that is open was left by nobody. An old file that was put back is told by
        an open session of the same person which no chat leads to.
        """
        tell = f"In that chat, send: /resume {tip.id} (Hermes 0.16.0 and later)"
        route = self.scene.routing.current.get(key)
        led = route is not None and route.source is Source.FILE and route.session_id == closed.id
        if not led or tip.source != closed.source or not tip.is_open:
            return tell
        if not is_no_delegate(self.scene, tip.id) or not can_rewrite(
            routing_place(self.scene.home)
        ):
            return tell
        if self._may_be_meant(closed, tip):
            return tell
        self._led[tip.id] = closed.id
        return ""

    def _may_be_meant(self, closed: SessionNode, tip: SessionNode) -> bool:
        rows = self.scene.look.rows(
            "SELECT id FROM sessions WHERE ended_at IS NULL AND parent_session_id IS NULL"
            " AND id NOT IN (?1, ?2) AND started_at >= ?3 AND EXISTS (SELECT 1 FROM sessions c"
            " WHERE c.id = ?1 AND c.source IS sessions.source AND c.user_id IS sessions.user_id)",
            [closed.id, tip.id, closed.started_at or 0.0],
        )
        return any(not self.scene.routing.is_live(str(id)) for (id,) in rows)

    def __call__(self, findings: Sequence[Finding]) -> Iterator[Unit]:
        """Lead the chats of these findings on."""
        data = routing_file(self.scene.home) or b""
        try:
            entries = parse_json(data)
        except ValueError:
            return  # written since: the next look sees it
        led = {self._led[finding.subject["session_id"]]: finding for finding in findings}
        for entry in entries.values() if isinstance(entries, dict) else ():
            named = entry.get("session_id") if isinstance(entry, dict) else None
            finding = led.get(named) if isinstance(named, str) else None
            if finding is not None:
                entry["session_id"] = finding.subject["session_id"]
        tips = [str(finding.subject["session_id"]) for finding in findings]
        summary = f"let {count(len(tips), 'chat')} of sessions.json go on in {', '.join(tips[:3])}"
        place = routing_place(self.scene.home)
        unit = rewritten_file(self.scene, findings, place, data, file_of(entries))
        sessions = unit.sessions.union(tips, led)
        yield replace(unit, summary=printable(summary), sessions=sessions)
