"""``sessions.model_config`` that SQLite cannot read as JSON (SE001)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import fix_of, how, remedy, row_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import (
    BRANCHED_FROM,
    DELEGATE_FROM,
    Resolution,
    changes_of,
    resolved,
    skip_space,
)
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage
from hermes_repair.model.values import Value, text

MARKERS = (BRANCHED_FROM, DELEGATE_FROM)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What can be read of a damaged configuration. ``whole``: nothing of it is lost.

    ``minified``: written without spaces, as SQLite's own functions do (which tells who marked it).
    """

    members: dict[str, Any]
    whole: bool
    minified: bool = False

    def written(self) -> str:
        """Return it as JSON that SQLite reads. Raises ``RecursionError`` for absurd nesting."""
        return json.dumps(
            _finite(self.members), separators=(",", ":") if self.minified else (", ", ": ")
        )

    @property
    def markers(self) -> frozenset[str]:
        return frozenset(self.members) & frozenset(MARKERS)


def salvage(config: Value) -> Salvaged:
    """Return the members of a JSON object that is torn, not UTF-8, or JSON to Python only.

    Members are read from the beginning up to the first that makes no sense.
    """
    written = text(config) or ""
    written = written.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    minified = '": ' not in written
    try:
        value = _DECODER.decode(written)
    except (ValueError, RecursionError):
        return Salvaged(_members(written), whole=False, minified=minified)
    if not isinstance(value, dict):
        return Salvaged({}, whole=False)
    return Salvaged(value, whole=True, minified=minified)


def _members(written: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    position = skip_space(written, 0)
    if written[position : position + 1] != "{":
        return members
    try:
        while True:
            key, end = _DECODER.raw_decode(written, skip_space(written, position + 1))
            colon = skip_space(written, end)
            if not isinstance(key, str) or written[colon : colon + 1] != ":":
                return members
            value, end = _DECODER.raw_decode(written, skip_space(written, colon + 1))
            position = skip_space(written, end)
            if written[position : position + 1] not in (",", "}"):
                return members  # a number that is cut off still looks like one
            members[key] = value
    except (ValueError, RecursionError):
        return members


def _finite(value: Any) -> Any:
    """Return a value without NaN and Infinity, which SQLite does not take for JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return value


@check("SE001", "model-config-invalid", Severity.ERROR, Remedy.SAFE, stage=Stage.VALUES)
def model_config_invalid(scene: Scene) -> Iterator[Finding]:
    """The settings of one session are not valid JSON.

    What it means: every list of sessions fails with "malformed JSON", although only one row is
    damaged. Hermes' own health checks call such a database sound.

    How it happens: an edit by hand, a truncated value, or a write by another program.

    What repair does: it writes what can still be read of the settings as valid JSON, including the
    marks that say "this is a branch" or "this is a delegate". The receipt keeps the old text.

    How safe it is: safe where no such mark can be lost: they were read, the session has no parent,
    or it is its parent's only continuation. Otherwise a mark may be in the lost part, and the
    repair is done only when you ask for it.
    """
    for node in scene.nodes:
        if node.config_valid:
            continue
        resolution, kept = _mended(scene, node)
        yield model_config_invalid.finding(
            {"kind": "session", "session_id": node.id},
            "its settings are not valid JSON, so every list of sessions fails.",
            how(resolution, node.id),
            remedy=remedy(resolution),
            data={"kept": len(kept.members), "markers": sorted(kept.markers), "whole": kept.whole},
            identity=(len(kept.members), resolution.safety.value),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(resolution, f"make the settings of {node.id} valid JSON again"),
        )


def _mended(scene: Scene, node: SessionNode) -> tuple[Resolution, Salvaged]:
    row = row_of(scene, node.id)
    kept = salvage(row["model_config"])
    try:
        config = kept.written()
    except RecursionError:
        kept, config = Salvaged({}, whole=False), "{}"
    change = changes_of(node.id, row, {"model_config": config})
    safe = kept.whole or bool(kept.markers) or _needs_no_marker(scene, node)
    return (
        resolved(
            [change],
            Safety.SAFE if safe else Safety.UNSAFE,
            "nothing that lists depend on can be lost"
            if safe
            else "the lost part may have said that it is a branch or a delegate",
        ),
        kept,
    )


def _needs_no_marker(scene: Scene, node: SessionNode) -> bool:
    parent = scene.node.get(node.parent_id or "")
    if node.parent_id is None or parent is None:
        return node.parent_id is None
    if parent.end_reason == "branched":
        return True
    return parent.end_reason == "compression" and len(scene.graph.children[parent.id]) == 1
