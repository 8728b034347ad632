"""Tool calls without an answer and answers without a call (MS005); summaries twice (MS006)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from hermes_repair.checks.duplicate_messages import deactivations, repeats_of, shown_rows
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import (
    SETTLED_SECONDS,
    below_active,
    repair_of,
    session_unit,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import rows_in
from hermes_repair.evidence.tool_pairs import Pairs, call_id
from hermes_repair.model.actions import Action, RowUpdate
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Row, text
from hermes_repair.model.words import count
from hermes_repair.program_texts import is_compaction_summary
from hermes_repair.transcripts.message_keys import decode_calls
from hermes_repair.transcripts.repeated_rows import Shown


@check("MS005", "tool-call-unpaired", Severity.INFO, Remedy.UNSAFE, stage=Stage.COUNTS)
def tool_call_unpaired(scene: Scene) -> Iterator[Finding]:
    """A tool call has no answer, or an answer has no call.

    What it means: some model providers refuse such a chat with an error on every turn. Later
    releases correct it in memory each time.

    How it happens: a turn was interrupted, compaction cut between the two, or another program wrote
    to the chat (Hermes #16472, #27033, #79278).

    What repair does: nothing by itself. When you name the session, answers without a call become
    inactive, and calls without an answer are removed from their message, which becomes inactive if
    nothing else is in it. Nothing is deleted: the receipt keeps the old values.

    How safe it is: your decision: what the tool did is done, and the model no longer sees that it
    was asked for. Chats with a message younger than 15 minutes are left alone. Below schema 14 rows
    cannot be inactive: migrate first.
    """
    first = below_active(scene)
    for session_id, pairs in scene.suspects.unpaired.items():
        node = scene.node.get(session_id)
        if node is None or scene.now - (node.last_message_at or 0.0) < SETTLED_SECONDS:
            continue
        yield tool_call_unpaired.finding(
            {"kind": "session", "session_id": session_id},
            f"{', '.join(_counted(pairs, ' without an answer', ' without a call'))}.",
            first[1]
            if first
            else advice("If a provider refuses this chat: {}", repair_of(session_id)),
            remedy=first[0] if first else Remedy.UNSAFE,
            data={"open": len(pairs.open), "orphans": len(pairs.orphans)},
            identity=(len(pairs.open), len(pairs.orphans)),
            sessions=1,
            messages=len(set(pairs.open.values())) + len(pairs.orphans),
            fix=each(partial(_pair, scene, session_id, pairs)),
        )


def _counted(pairs: Pairs, of_calls: str = "", of_answers: str = "") -> Iterator[str]:
    """Yield how many calls and how many answers have no counterpart; of none nothing is said."""
    if pairs.open:
        yield count(len(pairs.open), "tool call") + of_calls
    if pairs.orphans:
        yield count(len(pairs.orphans), "answer") + of_answers


def _pair(scene: Scene, session_id: str, pairs: Pairs, finding: Finding) -> Iterator[Unit]:
    """Take out what has no counterpart."""
    yield session_unit(
        finding,
        f"remove {' and '.join(_counted(pairs))} without a counterpart from {session_id}",
        _unpaired_actions(scene, session_id, pairs),
        Safety.UNSAFE,
    )


def _unpaired_actions(scene: Scene, session_id: str, pairs: Pairs) -> Iterator[Action]:
    shown = {row.id: row for row in shown_rows(scene.look, session_id)}
    gone = [shown[id] for id in pairs.orphans]
    kept: list[RowUpdate] = []
    removed = 0
    for id in sorted(set(pairs.open.values())):
        row = next(scene.look.rows_of("messages", "id = ?", [id]))
        calls = decode_calls(row["tool_calls"])
        left = [call for call in calls if call_id(call) not in pairs.open]
        if not left and not row["content"]:
            gone.append(shown[id])
            continue
        removed += len(calls) - len(left)
        after: Row = {"tool_calls": json.dumps(left) if left else None}
        kept.append(RowUpdate("messages", {"id": id}, {"tool_calls": row["tool_calls"]}, after))
    yield from deactivations(
        scene, session_id, sorted(gone, key=lambda row: row.id), removed_calls=removed
    )
    yield from kept


@check("MS006", "duplicate-compaction-summary", Severity.INFO, Remedy.UNSAFE, stage=Stage.COUNTS)
def duplicate_compaction_summary(scene: Scene) -> Iterator[Finding]:
    """A chat shows the same summary of its earlier turns twice.

    What it means: the model reads the summary twice, which costs its length on every turn.

    How it happens: a compaction ran twice, or carried an earlier summary over with the messages
    that it protects.

    What repair does: nothing by itself. When you name the session, the later copy becomes inactive.

    How safe it is: the text is identical; whether its second place matters to the model is your
    decision. Nothing is deleted. Below schema 14 rows cannot be inactive: migrate first.
    """
    first = below_active(scene)
    for session_id, copies in _summaries(scene).items():
        yield duplicate_compaction_summary.finding(
            {"kind": "session", "session_id": session_id},
            f"shows {count(len(copies), 'copy')} of a summary that it already has.",
            first[1] if first else advice("To remove them: {}", repair_of(session_id)),
            remedy=first[0] if first else Remedy.UNSAFE,
            data={"copies": len(copies)},
            identity=(len(copies),),
            sessions=1,
            messages=len(copies),
            fix=each(partial(_once, scene, session_id, copies)),
        )


def _summaries(scene: Scene) -> dict[str, list[Shown]]:
    """Return the later copies of summaries, those aside that MS001 takes out."""
    seen: dict[str, dict[str, int]] = {}
    later: dict[str, set[int]] = {}
    for row in rows_in(scene.look, scene.suspects.summaries):
        session_id, content, id = text(row["session_id"]) or "", row["content"], row["id"]
        if row.get("active", 1) != 1 or not isinstance(content, str) or not isinstance(id, int):
            continue
        if session_id not in scene.node or row["role"] == "tool":
            continue
        if is_compaction_summary(content):
            first = seen.setdefault(session_id, {}).setdefault(content, id)
            if first != id:
                later.setdefault(session_id, set()).add(id)
    found = {}
    for session_id, ids in later.items():
        rows = shown_rows(scene.look, session_id)
        copied = {row.id for row in repeats_of(scene, session_id).copies}
        left = [row for row in rows if row.id in ids - copied]
        if left:
            found[session_id] = left
    return found


def _once(
    scene: Scene, session_id: str, copies: Sequence[Shown], finding: Finding
) -> Iterator[Unit]:
    """Let the first summary stay."""
    summary = f"make {count(len(copies), 'copy')} of a summary of {session_id} inactive"
    actions = deactivations(scene, session_id, copies)
    yield session_unit(finding, summary, actions, Safety.UNSAFE)
