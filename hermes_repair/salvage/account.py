"""What was read of a damaged database, counted as its rows go by: the parts of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from hermes_repair.model.salvage_ledger import SEARCH_COPY, SessionLedger, TableLedger, ranges_of
from hermes_repair.model.values import Value, readable
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.said_by_rowid import Rowids
from hermes_repair.salvage.salvaged_rows import Refusal, Refused, SalvagedRow
from hermes_repair.salvage.search_copy import PartOfMessage
from hermes_repair.salvage.witnesses import LostRow

MESSAGES, SESSIONS = "messages", "sessions"
_TRUST = tuple(trust.name.lower() for trust in Trust)


def _gaps(ids: Rowids, proven: Iterable[int]) -> int:
    """Return how many ids between the lowest and the highest of ``ids`` neither are among them nor
    ``proven`` to have been given out."""
    lowest, highest = next(iter(ids), None), ids.highest
    if lowest is None:
        return 0
    inside = sum(lowest < one < highest for one in proven)
    return highest - lowest + 1 - len(ids) - inside


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
    lost_shown: list[int] = field(default_factory=list)
    ids: Rowids = field(default_factory=Rowids)
    filled: Rowids = field(default_factory=Rowids)
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
        self._page = 0, image.origin(0).value
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
        name, rowid, values, page, trust, marks = row
        table = self.of(name)
        table.read += 1
        table.by_trust[_TRUST[trust]] += 1
        copied = bool(marks) and Mark.SEARCH_COPY in marks
        table.by_origin[SEARCH_COPY if copied else self._origin(page)] += 1
        doubts = marks and marks - {Mark.SEARCH_COPY}
        if doubts:
            table.marked.update(mark.name.lower() for mark in doubts)
            table.in_doubt += 1
        if rowid is not None:
            (table.filled if copied else table.ids).add(rowid)
        if name == MESSAGES:
            session = self._session(values.get("session_id"))
            session.messages += 1
            session.marked += bool(doubts)
        elif name == SESSIONS:
            session = self._session(values.get("id"))
            session.row = True
            session.row_marked = bool(doubts)
            counted = values.get("message_count")
            session.counted = counted if isinstance(counted, int) else None

    def _origin(self, page: int) -> str:
        if page != self._page[0]:  # the rows of a page come one after the other
            self._page = page, self._image.origin(page).value
        return self._page[1]

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
        table = self.of(lost.table)
        table.lost.append(lost.rowid)
        if lost.hidden is False:
            table.lost_shown.append(lost.rowid)
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
            lost_shown=ranges_of(found.lost_shown),
            gaps=_gaps(found.ids, chain(found.lost, found.filled)),
            pages_lost=(assigned.lost or 0) if assigned is not None else 0,
            places_lost=assigned.places_lost if assigned is not None else (),
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
