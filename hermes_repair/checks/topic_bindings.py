"""GW003: topics of Telegram that are bound to a session which is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR, repair_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import RowDelete
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import UNBINDING, Safety, Stage, Unit
from hermes_repair.model.values import Row
from hermes_repair.schema.table_rebuild import BINDINGS


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
