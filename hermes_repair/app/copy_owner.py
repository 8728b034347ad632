"""Whose chats a copy of a database holds: each profile has its own, and none may get another's."""

from __future__ import annotations

import json
from pathlib import Path

from hermes_repair.evidence.sessions_elsewhere import look_at
from hermes_repair.home.layout import DATABASE, Home, profile_names
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy, profile_of
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.model.values import Value, whole


def require_own(home: Home, source: Path, said: str | None) -> None:
    """Raise :class:`Refused` where a copy is of another profile than the one that it is put into.

    ``said`` is the profile that the user says it is of (``--from-profile``): then it may be.
    """
    owner = _owner(home, source)
    if owner is None or owner == (said or home.profile):
        return
    from_owner = command("restore", str(source), "--from-profile", owner)
    if said is not None:
        raise Refused(
            f"{source} is a copy of profile {owner}, not of {said}.",
            advice("If you mean that one: {}", from_owner),
        )
    raise Refused(
        f"{source} is a copy of profile {owner}, and this is {home.profile}: its chats would"
        f" replace those of {home.profile}.",
        advice("Nothing was changed. If that is what you want: {}", from_owner),
    )


def _owner(home: Home, source: Path) -> str | None:
    """Return the profile whose copy it is, None where nothing tells.

    By its place, or, of one that lies anywhere, by its chats: those of another profile and none of
    this one.
    """
    placed = profile_of(source.resolve())
    if placed is not None:
        return placed
    ids = [str(row[0]) for row in _ask(source, CopyKind.COPY, "SELECT id FROM sessions")]
    roots = {"default": home.base} | {
        name: home.base / "profiles" / name for name in profile_names(home.base)
    }
    shared = {name: _shared(root / DATABASE, ids) for name, root in roots.items()}
    if not ids or shared.get(home.profile):
        return None
    most = max(shared, key=lambda name: shared[name])
    return most if shared[most] else None


def _shared(database: Path, ids: list[str]) -> int:
    """Return how many of these sessions a profile has; 0 where it cannot be looked at."""
    if not database.is_file():
        return 0
    asked = "SELECT COUNT(*) FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
    rows = _ask(database, CopyKind.PROFILE, asked, json.dumps(ids))
    return whole(rows[0][0]) if rows else 0


def _ask(database: Path, kind: CopyKind, sql: str, *given: Value) -> list[tuple[Value, ...]]:
    try:
        with look_at(DatabaseCopy(kind, database)) as look:
            return list(look.rows(sql, given)) if look is not None and look.has("sessions") else []
    except HermesRepairError:
        return []  # damaged, or no database: it says nothing of whose it is
