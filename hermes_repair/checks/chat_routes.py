"""GW001: a chat of the gateway that does not find the session in which it went on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from hermes_repair.checks.chats_used_since import other_since, somebody_else, written_on
from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import (
    REPAIR,
    fix_of,
    how,
    in_cycle,
    is_settled,
    remedy,
    row_of,
)
from hermes_repair.checks.routes_led_on import LeadOn
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.gateway_routing import Source
from hermes_repair.lineage.column_changes import Resolution, changes_of, refused, resolved
from hermes_repair.lineage.fork_resolution import RECOVERABLE_ENDS
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.release_rules import RULES, compression_tip
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage
from hermes_repair.model.values import Value
from hermes_repair.schema.data_steps import FILLED, entry_values

_FIRST_WITH_KEYS = 17
IDENTITY = (*FILLED, "user_id")
"""The columns of ``sessions`` by which the gateway finds the session of a chat (0.18.0 on)."""

_SEVERITY = {
    Remedy.SAFE: Severity.ERROR,
    Remedy.MANUAL: Severity.WARNING,
    Remedy.UNSAFE: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class _Cut:
    """A chat whose key stops at ``closed``, although it went on up to ``tip``.

    ``routed`` is whether the gateway's own entry names ``closed``; else nothing names the chat but
    the key in the row of ``closed``. ``chain`` is ``tip``, what it continues, and so on to
    ``closed``.
    """

    key: str
    closed: SessionNode
    tip: SessionNode
    routed: bool
    chain: tuple[str, ...]


@check(
    "GW001",
    "chat-loses-continuation",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.SESSIONS,
    concerns=Concerns.UNSEEN,
)
def chat_loses_continuation(scene: Scene) -> Iterator[Finding]:
    """A chat of the gateway was compressed and went on, but the gateway does not find where.

    What it means: at its next start Hermes 0.18.0 or later drops the way to the closed part, asks
    the rows for the chat, and finds nothing: the next message starts an empty chat, as if Hermes
    had forgotten everything. Releases up to 0.17 write the next message into the closed part.

    How it happens: the gateway was killed between a compression and its next save, or the way was
    lost later, and the continuation has no `session_key`: releases up to 0.19 did not copy it
    (Hermes #59527, #82616).

    What repair does: it copies what says whose chat it is (`session_key`, chat, thread, user,
    names) from the closed part to its latest continuation, only where that has none. The gateway
    then finds it by its own rule and sets its way right by itself. Schemas below 17 have no such
    columns; there the entry of the chat in `sessions.json` gets the id of the continuation, after
    the file was copied.

    How safe it is: safe where each part has exactly one continuation, which is provably no
    delegate's run, the gateway's own entry leads to the first, nothing was written into the closed
    part since, and no other session of the chat is open or younger. A session of that platform that
    was begun or used since, and that no chat leads to, may be of this chat: an old `sessions.json`
    may have been put back; and where that file alone leads to the first part, two chats may have
    exchanged theirs by /resume, unless no other chat or user of the platform is known. Then it is a
    note, done when you name the session. Below 17 safe where, beside all that, the continuation was
    never ended and the chat was not stopped: a chat that is begun anew, or led elsewhere, ends the
    session that it leaves; otherwise the person has to tell the chat. What ended by a reset is
    never opened again.
    """
    by_rows = _finds_by_rows(scene)
    lead_on = LeadOn(scene)
    for cut in _cuts(scene):
        if by_rows:
            resolution = _resolution(scene, cut)
            judged, hint, reason = (
                remedy(resolution),
                how(resolution, cut.tip.id),
                resolution.reason,
            )
            summary = f"let the chat of {cut.closed.id} find {cut.tip.id} ({reason})"
            fix = fix_of(resolution, summary, sessions=(cut.closed.id,))
        else:
            reason = lead_on.objection(cut.key, cut.chain)
            judged, hint = (Remedy.MANUAL, reason) if reason else (Remedy.SAFE, REPAIR)
            fix = lead_on if not reason else None
        lost = "starts an empty chat" if by_rows else "goes to the closed part"
        yield chat_loses_continuation.finding(
            {"kind": "session", "session_id": cut.tip.id, "parent": cut.closed.id},
            f"continues {cut.closed.id}, but the gateway does not find it: the next message of"
            f" that chat {lost}.",
            hint,
            severity=_SEVERITY[judged],
            remedy=judged,
            data={"closed": cut.closed.id, "routed": cut.routed, "reason": str(reason)},
            identity=(cut.closed.id,),
            sessions=1,
            messages=cut.tip.active_rows,
            fix=fix,
        )


def _finds_by_rows(scene: Scene) -> bool:
    """Whether releases of this schema look for a chat in the rows (0.18.0, schema 17 on)."""
    return "session_key" in scene.look.columns("sessions")


def _cuts(scene: Scene) -> Iterator[_Cut]:
    routing = scene.routing
    seen: set[str] = set()
    for key, route in routing.current.items():
        node = scene.node.get(route.session_id)
        cut = _cut(scene, key, node, routed=True) if node is not None else None
        if cut is not None and cut.tip.id not in seen:
            seen.add(cut.tip.id)
            yield cut
    for key, node in _newest_of_keys(scene).items():
        cut = _cut(scene, key, node, routed=False) if key not in routing.current else None
        if cut is not None and cut.tip.id not in seen:
            seen.add(cut.tip.id)
            yield cut


def _newest_of_keys(scene: Scene) -> Mapping[str, SessionNode]:
    newest: dict[str, SessionNode] = {}
    for node in scene.nodes:
        if node.session_key is not None:
            there = newest.get(node.session_key)
            if there is None or (node.started_at or 0.0) >= (there.started_at or 0.0):
                newest[node.session_key] = node
    return newest


def _cut(scene: Scene, key: str, node: SessionNode, *, routed: bool) -> _Cut | None:
    """Return the chat whose key stops at this session, None where the gateway finds the way."""
    if node.end_reason != "compression" or scene.look.live:
        return None
    newest = list(RULES.values())[-1]
    tip = scene.node[compression_tip(scene.graph, node.id, newest)]
    if tip.id == node.id or not _taken_up(tip) or not tip.rows:
        return None
    known = tip.session_key is not None or (tip.chat_id is not None and tip.chat_type is not None)
    if known or scene.routing.is_live(tip.id):
        return None
    between = [tip.id, *scene.graph.ancestors(tip.id)]
    chain = between[: between.index(node.id) + 1] if node.id in between else []
    straight = all(scene.graph.continuations(name) == (child,) for child, name in pairwise(chain))
    if not chain or not straight or not in_cycle(scene).isdisjoint(chain):
        return None  # a fork or a circle, which is set right first
    if any(scene.graph.kinds.get(name) is not EdgeKind.CONTINUATION for name in chain[:-1]):
        return None
    times = (node.ended_at, tip.started_at)
    return _Cut(key, node, tip, routed, tuple(chain)) if is_settled(scene, times, chain) else None


def _taken_up(node: SessionNode) -> bool:
    return node.is_open or node.end_reason in RECOVERABLE_ENDS


def _may_be_meant(node: SessionNode, cut: _Cut) -> bool:
    """Whether another session of the chat is open, or came after the closed part: after a /new."""
    return _taken_up(node) or (node.started_at or 0.0) >= (cut.closed.started_at or 0.0)


def _resumes_are_noted(scene: Scene, cut: _Cut) -> bool:
    """Whether a /resume of the continuation had left a key there: 0.18.0 and later write it.

    Such a release was at work on the chat before it was compressed where the table leads to the
    closed part (0.18.1 on), or where that has its key at schema 17; the step to 18 fills it in.
    """
    if scene.routing.current[cut.key].source > Source.FILE:
        return True
    return scene.recognition.number == _FIRST_WITH_KEYS and cut.closed.session_key is not None


def _resolution(scene: Scene, cut: _Cut) -> Resolution:
    if cut.tip.source != cut.closed.source:
        return refused(f"{cut.tip.id} is of another platform than {cut.closed.id}")
    tip, closed = row_of(scene, cut.tip.id), row_of(scene, cut.closed.id)
    said: dict[str, Value] = {"session_key": cut.key}
    if cut.routed:
        said = entry_values(cut.key, scene.routing.current[cut.key].entry) | said
    values = {
        column: closed[column] if closed.get(column) is not None else said.get(column)
        for column in IDENTITY
        if column in tip and tip[column] is None
    }
    given = {column: value for column, value in values.items() if value is not None}
    if given.get("session_key") != cut.key:
        return refused(f"the row of {cut.closed.id} names another chat than the gateway does")
    change = changes_of(cut.tip.id, tip, given)
    resolution = resolved([change], Safety.SAFE, "the only continuation of what the chat leads to")
    later = [
        node.id
        for node in scene.nodes
        if node.session_key == cut.key and node.id != cut.closed.id and _may_be_meant(node, cut)
    ]
    if later:
        return resolution.as_judgement(f"{later[0]} is of the same chat too")
    if written_on(scene, cut.chain):
        return resolution.as_judgement(f"the chat went on in {cut.closed.id} since")
    other = other_since(scene, cut.key, cut.chain)
    if other is not None:
        return resolution.as_judgement(f"the chat may have gone on in {other} since")
    if not cut.routed:
        return resolution.as_judgement("a later session of that chat may have been deleted")
    if not _resumes_are_noted(scene, cut) and somebody_else(scene, cut.key, cut.closed):
        return resolution.as_judgement("another chat may have gone on in it, by /resume")
    if not is_no_delegate(scene, cut.tip.id):
        return replace(
            resolution, safety=Safety.UNSAFE, reason=f"{cut.tip.id} may be a delegate's run"
        )
    return resolution
