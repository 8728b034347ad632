"""Messages whose rows are gone, from the text that the search index of schemas 11 to 22 keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hermes_repair.model.values import RawText, Row, Value, number
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.older_pages import MESSAGES
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.said_by_rowid import SaidByRowid
from hermes_repair.salvage.salvaged_rows import SalvagedRow
from hermes_repair.salvage.search_texts import COPIES, UNDECIDED, copies, split_text
from hermes_repair.salvage.witnesses import LostRow


class PartOfMessage(NamedTuple):
    """What is known of a message that is gone, where that is too little for a row.

    ``known`` by column name, by the indexes and, where its parts could be told apart, by the text.
    ``text`` is all that the search index has: content, tool_name and tool_calls in one. None where
    it has nothing.
    """

    rowid: int
    known: Row
    text: str | RawText | None


def copied_messages(
    image: PageImage, assignment: Assignment, lost: Iterable[LostRow]
) -> Iterator[SalvagedRow | PartOfMessage]:
    """Yield what is known of each lost message (:meth:`.Witnesses.lost`), in no certain order.

    A row (marked SEARCH_COPY) where all that must not be NULL is known: session and time by an
    index, the role by the text, and by an index whether the chat still showed it: what its owner
    had undone must not be back. It has the columns that are known, and no other. Marked
    CONTRADICTED, where the two copies differ. Otherwise a part.
    """
    waiting = {row.rowid: row for row in lost}
    if not waiting:
        return
    wanted = sorted(waiting)
    tables = (*COPIES, UNDECIDED)
    other = SaidByRowid()
    for table in tables[1:]:
        for page in copies(image, assignment, table, wanted):
            for rowid, text in page:
                if rowid in waiting:
                    other.add(rowid, text)
    for table in tables:
        for page in copies(image, assignment, table, wanted):
            for rowid, text in page:
                row = waiting.pop(rowid, None)
                if row is not None:
                    yield _made(row, text, contradicted=other.agrees(rowid, text) is False)
    for rowid in sorted(waiting):
        yield PartOfMessage(rowid, {"id": rowid, **waiting[rowid].known}, None)


def _made(row: LostRow, text: str | RawText, *, contradicted: bool) -> SalvagedRow | PartOfMessage:
    rowid, known = row.rowid, row.known
    parts = split_text(text) if isinstance(text, str) else None
    if parts is None:
        return PartOfMessage(rowid, {"id": rowid, **known}, text)
    values: dict[str, Value] = {
        "id": rowid,
        **known,
        "content": parts.content,
        "tool_name": parts.tool_name,
        "tool_calls": parts.tool_calls,
    }
    at = number(known.get("timestamp"))
    placed = at is not None and isinstance(known.get("session_id"), str)
    if parts.role is None or not placed or row.hidden is None:
        return PartOfMessage(rowid, values, text)
    values |= {"role": parts.role, "timestamp": at}
    marks = {Mark.SEARCH_COPY, *([Mark.CONTRADICTED] if contradicted else [])}
    return SalvagedRow(MESSAGES, rowid, values, 0, Trust.ORPHAN, frozenset(marks))
