"""Which chat of the gateway leads to which session, as the running Hermes would decide it.

Three places say so. From 0.18.1 on the table ``gateway_routing`` (one row per key, within the scope
of one ``sessions_dir``) comes first; ``sessions/sessions.json`` fills the keys that it lacks, and
was all there is before. A Telegram topic binding overrides both for its key at the next message.
Bytes and rows in, values out; nothing is opened here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hermes_repair.model.values import RawText, Row, Value, text


class Source(IntEnum):
    """Where a route stands; the greater wins for the same key."""

    OTHER_SCOPE = 0  # gateway_routing of another sessions_dir: a second store, or a moved home
    FILE = 1  # sessions.json
    DATABASE = 2  # gateway_routing of this home's sessions_dir
    TOPIC = 3  # telegram_dm_topic_bindings


@dataclass(frozen=True, slots=True)
class Route:
    """One key of the gateway and the session that one place names for it.

    ``entry`` is all that the place says of the chat, empty for a topic binding.
    """

    key: str
    session_id: str
    source: Source
    scope: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RoutingProblem:
    """An entry that cannot be used; ``key`` is ``None`` where it is the whole place."""

    source: Source
    key: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Routing:
    """All routes of one home.

    ``current`` maps a key to the route that Hermes follows, ``stale`` are routes that lost to
    another place with another session. ``row_keys`` maps a session to the ``session_key`` of its
    own row: what Hermes would recover by, not what it follows.
    """

    current: Mapping[str, Route]
    stale: tuple[Route, ...]
    row_keys: Mapping[str, str]
    problems: tuple[RoutingProblem, ...]
    _keys: Mapping[str, tuple[str, ...]]

    def keys_of(self, session_id: str) -> tuple[str, ...]:
        """Return the keys that lead to this session now."""
        return self._keys.get(session_id, ())

    def is_live(self, session_id: str) -> bool:
        """Whether some chat leads to this session now."""
        return session_id in self._keys

    @property
    def live_ids(self) -> frozenset[str]:
        """Sessions that some chat leads to now."""
        return frozenset(self._keys)

    def has_key(self, session_id: str) -> bool:
        """Whether a route or its own row ties this session to a chat: delegates never have one."""
        return session_id in self._keys or session_id in self.row_keys


"""A home without a gateway."""


def build_routing(
    sessions_json: bytes | None = None,
    gateway_rows: Iterable[Row] = (),
    topic_rows: Iterable[Row] = (),
    row_keys: Mapping[str, str] | None = None,
    scope: str | None = None,
) -> Routing:
    """Put the places together.

    ``sessions_json`` are the bytes of the file, ``gateway_rows`` the rows of ``gateway_routing``,
    ``topic_rows`` those of ``telegram_dm_topic_bindings``, ``row_keys`` the sessions with a
    ``session_key`` of their own, ``scope`` the resolved ``sessions_dir`` as text. Never raises for
    what the data holds: what cannot be read is in ``problems``.
    """
    problems: list[RoutingProblem] = []
    routes: list[Route] = []
    if sessions_json is not None:
        routes += _file_routes(sessions_json, problems)
    for row in gateway_rows:
        routes += _gateway_route(row, scope, problems)
    for row in topic_rows:
        routes += _topic_route(row, problems)

    current: dict[str, Route] = {}
    stale: list[Route] = []
    for route in sorted(routes, key=lambda route: -route.source):
        winner = current.setdefault(route.key, route)
        if winner.session_id != route.session_id:
            stale.append(route)
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key, route in current.items():
        keys[route.session_id].append(key)
    return Routing(
        current=current,
        stale=tuple(stale),
        row_keys=dict(row_keys or {}),
        problems=tuple(problems),
        _keys={session_id: tuple(names) for session_id, names in keys.items()},
    )


def _file_routes(data: bytes, problems: list[RoutingProblem]) -> Iterable[Route]:
    try:
        entries = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        problems.append(RoutingProblem(Source.FILE, None, f"not JSON in UTF-8: {_brief(error)}"))
        return
    if not isinstance(entries, dict):
        problems.append(RoutingProblem(Source.FILE, None, "not a JSON object"))
        return
    for key, entry in entries.items():
        if not key.startswith("_"):  # _README and its like are notes for a reader
            yield from _entry(key, entry, Source.FILE, None, problems)


def _gateway_route(row: Row, scope: str | None, problems: list[RoutingProblem]) -> Iterable[Route]:
    key, found = _text(row.get("session_key")), _text(row.get("scope"))
    source = Source.DATABASE if scope is None or found == scope else Source.OTHER_SCOPE
    entry_json = row.get("entry_json")
    if key is None or not isinstance(entry_json, str | bytes):
        problems.append(RoutingProblem(source, key, "no key or no text"))
        return
    try:
        entry = json.loads(entry_json)
    except (ValueError, RecursionError) as error:
        problems.append(RoutingProblem(source, key, f"not JSON: {_brief(error)}"))
        return
    yield from _entry(key, entry, source, found, problems)


def _topic_route(row: Row, problems: list[RoutingProblem]) -> Iterable[Route]:
    key, session_id = _text(row.get("session_key")), _text(row.get("session_id"))
    if key and session_id:
        yield Route(key, session_id, Source.TOPIC)
    else:
        problems.append(RoutingProblem(Source.TOPIC, key, "no key or no session"))


def _entry(
    key: str, entry: Any, source: Source, scope: str | None, problems: list[RoutingProblem]
) -> Iterable[Route]:
    session_id = entry.get("session_id") if isinstance(entry, dict) else None
    if isinstance(session_id, str) and session_id:
        yield Route(key, session_id, source, scope, entry)
        return
    reason = "no session_id" if isinstance(entry, dict) else f"a {type(entry).__name__}"
    problems.append(RoutingProblem(source, key, f"not an entry: {reason}"))


def _brief(error: BaseException) -> str:
    """Name an error without the text that it is about (R9)."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return type(error).__name__


def _text(value: Value | None) -> str | None:
    return text(value) if isinstance(value, str | RawText) else None
