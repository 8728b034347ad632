"""Chats that sessions.json leads on to where compression moved them (GW001)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hermes_repair.checks.chats_used_since import other_since, somebody_else, written_on
from hermes_repair.checks.file_units import can_rewrite, rewritten_file
from hermes_repair.checks.resolution_units import printable
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Source, file_of
from hermes_repair.home.layout import routing_file, routing_place
from hermes_repair.host.regular_files import parse_json
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

    def objection(self, key: str, chain: Sequence[str]) -> str:
        """Return why a chat has to be told by its user, empty where its entry may be led on.

        ``chain`` is the latest continuation, what it continues, and so on to the part that the
        entry names. Whoever begins a chat anew or leads it elsewhere ends the session that it
        leaves (0.13.0 to 0.17.0), so a continuation that is open was left by nobody, unless the
        entry was behind by then. A chat that was stopped begins anew at its next message. Where
        others are known on the platform, one of them may have gone on in it by /resume.
        """
        closed, tip = self.scene.node[chain[-1]], self.scene.node[chain[0]]
        tell = f"In that chat, send: /resume {tip.id} (Hermes 0.16.0 and later)"
        route = self.scene.routing.current.get(key)
        if route is None or route.source is not Source.FILE or route.session_id != closed.id:
            return tell
        if tip.source != closed.source or not tip.is_open or route.entry.get("suspended"):
            return tell
        if not is_no_delegate(self.scene, tip.id) or not can_rewrite(
            routing_place(self.scene.home)
        ):
            return tell
        if written_on(self.scene, chain) or other_since(self.scene, key, chain) is not None:
            return tell
        if somebody_else(self.scene, key, closed):
            return f"Another chat may have gone on in it. {tell}"
        self._led[tip.id] = closed.id
        return ""

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
