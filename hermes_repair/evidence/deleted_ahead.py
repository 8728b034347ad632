"""What Hermes itself will delete: the chats and files that its next starts take.

Every release from 0.13.0 to 0.19.0 does the same when a terminal starts: once per database it
deletes what is empty (sessions of the TUI that ended, a day old, without title and message), once
it ends continuations of a week that never called a model, and, where ``sessions.auto_prune`` is on,
it deletes once in ``min_interval_hours`` what ended and began more than ``retention_days`` ago.
With a session go ``<id>.json``, ``<id>.jsonl`` and its request dumps below ``sessions``. A gateway
that starts does the last alone, and takes the files of its own ``gateway.sessions_dir``.
From 0.21 on ``auto_prune`` is on unless the config turns it off (Hermes #101316).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.evidence.scene import Scene
from hermes_repair.home.hermes_config import PruneSettings, prune_settings
from hermes_repair.host.regular_files import real_path
from hermes_repair.model.values import Row, number, whole
from hermes_repair.schema.releases import release_key, was_tried
from hermes_repair.store.look import Look

DAY = 86400.0
_ON_SINCE = "0.21.0"
_GHOST_AGE = DAY
_ORPHAN_AGE = 7 * DAY

_GHOSTS = """source = 'tui' AND title IS NULL AND ended_at IS NOT NULL AND started_at < :ghosts
    AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.session_id = sessions.id)"""
_ORPHANS = """{unused} AND end_reason IS NULL AND ended_at IS NULL AND started_at < :orphans
    AND parent_session_id IS NOT NULL
    AND EXISTS (SELECT 1 FROM sessions p WHERE p.id = sessions.parent_session_id
        AND p.end_reason = 'compression' AND p.ended_at IS NOT NULL)
    AND EXISTS (SELECT 1 FROM messages m WHERE m.session_id = sessions.id)"""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A session that Hermes will delete, with files of its name, relative to the home.

    ``in_days``: from how many days on the next start takes it, 0 for one that already would.
    ``empty``: nothing was ever said in it; else it is old. ``files`` go where a terminal starts
    first, ``gateway_files`` in their place where a gateway does that keeps its files elsewhere.
    """

    session_id: str
    messages: int
    in_days: float
    empty: bool
    files: tuple[str, ...]
    gateway_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the starts of a release within some days delete, the first to go first.

    ``release`` is None where no release is known. ``prunes``: whether it deletes what is old here;
    ``retention_days`` after how many days. ``tried``: that was seen with the release itself; of a
    later one it is what is published of it.
    """

    days: float
    release: str | None
    prunes: bool
    retention_days: int
    sessions: tuple[Deletion, ...]
    tried: bool = True


def deleted_ahead(scene: Scene, release: str | None, days: float) -> Ahead:
    """Return what a release deletes by itself, if it starts here ``days`` from now."""
    settings = prune_settings(scene.home.root, release is not None and _prunes_by_itself(release))
    look, at = scene.look, scene.now + days * DAY
    found: dict[str, Deletion] = {}
    if not _meta(look, "ghost_session_prune_v1"):
        ghosts = list(_asked(look, _GHOSTS, {"ghosts": at - _GHOST_AGE}))
        if not _have_children(look, at):  # a start that fails on one deletes none
            found |= {one.session_id: one for one in _told(scene, ghosts, _GHOST_AGE, empty=True)}
    prunes = settings.on and not _pruned_lately(look, at, settings)
    if prunes:
        age = settings.retention_days * DAY
        ended, values = "ended_at IS NOT NULL", {"cutoff": at - age}
        if not _meta(look, "orphaned_compression_finalize_v1"):
            ended = f"({ended} OR ({_orphans(look)}))"
            values["orphans"] = at - _ORPHAN_AGE
        old = list(_asked(look, f"started_at < :cutoff AND {ended}", values))
        found = {one.session_id: one for one in _told(scene, old, age, empty=False)} | found
    first = sorted(found.values(), key=lambda one: (one.in_days, one.session_id))
    tried = release is None or was_tried(release)
    return Ahead(days, release, settings.on, settings.retention_days, tuple(first), tried)


def _prunes_by_itself(release: str) -> bool:
    return release_key(release) >= release_key(_ON_SINCE)


def _meta(look: Look, key: str) -> str:
    """Return a mark of Hermes' own, empty where it was not set."""
    if not look.has("state_meta"):
        return ""
    row = look.one("SELECT CAST(value AS TEXT) FROM state_meta WHERE key = ?", [key])
    return str(row[0]) if row is not None and row[0] is not None else ""


def _pruned_lately(look: Look, at: float, settings: PruneSettings) -> bool:
    last = 0.0
    with suppress(ValueError):
        last = float(_meta(look, "last_auto_prune") or 0.0)
    return bool(last) and at - last < settings.min_interval_hours * 3600


def _orphans(look: Look) -> str:
    unused = "api_call_count = 0" if "api_call_count" in look.columns("sessions") else "1"
    return _ORPHANS.format(unused=unused)


def _asked(look: Look, where: str, values: dict[str, float]) -> Iterator[Row]:
    sql = (
        "SELECT id, started_at, ended_at, (SELECT COUNT(*) FROM messages m"
        f" WHERE m.session_id = sessions.id) AS messages FROM sessions WHERE {where}"
    )
    for name, value in values.items():
        sql = sql.replace(f":{name}", repr(value))
    return (dict(zip(_COLUMNS, row, strict=True)) for row in look.rows(sql))


_COLUMNS = ("id", "started_at", "ended_at", "messages")


def _have_children(look: Look, at: float) -> bool:
    """Whether one that is empty has a child that stays: foreign keys then refuse all of it."""
    empty = _GHOSTS.replace(":ghosts", repr(at - _GHOST_AGE))
    row = look.one(
        f"SELECT 1 FROM sessions c WHERE c.parent_session_id IN (SELECT id FROM sessions WHERE"
        f" {empty}) AND c.id NOT IN (SELECT id FROM sessions WHERE {empty}) LIMIT 1"
    )
    return row is not None


def _told(scene: Scene, rows: list[Row], age: float, *, empty: bool) -> Iterator[Deletion]:
    for row in rows:
        session, started = row["id"], number(row["started_at"]) or 0.0
        if not isinstance(session, str):
            continue
        due = started + (max(age, _ORPHAN_AGE) if row["ended_at"] is None else age)
        in_days = max(0.0, (due - scene.now) / DAY)
        own, gateways = scene.home.logs_dir, scene.home.sessions_dir
        elsewhere = not empty and real_path(gateways) != real_path(own)
        yield Deletion(
            session,
            whole(row["messages"]),
            in_days,
            empty,
            tuple(sorted(_files(scene, own, session))),
            tuple(sorted(_files(scene, gateways, session))) if elsewhere else (),
        )


def _files(scene: Scene, folder: Path, session: str) -> Iterator[str]:
    """Yield the files of a folder that go with a session."""
    places = [folder / f"{session}.json", folder / f"{session}.jsonl"]
    with suppress(ValueError, OSError):  # a name that is no pattern, or no name of a file
        places += folder.glob(f"request_dump_{session}_*.json")
    for place in places:
        with suppress(ValueError, OSError):
            if place.is_file():
                yield _named(place, scene.home.root)


def _named(place: Path, root: Path) -> str:
    return str(place.relative_to(root)) if place.is_relative_to(root) else str(place)
