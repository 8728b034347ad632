"""Chains that end in themselves (LN003), in nothing (LN004) or in an empty session (LN005).

What only a transcript file has, or a repair brought back from one, may be what continues a chain
that ends in nothing (Hermes #33906).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from hermes_repair.checks.message_counts import loses
from hermes_repair.checks.orphan_sessions import of_the_program
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import (
    REPAIR,
    fix_of,
    how,
    in_cycle,
    is_settled,
    linked,
    merged,
    remedy,
    repair_of,
    unit_of,
)
from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import Resolution, refused
from hermes_repair.lineage.compared_messages import Message, Nature, begins_with
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.links import attach, cut_cycle, cut_empty, reopen_parent, waits_for
from hermes_repair.lineage.release_rules import newly_shown
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import text
from hermes_repair.model.words import count
from hermes_repair.transcripts.sequences import ASSISTANT, HARNESS, SUMMARY, TOOL

FIRST_IMPORTING = 22
"""From this schema on (0.19.0) a release imports sessions, and gives their messages new ids."""


@check(
    "LN003",
    "lineage-cycle",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def lineage_cycle(scene: Scene) -> Iterator[Finding]:
    """Sessions are each other's parents, in a circle.

    What it means: no release lists any of them. Some commands never return from such a circle:
    exporting one of its sessions in 0.18.1 or 0.18.2 loops forever.

    How it happens: SQL by hand, or an import that did not check (Hermes #49148, #49178).

    What repair does: it cuts the link of the earliest session that is no run of the program's own,
    which then comes first in the chain.

    How safe it is: safe for a session that is its own parent, because that link says nothing, if it
    is provably a person's (LN001) or keeps a delegate's mark. An unmarked run of a delegate, a
    timer or a tool is only noted, because every list shows what has no parent. In a longer circle
    any link could be the wrong one, so one is cut only when you name a session of the circle.
    """
    for cycle in scene.graph.cycles:
        first = cycle[0]
        members = count(len(cycle), "session")
        alone = len(cycle) == 1
        resolution = cut_cycle(linked(scene, scene.node[first]), scene.proof(first), cycle)
        of_program = alone and of_the_program(scene.node[first])
        if of_program:
            resolution = refused("Nothing has to be done: no list is to show it.")
        yield lineage_cycle.finding(
            {"kind": "session", "session_id": first},
            "is its own parent, so no release lists it."
            if alone
            else f"leads back to itself through {members}, so no release lists any of them.",
            how(resolution, first),
            severity=Severity.INFO if of_program else Severity.ERROR,
            remedy=Remedy.NONE if of_program else remedy(resolution),
            data={"cycle": list(cycle)},
            identity=cycle,
            sessions=len(cycle),
            messages=sum(scene.node[name].active_rows for name in cycle),
            fix=fix_of(
                resolution,
                f"cut the link of {first} to {scene.node[first].parent_id} ({resolution.reason})",
                kind="family",
                sessions=cycle,
            ),
        )


@check("LN004", "continuation-missing", Severity.INFO, Remedy.UNSAFE, stage=Stage.LINEAGE)
def continuation_missing(scene: Scene) -> Iterator[Finding]:
    """A conversation was closed for compression, and nothing continues it.

    What it means: the session counts as ended. Releases after 0.19.0 refuse every message to it;
    earlier ones keep writing to a closed session.

    How it happens: the program stopped between closing the session and starting its continuation
    (Hermes #80337, #82001), or the continuation reached only its transcript file (#33906). It looks
    the same when somebody deleted the continuation, or imported the chat without it, and that is no
    damage.

    What repair does: it reopens the session, so that Hermes can write to it. If a transcript file
    has the continuation, it brings that back and links it instead.

    How safe it is: only while nobody has the database open, at least 15 minutes after the session
    was closed, and with no continuation of any kind and no compression lock. Safe where a gateway
    chat leads to it, so that its next message would go to a closed session, and where its
    continuation was brought back. Otherwise it is a note, and repaired only when you name the
    session. The receipt keeps the time and the reason of the closing.
    """
    cycles = in_cycle(scene)
    for node in scene.nodes:
        closed = node.end_reason == "compression" and not scene.graph.continuations(node.id)
        if not closed or node.id in cycles or not is_settled(scene, [node.ended_at], [node.id]):
            continue
        ending = judge_ending(scene, node)
        held = f" The file of {ending.file} has its continuation." if ending.file else ""
        others = scene.continued_elsewhere.get(node.id, ())
        held += f" {', '.join(map(str, others))} continues it." if others else ""
        here = " here" if others else ""
        proven = ending.waits or ending.resolution.safety is Safety.SAFE
        yield continuation_missing.finding(
            {"kind": "session", "session_id": node.id},
            f"was closed by compression, and nothing{here} continues it.{held}",
            ending.hint or how(ending.resolution, node.id),
            severity=Severity.ERROR if proven else Severity.INFO,
            remedy=Remedy.SAFE if proven else remedy(ending.resolution),
            data={
                "ended_at": node.ended_at,
                "continuation_in_file": ending.file,
                "continued_in": [str(other.place.path) for other in others],
            },
            identity=(node.ended_at,),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(
                ending.resolution,
                ending.summary,
                sessions={ending.file} if ending.file is not None else (),
            ),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a closed session; ``file`` is the session whose file continues it.

    ``waits``: that file is brought back first, and then linked.
    """

    resolution: Resolution
    summary: str
    file: str | None = None
    hint: Hint | None = None
    waits: bool = False


def judge_ending(scene: Scene, node: SessionNode) -> Ending:
    """Say what becomes of a session that compression closed and nothing continues."""
    brought = imported_continuation(scene, node)
    if brought is not None:
        resolution = attach(linked(scene, scene.node[brought]), node.id)
        return Ending(resolution, f"link {brought} to {node.id} ({resolution.reason})")
    resolution = reopen_parent(linked(scene, node))
    others = scene.continued_elsewhere.get(node.id, ())
    if others:
        resolution = resolution.as_judgement(f"{others[0]} continues it")
        return Ending(resolution, f"reopen {node.id} ({resolution.reason})")
    file = continuation_in_file(scene, node)
    if file is None:
        return Ending(resolution, f"reopen {node.id} ({resolution.reason})")
    name = file.session_id
    reason = f"the file of {name} continues it"
    hint: Hint = REPAIR
    if not file.safe:
        reason = f"a file that may have been deleted on purpose continues it: {name}"
        hint = advice(
            "If you want it: `{}`; otherwise `{}` reopens this one",
            command("backfill", name),
            repair_of(node.id),
        )
    asked = resolution.as_judgement(reason)
    return Ending(asked, f"reopen {node.id} ({reason})", name, hint, waits=file.safe)


@check("LN005", "continuation-empty", Severity.WARNING, Remedy.SAFE, stage=Stage.LINEAGE)
def continuation_empty(scene: Scene) -> Iterator[Finding]:
    """A continuation was started, but nothing was ever written to it.

    What it means: lists and resume lead to an empty chat, and the conversation before it seems to
    be gone.

    How it happens: the program stopped between rotating the session and its first write (up to
    0.18.2; Hermes #15000, #47202, #51089). Or somebody undid everything in it (up to 0.15.2), or
    imported such a chat: that is no damage, and only the message ids tell the difference.

    What repair does: it cuts the link of the empty session, which stays. If nothing else continues
    the conversation, it reopens the conversation.

    How safe it is: only while nobody has the database open, at least 15 minutes after the rotation,
    with no message in it, no session below it and no lock. Safe where no message id is missing
    after the conversation's last one, in a database from before 0.19.0 could import chats: then
    nothing was ever written to it. Neither it nor whatever else continues the conversation may be a
    delegate's run: up to 0.16.0 those have no mark, and lists would show it. A rotation creates its
    session in the second of the end, and a continuation has a summary or rows of the conversation.
    Otherwise it is repaired only when you name the session. If a gateway chat leads to it, its
    next message would go there: send /new in that chat first.
    """
    for node in _empty(scene):
        resolution = judge_empty(scene, node)
        written = not _never_written(scene, node, scene.node[node.parent_id or ""])
        yield continuation_empty.finding(
            {"kind": "session", "session_id": node.id, "parent": node.parent_id},
            f"continues {node.parent_id} and has no message.",
            how(resolution, node.id),
            severity=Severity.INFO if written else Severity.WARNING,
            remedy=remedy(resolution),
            data={"parent": node.parent_id},
            identity=(node.parent_id,),
            sessions=1,
            fix=each(partial(_unlink, scene, node)),
        )


def _empty(scene: Scene) -> Iterator[SessionNode]:
    cycles = in_cycle(scene)
    for node in scene.nodes:
        kind = scene.graph.kinds.get(node.id)
        if kind is not EdgeKind.CONTINUATION or node.rows or node.id in cycles:
            continue
        parent = scene.node[node.parent_id or ""]
        below = scene.graph.children.get(node.id)
        if not below and is_settled(
            scene, [node.started_at, parent.ended_at], [node.id, parent.id]
        ):
            yield node


def judge_empty(scene: Scene, node: SessionNode) -> Resolution:
    """Say what becomes of an empty continuation."""
    parent = scene.node[node.parent_id or ""]
    unwritten = _never_written(scene, node, parent)
    cut = cut_empty(linked(scene, node), scene.titles, scene.taken_titles, unwritten=unwritten)
    if not cut.changes:
        return refused(f"{cut.reason}. Send /new in that chat, then run repair")
    if loses(scene, node.id):
        return cut.as_judgement("its file has messages")
    following = [child for child in scene.graph.continuations(parent.id) if child != node.id]
    shown = sorted(newly_shown(scene.graph, [node.id], scene.recognition.number, cut=True))
    parts = dict.fromkeys([node.id, *following, *shown])
    runs = [child for child in parts if not is_no_delegate(scene, child)]
    if runs:
        why = f"{runs[0]} may be a delegate's run, which lists would show then"
        return cut.as_judgement(why)
    if following:
        return cut
    reopened = reopen_parent(linked(scene, parent), without={node.id}, unwritten=unwritten)
    both = merged([cut, reopened], f"{cut.reason}; {parent.id} is reopened")
    others = scene.continued_elsewhere.get(parent.id, ())
    if others:
        return both.as_judgement(f"{others[0]} continues {parent.id}")
    return both


def _unlink(scene: Scene, node: SessionNode, finding: Finding) -> Iterator[Unit]:
    """Cut the link of the empty continuation, and open its parent where nothing else follows.

    Judged anew: the title that it gives may have been taken by the plan since.
    """
    resolution = judge_empty(scene, node)
    if resolution.changes:
        yield unit_of(
            finding,
            resolution,
            f"cut the link of {node.id} to {node.parent_id} ({resolution.reason})",
            kind="family",
            sessions={node.parent_id or ""},
        )


def _never_written(scene: Scene, empty: SessionNode, before: SessionNode) -> bool:
    """Whether ``empty``, which began after the last message of ``before``, never held a message.

    ``messages.id`` is AUTOINCREMENT: an id is given once, and one that nobody holds belonged to a
    message that is gone. Where every id above the last one of ``before`` is held, nothing that was
    written since is gone. After an import ids say nothing of what there was before it.
    """
    if empty.rows or scene.recognition.number >= FIRST_IMPORTING:
        return False
    if before.rows and (
        before.last_message_at is None
        or empty.started_at is None
        or before.last_message_at > empty.started_at
    ):
        return False
    row = scene.look.one(
        "SELECT seq = last + (SELECT COUNT(*) FROM messages WHERE id > last) FROM"
        " (SELECT COALESCE(MAX(id), 0) AS last FROM messages WHERE session_id = ?),"
        " (SELECT seq FROM sqlite_sequence WHERE name = 'messages')",
        [before.id],
    )
    return row is not None and row[0] == 1


NEAR_SECONDS = 15 * 3600
"""A rotation names its new session after the local time of the moment; zones reach 14 hours."""


@dataclass(frozen=True, slots=True)
class FileSession:
    """A session that only a file has; ``safe`` where repair brings it back by itself."""

    session_id: str
    safe: bool


def continuation_in_file(scene: Scene, node: SessionNode) -> FileSession | None:
    """Return the session without a row whose file begins with the rows of a closed session."""
    rows = None
    for session_id, answer in scene.comparisons.answers.items():
        fill = answer.comparison.fill if answer.comparison is not None else None
        if session_id in scene.node or fill is None or not _near(session_id, node.ended_at):
            continue
        rows = rows if rows is not None else scene.messages(node.id)
        if begins_with(rows, tuple(_messages(answer))):
            return FileSession(session_id, answer.comparison is not None and answer.comparison.safe)
    return None


def imported_continuation(scene: Scene, node: SessionNode) -> str | None:
    """Return the session without a parent that a repair brought back and that continues this one.

    All its rows are ones that receipts of ours inserted, and it begins with those of ``node``.
    """
    if not scene.receipt_history.written:
        return None
    rows = None
    for (parent,) in scene.look.rows(
        "SELECT DISTINCT session_id FROM messages WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(sorted(scene.receipt_history.written))],
    ):
        other = scene.node.get(text(parent) or "")
        if other is None or other.parent_id is not None:
            continue
        if not waits_for(scene.graph, node, other):
            continue
        rows = rows if rows is not None else scene.messages(node.id)
        if begins_with(rows, scene.messages(other.id)):
            return other.id
    return None


def _near(session_id: str, ended_at: float | None) -> bool:
    """Whether a session's id can be of the time at which another ended; ids of other forms can."""
    try:
        named = datetime.strptime(session_id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    return ended_at is None or abs(named.timestamp() - ended_at) <= NEAR_SECONDS


def _messages(answer: Compared) -> Iterator[Message]:
    sequence = answer.lines()
    for index, flags in enumerate(sequence.flags):
        role = "assistant" if flags & ASSISTANT else "tool" if flags & TOOL else "user"
        nature = Nature.GENUINE
        if flags & SUMMARY:
            nature = Nature.CARRIED
        elif flags & HARNESS:
            nature = Nature.PROMPT
        yield Message(index, role, sequence.keys[index], sequence.time(index), nature)
