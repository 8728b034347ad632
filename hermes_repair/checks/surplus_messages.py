"""Messages that a repair makes inactive: there twice (MS001, MS006), or unpaired (MS005).

A person who says the same twice is told apart. Nothing is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import (
    REPAIR,
    SETTLED_SECONDS,
    below_active,
    counters,
    repair_of,
    row_of,
    session_unit,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import Pairs, rows_in
from hermes_repair.lineage.compared_messages import Message
from hermes_repair.model.actions import Action, RowUpdate
from hermes_repair.model.commands_to_type import Hint, advice
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Row, Value, same_value, text
from hermes_repair.model.words import count, verb
from hermes_repair.program_texts import is_compaction_summary
from hermes_repair.store.look import Look
from hermes_repair.transcripts.message_keys import call_id, decode_calls
from hermes_repair.transcripts.message_rows import tool_calls_of
from hermes_repair.transcripts.repeats import TOGETHER, Repeats, find_repeats

NEAR = 8  # rows of other sessions and of the same turn that may lie between the two


# Rows that nobody sees count here too: to leave them out, each row would have to be read.
OF_ONE_TIME = (
    "SELECT DISTINCT session_id FROM messages GROUP BY session_id, timestamp HAVING COUNT(*) > 1"
)
# Both sides go by rowid: through the index of sessions a long chat would be squared.
SAID_AGAIN = (
    "SELECT DISTINCT a.session_id FROM messages a NOT INDEXED CROSS JOIN messages b NOT INDEXED"
    f" WHERE a.role = 'user' AND b.id BETWEEN a.id + 1 AND a.id + {NEAR}"
    " AND b.role = 'user' AND b.session_id = a.session_id"
    f" AND ABS(b.timestamp - a.timestamp) < {TOGETHER} AND b.content IS a.content"
)


def candidates(look: Look) -> list[str]:
    """Return the sessions where it may be: rows of one time, or a user's words twice in a moment.

    Both questions are answered by an index or by neighbouring rows, so that a sound database costs
    no more than reading it once.
    """
    suspects = {
        row[0]
        for sql in (SAID_AGAIN, OF_ONE_TIME)
        for row in look.counted(sql)
        if isinstance(row[0], str)
    }
    return sorted(suspects)


def repeats_of(scene: Scene, session_id: str) -> Repeats:
    """Return what a session holds twice, beside rows that a repair of ours wrote.

    Where a message was undone after the first copy, nothing is proven: the copy that is left may be
    the one that its owner wanted gone; and where a receipt of ours cannot be read (RP002), it is
    not known which rows are ours.
    """
    rows = scene.messages(session_id)
    repeats = find_repeats([row for row in rows if row.id not in scene.receipt_history.written])
    if not repeats.proven:
        return repeats
    doubtful = not scene.receipt_history.complete or _taken_back(
        scene, session_id, repeats.copies[0].id
    )
    return replace(repeats, proven=False) if doubtful else repeats


def _taken_back(scene: Scene, session_id: str, since: int) -> bool:
    columns = scene.look.columns("messages")
    if "active" not in columns:
        return False
    compacted = "AND compacted IS NOT 1" if "compacted" in columns else ""
    rows = scene.look.rows(
        f"SELECT id FROM messages WHERE session_id = ? AND active IS NOT 1 {compacted} AND id > ?",
        [session_id, since],
    )
    return any(id not in scene.receipt_history.deactivated for (id,) in rows)


@check(
    "MS001",
    "duplicate-messages",
    Severity.WARNING,
    Remedy.SAFE,
    stage=Stage.DUPLICATES,
    asks=lambda scene: (SAID_AGAIN, OF_ONE_TIME),
)
def duplicate_messages(scene: Scene) -> Iterator[Finding]:
    """A chat holds the same messages several times.

    What it means: every turn costs more than it should, up to "context length exceeded"; in one
    install 15,962 rows held only 468 different messages.

    How it happens: an agent stored the chat that it had loaded again before a rotation, a /new or a
    /branch (0.17.0 to 0.19.0), or on every turn (0.19.1 to 0.21; Hermes #68196, #92231, #99477); or
    two writers stored every message (#860).

    What repair does: the first of each stays, and the copies become inactive, like messages that
    were undone: no release shows them, none is deleted, and undo brings them back. The counts of
    the session follow.

    How safe it is: safe where everything that was loaded is there again from its first message on,
    with the same times to the last digit, and nothing was undone since: nothing else leaves that.
    Otherwise, also where the clock had been set back, it is a note, repaired only when you name the
    session: rewrites, rotations and branches give all messages of a chat nearly one time, and a
    person says "ok" twice. Messages
    that a repair brought back are never judged. Below schema 14 rows cannot be inactive: migrate
    first.
    """
    first = below_active(scene)
    for session_id, repeats in _found(scene).items():
        node, copies = scene.node[session_id], len(repeats.copies)
        here = Remedy.SAFE if repeats.proven else Remedy.UNSAFE
        hint: Hint = REPAIR
        if not repeats.proven:
            hint = advice("To remove them: {}", repair_of(session_id))
        yield duplicate_messages.finding(
            {"kind": "session", "session_id": session_id},
            f"{count(copies, 'message')} of {node.active_rows:,} {_verb(copies, repeats.proven)}.",
            first[1] if first else hint,
            severity=Severity.WARNING if repeats.proven else Severity.INFO,
            remedy=first[0] if first else here,
            data={"copies": copies, "messages": node.active_rows, "proven": repeats.proven},
            identity=(copies, repeats.proven),
            sessions=1,
            messages=copies,
            fix=each(partial(_set_inactive, scene, session_id, repeats)),
        )


def _verb(copies: int, proven: bool) -> str:
    if proven:
        return verb(copies, "is a copy of an earlier one", "are copies of earlier ones")
    return verb(copies, "seems to be a copy", "seem to be copies") + ", which nothing proves"


def _found(scene: Scene) -> dict[str, Repeats]:
    sessions = scene.look.within_limit(candidates)
    if sessions is None:
        scene.notes.append("MS001 was not checked: it takes too long while the database is in use.")
        return {}
    known = [session_id for session_id in sessions if session_id in scene.node]
    listed = ((session_id, repeats_of(scene, session_id)) for session_id in known)
    return {session_id: repeats for session_id, repeats in listed if repeats.copies}


def _set_inactive(
    scene: Scene, session_id: str, repeats: Repeats, finding: Finding
) -> Iterator[Unit]:
    """Let the first of each stay, and set the others inactive."""
    yield session_unit(
        finding,
        f"make {count(len(repeats.copies), 'copy')} of messages of {session_id} inactive",
        deactivations(scene, session_id, repeats.copies),
        Safety.SAFE if repeats.proven else Safety.UNSAFE,
    )


def deactivations(
    scene: Scene, session_id: str, rows: Sequence[Message], *, removed_calls: int = 0
) -> Iterator[Action]:
    """Yield what takes rows out of a chat without deleting them, the session's counts first.

    ``removed_calls`` are tool calls that leave rows which stay. A session with rewinds keeps its
    ``message_count``, as Hermes' own rewind does.
    """
    node, stored = scene.node[session_id], row_of(scene, session_id)
    counted: dict[str, Value] = {}
    if rows and not node.rewind_count:
        counted["message_count"] = node.active_rows - len(rows)
    calls = stored.get("tool_call_count")
    gone = removed_calls + sum(_calls_of(scene.look, row) for row in rows)
    if gone and isinstance(calls, int):
        counted["tool_call_count"] = max(0, calls - gone)
    yield from counters(stored, counted)
    for row in rows:
        kept = next(scene.look.rows_of("messages", "id = ?", [row.id]))
        flags: dict[str, Value] = {"active": 0, "compacted": 0}
        changed = {k: v for k, v in flags.items() if k in kept and not same_value(kept[k], v)}
        yield RowUpdate("messages", {"id": row.id}, {k: kept[k] for k in changed}, changed)


def _calls_of(look: Look, row: Message) -> int:
    stored = look.one("SELECT tool_calls FROM messages WHERE id = ?", [row.id])
    return tool_calls_of(decode_calls(stored[0])) if stored is not None else 0


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
    shown = {row.id: row for row in scene.messages(session_id)}
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


def _summaries(scene: Scene) -> dict[str, list[Message]]:
    """Return the later copies of summaries, those aside that MS001 takes out."""
    first_with: dict[str, dict[str, int]] = {}
    later: dict[str, set[int]] = {}
    for row in rows_in(scene.look, scene.suspects.summaries):
        session_id, content, id = text(row["session_id"]) or "", row["content"], row["id"]
        if row.get("active", 1) != 1 or not isinstance(content, str) or not isinstance(id, int):
            continue
        if session_id not in scene.node or row["role"] == "tool":
            continue
        if is_compaction_summary(content):
            first = first_with.setdefault(session_id, {}).setdefault(content, id)
            if first != id:
                later.setdefault(session_id, set()).add(id)
    repeated = {}
    for session_id, ids in later.items():
        rows = scene.messages(session_id)
        copied = {row.id for row in repeats_of(scene, session_id).copies}
        left = [row for row in rows if row.id in ids - copied]
        if left:
            repeated[session_id] = left
    return repeated


def _once(
    scene: Scene, session_id: str, copies: Sequence[Message], finding: Finding
) -> Iterator[Unit]:
    """Let the first summary stay."""
    summary = f"make {count(len(copies), 'copy')} of a summary of {session_id} inactive"
    actions = deactivations(scene, session_id, copies)
    yield session_unit(finding, summary, actions, Safety.UNSAFE)
