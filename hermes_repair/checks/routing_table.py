"""Rows of ``gateway_routing`` that cannot be used (GW005), and such as lead back (GW006)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import repair_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Route, file_routes, usable_entry
from hermes_repair.home.layout import routing_file
from hermes_repair.host.regular_files import real_path
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import advice, quoted
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Row, readable

ROUTING = "gateway_routing"


def _rows(scene: Scene) -> list[Row]:
    """Return the rows of this home's own gateway (0.18.1, schema 18 on)."""
    wanted = {"scope", "session_key", "entry_json"}
    if not wanted <= set(scene.look.columns(ROUTING)):
        return []
    scope = str(real_path(scene.home.sessions_dir))
    return list(scene.look.rows_of(ROUTING, "scope = ?", [scope]))


@check("GW005", "routing-row-unusable", Severity.WARNING, Remedy.MANUAL)
def routing_row_unusable(scene: Scene) -> Iterator[Finding]:
    """A row of `gateway_routing` cannot be used, and nothing else says where its chat leads.

    What it means: Hermes 0.18.1 and later pass over the row, and drop it at their next save.
    Neither `sessions.json` nor an open session names the chat, so its next message starts an empty
    one.

    How it happens: an edit by hand, or damage of the file.

    What repair does: nothing, because nothing says where the chat led. `/resume` and the id of its
    session, sent in that chat, lead it back.

    How safe it is: nothing is changed.
    """
    named = file_routes(routing_file(scene.home))
    by_rows = {node.session_key for node in scene.nodes if node.is_open and node.session_key}
    for row in _rows(scene):
        key = readable(row["session_key"])
        if usable_entry(row) is not None or key in named or key in by_rows:
            continue
        yield routing_row_unusable.finding(
            {"kind": "table", "table": ROUTING},
            f"the row of {quoted(key)} in {ROUTING} is no entry that Hermes can read: the next"
            " message of that chat starts an empty one.",
            "To lead the chat back, send there: /resume and the id of its session.",
            data={"session_key": key},
            identity=(key,),
        )


@check("GW006", "chat-leads-back", Severity.INFO, Remedy.UNSAFE, stage=Stage.SESSIONS)
def chat_leads_back(scene: Scene) -> Iterator[Finding]:
    """A chat of the gateway went on under an older Hermes, and a later one leads it back.

    What it means: `sessions.json` has a later word on the chat than the table `gateway_routing`.
    Hermes 0.18.1 and later believe the table: the next message goes to the older session, and what
    was said in the later one is forgotten there.

    How it happens: after Hermes was updated to 0.18.1 or later, an older one ran for a while. Up to
    0.17 it knows only the file, cannot read that of 0.18.1 and later, and begins every chat anew.

    What repair does: nothing by itself. When you name the later session, the table gets what the
    file says of that chat.

    How safe it is: your decision, because both sessions were talked in, and which one the person
    means to go on with is not written anywhere. `undo` gives the row back.
    """
    if scene.look.live:
        return
    later = file_routes(routing_file(scene.home))
    for row in _rows(scene):
        entry = usable_entry(row)
        route = later.get(readable(row["session_key"]))
        if entry is None or route is None or route.session_id == entry["session_id"]:
            continue
        node, older = scene.node.get(route.session_id), str(entry["session_id"])
        if node is None or not node.rows or not node.is_open or not _is_later(route, entry):
            continue
        if scene.routing.is_live(node.id) or node.id in scene.graph.ancestors(older):
            continue
        yield chat_leads_back.finding(
            {"kind": "session", "session_id": node.id},
            f"is where a chat of the gateway went on, but it is led back to {older}.",
            advice("To go on here: `{}`", repair_of(node.id)),
            data={"leads_to": older},
            identity=(older,),
            sessions=1,
            messages=node.active_rows,
            fix=each(partial(_lead_on, row, route, older)),
        )


def _is_later(route: Route, entry: dict[str, object]) -> bool:
    """Whether the file was told of the chat after the table was; both in the same local time."""
    try:
        said = [datetime.fromisoformat(str(one.get("updated_at"))) for one in (entry, route.entry)]
        return said[0] < said[1]
    except (TypeError, ValueError):  # TypeError: only one of them has a zone
        return False


def _lead_on(row: Row, route: Route, older: str, finding: Finding) -> Iterator[Unit]:
    key = {name: row[name] for name in ("scope", "session_key")}
    after = json.dumps((usable_entry(row) or {}) | dict(route.entry))
    change = RowUpdate(ROUTING, key, {"entry_json": row["entry_json"]}, {"entry_json": after})
    summary = f"let a chat go on in {route.session_id}, not in {older}"
    unit = session_unit(finding, summary, [change], Safety.UNSAFE)
    yield replace(unit, sessions=unit.sessions | {older})
