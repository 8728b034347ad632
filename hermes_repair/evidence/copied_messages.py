"""Which messages of a chat lie in a copy of the database, for the picture of that chat.

A message may have another id in a copy, for a repair moves rows. So it is known again by its role,
its length and how it begins. Of a line of a file only the time is known here, and that has to do.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from hermes_repair.evidence.message_places import Stretch
from hermes_repair.model.values import Value
from hermes_repair.store.look import Look
from hermes_repair.transcripts.verdicts import Fill

MOST_CHATS = 500  # of which a page draws what copies have
MOST_ROWS = 200_000  # messages of those chats that are held at once
NEAR_SECONDS = 5.0  # between a line of a file and its row

Sign: TypeAlias = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a database: what tells it from others, and its time in epoch seconds."""

    sign: Sign
    at: float | None


@dataclass(frozen=True, slots=True)
class CopyAccount:
    """What copies have of a chat: its ``messages``; ``missing`` are in no database and no file."""

    messages: int
    missing: int
    stretches: tuple[Stretch, ...]


def messages_of(look: Look, sessions: Collection[str]) -> dict[str, dict[int, Message]]:
    """Return the messages of some chats by session and id, in the order of their ids."""
    found: defaultdict[str, dict[int, Message]] = defaultdict(dict)
    asked = (
        "SELECT session_id, id, timestamp, role, length(content), substr(content, 1, 200)"
        " FROM messages WHERE session_id IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?"
    )
    for session, id, at, *sign in look.rows(asked, [json.dumps(sorted(sessions)), MOST_ROWS]):
        if isinstance(session, str) and isinstance(id, int):
            time = float(at) if isinstance(at, int | float) else None
            found[session][id] = Message(tuple(sign), time)
    return dict(found)


class CopiedMessages:
    """The messages of some chats that any copy has, each once, however many copies have it."""

    def __init__(self) -> None:
        self._by_sign: dict[str, dict[Sign, list[Message]]] = {}
        self.rows = 0

    def add(self, messages: Mapping[str, Mapping[int, Message]]) -> None:
        """Add what one copy has of them; the copy with most of a kind says how many there are."""
        for session, by_id in messages.items():
            mine: defaultdict[Sign, list[Message]] = defaultdict(list)
            for message in by_id.values():
                mine[message.sign].append(message)
            known = self._by_sign.setdefault(session, {})
            for sign, same in mine.items():
                more = len(same) - len(known.get(sign, ()))
                if more > 0 and self.rows + more <= MOST_ROWS:
                    known[sign] = same
                    self.rows += more

    def __iter__(self) -> Iterator[str]:
        """Yield the sessions of which there is anything."""
        return iter(self._by_sign)

    def account(
        self, session: str, here: Mapping[int, Message], fill: Fill | None
    ) -> CopyAccount | None:
        """Return what copies have of a chat beside ``here``, the database, and ``fill``, its file.

        None where no copy has anything of it.
        """
        pool = {sign: list(same) for sign, same in self._by_sign.get(session, {}).items()}
        whole = sum(map(len, pool.values()))
        if not whole:
            return None
        places = list(_places(here, fill, pool))
        _meet_lines(places, pool)
        left = sorted(
            (message for same in pool.values() for message in same), key=lambda one: one.at or 0.0
        )
        return CopyAccount(whole, len(left), tuple(_stretches(_woven(places, left))))


@dataclass(slots=True)
class _Place:
    """One message of a chat, and where it lies."""

    at: float | None
    database: bool
    file: bool | None
    copies: bool


def _places(
    here: Mapping[int, Message], fill: Fill | None, pool: Mapping[Sign, list[Message]]
) -> Iterator[_Place]:
    """Yield the messages of database and file in order; what a copy has too leaves the pool."""
    if fill is None:
        for message in here.values():
            yield _Place(message.at, True, None, _taken(message, pool))
        return
    for step in fill.steps:
        if step.row_id is None:
            yield _Place(step.timestamp, False, True, False)
        elif (row := here.get(step.row_id)) is not None:
            yield _Place(row.at, True, step.row_id in fill.in_file, _taken(row, pool))
        else:
            yield _Place(step.timestamp, True, step.row_id in fill.in_file, False)


def _taken(message: Message, pool: Mapping[Sign, list[Message]]) -> bool:
    same = pool.get(message.sign)
    if not same:
        return False
    same.pop()
    return True


def _meet_lines(places: Sequence[_Place], pool: Mapping[Sign, list[Message]]) -> None:
    """Note which lines that the database lacks a copy has, by the nearest time."""
    left = sorted(
        (message for same in pool.values() for message in same if message.at is not None),
        key=lambda one: one.at or 0.0,
    )
    times = [message.at or 0.0 for message in left]
    for place in places:
        if place.database or place.at is None:
            continue
        first = bisect_left(times, place.at - NEAR_SECONDS)
        if first < len(times) and times[first] <= place.at + NEAR_SECONDS:
            del times[first]
            met = left.pop(first)
            pool[met.sign].remove(met)
            place.copies = True


def _woven(places: Sequence[_Place], left: Sequence[Message]) -> Iterator[_Place]:
    """Yield the messages with those that only copies have among them, by time."""
    rest = list(reversed(left))
    for place in places:
        while rest and place.at is not None and (rest[-1].at or 0.0) < place.at:
            yield _Place(rest.pop().at, False, False, True)
        yield place
    while rest:
        yield _Place(rest.pop().at, False, False, True)


def _stretches(places: Iterator[_Place]) -> Iterator[Stretch]:
    for (database, file, copies), group in groupby(
        places, key=lambda one: (one.database, one.file, one.copies)
    ):
        alike = list(group)
        times = [one.at for one in alike if one.at is not None]
        first, last = (min(times), max(times)) if times else (None, None)
        yield Stretch(len(alike), database, file, first, last, copies)
