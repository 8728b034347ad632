"""From the verdicts on the chats of a source to units, one per chat; no text is kept in them.

Each row is read once here, for its digest, and once more when it is written, from the private copy
of the source that lives as long as the run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hermes_repair.merging.brought_rows import PEER, Peers, brought, continued, peers_of, usage
from hermes_repair.merging.brought_titles import HomeTitles
from hermes_repair.merging.row_keys import fingerprint, history_key, session_fingerprint
from hermes_repair.merging.sides import FlagChange
from hermes_repair.merging.verdicts_of_chats import Bring, ChatVerdict, Link
from hermes_repair.model import trigger_columns
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
_DELIVERED = "delivered"


@dataclass
class UnitMaker:
    """Makes the units of one source. HomeTitles and ids that it gives are given once for all units.

    ``home`` and ``source`` have the same schema, as far as the source could be brought to it.
    ``titles`` has the sessions of the home, ``children`` those by the parent that they name.
    ``peers`` are its chats of the gateway and ``led`` the sessions that
    it leads to. ``side_tables``: whether rows of tables beside sessions and messages may be
    written.
    """

    home: Look
    source: Look
    name: str
    ids: Iterator[int]
    children: Mapping[str, Collection[str]]
    titles: HomeTitles
    peers: Peers
    led: frozenset[str]
    side_tables: bool
    _columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def units(self, verdicts: Iterable[ChatVerdict]) -> Iterator[Unit]:
        """Yield a unit for every chat that is to be brought, parents before children."""
        for verdict in verdicts:
            if verdict.bring is not None:
                yield self._unit(verdict, verdict.bring)

    def _unit(self, verdict: ChatVerdict, bring: Bring) -> Unit:
        actions: list[Action] = []
        chat = verdict.session_id
        if bring.new_session:
            actions.append(self._session(chat, bring))
        size = 0
        for action, row_bytes in self._messages(chat, bring):
            actions.append(action)
            size += row_bytes
        actions += [_flags(change) for change in bring.flags]
        if not bring.new_session:
            actions += self._continued(chat, bring)
        if self.side_tables and bring.into == chat:
            actions += self._usage(chat)
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

    def _shared(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table that both have; those that triggers write are left out."""
        if table not in self._columns:
            there = frozenset(self.source.columns(table))
            ours = [c for c in self.home.columns(table) if c in there]
            if table == trigger_columns.TABLE:
                ours = [column for column in ours if column not in trigger_columns.COLUMNS]
            self._columns[table] = tuple(ours)
        return self._columns[table]

    def _rows(self, table: str, where: str, values: Sequence[Value]) -> Iterator[tuple[int, Row]]:
        """Yield (rowid, row) of a table of the source over the columns that both have."""
        columns = self._shared(table)
        listed = ", ".join(map(quote, columns))
        sql = f"SELECT rowid, {listed} FROM {quote(table)} WHERE {where}"
        for rowid, *row in self.source.rows(sql, values):
            assert isinstance(rowid, int)
            yield rowid, dict(zip(columns, row, strict=True))

    def _insert(self, table: str, key: Row, row: Row, changed: Row, origin: RowRef) -> RowInsert:
        columns = self._shared(table)
        values = {**changed, **key}
        digest = row_digest({**row, **values}, columns)
        return RowInsert(table, key, values, origin, digest, columns)

    def _ref(self, rowid: int, row: Row, changed: Row, content: bytes = b"") -> RowRef:
        original = {column: row[column] for column in changed}
        return RowRef(self.name, rowid, content.hex(), original)

    def _session(self, chat: str, bring: Bring) -> RowInsert:
        rowid, row = self._one("sessions", "id = ?", [chat])
        if bring.parent is not None and not self.titles.knows(bring.parent):
            bring = replace(bring, link=Link.NONE, parent=None)
        changed = brought(row, bring, self.peers, self.titles)
        if "system_prompt_hash" in row and not self._has_prompt(row["system_prompt_hash"]):
            changed["system_prompt_hash"] = None
        changed = {column: value for column, value in changed.items() if column in row}
        title = text(changed.get("title", row.get("title")))
        parent = bring.parent if bring.link is Link.PARENT else None
        self.titles.add(bring.into, parent, title)
        origin = self._ref(rowid, row, changed, session_fingerprint(chat))
        return self._insert("sessions", {"id": bring.into}, row, changed, origin)

    def _has_prompt(self, digest: Value) -> bool:
        if digest is None or not self.home.has("system_prompts"):
            return digest is None
        asked = "SELECT 1 FROM system_prompts WHERE hash = ?"
        return self.home.one(asked, [digest]) is not None

    def _one(self, table: str, where: str, values: Sequence[Value]) -> tuple[int, Row]:
        found = next(self._rows(table, where, values), None)
        if found is None:
            raise Refused(f"{self.name} has a row of {table} that cannot be read by its key.")
        return found

    def _messages(self, chat: str, bring: Bring) -> Iterator[tuple[RowInsert, int]]:
        """Yield the messages to add, in the order of their ids, each with its bytes."""
        if not bring.messages:
            return
        since = bring.since if bring.since is not None else -(2**63)
        latest = None if bring.new_session else self._latest(bring.into)
        added = 0
        rows = self._rows("messages", "session_id = ? AND id >= ? ORDER BY id", [chat, since])
        for rowid, row in rows:
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

    def _latest(self, session_id: str) -> float | None:
        """Return the latest time of a chat of the home, which what follows must not be before."""
        asked = "SELECT MAX(timestamp) FROM messages WHERE session_id = ?"
        row = self.home.one(asked, [session_id])
        return number(row[0]) if row is not None else None

    def _continued(self, chat: str, bring: Bring) -> Iterator[RowUpdate]:
        _, theirs = self._one("sessions", "id = ?", [chat])
        ours = next(self.home.rows_of("sessions", "id = ?", [bring.into]), None)
        if ours is None:
            raise Changed(f"{bring.into} is not in this home any more.", "Run this again.")
        before, after = continued(ours, theirs, bring, self.titles)
        if isinstance(title := after.get("title"), str):
            self.titles.add(bring.into, text(ours.get("parent_session_id")), title)
        if after:
            yield RowUpdate("sessions", {"id": bring.into}, before, after)

    def _usage(self, chat: str) -> Iterator[Action]:
        """Yield what the source knows of the tokens of a chat, the greater of both per model."""
        table = "session_model_usage"
        if not (self.home.has(table) and self.source.has(table)):
            return
        keys = [
            str(name)
            for (name,) in self.home.rows(
                "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", [table]
            )
        ]
        for _, row in self._rows(table, "session_id = ?", [chat]):
            key = {column: row[column] for column in keys if column in row}
            where = " AND ".join(f"{quote(column)} IS ?" for column in key)
            ours = next(self.home.rows_of(table, where, list(key.values())), None)
            if ours is None:
                yield RowInsert(table, key, row)
                continue
            before, after = usage(ours, row)
            if after:
                yield RowUpdate(table, key, before, after)

    def _delegations(self, chat: str) -> Iterator[RowInsert]:
        """Yield what delegates of a chat delivered. What is pending would be delivered again."""
        table = "async_delegations"
        if not (self.home.has(table) and self.source.has(table)):
            return
        where = "delivery_state = ? AND ? IN (parent_session_id, origin_session)"
        for rowid, row in self._rows(table, where, [_DELIVERED, chat]):
            key = {"delegation_id": row["delegation_id"]}
            there = next(self.home.rows_of(table, "delegation_id = ?", list(key.values())), None)
            if there is None:
                yield self._insert(table, key, row, {}, self._ref(rowid, row, {}))


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
