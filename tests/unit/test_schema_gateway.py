"""Step 18 fills what the release fills, from the sessions.json of the home."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from hermes_repair.schema.data_steps import read_gateway_updates
from tests.homes.database import structured
from tests.unit.schema_support import apply, asking, plan, structure_of

ORIGIN = {"platform": "telegram", "chat_id": "-100", "thread_id": "7", "user_name": "Zoë"}
ENTRIES: dict[str, Any] = {
    "_README": "not an entry",
    "agent:main:telegram:dm:1": {
        "session_id": "a",
        "session_key": "agent:main:telegram:dm:1",
        "chat_type": "dm",
        "display_name": "Zoë",
        "origin": ORIGIN,
        "expiry_finalized": True,
    },
    "second-key-of-a": {"session_id": "a", "display_name": "later", "chat_type": "group"},
    "key-only": {"session_id": "b", "memory_flushed": 1, "origin": {"chat_id": 42}},
    "no-such-session": {"session_id": "zzz", "chat_type": "dm"},
    "no-session": {"chat_type": "dm"},
    "no-entry": "text",
}


def filled(path: Path | str) -> sqlite3.Connection:
    connection = structured("17", version=17, path=path)
    connection.execute(
        "INSERT INTO sessions (id, source, started_at, chat_type) VALUES"
        " ('a', 'telegram', 1.0, NULL), ('b', 'telegram', 2.0, 'kept'), ('c', 'cli', 3.0, NULL)"
    )
    return connection


def test_nothing_to_fill_is_nothing_to_do(tmp_path: Path) -> None:
    connection = filled(tmp_path / "state.db")
    way, _ = plan(connection, 19, entries=ENTRIES)
    apply(connection, way.actions)
    structure = structure_of(connection)
    assert read_gateway_updates(asking(connection), structure, ENTRIES) == ()
    assert read_gateway_updates(asking(connection), structure, {}) == ()


def test_values_that_no_column_holds_are_left_out(tmp_path: Path) -> None:
    connection = filled(tmp_path / "state.db")
    entries = {
        "bad\ud800key": {"session_id": "a", "chat_type": ["list"], "display_name": "\ud800"},
        "other": {"session_id": "\udfff"},
        "third": {"session_id": "c", "chat_type": {"a": 1}, "origin": ["not a mapping"]},
    }
    updates = read_gateway_updates(asking(connection), structure_of(connection), entries)
    assert [(update.key, update.after) for update in updates] == [
        ({"id": "c"}, {"session_key": "third"})
    ]
