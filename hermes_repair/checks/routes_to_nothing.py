"""Topics and chats of the gateway that lead to a session which is gone (GW003, GW004)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR, repair_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Source
from hermes_repair.host.regular_files import parse_json
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import RowDelete, RowUpdate
from hermes_repair.model.commands_to_type import Hint, advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import UNBINDING, Safety, Stage, Unit
from hermes_repair.model.values import Row
from hermes_repair.schema.table_rebuild import BINDINGS

ROUTING = "gateway_routing"


@check("GW003", "topic-bound-to-nothing", Severity.ERROR, Remedy.SAFE, stage=Stage.SESSIONS)
def topic_bound_to_nothing(scene: Scene) -> Iterator[Finding]:
    """A Telegram topic is bound to a session that does not exist.

    What it means: a binding goes before everything else that knows the topic's chat. At the next
    message the gateway ends the session in which the topic talks now, and starts an empty one.

    How it happens: a program that does not enforce foreign keys deleted the session, or a copy was
    incomplete. Hermes itself deletes the binding with the session.

    What repair does: it deletes the binding, as Hermes would have done with the session. The next
    message stays where the topic talks now, and Hermes binds the topic to that.

    How safe it is: safe where nothing is left from which the session can be brought back: no
    message and no transcript file. Otherwise do that first; the binding is then right again.
    """
    bindings = _unbound(scene)
    with_messages = _with_messages(scene, [str(row["session_id"]) for row in bindings])
    for row in bindings:
        session, key = str(row["session_id"]), str(row["session_key"])
        route = scene.routing.unbound.get(key)
        leaves = route is not None and route.session_id in scene.node
        kept = session in with_messages or session in scene.comparisons.answers
        safe = not kept and leaves
        repair_hint = (
            REPAIR
            if safe
            else advice(
                "Bring {} back first; to delete the binding instead: `{}`",
                session,
                repair_of(session),
            )
        )
        effect = "the next message there leaves its chat and starts an empty one"
        nothing = "Nothing needs to be done: its next message makes the session anew."
        yield topic_bound_to_nothing.finding(
            {"kind": "session", "session_id": session},
            f"does not exist, but a Telegram topic is bound to it: {effect}."
            if leaves
            else "does not exist, but a Telegram topic is bound to it.",
            repair_hint if leaves or kept else nothing,
            severity=Severity.ERROR if safe else Severity.WARNING if kept else Severity.INFO,
            remedy=Remedy.SAFE if safe else Remedy.UNSAFE if kept else Remedy.NONE,
            data={"thread_id": row["thread_id"], "talks_in": route.session_id if route else None},
            identity=(str(row["chat_id"]), str(row["thread_id"])),
            sessions=1,
            fix=each(partial(_delete, row, Safety.SAFE if safe else Safety.UNSAFE)),
        )


def _unbound(scene: Scene) -> list[Row]:
    if not scene.look.has(BINDINGS):
        return []
    rows = scene.look.rows_of(BINDINGS, "session_id NOT IN (SELECT id FROM sessions)")
    return [row for row in rows if all(isinstance(row[name], str) for name in _NAMES)]


_NAMES = ("chat_id", "thread_id", "session_key", "session_id")


def _with_messages(scene: Scene, ids: list[str]) -> frozenset[str]:
    """Return those of these sessions that have messages."""
    if not ids:
        return frozenset()
    rows = scene.look.rows(
        "SELECT value FROM json_each(?) WHERE value IN (SELECT session_id FROM messages)",
        [json.dumps(ids)],
    )
    return frozenset(str(row[0]) for row in rows)


def _delete(row: Row, safety: Safety, finding: Finding) -> Iterator[Unit]:
    key = {name: row[name] for name in ("chat_id", "thread_id")}
    summary = f"unbind a topic from {finding.session_id}, which does not exist"
    unit = session_unit(finding, summary, [RowDelete(BINDINGS, key, row)], safety)
    yield replace(unit, kind=UNBINDING)


@check("GW004", "chat-leads-to-nothing", Severity.INFO, Remedy.UNSAFE, stage=Stage.SESSIONS)
def chat_leads_to_nothing(scene: Scene) -> Iterator[Finding]:
    """A chat of the gateway leads to a session that does not exist.

    What it means: the next message starts an empty chat under that id, in every release, although
    another session of the same chat is open. Schemas below 17 do not know which that would be.

    How it happens: the session was deleted, on the command line, in the dashboard or by another
    program, and the gateway still names it. Or an older copy of the database was put back.

    What repair does: nothing by itself. When you name the session, the chat leads to the one that
    is open under its key, which is what Hermes 0.18.0 and later find when nothing names the chat.
    Only where the table `gateway_routing` has the chat (0.18.1 on).

    How safe it is: your decision, because whoever deleted the chat wanted it to begin anew.
    """
    for key, session, found in _leading_nowhere(scene):
        row = _routing_row(scene, key, session) if found is not None else None
        hint: Hint = "Nothing needs to be done if you deleted that chat."  # several are open
        if found is not None and row is not None:
            hint = advice("To go on in {}: `{}`", found.id, repair_of(session))
        elif found is not None:
            hint = f"To go on in {found.id}, send in that chat: /resume {found.id}"
        mends = found is not None and row is not None
        yield chat_leads_to_nothing.finding(
            {"kind": "session", "session_id": session},
            "does not exist, but a chat of the gateway leads to it: its next message starts an"
            " empty chat.",
            hint,
            remedy=Remedy.UNSAFE if mends else Remedy.NONE,
            data={"open": found.id if found is not None else None},
            identity=(key,),
            sessions=1,
            fix=each(partial(_lead_to, row, found))
            if found is not None and row is not None
            else None,
        )


def _leading_nowhere(scene: Scene) -> Iterator[tuple[str, str, SessionNode | None]]:
    """Yield the chats that lead nowhere: key, session, and the one that is open under the key.

    One of which nothing else is open was deleted, or never said anything, and begins anew rightly.
    Left out is also a session that can be brought back, which other findings say (TR002, MS003).
    """
    routes = {
        key: route
        for key, route in scene.routing.current.items()
        if route.source is not Source.TOPIC and route.session_id not in scene.node
    }
    if not routes or scene.look.live:
        return
    kept = _with_messages(scene, [route.session_id for route in routes.values()])
    for key, route in routes.items():
        session = route.session_id
        if session in kept or session in scene.comparisons.answers:
            continue
        open_ones = [
            node for node in scene.nodes if node.session_key == key and node.is_open and node.rows
        ]
        if open_ones:
            yield key, session, open_ones[0] if len(open_ones) == 1 else None


def _routing_row(scene: Scene, key: str, session: str) -> Row | None:
    """Return the row of ``gateway_routing`` that names the session for this chat."""
    route = scene.routing.current[key]
    if route.source is not Source.DATABASE:
        return None
    rows = scene.look.rows_of(ROUTING, "session_key = ?", [key])
    named = [row for row in rows if _entry(row).get("session_id") == session]
    return named[0] if len(named) == 1 else None


def _entry(row: Row) -> dict[str, Any]:
    try:
        entry = parse_json(str(row["entry_json"]))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _lead_to(row: Row, found: SessionNode, finding: Finding) -> Iterator[Unit]:
    key = {name: row[name] for name in ("scope", "session_key")}
    after = json.dumps(_entry(row) | {"session_id": found.id})
    change = RowUpdate(ROUTING, key, {"entry_json": row["entry_json"]}, {"entry_json": after})
    summary = f"let the chat of {finding.session_id} lead to {found.id}"
    unit = session_unit(finding, summary, [change], Safety.UNSAFE)
    yield replace(unit, sessions=unit.sessions | {found.id})
