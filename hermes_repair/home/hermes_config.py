"""Where the config files of a home put chats, and what Hermes deletes by itself.

These are ``gateway.sessions_dir``, ``database.backend`` and the retention below ``sessions``.
A config that Hermes itself could not read moves nothing, so it counts as not set. ``config.yaml``
is walked event by event and nothing is made of it but these values: PyYAML's C loader ends the
process where brackets are nested by the hundred thousand, merges of merges fill the memory, and a
tag on a value that nobody asked for raises whatever its constructor raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_repair.host.regular_files import parse_json, read_if_there

if TYPE_CHECKING:
    from yaml import Event, ScalarEvent

SETTING = "sessions_dir"
_ROUTES = "sessions.json"
SECTION = "gateway"
BACKEND = "backend"
_MAY_SAY_BACKEND = (BACKEND.encode(), b"\\")  # as it is, or with escapes of YAML
DATABASE_SECTION = "database"
SESSIONS_SECTION = "sessions"
_RETENTION = ("auto_prune", "retention_days", "min_interval_hours")
_KEPT = (SETTING, SECTION, BACKEND, DATABASE_SECTION, SESSIONS_SECTION, *_RETENTION)
DEEPEST = 100
"""Levels of nesting up to which a config.yaml is one: PyYAML slows down with the square of them."""

_TEXT = "tag:yaml.org,2002:str"
_LONGEST = 100  # digits of a number: more are none of a setting's, and take time
_NUMBERS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))


def sessions_dir(root: Path) -> Path:
    """Return where the gateway keeps JSONL and ``sessions.json``: config, else ``sessions``.

    Releases from 0.13.0 to 0.19.0 read ``sessions_dir`` of ``gateway.json`` alone. What
    ``config.yaml`` says of it is for later ones, so it counts only where a gateway has written to
    that folder, and not to the other one since: each message writes ``sessions.json`` anew.
    """
    legacy = _setting(_of_json(read_if_there(root / "gateway.json")))
    usual = root / "sessions" if legacy is None else _below(root, legacy)
    configured = _setting(_of_yaml(read_if_there(root / "config.yaml")))
    if configured is None:
        return usual
    folder = _below(root, configured)
    return folder if _routes_written(folder) > _routes_written(usual) else usual


def _routes_written(folder: Path) -> int:
    """Return when a gateway last wrote its ``sessions.json`` there, 0 where there is none."""
    with suppress(OSError):  # a name that is too long, or of nobody who may look
        return (folder / _ROUTES).stat().st_mtime_ns
    return 0


def _below(root: Path, configured: str) -> Path:
    try:
        return root / Path(configured).expanduser()
    except RuntimeError:  # ~ of a user whom the system does not know
        return root / configured


def database_backend(root: Path) -> str | None:
    """Return what the config says keeps the conversations, None where it says nothing.

    For releases after 0.19.0, which are to be able to keep them in another database than SQLite
    (Hermes #39301, #88889); those before read no such setting.
    """
    data = read_if_there(root / "config.yaml")
    if data is None or not any(mark in data for mark in _MAY_SAY_BACKEND):
        return None  # every command asks, and reading YAML takes longer than some of them
    config = _of_yaml(data)
    database = config.get(DATABASE_SECTION) if isinstance(config, Mapping) else None
    backend = database.get(BACKEND) if isinstance(database, Mapping) else None
    return backend.strip() or None if isinstance(backend, str) else None


@dataclass(frozen=True, slots=True)
class PruneSettings:
    """Whether Hermes deletes old sessions by itself, after how many days, and how often."""

    on: bool
    retention_days: int = 90
    min_interval_hours: int = 24


def prune_settings(root: Path, by_default: bool) -> PruneSettings:
    """Return the retention of a home; ``by_default``: the release prunes where nothing is said.

    What is no number stops the deleting in every release from 0.13.0 to 0.19.0.
    """
    config = _of_yaml(read_if_there(root / "config.yaml"))
    said = config.get(SESSIONS_SECTION) if isinstance(config, Mapping) else None
    if not isinstance(said, Mapping):
        return PruneSettings(by_default)
    on = bool(said.get("auto_prune", by_default))
    try:
        days, hours = int(said.get("retention_days", 90)), int(said.get("min_interval_hours", 24))
    except (TypeError, ValueError, OverflowError):
        return PruneSettings(False)
    return PruneSettings(on, days, hours)


def _setting(data: object) -> str | None:
    """Return the setting of one config, on its own or in its section, if it can be a path."""
    if not isinstance(data, Mapping):
        return None
    gateway = data.get(SECTION)
    nested = gateway.get(SETTING) if isinstance(gateway, Mapping) else None
    value = data.get(SETTING, nested)
    return value if isinstance(value, str) and value.strip() and _is_path(value) else None


_LONGEST_NAME = 255
"""Bytes; a longer one names no file on any system that Hermes runs on."""


def _is_path(text: str) -> bool:
    """Whether a text can name a file: JSON may carry NUL and half a surrogate pair."""
    try:
        names = os.fsencode(text).split(b"/")
    except UnicodeEncodeError:
        return False
    return not any(b"\0" in name or len(name) > _LONGEST_NAME for name in names)


def _of_json(data: bytes | None) -> object:
    try:
        return parse_json(data) if data is not None else None
    except ValueError:
        return None


def _of_yaml(data: bytes | None) -> object:
    """Return what the file says of the setting, as the mappings around it; None for no YAML.

    Imported here: `locks clean` needs no config, and no time.
    """
    if data is None:
        return None
    import yaml

    try:
        text = data.decode("utf-8")
        return _Walk().through(yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


class _Walk:
    """Keeps of a document the mappings, and in them the keys asked for; all else becomes None."""

    def __init__(self) -> None:
        self.anchors: dict[str, object] = {}
        self.open: list[_Open] = []
        self.document: object = None

    def through(self, events: Iterable[Event]) -> object:
        """Return the root of the only document; raises ``ValueError`` for what is not one."""
        import yaml

        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise ValueError("more than one document")
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(self.open) == DEEPEST:
                    raise ValueError("nested too deeply")
                is_list = isinstance(event, yaml.SequenceStartEvent)
                self.open.append(_Open(None if is_list else {}, event.anchor))
            elif isinstance(event, yaml.CollectionEndEvent):
                closed = self.open.pop()
                self._take(closed.found, closed.anchor)
            elif isinstance(event, yaml.ScalarEvent):
                self._take(_value_of(event), event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                self._take(self.anchors.get(event.anchor or ""), None)
        return self.document

    def _take(self, value: object, anchor: str | None) -> None:
        """Put a finished value where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = value
        if not self.open:
            self.document = value
            return
        around = self.open[-1]
        if around.found is None:
            return
        if around.at_key:
            around.key = value if isinstance(value, str) else ""
        elif around.key in _KEPT:
            around.found[around.key] = value
        around.at_key = not around.at_key


@dataclass(slots=True)
class _Open:
    """A mapping (``found`` of it) or a list (None) whose end has not come yet."""

    found: dict[str, object] | None
    anchor: str | None
    at_key: bool = True
    key: str = ""


def _value_of(event: ScalarEvent) -> str | float | bool | None:
    """Return a scalar that is a text, a number or a truth value, None for a date and the like."""
    from yaml import ScalarNode
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    tag = event.tag
    if tag is None or tag == "!":
        tag = Resolver().resolve(ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
    if tag in _NUMBERS:
        try:
            made = SafeConstructor().construct_object(ScalarNode(tag, event.value[:_LONGEST]))
        except (ValueError, LookupError):  # a text that only its tag calls a number
            return None
        return made if isinstance(made, int | float) else None
    return event.value if tag == _TEXT else None
