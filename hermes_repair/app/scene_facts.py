"""What every report says of the database it is about, and of the sessions that it names."""

from __future__ import annotations

from typing import Any

from hermes_repair.app.file_status import place_of
from hermes_repair.app.open_scene import readable
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding
from hermes_repair.model.words import SessionLabel
from hermes_repair.store.look import Look


def facts(scene: Scene, *, count: bool = True) -> dict[str, Any]:
    """Return what is said about the database in every report; ``count`` reads all its sessions."""
    known: dict[str, Any] = {
        **place_of(scene.home),
        "schema": scene.recognition.number if scene.file.unreadable is None else None,
        "view": scene.look.view.value,
        "open": scene.openers.status.value,
        "sessions": None,
        "messages": None,
    }
    if count and readable(scene) and scene.file.unproven:
        # The nodes are read through indexes; the tables themselves are whole.
        known["sessions"] = _rows(scene.look, "sessions")
        known["messages"] = _rows(scene.look, "messages")
    elif count and readable(scene):
        known["sessions"] = len(scene.nodes)
        known["messages"] = _rows(scene.look, "messages", "")  # also those of no session
    return known


def _rows(look: Look, table: str, how: str = " NOT INDEXED") -> int | None:
    row = look.within_limit(lambda asked: asked.one(f"SELECT COUNT(*) FROM {table}{how}"))
    return row[0] if row is not None and isinstance(row[0], int) else None


def labels(scene: Scene, findings: tuple[Finding, ...]) -> dict[str, SessionLabel]:
    """Return what lets a person tell the sessions of the findings apart, titles included."""
    named = {finding.session_id for finding in findings if finding.session_id}
    if not named or not readable(scene) or scene.file.unproven:
        return {}
    return {
        node.id: SessionLabel(node.started_at, node.source, node.active_rows, node.title)
        for node in scene.nodes
        if node.id in named
    }
