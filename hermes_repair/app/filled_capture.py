"""The rows that a captured -wal does not have, because they lie on pages that it did not change.

A -wal has whole pages: of a chat that went on, the last ones. What comes before is in the main file
of its moment, and in the home, which went on from that. Without it the chat would seem to begin in
the middle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from hermes_repair.model.values import Row, Value, same_value, whole
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.look import Look
from hermes_repair.store.writer import Writer, writing

_SAME_BY = ("session_id", "role", "content", "tool_call_id", "tool_calls", "timestamp")


def fill_capture(home: Look, capture: Path, made: Collection[str]) -> int:
    """Give a capture the rows of its chats from before it, as the home has them; return how many.

    That is each row of the home with an id below the first that the two do not have alike. ``made``
    are sessions whose row the capture has not: they get the home's, with the count of all rows.
    """
    with main_alone(capture) as look:
        shared = [c for c in home.columns("messages") if c in look.columns("messages")]
        sessions = [text for (text,) in look.rows("SELECT id FROM sessions ORDER BY id")]
        rows = [row for id in sessions for row in _before(home, look, id)]
    with writing(capture, live=False) as writer:
        for row in rows:
            writer.insert("messages", {column: row[column] for column in shared})
    fill_made(home, capture, made)
    return len(rows)


def fill_made(home: Look, source: Path, made: Collection[str]) -> None:
    """Give sessions of a source whose own row was lost the row that the home has, if any.

    A made row has neither a model nor an end: continued as in the source the home's would lose
    both. Titles stay out, which another session of the source may have; the home's is kept.
    """
    if not made:
        return
    with main_alone(source) as look:
        known = [c for c in home.columns("sessions") if c in look.columns("sessions")]
    with writing(source, live=False) as writer:
        for id in sorted(made):
            for row in home.rows_of("sessions", "id = ?", [id]):
                values = {column: row[column] for column in known if column != "id"}
                values |= {"title": None, "message_count": _count(home, writer, id)}
                writer.update("sessions", {"id": id}, values)


def _count(home: Look, source: Writer, session_id: str) -> int:
    """Return how many messages a chat has that goes on at home as in the source."""
    here = home.one("SELECT COUNT(*), MAX(id) FROM messages WHERE session_id = ?", [session_id])
    rows, last = (whole(value) for value in here) if here is not None else (0, 0)
    asked = "SELECT COUNT(*), SUM(id > ?) FROM messages WHERE session_id = ?"
    [(there, later)] = source.query(asked, [last, session_id])
    return max(whole(there), rows + whole(later))


def _before(home: Look, capture: Look, session_id: Value) -> Iterator[Row]:
    """Yield the rows of the home that the capture lacks, up to where the two are not alike."""
    where = "session_id = ? ORDER BY id"
    there = {whole(row["id"]): row for row in capture.rows_of("messages", where, [session_id])}
    ours = {whole(row["id"]): row for row in home.rows_of("messages", where, [session_id])}
    unlike = [id for id, row in there.items() if id not in ours or not _same(row, ours[id])]
    first = min(unlike, default=None)
    for id, row in ours.items():
        if id not in there and (first is None or id < first):
            taken = capture.one("SELECT 1 FROM messages WHERE id = ?", [id])
            if taken is None:
                yield row


def _same(left: Row, right: Row) -> bool:
    return all(
        same_value(left[name], right[name]) for name in _SAME_BY if name in left and name in right
    )
