"""What a lineage repair changes in ``sessions``, as values: columns, and marks in ``model_config``.

A mark is set and removed so that every other byte of ``model_config`` stays. The text is JSON of a
foreign program: numbers, escapes, doubled keys and white space come back as they were, because only
the member itself is cut out or added.

With the mark go the other columns of a row shape that every release from 0.13.0 to 0.19.0
understands alike (measured for all of them): a rescued session without a parent and with
``_branched_from`` is listed and resumed as itself everywhere, survives schema step 16, and
archiving or deleting it leaves its sibling alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from json.decoder import JSONDecoder
from typing import NoReturn

from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Row, Value, same_value


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """The columns of one session that a repair changes: what is there now, what will be."""

    session_id: str
    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class Resolution:
    """A repair of one place, whole or not at all.

    ``reason`` is a plain clause: why it is safe or a judgement, or, without ``changes``, why
    nothing can be done and what to do first.
    """

    changes: tuple[ColumnChanges, ...]
    safety: Safety
    reason: Hint

    def as_judgement(self, reason: Hint) -> Resolution:
        """Return the same changes, done only when they are asked for, with the reason."""
        return replace(self, safety=Safety.UNSAFE, reason=reason)


def refused(reason: Hint) -> Resolution:
    """Return a resolution that changes nothing, with the reason why not."""
    return Resolution((), Safety.UNSAFE, reason)


def changes_of(session_id: str, row: Row, target: Mapping[str, Value]) -> ColumnChanges | None:
    """Return what differs between ``row`` and ``target`` in columns that this schema has."""
    after = {
        column: value
        for column, value in target.items()
        if column in row and not same_value(row[column], value)
    }
    if not after:
        return None
    return ColumnChanges(session_id, {column: row[column] for column in after}, after)


def resolved(changes: list[ColumnChanges | None], safety: Safety, reason: str) -> Resolution:
    """Put the changes that there are into one resolution."""
    return Resolution(tuple(change for change in changes if change is not None), safety, reason)


BRANCHED_FROM = "_branched_from"
DELEGATE_FROM = "_delegate_from"
_SPACE = " \t\n\r"


class ConfigUnusable(ValueError):
    """``model_config`` is not a JSON object: no marker can be changed without losing something.

    ``invalid``: it is no JSON text at all, which SE001 is about.
    """

    def __init__(self, reason: str, *, invalid: bool = False) -> None:
        super().__init__(reason)
        self.invalid = invalid

    def refusal(self, session_id: str) -> Hint:
        """Return why a session is left as it is, and what has to come first."""
        why = f"model_config of {session_id} cannot be marked: {self}"
        first = command("repair", "--select", "SE001", "--session", session_id)
        return advice("{}; `{}` comes first", why, first) if self.invalid else why


def set_marker(config: Value, key: str, value: str) -> str:
    """Return ``config`` with ``key`` set to ``value`` as its last member; NULL counts as ``{}``.

    Raises :class:`ConfigUnusable`.
    """
    bare = remove_marker("{}" if config is None else config, key)
    assert bare is not None  # only NULL stays NULL
    close = bare.rindex("}")
    comma = "," if any(True for _ in _members(bare)) else ""
    member = f"{json.dumps(key)}:{json.dumps(value)}"
    return f"{bare[:close].rstrip(_SPACE)}{comma}{member}{bare[close:]}"


def remove_marker(config: Value, key: str) -> str | None:
    """Return ``config`` without ``key``, all of them where it is there twice; NULL stays NULL.

    Raises :class:`ConfigUnusable`.
    """
    if config is None:
        return None
    if not isinstance(config, str):
        raise ConfigUnusable("it is not text", invalid=True)
    text = config
    while True:
        members = list(_members(text))
        index = next((i for i, member in enumerate(members) if member.key == key), None)
        if index is None:
            return text
        start, end = members[index].start, members[index].end
        if index + 1 < len(members):
            end = members[index + 1].start
        elif index:
            start = members[index - 1].end
        text = text[:start] + text[end:]


def branch_shape(row: Row, branched_from: str, *, routed: bool) -> dict[str, Value]:
    """Return the values of a branch of its own.

    Unless ``routed`` (a chat of the gateway leads to it now), ``session_key`` and ``chat_type`` go:
    with either of them left, the next /new in 0.18.2 and 0.19.0 is captured by this session.
    ``user_id``, ``chat_id`` and ``thread_id`` stay, because /resume asks them whose it is.

    Raises:
        ConfigUnusable: ``model_config`` cannot carry the marker.
    """
    values: dict[str, Value] = {
        "parent_session_id": None,
        "model_config": set_marker(row.get("model_config"), BRANCHED_FROM, branched_from),
    }
    return values if routed else values | unrouted_shape()


def archive_shape(row: Row, pointer: str) -> dict[str, Value]:
    """Return the values of an unrouted branch that no list shows (before schema 14 it is listed).

    Raises:
        ConfigUnusable: ``model_config`` cannot carry the pointer.
    """
    return branch_shape(row, pointer, routed=False) | {"archived": 1}


def unrouted_shape() -> dict[str, Value]:
    """Return the values with which no gateway recovers into a session by itself."""
    return {"session_key": None, "chat_type": None}


@dataclass(frozen=True, slots=True)
class _Member:
    """One ``"key": value`` of the outer object, from its first quote to the end of its value."""

    key: str
    start: int
    end: int


def _members(text: str) -> Iterator[_Member]:
    _check(text)
    position = skip_space(text, skip_space(text, 0) + 1)
    while text[position] != "}":
        key, end = _DECODER.raw_decode(text, position)
        value = skip_space(text, skip_space(text, end) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield _Member(key, position, end)
        position = skip_space(text, end)
        if text[position] == ",":
            position = skip_space(text, position + 1)


def _check(text: str) -> None:
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ConfigUnusable("it is nested too deeply", invalid=True) from None
    except ValueError:
        raise ConfigUnusable("it is not valid JSON", invalid=True) from None
    if not isinstance(value, dict):
        raise ConfigUnusable("it is not a JSON object")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON, and SQLite refuses it")


# Numbers stay text: they are only skipped, and Python limits how long an integer may be.
_DECODER = JSONDecoder(parse_float=str, parse_int=str, parse_constant=_constant)


def skip_space(text: str, position: int) -> int:
    """Return the next place in a JSON text that is no white space, at or after ``position``."""
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position
