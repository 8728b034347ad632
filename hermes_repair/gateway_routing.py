"""Which chat of the gateway leads to which session, as the running Hermes would decide it.

Three places say so. From 0.18.1 on the table ``gateway_routing`` (one row per key, within the scope
of one ``sessions_dir``) comes first; ``sessions/sessions.json`` fills the keys that it lacks, and
was all there is before. A Telegram topic binding overrides both for its key at the next message.
Bytes and rows in, values out; nothing is opened here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hermes_repair.host.regular_files import parse_json
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
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Routing:
    """All routes of one home.

    ``current`` maps a key to the route that Hermes follows; the places that lost are left out.
    ``unbound`` is the same without topic bindings: where a topic leads that has none.
    ``row_keys`` maps a session to the ``session_key`` of its own row: what Hermes would recover by,
    not what it follows.
    """

    current: Mapping[str, Route]
    row_keys: Mapping[str, str]
    _keys: Mapping[str, tuple[str, ...]]
    unbound: Mapping[str, Route] = field(default_factory=dict)

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
    what the data holds: what cannot be read leads nowhere.
    """
    routes = [
        *_file_routes(sessions_json),
        *(_gateway_route(row, scope) for row in gateway_rows),
        *(_topic_route(row) for row in topic_rows),
    ]
    unbound: dict[str, Route] = {}
    bound: dict[str, Route] = {}
    known = (route for route in routes if route is not None)
    for route in sorted(known, key=lambda route: -route.source):
        (bound if route.source is Source.TOPIC else unbound).setdefault(route.key, route)
    current = bound | {key: route for key, route in unbound.items() if key not in bound}
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key, route in current.items():
        keys[route.session_id].append(key)
    return Routing(
        current=current,
        unbound=unbound,
        row_keys=dict(row_keys or {}),
        _keys={session_id: tuple(names) for session_id, names in keys.items()},
    )


@dataclass(frozen=True, slots=True)
class FileFaults:
    """What the gateway cannot take from ``sessions.json``.

    ``readable`` is false where the file as a whole is no JSON object. ``bad`` counts the entries
    that no release takes, ``after`` those that follow the first of them: releases up to 0.17 read
    no further.
    """

    readable: bool
    bad: int = 0
    after: int = 0


def file_faults(data: bytes) -> FileFaults:
    """Say what is wrong with the bytes of ``sessions.json``, as far as its types show it.

    An entry has to be an object, its ``session_id`` and times text (``SessionEntry.from_dict`` of
    0.13.0 to 0.19.0).
    """
    try:
        entries = parse_json(data.decode("utf-8"))
    except ValueError:
        return FileFaults(readable=False)
    if not isinstance(entries, dict):
        return FileFaults(readable=False)
    good = [_has_types(entry) for key, entry in entries.items() if not key.startswith("_")]
    bad = good.count(False)
    return FileFaults(True, bad, len(good) - good.index(False) - 1 if bad else 0)


def kept_entries(data: bytes) -> dict[str, Any]:
    """Return what releases can use of the bytes of ``sessions.json``, in its order.

    Of a file that is no JSON those entries that are whole: what its beginning has, and, in the
    layout in which Hermes writes it, what follows a gap. Notes for readers stay; entries of a wrong
    type do not.
    """
    try:
        entries = parse_json(data.decode("utf-8"))
    except ValueError:
        entries = dict(_whole_entries(data))
    if not isinstance(entries, dict):
        return {}
    return {
        key: entry for key, entry in entries.items() if key.startswith("_") or _has_types(entry)
    }


_NEXT_ENTRY = re.compile(r'\n  (?="(?:[^"\\\n]|\\.)*": \{)')
"""Where an entry begins as ``json.dump(indent=2)`` writes it: what lies deeper is indented more."""
_GAPS = 64
"""So many gaps are passed: a file that is made of them has nothing to keep."""


def _whole_entries(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the pairs of an object that can be read to their end."""
    content = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    decoder = json.JSONDecoder()
    at = _after_space(content, 0)
    at = _after_space(content, at + 1) if content[at : at + 1] == "{" else len(content)
    gaps = 0
    while at < len(content) and gaps < _GAPS:
        try:
            key, end = decoder.raw_decode(content, at)
            colon = _after_space(content, end)
            entry, end = decoder.raw_decode(content, _after_space(content, colon + 1))
        except (ValueError, RecursionError):
            key = entry = None
        if isinstance(key, str) and content[colon] == ":":
            if not _holds_odd_bytes(content[at:end]):
                yield key, entry
            at, comma = end, _after_space(content, end)
            if content[comma : comma + 1] == ",":
                at = _after_space(content, comma + 1)
                continue
        gaps += 1
        following = _NEXT_ENTRY.search(content, at)
        at = following.end() if following is not None else len(content)


def _after_space(content: str, at: int) -> int:
    while content[at : at + 1] in (" ", "\n", "\r", "\t"):
        at += 1
    return at


def _holds_odd_bytes(content: str) -> bool:
    """Whether bytes that are no UTF-8 lie in it: then it is not what Hermes wrote."""
    return any("\udc80" <= character <= "\udcff" for character in content)


def file_of(entries: Mapping[str, Any]) -> bytes:
    """Return the bytes of ``sessions.json`` with these entries, in Hermes' own layout."""
    return json.dumps(entries, indent=2).encode("ascii")


def _has_types(entry: object) -> bool:
    texts = ("session_id", "created_at", "updated_at")
    return isinstance(entry, dict) and all(isinstance(entry.get(name, ""), str) for name in texts)


def file_routes(data: bytes | None) -> dict[str, Route]:
    """Return what ``sessions.json`` alone says, by key; nothing where it cannot be read."""
    return {route.key: route for route in _file_routes(data) if route is not None}


def usable_entry(row: Row) -> dict[str, Any] | None:
    """Return the entry of a row of ``gateway_routing``, None where no release takes it."""
    entry_json = row.get("entry_json")
    try:
        entry = parse_json(entry_json) if isinstance(entry_json, str | bytes) else None
    except ValueError:
        return None
    if not isinstance(entry, dict) or not _has_types(entry):
        return None
    return entry if entry.get("session_id") else None


def _file_routes(data: bytes | None) -> Iterator[Route | None]:
    try:
        entries = parse_json((data or b"").decode("utf-8"))
    except ValueError:
        return
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        if not key.startswith("_"):  # _README and its like are notes for a reader
            yield _route(key, entry, Source.FILE)


def _gateway_route(row: Row, scope: str | None) -> Route | None:
    here = scope is None or _text(row.get("scope")) == scope
    entry_json = row.get("entry_json")
    try:
        entry = parse_json(entry_json) if isinstance(entry_json, str | bytes) else None
    except ValueError:
        return None
    source = Source.DATABASE if here else Source.OTHER_SCOPE
    return _route(_text(row.get("session_key")), entry, source)


def _topic_route(row: Row) -> Route | None:
    key, session_id = _text(row.get("session_key")), _text(row.get("session_id"))
    return Route(key, session_id, Source.TOPIC) if key and session_id else None


def _route(key: str | None, entry: object, source: Source) -> Route | None:
    session_id = entry.get("session_id") if isinstance(entry, dict) else None
    if key is None or not isinstance(entry, dict) or not isinstance(session_id, str):
        return None
    return Route(key, session_id, source, entry) if session_id else None


def _text(value: Value | None) -> str | None:
    return text(value) if isinstance(value, str | RawText) else None
