"""Messages whose rows are gone, from the text that the search index of schemas 11 to 22 keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hermes_repair.model.values import RawText, Row, Value, number
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.said_by_rowid import SaidByRowid
from hermes_repair.salvage.salvaged_rows import Mark, SalvagedRow
from hermes_repair.salvage.search_texts import COPIES, UNDECIDED, copies
from hermes_repair.salvage.witnesses import MESSAGES, LostRow

_TOOL_NAME = re.compile(r"[\w.:/-]{1,128}")
_CALLS = re.compile(r" \[\{")
_MOST_TRIED = 50


class PartOfMessage(NamedTuple):
    """What is known of a message that is gone, where that is too little for a row.

    ``known`` by column name, by the indexes and, where its parts could be told apart, by the text.
    ``text`` is all that the search index has: content, tool_name and tool_calls in one. None where
    it has nothing.
    """

    rowid: int
    known: Row
    text: str | RawText | None


class _Parts(NamedTuple):
    """The three columns that one text of the copy was made of."""

    content: str
    tool_name: str | None
    tool_calls: str | None

    @property
    def role(self) -> str | None:
        """Who alone can have written such a message: users and assistants look alike in the text.

        Tools have a name, and assistants make calls (0.13.0 to 0.19.0).
        """
        if self.tool_name is not None:
            return "tool" if self.tool_calls is None else None
        return "assistant" if self.tool_calls is not None else None


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


def split_text(text: str) -> _Parts | None:
    """Take a text of the search copy apart; None where it can be read in more ways than one.

    It is ``content || ' ' || tool_name || ' ' || tool_calls``, with nothing for NULL. A name has no
    space, calls are a JSON list, and so it is told where each ends. Content that is absent and
    content that is empty look alike: it is given as empty.
    """
    if text.endswith(" "):
        head, calls = text[:-1], None
    else:
        found = list(_calls(text))
        if len(found) != 1:
            return None
        head, calls = text[: found[0]], text[found[0] + 1 :]
    content, space, name = head.rpartition(" ")
    if not space or (name and not _TOOL_NAME.fullmatch(name)):
        return None
    return _Parts(content, name or None, calls)


def _calls(text: str) -> Iterator[int]:
    """Yield where the space stands that goes before calls to the end of a text."""
    for tried, match in enumerate(_CALLS.finditer(text)):
        if tried >= _MOST_TRIED:
            return
        try:
            json.loads(text[match.start() + 1 :])
        except (ValueError, RecursionError):
            continue
        yield match.start()
