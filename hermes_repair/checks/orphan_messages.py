"""Messages whose session has no row (MS003)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import repair_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.suspect_rows import is_time
from hermes_repair.model.actions import RowInsert
from hermes_repair.model.commands_to_type import advice
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import ADOPTION, Safety, Stage, Unit
from hermes_repair.model.values import Row, Value, number, whole
from hermes_repair.model.words import count, utc_day, verb
from hermes_repair.store.look import Look
from hermes_repair.transcripts.message_keys import decode_calls
from hermes_repair.transcripts.message_rows import NewSession, recovered_title, tool_calls_of

SOURCE = "recovered"
"""What 0.20 and later call the source of a session that they make for messages without one."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """The messages of one missing session. ``first`` is their earliest time, where one is sound."""

    session_id: Value
    messages: int
    first: float | None


def find_orphans(look: Look) -> list[Orphans]:
    """Return the missing sessions that messages name, by id."""
    rows = look.rows(
        "SELECT session_id, COUNT(*), MIN(timestamp) FROM messages WHERE session_id NOT IN"
        " (SELECT id FROM sessions) GROUP BY session_id ORDER BY session_id"
    )
    return [
        Orphans(session_id, whole(messages), number(first) if is_time(first) else None)
        for session_id, messages, first in rows
    ]


@check(
    "MS003",
    "orphan-messages",
    Severity.ERROR,
    Remedy.UNSAFE,
    stage=Stage.DUPLICATES,
    concerns=Concerns.UNSEEN,
)
def orphan_messages(scene: Scene) -> Iterator[Finding]:
    """Messages belong to a session that does not exist.

    What it means: no list and no chat shows them, and they still take up space: on one install they
    were 94 % of all messages.

    How it happens: an old delete removed the session and left its messages, foreign keys were off,
    or a copy was incomplete (Hermes #87928, #24321).

    What repair does: nothing by itself. When you name the session, it gets a row again, with the
    source "recovered" and a title that says so, and the chat is listed. Messages are never deleted.

    How safe it is: nothing is lost either way. The messages do not tell whether the session was
    deleted on purpose.
    """
    missing = scene.look.within_limit(find_orphans)
    if missing is None:
        scene.notes.append("MS003 was not checked: it takes too long while the database is in use.")
    for orphans in missing or ():
        session_id = orphans.session_id if isinstance(orphans.session_id, str) else None
        named = session_id is not None
        subject = {"kind": "session", "session_id": session_id}
        yield orphan_messages.finding(
            subject if named else {"kind": "table", "table": "messages"},
            f"{count(orphans.messages, 'message')} {verb(orphans.messages, 'belongs', 'belong')} to"
            " a session that does not exist.",
            advice("To bring them back: {}", repair_of(session_id))
            if session_id is not None
            else "The id of that session is not text: it cannot be restored.",
            remedy=Remedy.UNSAFE if named else Remedy.MANUAL,
            data={"messages": orphans.messages, "first": orphans.first},
            identity=(orphans.messages,),
            sessions=1,
            messages=orphans.messages,
            fix=each(partial(_adopt, scene, orphans)),
        )


def _adopt(scene: Scene, orphans: Orphans, finding: Finding) -> Iterator[Unit]:
    """Make the row of the session again."""
    session_id = finding.session_id or ""
    row = adopted_session(scene.look, session_id, orphans, scene.taken_titles, scene.now)
    summary = f"create a session for {count(orphans.messages, 'message')} of {session_id}"
    actions = [RowInsert("sessions", {"id": session_id}, row)]
    yield replace(session_unit(finding, summary, actions, Safety.UNSAFE), kind=ADOPTION)


def adopted_session(
    look: Look, session_id: str, found: Orphans, taken: Collection[str], now: float
) -> Row:
    """Return the row of a session for messages that have none: its source and title say so.

    ``taken`` are titles that others have; ``now`` stands for a time where no message has one.
    """
    started = found.first if found.first is not None else now
    title = recovered_title(f"{SOURCE} chat", utc_day(started), taken)
    messages, calls = _counts(look, session_id)
    new = NewSession(session_id, SOURCE, started, title, messages, calls)
    return new.row(frozenset(look.columns("sessions")))


def _counts(look: Look, session_id: str) -> tuple[int, int]:
    """Return the active messages of a session and their tool calls, as Hermes counts them."""
    active = " AND active = 1" if "active" in look.columns("messages") else ""
    rows = look.rows(f"SELECT tool_calls FROM messages WHERE session_id = ?{active}", [session_id])
    messages = calls = 0
    for (value,) in rows:
        messages += 1
        calls += tool_calls_of(decode_calls(value))
    return messages, calls
