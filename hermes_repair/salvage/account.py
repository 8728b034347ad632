"""What was read of a damaged database, counted as its rows go by: the parts of the ledger."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from hermes_repair.model.salvage_ledger import SEARCH_COPY, SessionLedger, TableLedger, ranges_of
from hermes_repair.model.values import Value, readable
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.salvaged_rows import Mark, Refusal, Refused, SalvagedRow
from hermes_repair.salvage.search_copy import PartOfMessage
from hermes_repair.salvage.witnesses import LostRow

MESSAGES, SESSIONS = "messages", "sessions"
_TRUST = {trust: trust.name.lower() for trust in Trust}


class RowIds:
    """The rowids of a table, in 8 bytes each. They come nearly in order."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._sorted = True

    def add(self, rowid: int) -> None:
        """Take one more, as far as SQLite has such a number."""
        if self._ids and rowid < self._ids[-1]:
            self._sorted = False
        self._ids.append(rowid)

    def _in_order(self) -> array[int]:
        if not self._sorted:
            self._ids = array("q", sorted(self._ids))
            self._sorted = True
        return self._ids

    def __contains__(self, rowid: object) -> bool:
        if not isinstance(rowid, int) or isinstance(rowid, bool):
            return False
        ids = self._in_order()
        at = bisect_left(ids, rowid)
        return at < len(ids) and ids[at] == rowid

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._in_order())

    def gaps(self, proven: Iterable[int]) -> int:
        """Return how many ids between the lowest and the highest neither are here nor ``proven``
        to have been given out."""
        ids = self._in_order()
        if not ids:
            return 0
        inside = sum(ids[0] < one < ids[-1] for one in proven)
        return ids[-1] - ids[0] + 1 - len(ids) - inside


@dataclass(slots=True)
class TableCount:
    """The rows of one table that went by."""

    read: int = 0
    by_trust: Counter[str] = field(default_factory=Counter)
    by_origin: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0
    torn: list[tuple[int | None, str]] = field(default_factory=list)
    aside: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)
    ids: RowIds = field(default_factory=RowIds)
    filled: RowIds = field(default_factory=RowIds)
    """Rows that are not from a page of the table, but from its copy in the search index."""

    def __contains__(self, rowid: object) -> bool:
        return rowid in self.ids or rowid in self.filled

    def broken(self) -> Counter[str]:
        """Return why rows are torn of which nothing else gives, or proves, a row."""
        lost = set(self.lost)
        return Counter(
            why for rowid, why in self.torn if rowid is None or not (rowid in lost or rowid in self)
        )


@dataclass(slots=True)
class SessionCount:
    """The messages of one session that went by, and what its row says of them."""

    messages: int = 0
    marked: int = 0
    lost: list[int] = field(default_factory=list)
    row: bool = False
    row_marked: bool = False
    counted: int | None = None

    @property
    def made(self) -> bool:
        """Whether its row is gone and its messages are not, so that a row is made for them."""
        return not self.row and bool(self.messages)

    @property
    def hurt(self) -> bool:
        """Whether it lost something, or something of it is in doubt."""
        return self.made or bool(self.marked or self.lost or self.row_marked)


class Account:
    """Counts of every table and session. Some hundred bytes are kept per session."""

    def __init__(self, image: PageImage) -> None:
        self._image = image
        self.tables: dict[str, TableCount] = {}
        self.sessions: dict[Value, SessionCount] = {}

    def of(self, table: str) -> TableCount:
        """Return the counts of a table."""
        found = self.tables.get(table)
        if found is None:
            found = self.tables[table] = TableCount()
        return found

    def take(self, row: SalvagedRow) -> None:
        """Count a row that was read."""
        table = self.of(row.table)
        table.read += 1
        table.by_trust[_TRUST[row.trust]] += 1
        copied = Mark.SEARCH_COPY in row.marks
        table.by_origin[SEARCH_COPY if copied else self._image.origin(row.page).value] += 1
        doubts = row.marks and row.marks - {Mark.SEARCH_COPY}
        if doubts:
            table.marked.update(mark.name.lower() for mark in doubts)
            table.in_doubt += 1
        if row.rowid is not None:
            (table.filled if copied else table.ids).add(row.rowid)
        if row.table == MESSAGES:
            session = self._session(row.values.get("session_id"))
            session.messages += 1
            session.marked += bool(doubts)
        elif row.table == SESSIONS:
            session = self._session(row.values.get("id"))
            session.row = True
            session.row_marked = bool(doubts)
            counted = row.values.get("message_count")
            session.counted = counted if isinstance(counted, int) else None

    def refuse(self, refused: Refused) -> None:
        """Count a cell that gave no row."""
        table = self.of(refused.table)
        if refused.refusal is Refusal.BROKEN:
            why = refused.why.name.lower() if refused.why else "unknown"
            table.torn.append((refused.rowid, why))
        else:
            table.aside[refused.refusal.name.lower()] += 1

    def keep_part(self, part: PartOfMessage) -> None:
        """Count a lost message whose text the search copy has, without who said it."""
        if part.text is not None:
            self.of(MESSAGES).aside["part"] += 1

    def lose(self, lost: LostRow) -> None:
        """Count a row that is proven to have been there."""
        self.of(lost.table).lost.append(lost.rowid)
        session = lost.known.get("session_id") if lost.table == MESSAGES else None
        if session is not None:
            self._session(session).lost.append(lost.rowid)

    def _session(self, session_id: Value) -> SessionCount:
        found = self.sessions.get(session_id)
        if found is None:
            found = self.sessions[session_id] = SessionCount()
        return found

    def table_ledger(self, assignment: Assignment, name: str, *, witnessed: bool) -> TableLedger:
        """Return what the ledger says of a table; ``witnessed``: an index names all its rows."""
        assigned = assignment.tables.get(name)
        found = self.of(name)
        unknown = len(assigned.stored.unknown) if assigned is not None else 0
        return TableLedger(
            name=name,
            read=found.read,
            by_trust=dict(found.by_trust),
            by_origin=dict(found.by_origin),
            marked=dict(found.marked),
            in_doubt=found.in_doubt,
            broken=dict(found.broken()),
            aside=dict(found.aside),
            lost=ranges_of(found.lost),
            gaps=found.ids.gaps(chain(found.lost, found.filled)),
            pages_lost=(assigned.lost or 0) if assigned is not None else 0,
            witnessed=witnessed,
            tree_whole=assigned is None or assigned.whole,
            unknown_columns=unknown,
            columns_by=assigned.columns_from.name.lower() if assigned is not None else "",
        )

    def whole_sessions(self) -> int:
        """Return how many sessions were read and miss nothing that is known of."""
        return sum(found.row and not found.hurt for found in self.sessions.values())

    def counted_more(self) -> int:
        """Return how many messages more the rows of sessions count than were read or are lost."""
        return sum(
            max((found.counted or 0) - found.messages - len(found.lost), 0)
            for found in self.sessions.values()
        )

    def session_ledgers(self) -> Iterator[SessionLedger]:
        """Yield the sessions that lost something or of which something is in doubt, by id."""
        for session_id, found in self.sessions.items():
            if found.hurt:
                yield SessionLedger(
                    session_id=readable(session_id),
                    messages=found.messages,
                    marked=found.marked,
                    lost=ranges_of(found.lost),
                    counted=found.counted,
                    made=found.made,
                    row_marked=found.row_marked,
                )
