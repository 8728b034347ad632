"""The rows of populated databases: invented, and the same in every schema that has their columns.

A row is a mapping by column; what a schema does not have, ``database.insert`` leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

Value = str | int | float | bytes | None
Values = Mapping[str, Value]

START = 1_779_000_000.0  # 2026-05-17 06:40 UTC
HOUR = 3600.0
PICTURE = "\x00json:" + json.dumps(
    [
        {"type": "text", "text": "What bird is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]
)
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted: a trip to the sea."
ORIGIN = {"platform": "telegram", "chat_id": "71", "chat_type": "dm", "user_id": "u1"}


def call(id: str) -> str:
    """Return the ``tool_calls`` of one call of the terminal."""
    return json.dumps([{"id": id, "function": {"name": "terminal", "arguments": "{}"}}])


SESSIONS: tuple[dict[str, Value], ...] = (
    {
        # A chat in the terminal, whole: a tool, tokens, a title.
        "id": "s1", "source": "cli", "model": "m-a", "model_config": '{"a": 1}',
        "system_prompt": "sys one", "ended_at": START + 0.9 * HOUR, "end_reason": "user_exit",
        "input_tokens": 10, "output_tokens": 5, "estimated_cost_usd": 0.0, "title": "T one",
        "cwd": "/home/ada/garden", "git_branch": "main", "git_repo_root": "/home/ada/garden",
    },
    {
        # A chat of the gateway without a title, still open, with all that tells whose it is.
        "id": "s2", "source": "telegram", "user_id": "u1", "model": "m-b",
        "system_prompt": "sys two", "session_key": "agent:main:telegram:dm:71", "chat_id": "71",
        "chat_type": "dm", "thread_id": None, "display_name": "Ada",
        "origin_json": json.dumps(ORIGIN), "api_call_count": 2, "title_source": None,
    },
    # A short run below the first: untitled, with a tool.
    {"id": "s3", "source": "cli", "parent_session_id": "s1"},
    {
        # A chat that was compressed, and the two that go on from it.
        "id": "s4", "source": "telegram", "user_id": "u2", "model": "m-a", "title": "Trip",
        "ended_at": START + 3.9 * HOUR, "end_reason": "compression", "input_tokens": 1200,
        "output_tokens": 80, "estimated_cost_usd": 0.25, "cost_status": "estimated",
        "billing_provider": "example", "api_call_count": 3, "cache_read_tokens": 40,
    },
    {
        "id": "s5", "source": "telegram", "user_id": "u2", "model": "m-a", "title": "Trip #2",
        "parent_session_id": "s4", "ended_at": START + 4.9 * HOUR, "end_reason": "compression",
        "input_tokens": 300, "output_tokens": 20, "model_config": "{}",
    },
    {
        "id": "s6", "source": "telegram", "user_id": "u2", "model": "m-a", "title": "Trip #3",
        "parent_session_id": "s5", "system_prompt": "sys three", "api_call_count": 1,
    },
    # What a timer asked, and what a delegate did for the chat of the gateway.
    {"id": "s7", "source": "cron", "ended_at": START + 6.9 * HOUR, "end_reason": "cron_complete"},
    {
        "id": "s8", "source": "cli", "parent_session_id": "s2", "title": None,
        "model_config": '{"a": 1, "_delegate_from": "s2"}', "ended_at": START + 7.9 * HOUR,
        "end_reason": "agent_close",
    },
    {
        # A branch that a person named, set aside since.
        "id": "s9", "source": "cli", "parent_session_id": "s1", "title": "T one, another way",
        "model_config": '{"_branched_from": "s1"}', "archived": 1, "rewind_count": 1,
    },
)  # fmt: skip

MESSAGES: tuple[dict[str, Value], ...] = (
    {"session_id": "s1", "role": "user", "content": "hello zebra 你好世界天气"},
    {
        "session_id": "s1", "role": "assistant", "content": "calling", "tool_calls": call("t1"),
        "finish_reason": "tool_calls", "reasoning": "the weather is asked for", "token_count": 5,
    },
    {
        "session_id": "s1", "role": "tool", "content": "tooloutput giraffe", "tool_call_id": "t1",
        "tool_name": "terminal", "effect_disposition": None,
    },
    {
        "session_id": "s2", "role": "user", "content": "second elephant",
        "platform_message_id": "9001", "token_count": None,
    },
    {"session_id": "s3", "role": "user", "content": "child run"},
    {
        "session_id": "s3", "role": "assistant", "content": None, "tool_calls": call("t2"),
        "finish_reason": "tool_calls",
    },
    {
        "session_id": "s3", "role": "tool", "content": "x", "tool_call_id": "t2",
        "tool_name": "terminal",
    },
    {"session_id": "s4", "role": "user", "content": "Where does the ferry leave?"},
    {
        "session_id": "s4", "role": "assistant", "content": "From the long pier, at six.",
        "finish_reason": "stop", "reasoning_content": "ferries, then piers",
        "reasoning_details": '[{"type": "reasoning.text", "text": "ferries"}]',
        "codex_reasoning_items": '[{"id": "rs_1", "encrypted_content": "AAAA"}]',
        "codex_message_items": '[{"id": "msg_1", "phase": "final"}]',
    },
    {"session_id": "s5", "role": "user", "content": SUMMARY, "_compressed_summary": 1},
    {"session_id": "s5", "role": "user", "content": "And back?"},
    {"session_id": "s5", "role": "assistant", "content": "", "finish_reason": "stop"},
    {"session_id": "s6", "role": "user", "content": SUMMARY, "_compressed_summary": 1},
    {"session_id": "s6", "role": "user", "content": PICTURE, "observed": 1},
    {"session_id": "s6", "role": "assistant", "content": "A heron 🪶.", "finish_reason": "stop"},
    {"session_id": "s7", "role": "user", "content": "Water the tomatoes."},
    {"session_id": "s7", "role": "assistant", "content": "Reminded.", "finish_reason": "stop"},
    {"session_id": "s8", "role": "user", "content": "measure the weir"},
    {"session_id": "s8", "role": "assistant", "content": "fourteen", "finish_reason": "stop"},
    # Put away by a compaction in place, and taken back; older schemas have no such rows.
    {"session_id": "s9", "role": "user", "content": "zebra again", "active": 0, "compacted": 1},
    {"session_id": "s9", "role": "user", "content": "taken back", "active": 0},
    {"session_id": "s9", "role": "user", "content": "And tomorrow?"},
    {"session_id": "s9", "role": "assistant", "content": "Rain.", "finish_reason": "stop"},
)  # fmt: skip

HIDING = {"active", "compacted"}

BESIDE: Mapping[str, tuple[dict[str, Value], ...]] = {
    "session_model_usage": tuple(
        {
            "session_id": row["id"], "model": row["model"], "input_tokens": row["input_tokens"],
            "output_tokens": row["output_tokens"], "api_call_count": row.get("api_call_count", 0),
            "billing_provider": row.get("billing_provider", ""),
            "cache_read_tokens": row.get("cache_read_tokens", 0),
            "estimated_cost_usd": row.get("estimated_cost_usd", 0.0),
            "first_seen": START + 9 * HOUR, "last_seen": START + 9 * HOUR,
        }
        for row in SESSIONS if row.get("input_tokens")
    ),
    "gateway_routing": (
        {
            "session_key": "agent:main:telegram:dm:71", "updated_at": START + 2 * HOUR,
            "entry_json": json.dumps({"session_id": "s2", "origin": ORIGIN}),
        },
    ),
    "state_meta": ({"key": "last_auto_prune", "value": str(START)},),
    "async_delegations": (
        {
            "delegation_id": "d1", "origin_session": "agent:main:telegram:dm:71",
            "parent_session_id": "s2", "state": "completed", "delivery_state": "delivered",
            "dispatched_at": START + 7 * HOUR, "completed_at": START + 7.9 * HOUR,
            "updated_at": START + 7.9 * HOUR, "delivered_at": START + 8 * HOUR,
        },
    ),
}  # fmt: skip
"""Rows of the other tables, where a schema has these."""


def rows_by_table() -> dict[str, list[Values]]:
    """Return all rows, in the order in which the tables are filled."""
    return {
        "sessions": [_counted(row) for row in SESSIONS],
        "messages": [_timed(row) for row in MESSAGES],
        **{table: list(rows) for table, rows in BESIDE.items()},
    }


def _counted(row: Values) -> Values:
    """Give a session its start and the counts that Hermes keeps of its messages."""
    own = [message for message in MESSAGES if message["session_id"] == row["id"]]
    return {
        "started_at": START + int(str(row["id"])[1:]) * HOUR - HOUR,
        "message_count": sum(message.get("active", 1) == 1 for message in own),
        "tool_call_count": sum("tool_calls" in message for message in own),
        **row,
    }


def _timed(row: Values) -> Values:
    """Give a message its place in time: a minute after the one before in its session."""
    place = sum(other["session_id"] == row["session_id"] for other in _before(row))
    started = START + int(str(row["session_id"])[1:]) * HOUR - HOUR
    return {"timestamp": started + 60.0 * (place + 1), **row}


def _before(row: Values) -> Iterable[Values]:
    return MESSAGES[: next(n for n, other in enumerate(MESSAGES) if other is row)]
