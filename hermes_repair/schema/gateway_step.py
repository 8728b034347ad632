"""Step 18: what ``sessions.json`` knows about gateway sessions goes into their rows.

Only columns that are NULL are filled, ``expiry_finalized`` only goes from 0 to 1 (0.18.1 to 0.19.0,
equal). An entry that Hermes' own step stumbles over, and with it all later ones, is skipped alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.values import Value
from hermes_repair.schema.structure import Query, Structure

FILLED = ("session_key", "chat_id", "chat_type", "thread_id", "display_name", "origin_json")
FLAG = "expiry_finalized"


def read_gateway_updates(
    query: Query, structure: Structure, entries: Mapping[str, Any]
) -> tuple[RowUpdate, ...]:
    """Return the updates for the sessions that ``entries`` name and the database has.

    ``entries`` is the parsed ``sessions.json``: gateway key to entry. Columns that the database
    lacks as yet count as NULL, the flag as 0, as they will be when the update runs.
    """
    columns = ", ".join(
        name if structure.has_column("sessions", name) else f"{default} AS {name}"
        for name, default in [*((name, "NULL") for name in FILLED), (FLAG, "0")]
    )
    wanted: dict[str, dict[str, Value]] = {}
    for key, entry in entries.items():
        if key.startswith("_") or not isinstance(entry, dict) or not entry.get("session_id"):
            continue
        values = entry_values(key, entry)
        known = wanted.setdefault(str(entry["session_id"]), {})
        for name, value in values.items():
            known[name] = known.get(name) or value if name == FLAG else known.get(name, value)
    updates = []
    for session_id, values in wanted.items():
        if not _storable(session_id):
            continue
        rows = list(query(f"SELECT {columns} FROM sessions WHERE id = ?", (session_id,)))
        if rows:
            before = dict(zip((*FILLED, FLAG), rows[0], strict=True))
            update = _update(session_id, before, values)
            if update is not None:
                updates.append(update)
    return tuple(updates)


def entry_values(key: str, entry: Mapping[str, Any]) -> dict[str, Value]:
    """Return what one entry says, as the columns will hold it; unusable values are left out."""
    origin = entry.get("origin")
    place: Mapping[str, Any] = origin if isinstance(origin, dict) else {}
    found = {
        "session_key": entry.get("session_key") or key,
        "chat_id": place.get("chat_id"),
        "chat_type": entry.get("chat_type"),
        "thread_id": place.get("thread_id"),
        "display_name": entry.get("display_name"),
        "origin_json": json.dumps(origin) if isinstance(origin, dict) else None,
    }
    values: dict[str, Value] = {}
    for name, value in found.items():
        text = str(int(value)) if isinstance(value, int) else value
        if isinstance(text, str) and _storable(text):
            values[name] = text
    values[FLAG] = 1 if entry.get(FLAG) or entry.get("memory_flushed") else 0
    return values


def _update(
    session_id: str, before: Mapping[str, Value], values: Mapping[str, Value]
) -> RowUpdate | None:
    after = {name: values[name] for name in FILLED if before[name] is None and name in values}
    if values[FLAG] == 1 and before[FLAG] in (None, 0):
        after[FLAG] = 1
    if not after:
        return None
    return RowUpdate("sessions", {"id": session_id}, {n: before[n] for n in after}, after)


def _storable(text: str) -> bool:
    """Whether SQLite can hold the text: JSON may carry half a surrogate pair, UTF-8 may not."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
