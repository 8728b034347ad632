"""Units that write sessions.json anew: with what is whole of it (GW002), or led on (GW001)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hermes_repair.checks.fill_units import relative
from hermes_repair.checks.resolution_units import printable
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Source, file_of
from hermes_repair.home.layout import routing_file, routing_place
from hermes_repair.host.regular_files import parse_json
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import FileCopy, FileRewrite
from hermes_repair.model.findings import Finding
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.words import count

_LARGEST = 16 << 20  # bytes; its receipt keeps the file twice, and a real one has some kilobytes
_RECEIPT_AND_COPIES = 6


def can_rewrite(scene: Scene) -> bool:
    """Whether sessions.json is a file that may be replaced: none behind a link, no huge one."""
    place = routing_place(scene.home)
    return place.is_file() and not place.is_symlink() and place.stat().st_size <= _LARGEST


def rewritten_file(
    scene: Scene,
    findings: Sequence[Finding],
    summary: str,
    data: bytes,
    entries: Mapping[str, Any],
) -> Unit:
    """Return the unit that copies sessions.json, read as ``data``, and writes it anew.

    Two such units never share a round, because both touch the file.
    """
    place = routing_place(scene.home)
    source = relative(place, scene.home.root)
    after = file_of(entries)
    digest = hashlib.sha256(data).hexdigest()
    return Unit(
        kind="file",
        subject=place.name,
        summary=summary,
        actions=(
            FileCopy(source, f"{place.name}.gz", len(data), digest),
            FileRewrite(source, data, after),
        ),
        safety=Safety.SAFE,
        live=False,
        findings=tuple(finding.fingerprint for finding in findings),
        finding_ids=tuple(dict.fromkeys(finding.id for finding in findings)),
        sessions=frozenset({place.name}),
        room=_RECEIPT_AND_COPIES * (len(data) + len(after)),
    )


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
        if not is_no_delegate(self.scene, tip.id) or not can_rewrite(self.scene):
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
        unit = rewritten_file(self.scene, findings, printable(summary), data, entries)
        yield replace(unit, sessions=unit.sessions.union(tips, led))
