"""Messages that are there twice (MS001), told apart from a person who says the same twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolved import below_active, row_of
from hermes_repair.checks.scene import Scene
from hermes_repair.lineage.node import number, text
from hermes_repair.model.actions import Action, RowUpdate
from hermes_repair.model.findings import Finding, Remedy, Safety, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Value, row_digest, same_value
from hermes_repair.report.escape import count, verb
from hermes_repair.store.look import Look
from hermes_repair.transcripts.keys import decode_calls
from hermes_repair.transcripts.rows import tool_calls_of

TOGETHER = 2.0  # seconds within which two writers store the same message
NEAR = 8  # rows of other sessions and of the same turn that may lie between the two
ENOUGH = 3  # rows in a row that are there twice, before two writers are the only explanation

_SAME = ("role", "content", "tool_calls", "tool_call_id", "platform_message_id")


@dataclass(frozen=True, slots=True)
class Shown:
    """One row that releases show: its id, its time, what makes two rows the same message."""

    id: int
    at: float | None
    role: str
    digest: str
    calls: int


def candidates(look: Look) -> list[str]:
    """Return the sessions where it may be: rows of one time, or a user's words twice in a moment.

    Both questions are answered by an index or by neighbouring rows, so that a sound database costs
    no more than reading it once.
    """
    # Rows that nobody sees count here too: to leave them out, each row would have to be read.
    one_time = (
        "SELECT DISTINCT session_id FROM messages GROUP BY session_id, timestamp HAVING"
        " COUNT(*) > 1"
    )
    # Both sides go by rowid: through the index of sessions a long chat would be squared.
    again = (
        "SELECT DISTINCT a.session_id FROM messages a NOT INDEXED CROSS JOIN messages b NOT INDEXED"
        f" WHERE a.role = 'user' AND b.id BETWEEN a.id + 1 AND a.id + {NEAR}"
        " AND b.role = 'user' AND b.session_id = a.session_id"
        f" AND ABS(b.timestamp - a.timestamp) < {TOGETHER} AND b.content IS a.content"
    )
    found = {
        row[0] for sql in (one_time, again) for row in look.rows(sql) if isinstance(row[0], str)
    }
    return sorted(found)


def shown_rows(look: Look, session_id: str) -> list[Shown]:
    """Return the rows of a session that releases show, by id."""
    columns = look.columns("messages")
    same = [name for name in _SAME if name in columns]
    active = " AND active = 1" if "active" in columns else ""
    found = []
    for id, at, *values in look.rows(
        f"SELECT id, timestamp, {', '.join(same)} FROM messages WHERE session_id = ?{active}"
        " ORDER BY id",
        [session_id],
    ):
        row = dict(zip(same, values, strict=True))
        calls = tool_calls_of(decode_calls(row.get("tool_calls")))
        digest = row_digest(row, same)
        found.append(
            Shown(
                id if isinstance(id, int) else 0, number(at), text(row["role"]) or "", digest, calls
            )
        )
    return found


def repeated(rows: Sequence[Shown]) -> list[Shown]:
    """Return the rows that are copies of an earlier one, by id.

    Pure. Inserted again (a turn that Hermes stored twice or eighty times): everything is the same,
    the time to the last digit included. A person never says two things at one time; where times
    are whole seconds, as some chat platforms give them, three rows in a row have to be the same.
    Two writers: the same row twice within two seconds, three in a row, not all of them a person's.
    """
    exact = _exact(rows)
    rest = [row for row in rows if row.id not in {copy.id for copy in exact}]
    return sorted([*exact, *_two_writers(rest)], key=lambda row: row.id)


def _exact(rows: Sequence[Shown]) -> list[Shown]:
    seen: set[tuple[str, float]] = set()
    copies: list[Shown] = []
    run: list[Shown] = []
    for row in rows:
        if row.at is None:
            continue
        mark = (row.digest, row.at)
        if mark in seen:
            run.append(row)
            continue
        seen.add(mark)
        copies += _certain(run)
        run = []
    return copies + _certain(run)


def _certain(run: list[Shown]) -> list[Shown]:
    if len(run) >= ENOUGH:
        return run
    return [row for row in run if row.at is not None and not row.at.is_integer()]


def _two_writers(rows: Sequence[Shown]) -> list[Shown]:
    """Return the second of each two, where a run of rows is followed by itself in a moment.

    A run is one row (A A B B C C) or some (A B C A B C).
    """
    copies: list[Shown] = []
    place = 0
    pairs: list[Shown] = []
    while place < len(rows):
        length = next((n for n in range(1, NEAR + 1) if _follows(rows, place, n)), 0)
        if length:
            pairs += rows[place + length : place + 2 * length]
            place += 2 * length
            continue
        copies += _proven(pairs)
        pairs = []
        place += 1
    return copies + _proven(pairs)


def _follows(rows: Sequence[Shown], place: int, length: int) -> bool:
    if place + 2 * length > len(rows):
        return False
    return all(_is_again(rows[at], rows[at + length]) for at in range(place, place + length))


def _is_again(first: Shown, second: Shown) -> bool:
    if first.digest != second.digest or first.at is None or second.at is None:
        return False
    return abs(second.at - first.at) < TOGETHER


def _proven(pairs: list[Shown]) -> list[Shown]:
    enough = len(pairs) >= ENOUGH and any(row.role != "user" for row in pairs)
    return pairs if enough else []


@check("MS001", "duplicate-messages", Severity.WARNING, Remedy.SAFE)
def duplicate_messages(scene: Scene) -> Iterator[Finding]:
    """A chat holds the same messages several times.

    What it means: every turn costs more than it should, up to "context length exceeded"; in one
    install 15,962 rows held 468 different messages.

    How it happens: a rotation or a compaction wrote the whole history again (Hermes #92231, #68196,
    #99477), or two writers stored every message of a chat (#860).

    What repair does: the first of each stays, the copies become inactive, as messages that were
    taken back are: no release shows them, none is deleted, and undo brings them back. The counts of
    the session follow.

    How safe it is: copies have everything the same, the time to its last digit, or a whole run of
    rows, the model's among them, is there twice within two seconds. "ok" said twice by a person
    stays. Below schema 14 rows cannot be inactive: migrate first.
    """
    first = below_active(scene)
    for session_id, copies in _found(scene).items():
        node = scene.node[session_id]
        yield duplicate_messages.finding(
            {"kind": "session", "session_id": session_id},
            f"{count(len(copies), 'message')} of {node.active_rows:,}"
            f" {verb(len(copies), 'is a copy of an earlier one', 'are copies of earlier ones')}.",
            first[1] if first else "hermes-repair repair",
            remedy=first[0] if first else Remedy.SAFE,
            data={"copies": len(copies), "messages": node.active_rows},
            identity=(len(copies),),
            sessions=1,
            messages=len(copies),
        )


def _found(scene: Scene) -> dict[str, list[Shown]]:
    sessions = scene.look.within_limit(candidates)
    if sessions is None:
        scene.notes.append("MS001 was not looked at: this takes too long beside a live Hermes.")
        return {}
    listed = ((session_id, repeated(shown_rows(scene.look, session_id))) for session_id in sessions)
    return {
        session_id: copies for session_id, copies in listed if copies and session_id in scene.node
    }


@duplicate_messages.proposes
def set_inactive(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Let the first of each stay, and set the others inactive."""
    for finding in findings:
        session_id = finding.session_id or ""
        copies = repeated(shown_rows(scene.look, session_id))
        yield Unit(
            kind="session",
            subject=session_id,
            summary=f"set {count(len(copies), 'copy')} of messages of {session_id} inactive",
            actions=tuple(deactivations(scene, session_id, copies)),
            safety=Safety.SAFE,
            live=False,
            findings=(finding.fingerprint,),
            finding_ids=(finding.id,),
            sessions=frozenset({session_id}),
        )


def deactivations(
    scene: Scene, session_id: str, rows: Sequence[Shown], *, removed_calls: int = 0
) -> Iterator[Action]:
    """Yield what takes rows out of a chat without deleting them, the session's counts first.

    ``removed_calls`` are tool calls that leave rows which stay. A session with rewinds keeps its
    ``message_count``, as Hermes' own rewind does.
    """
    node, stored = scene.node[session_id], row_of(scene, session_id)
    after: dict[str, Value] = {}
    if rows and not node.rewind_count:
        after["message_count"] = node.active_rows - len(rows)
    calls, gone = stored.get("tool_call_count"), removed_calls + sum(row.calls for row in rows)
    if gone and isinstance(calls, int):
        after["tool_call_count"] = max(0, calls - gone)
    if after:
        before = {column: stored[column] for column in after}
        yield RowUpdate("sessions", {"id": session_id}, before, after, frozenset(after))
    for row in rows:
        kept = next(scene.look.rows_of("messages", "id = ?", [row.id]))
        flags: dict[str, Value] = {"active": 0, "compacted": 0}
        changed = {k: v for k, v in flags.items() if k in kept and not same_value(kept[k], v)}
        yield RowUpdate("messages", {"id": row.id}, {k: kept[k] for k in changed}, changed)
