"""Two open databases in, a comparison out: what is equal is settled in SQL, the rest comes as keys.

Both may be of any schema; columns that one does not have yet read as their default.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from hermes_repair.lineage.queries import node_query
from hermes_repair.lineage.session_node import SessionNode, node_from_row
from hermes_repair.merging.chat_verdicts import Sides
from hermes_repair.merging.common_past import CommonIds, Hole, Past, last_common_id, relation
from hermes_repair.merging.compare_sides import NOTHING_BROUGHT, Brought, compare
from hermes_repair.merging.row_keys import history_key
from hermes_repair.merging.sides import FlagChange, HistoryRow, Side, TwoHistories
from hermes_repair.merging.verdicts_of_chats import Comparison
from hermes_repair.model.values import Value, is_unreadable, number, text, whole
from hermes_repair.store.attached_pair import Which
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look
from hermes_repair.store.sequence_marks import known_mark
from hermes_repair.store.two_databases import FoundRow, SharedIds, TwoDatabases, side_by_side

T = TypeVar("T")
_FIRST_ID = -(2**63)


def compare_databases(
    home: Look,
    source: Look,
    *,
    brought: Brought = NOTHING_BROUGHT,
    partial: bool = False,
    named: Collection[str] = (),
) -> Comparison:
    """Hold a source against a home, both open through ``store``.

    ``partial``: the source is a part of a database (a capture without its main file), so nothing
    follows from what it does not have. ``named``: see
    :func:`~hermes_repair.merging.compare_sides.compare`. Raises
    :class:`~hermes_repair.model.errors.DatabaseUnreadable`, and beside a live Hermes
    :class:`~hermes_repair.model.errors.Refused` where it gives no time to read.
    """
    ours, theirs = read_side(home), read_side(source, partial=partial)
    if ours.sequence is not None:
        # Its last ids by Hermes: a merge that was undone says nothing of when the two went apart.
        ours = replace(ours, sequence=_before(ours.sequence, brought.withdrawn))
    ours = replace(ours, sessions=counting(ours.sessions, brought.counted))
    with side_by_side(home, source) as databases:
        shared = databases.settle()
        high = last_common_id(ours, theirs, _ids(shared))
        if shared.same > high:
            # A row that a merge brought may have the id that it has in its source by chance.
            shared = databases.settle_without(brought.ids_here, brought.ids_there)
            high = last_common_id(ours, theirs, _ids(shared))
        high = _before(high, brought.withdrawn)
        ids = _ids(shared)
        until = databases.until(shared, high)
        holes = tuple(_holes(databases, shared.same, ours.sequence, brought))
        past = Past(shared.same, high, until.latest, until.gap, holes=holes)
        databases.arrange(shared, high)
        sides = Sides(ours, theirs, past, relation(ours, theirs, past, ids))
        return compare(sides, _Read(databases, ours, source), brought, named)


def read_side(look: Look, *, partial: bool = False) -> Side:
    """Read what merging has to know of a whole database; :class:`Side` says what it is."""
    messages = look.columns("messages")
    sessions = look.columns("sessions")
    if not messages or not sessions:
        return Side(0, 0, 0, {}, partial)
    nodes = (node_from_row(row) for row in look.named(node_query(sessions, messages)))
    row = look.one("SELECT MAX(id), (SELECT COUNT(*) FROM messages) FROM messages")
    highest, rows = (whole(value) for value in row) if row is not None else (0, 0)
    by_id = {node.id: node for node in nodes}
    return Side(known_mark(look), highest, rows, by_id, partial, _schema(look))


def _schema(look: Look) -> int | None:
    """Return the number by which a release decides which steps are left to do."""
    if not look.has("schema_version"):
        return None
    row = look.one("SELECT version FROM schema_version LIMIT 1")
    return row[0] if row is not None and isinstance(row[0], int) else None


def counting(
    sessions: Mapping[str, SessionNode], counted: Mapping[str, int]
) -> Mapping[str, SessionNode]:
    """Return sessions with the counts that they had before a repair lowered them."""
    raised = {
        name: replace(sessions[name], message_count=number)
        for name, number in counted.items()
        if name in sessions and number > (sessions[name].message_count or 0)
    }
    return {**sessions, **raised} if raised else sessions


def _ids(shared: SharedIds) -> CommonIds:
    return CommonIds(
        same=shared.same,
        different=shared.different,
        home_alone=shared.alone[Which.HOME],
        source_alone=shared.alone[Which.SOURCE],
    )


def _holes(
    databases: TwoDatabases, low: int, sequence: int | None, brought: Brought
) -> Iterator[Hole]:
    """Yield what the home wrote itself after ``low`` and has no more.

    Nothing where receipts of the source are at hand, which say what it took from elsewhere.
    """
    if brought.told:
        return
    spans = databases.missing_at_home(low, sequence, brought.ids_here)
    given = sorted({*brought.ids_here, *brought.withdrawn}) if spans else []
    for first, until, after, before in spans:
        if until - first + 1 > bisect_right(given, until) - bisect_left(given, first):
            yield Hole(after, before)


def _before(id: int, withdrawn: Container[int]) -> int:
    """Return the highest id up to this one that no undone merge gave."""
    while id in withdrawn:
        id -= 1
    return id


class _Read:
    """The rows of two databases as keys, chat by chat."""

    def __init__(self, databases: TwoDatabases, home: Side, source: Look) -> None:
        self._databases = databases
        self._home = home
        self._source = source

    def differing(self) -> Iterator[TwoHistories]:
        """Yield every chat with messages that are not the same on both sides."""
        home = _Chats(_rows(self._databases.rest(Which.HOME)))
        source = _Chats(_rows(self._databases.rest(Which.SOURCE)))
        flags = _Chats((whole(row[0]), _flags(row)) for row in self._databases.flags())
        for chat, name, kept in self._databases.chats():
            session_id = text(name) or ""
            ours, theirs, changed = home.of(chat), source.of(chat), flags.of(chat)
            node = self._home.sessions.get(session_id)
            shared = node.rows - len(ours) if node is not None else 0
            yield TwoHistories(session_id, shared, ours, theirs, changed, kept)

    def of_home(self, session_ids: Collection[str]) -> Mapping[str, tuple[HistoryRow, ...]]:
        """Return all rows of these chats of the home, those without rows left out."""
        return self._whole(Which.HOME, session_ids)

    def of_source(self, session_ids: Collection[str]) -> Mapping[str, tuple[HistoryRow, ...]]:
        """Return the same of the source."""
        return self._whole(Which.SOURCE, session_ids)

    def unreadable(self, since: Mapping[str, int | None]) -> Collection[str]:
        """Return those chats of the source that Hermes cannot read (:func:`.is_unreadable`)."""
        first = {name: _FIRST_ID if id is None else id for name, id in since.items()}
        chosen: list[Value] = [json.dumps(first), min(first.values())]
        asked = []
        for table, name, where in (
            ("sessions", "id", "?2 IS NOT NULL"),
            ("messages", "session_id", "t.id >= ?2 AND t.id >= c.value"),
        ):
            columns = ", ".join(f"t.{quote(one)}" for one in self._source.columns(table))
            # One pass, from the first row that is added: not every database has an index.
            asked.append(
                "WITH chosen AS MATERIALIZED (SELECT key, value FROM json_each(?1))"
                f" SELECT c.key, {columns} FROM {table} t CROSS JOIN chosen c ON c.key = t.{name}"
                f" WHERE {where}"
            )
        return {
            text(chat) or ""
            for sql in asked
            for chat, *values in self._source.rows(sql, chosen)
            if any(map(is_unreadable, values))
        }

    def _whole(
        self, which: Which, session_ids: Collection[str]
    ) -> Mapping[str, tuple[HistoryRow, ...]]:
        found = self._databases.whole(which, sorted(session_ids))
        return {
            text(name) or "": tuple(_row(row) for row in rows)
            for name, rows in groupby(found, key=lambda row: row[1])
        }


class _Chats(Iterator[tuple[int, T]]):
    """Rows in the order of their chats, taken chat by chat."""

    def __init__(self, rows: Iterator[tuple[int, T]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def __next__(self) -> tuple[int, T]:
        if self._next is None:
            raise StopIteration
        row, self._next = self._next, next(self._rows, None)
        return row

    def of(self, chat: int) -> tuple[T, ...]:
        """Return the rows of a chat; those of chats before it were taken."""
        found = []
        while self._next is not None and self._next[0] == chat:
            found.append(next(self)[1])
        return tuple(found)


def _rows(found: Iterator[FoundRow]) -> Iterator[tuple[int, HistoryRow]]:
    return ((whole(row[0]), _row(row)) for row in found)


def _row(row: FoundRow) -> HistoryRow:
    _, _, id, role, content, call_id, calls, timestamp, active, compacted, late = row
    return HistoryRow(
        id=whole(id),
        key=history_key(role, content, call_id, calls),
        timestamp=number(timestamp),
        active=_is_on(active),
        compacted=_is_on(compacted),
        out_of_order=bool(late),
    )


def _flags(row: tuple[Value, ...]) -> FlagChange:
    _, id, was_active, was_compacted, active, compacted = row
    return FlagChange(
        whole(id), _is_on(was_active), _is_on(was_compacted), _is_on(active), _is_on(compacted)
    )


def _is_on(value: Value) -> bool:
    """Whether a release counts a flag as set: ``= 1``."""
    return value == 1
