"""From the verdicts on the chats of a source to units, one per chat; no text is kept in them.

Each row is read once here, for its digest, and once more when it is written, from the private copy
of the source that lives as long as the run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from hermes_repair.app.merge_rows import (
    CHATS_AT_ONCE,
    DELEGATIONS,
    USAGE,
    BothDatabases,
    ChatRows,
)
from hermes_repair.merging.brought_rows import PEER, Peers, brought, continued, peers_of, usage
from hermes_repair.merging.brought_titles import HomeTitles
from hermes_repair.merging.row_keys import fingerprint, history_key, session_fingerprint
from hermes_repair.merging.sides import FlagChange
from hermes_repair.merging.verdicts_of_chats import Bring, ChatVerdict, Link
from hermes_repair.model.actions import Action, RowInsert, RowRef, RowUpdate
from hermes_repair.model.errors import Changed, Refused
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value, number, row_digest, row_size, text
from hermes_repair.model.words import count
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look

MERGE = "merge"
LED = "merge-led"
"""The kind of a unit that brings a chat which the gateway led to before: that is no use of it."""
TICK = 1e-6
"""Seconds between rows whose times would not rise with their ids: 0.17.0 reads them by time."""
_GROWTH = 6  # row, both search indexes, -wal, receipt

_Message: TypeAlias = tuple[str, int, Row]
"""A message of the source: session id, rowid and row."""


@dataclass
class UnitMaker:
    """Makes the units of one source. HomeTitles and ids that it gives are given once for all units.

    ``titles`` has the sessions of the home, ``children`` those by the parent that they name.
    ``peers`` are its chats of the gateway and ``led`` the sessions that it leads to.
    """

    databases: BothDatabases
    name: str
    ids: Iterator[int]
    children: Mapping[str, Collection[str]]
    titles: HomeTitles
    peers: Peers
    led: frozenset[str]

    def units(self, verdicts: Iterable[ChatVerdict]) -> Iterator[Unit]:
        """Yield a unit for every chat that is to be brought, parents before children."""
        chats = [(one.session_id, one.bring) for one in verdicts if one.bring is not None]
        by_chat = groupby(self.databases.messages(chats), key=itemgetter(0))
        coming = next(by_chat, None)
        for first in range(0, len(chats), CHATS_AT_ONCE):
            some = chats[first : first + CHATS_AT_ONCE]
            rows = self.databases.rows_of(some)
            for chat, bring in some:
                if coming is not None and coming[0] == chat:
                    yield self._unit(chat, bring, rows, coming[1])
                    coming = next(by_chat, None)
                else:
                    yield self._unit(chat, bring, rows, ())

    def _unit(self, chat: str, bring: Bring, rows: ChatRows, messages: Iterable[_Message]) -> Unit:
        actions: list[Action] = []
        if bring.new_session:
            actions.append(self._session(chat, bring, rows))
        size = 0
        for action, row_bytes in self._messages(chat, bring, rows, messages):
            actions.append(action)
            size += row_bytes
        actions += [_flags(change) for change in bring.flags]
        if not bring.new_session:
            actions += self._continued(chat, bring, rows)
        if bring.into == chat:
            actions += self._usage(chat, rows)
            actions += self._delegations(chat)
        # What names a new session as its parent already; undo leaves it so again.
        orphans = self.children.get(bring.into, ()) if bring.new_session else ()
        what = "bring" if bring.new_session else "continue"
        named = bring.into if bring.into == chat else f"{chat} as {bring.into}"
        return Unit(
            kind=LED if bring.into in self.led else MERGE,
            subject=bring.into,
            summary=f"{what} {named} from {self.name} ({count(bring.messages, 'message')})",
            actions=tuple(actions),
            safety=Safety.SAFE,
            live=False,
            findings=(),
            finding_ids=(),
            sessions=frozenset((bring.into, chat, *orphans)),
            room=_GROWTH * size,
        )

    def _insert(self, table: str, key: Row, row: Row, changed: Row, origin: RowRef) -> RowInsert:
        columns = self.databases.shared(table)
        values = {**changed, **key}
        digest = row_digest({**row, **values}, columns)
        return RowInsert(table, key, values, origin, digest, columns)

    def _ref(self, rowid: int, row: Row, changed: Row, content: bytes = b"") -> RowRef:
        original = {column: row[column] for column in changed}
        return RowRef(self.name, rowid, content.hex(), original)

    def _session(self, chat: str, bring: Bring, rows: ChatRows) -> RowInsert:
        rowid, row = self._of_source(chat, rows)
        if bring.parent is not None and not self.titles.knows(bring.parent):
            bring = replace(bring, link=Link.NONE, parent=None)
        changed = brought(row, bring, self.peers, self.titles)
        prompt = row.get("system_prompt_hash")
        if prompt is not None and prompt not in rows.prompts:
            changed["system_prompt_hash"] = None
        changed = {column: value for column, value in changed.items() if column in row}
        title = text(changed.get("title", row.get("title")))
        parent = bring.parent if bring.link is Link.PARENT else None
        self.titles.add(bring.into, parent, title)
        origin = self._ref(rowid, row, changed, session_fingerprint(chat))
        return self._insert("sessions", {"id": bring.into}, row, changed, origin)

    def _of_source(self, chat: str, rows: ChatRows) -> tuple[int, Row]:
        found = rows.sessions.get(chat)
        if found is None:
            raise Refused(f"{self.name} has a row of sessions that cannot be read by its key.")
        return found

    def _messages(
        self, chat: str, bring: Bring, rows: ChatRows, messages: Iterable[_Message]
    ) -> Iterator[tuple[RowInsert, int]]:
        """Yield the messages to add, in the order of their ids, each with its bytes.

        None is before the latest of the home's chat, which it must not be.
        """
        latest = rows.latest.get(bring.into)
        added = 0
        for _, rowid, row in messages:
            key: dict[str, Value] = {"id": next(self.ids)}
            changed: dict[str, Value] = {}
            at = number(row["timestamp"])
            if latest is not None and at is not None and at < latest:
                latest += TICK
                changed["timestamp"] = latest
            if bring.into != chat:
                changed["session_id"] = bring.into
            content = history_key(
                row["role"], row["content"], row.get("tool_call_id"), row.get("tool_calls")
            )
            mark = fingerprint(chat, content, row["timestamp"])
            origin = self._ref(rowid, row, changed, mark)
            yield self._insert("messages", key, row, changed, origin), row_size(row)
            added += 1
        if added != bring.messages:
            raise Changed(
                f"{chat} of {self.name} has {added} messages to bring, not {bring.messages}.",
                "Nothing was changed. Run the same command again.",
            )

    def _continued(self, chat: str, bring: Bring, rows: ChatRows) -> Iterator[RowUpdate]:
        _, theirs = self._of_source(chat, rows)
        ours = rows.going_on.get(bring.into)
        if ours is None:
            raise Changed(f"{bring.into} is not in this home any more.", "Run this again.")
        before, after = continued(ours, theirs, bring, self.titles)
        if isinstance(title := after.get("title"), str):
            self.titles.add(bring.into, text(ours.get("parent_session_id")), title)
        if after:
            yield RowUpdate("sessions", {"id": bring.into}, before, after)

    def _usage(self, chat: str, rows: ChatRows) -> Iterator[Action]:
        """Yield what the source knows of the tokens of a chat, the greater of both per model."""
        for row in rows.usage.get(chat, ()):
            key = self.databases.usage_key(row)
            ours = rows.usage_here.get(tuple(key.values()))
            if ours is None:
                yield RowInsert(USAGE, key, row)
                continue
            before, after = usage(ours, row)
            if after:
                yield RowUpdate(USAGE, key, before, after)

    def _delegations(self, chat: str) -> Iterator[RowInsert]:
        """Yield what delegates of a chat delivered. What is pending would be delivered again."""
        for rowid, row in self.databases.delegations(chat):
            key = {"delegation_id": row["delegation_id"]}
            yield self._insert(DELEGATIONS, key, row, {}, self._ref(rowid, row, {}))


def _flags(change: FlagChange) -> RowUpdate:
    before: dict[str, Value] = {}
    after: dict[str, Value] = {}
    if change.active != change.was_active:
        before["active"], after["active"] = int(change.was_active), int(change.active)
    if change.compacted != change.was_compacted:
        before["compacted"], after["compacted"] = int(change.was_compacted), int(change.compacted)
    return RowUpdate("messages", {"id": change.id}, before, after)


_OUTLIVES = "conversation_generations"
"""What counts the chats of a peer from schema 30 on, also when all of them are deleted."""


def read_peers(home: Look, routed: Iterable[str]) -> Peers:
    """Return the chats of the gateway that a home knows; ``routed`` are keys of its routing."""
    columns = [column for column in ("source", *PEER) if column in home.columns("sessions")]
    listed = ", ".join(map(quote, columns))
    keys = list(routed)
    if home.has(_OUTLIVES):
        counted = home.rows(f"SELECT session_key FROM {_OUTLIVES}")
        keys += [text(key) or "" for (key,) in counted]
    return peers_of(list(home.named(f"SELECT {listed} FROM sessions")), keys)


def read_titles(home: Look) -> HomeTitles:
    """Return what the sessions of a home are called: Hermes allows each title once."""
    known = home.columns("sessions")
    parent, title = (n if n in known else "NULL" for n in ("parent_session_id", "title"))
    rows = home.rows(f"SELECT id, {parent}, {title} FROM sessions")
    return HomeTitles((text(id) or "", text(above), text(named)) for id, above, named in rows)
