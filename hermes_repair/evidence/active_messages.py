"""The active messages of one session as lineage compares them."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.lineage.message_nature import Message, nature_of
from hermes_repair.model.values import Value, number, text, whole
from hermes_repair.program_texts import default_harness
from hermes_repair.store.look import Look
from hermes_repair.transcripts.message_keys import decode_calls, row_key


def read_messages(look: Look, session_id: str) -> Iterator[Message]:
    """Yield the rows that releases show (0.16 on: ``active`` is 1), in the order of their ids."""
    active = " AND active = 1" if "active" in look.columns("messages") else ""
    rows = look.rows(
        "SELECT id, role, content, tool_calls, tool_call_id, timestamp FROM messages"
        f" WHERE session_id = ?{active} ORDER BY id",
        [session_id],
    )
    harness = default_harness()
    for id, role, content, calls, answers, at in rows:
        word = text(role) or ""
        yield Message(
            id=whole(id),
            role=word,
            key=row_key(word, content, calls, answers),
            at=number(at),
            nature=nature_of(word, harness.kind(content)),
            calls=_call_ids(calls),
            answers=text(answers),
        )


def _call_ids(value: Value) -> tuple[str, ...]:
    calls = decode_calls(value)
    if not isinstance(calls, list):
        return ()
    found = (call.get("id") for call in calls if isinstance(call, dict))
    return tuple(id for id in found if isinstance(id, str))
