"""What the units of a merge are made of, read from both databases for many chats at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hermes_repair.merging.verdicts_of_chats import Bring
from hermes_repair.model import trigger_columns
from hermes_repair.model.values import Row, Value, number, text
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look
from hermes_repair.store.rows_of_chats import messages_of_chats

CHATS_AT_ONCE = 200
"""Of so many chats the rows beside ``messages`` are held: a system prompt may take 100 kB."""
USAGE = "session_model_usage"
DELEGATIONS = "async_delegations"
_DELIVERED = "delivered"
_FIRST_ID = -(2**63)

Chat = tuple[str, Bring]
"""The id of a session in the source, and what bringing it writes."""


@dataclass(frozen=True, slots=True)
class ChatRows:
    """The rows of some chats, beside their messages.

    ``sessions`` are the rows of the source, each with its rowid, by id; ``going_on`` those of the
    home that a chat of the source continues, and ``latest`` the times of their last messages.
    ``prompts`` are the hashes of system prompts that the home has. ``usage`` is what the source
    knows of the tokens of a chat, ``usage_here`` the home's rows by the values of
    :meth:`BothDatabases.usage_key`.
    """

    sessions: Mapping[str, tuple[int, Row]]
    going_on: Mapping[str, Row]
    latest: Mapping[str, float | None]
    prompts: Collection[Value]
    usage: Mapping[str, Sequence[Row]]
    usage_here: Mapping[tuple[Value, ...], Row]


@dataclass
class BothDatabases:
    """A home and a source at the schema of the home, as far as it could be brought there.

    Of the source only columns that the home has too are read; those that triggers write are left
    out. ``side_tables``: whether tables beside sessions and messages are asked at all.
    """

    home: Look
    source: Look
    side_tables: bool
    _columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def shared(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table that are read of the source."""
        if table not in self._columns:
            there = frozenset(self.source.columns(table))
            ours = [c for c in self.home.columns(table) if c in there]
            if table == trigger_columns.TABLE:
                ours = [column for column in ours if column not in trigger_columns.COLUMNS]
            self._columns[table] = tuple(ours)
        return self._columns[table]

    def messages(self, chats: Sequence[Chat]) -> Iterator[tuple[str, int, Row]]:
        """Yield session id, rowid and row of the messages that come, chat by chat, by id."""
        coming = [
            (name, _FIRST_ID if bring.since is None else bring.since)
            for name, bring in chats
            if bring.messages
        ]
        columns = self.shared("messages")
        for place, rowid, values in messages_of_chats(self.source, coming, columns):
            yield coming[place][0], rowid, dict(zip(columns, values, strict=True))

    def rows_of(self, chats: Sequence[Chat]) -> ChatRows:
        """Return what both have of some chats, in a few queries for all of them."""
        names: list[Value] = [name for name, _ in chats]
        known: list[Value] = [bring.into for _, bring in chats if not bring.new_session]
        own: list[Value] = [name for name, bring in chats if bring.into == name]
        sessions: dict[str, tuple[int, Row]] = {}
        for rowid, row in self._read("sessions", f"id {_is_one_of(names)}", names):
            sessions.setdefault(text(row["id"]) or "", (rowid, row))
        latest = self.home.rows(
            "SELECT id, (SELECT MAX(timestamp) FROM messages WHERE session_id = sessions.id)"
            f" FROM sessions WHERE id {_is_one_of(known)}",
            known,
        )
        here = self.home.rows_of("sessions", f"id {_is_one_of(known)}", known)
        usage: defaultdict[str, list[Row]] = defaultdict(list)
        usage_here: dict[tuple[Value, ...], Row] = {}
        if self._both_have(USAGE):
            where = f"session_id {_is_one_of(own)}"
            for _, row in self._read(USAGE, where, own):
                usage[text(row["session_id"]) or ""].append(row)
            for row in self.home.rows_of(USAGE, where, own):
                usage_here.setdefault(tuple(self.usage_key(row).values()), row)
        return ChatRows(
            sessions=sessions,
            going_on={text(row["id"]) or "": row for row in here},
            latest={text(name) or "": number(at) for name, at in latest},
            prompts=self._prompts([row for _, row in sessions.values()]),
            usage=usage,
            usage_here=usage_here,
        )

    def usage_key(self, row: Row) -> dict[str, Value]:
        """Return what a row about tokens is known by, over the columns that both have."""
        return {column: row[column] for column in self._usage_columns if column in row}

    def delegations(self, chat: str) -> Iterator[tuple[int, Row]]:
        """Yield rowid and row of what delegates of a chat delivered and the home does not know."""
        for place in self._delivered.get(chat, ()):
            for rowid, row in self._read(DELEGATIONS, "rowid = ?", [place]):
                there = self.home.rows_of(DELEGATIONS, "delegation_id = ?", [row["delegation_id"]])
                if next(there, None) is None:
                    yield rowid, row

    @cached_property
    def _usage_columns(self) -> tuple[str, ...]:
        asked = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
        shared = self.shared(USAGE)
        return tuple(str(name) for (name,) in self.home.rows(asked, [USAGE]) if name in shared)

    @cached_property
    def _delivered(self) -> Mapping[str, Sequence[int]]:
        """The rowids of delegations whose result was delivered, by the sessions that they name."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        if self._both_have(DELEGATIONS):
            names = "rowid, parent_session_id, origin_session"
            asked = f"SELECT {names} FROM {DELEGATIONS} WHERE delivery_state = ?"
            for rowid, *named in self.source.rows(asked, [_DELIVERED]):
                assert isinstance(rowid, int)
                for name in dict.fromkeys(named):
                    if isinstance(name, str):
                        found[name].append(rowid)
        return found

    def _both_have(self, table: str) -> bool:
        return self.side_tables and self.home.has(table) and self.source.has(table)

    def _prompts(self, rows: Sequence[Row]) -> Collection[Value]:
        named = [hash for row in rows if (hash := row.get("system_prompt_hash")) is not None]
        if not named or not self.home.has("system_prompts"):
            return frozenset()
        asked = f"SELECT hash FROM system_prompts WHERE hash {_is_one_of(named)}"
        return {hash for (hash,) in self.home.rows(asked, named)}

    def _read(self, table: str, where: str, values: Sequence[Value]) -> Iterator[tuple[int, Row]]:
        """Yield rowid and row of a table of the source."""
        columns = self.shared(table)
        listed = ", ".join(map(quote, columns))
        sql = f"SELECT rowid, {listed} FROM {quote(table)} WHERE {where}"
        for rowid, *row in self.source.rows(sql, values):
            assert isinstance(rowid, int)
            yield rowid, dict(zip(columns, row, strict=True))


def _is_one_of(values: Sequence[Value]) -> str:
    """Return the condition that a column has one of so many values that are bound."""
    return f"IN ({', '.join('?' * len(values))})"
