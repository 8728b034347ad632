"""An export of Hermes' as a database, so that it is merged as any other source is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from hermes_repair.app.begin_anew import structure_of
from hermes_repair.app.merge_sources import Place, Source
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value, number
from hermes_repair.schema.catalogue import NEWEST_TARGET
from hermes_repair.schema.session_titles import MERGED, given_title
from hermes_repair.store.new_database import FileFormat, NewDatabase, new_database
from hermes_repair.transcripts.hermes_export import read_export

SEARCH = "messages_fts"
"""What the names of search tables and triggers begin with; a source needs none."""

LACKS = (
    "An export has what Hermes shows: messages that were undone or compacted, tokens by model and"
    " routing are not in it."
)
_UNNUMBERED = 1 << 40
"""Ids for messages of an export that has none: far above those that Hermes gives."""


def from_export(place: Place, target: Path, number: int) -> Source:
    """Write an export to a new database of schema ``number``, and return it as a source.

    Raises :class:`Refused` where the file is no export of sessions.
    """
    assert place.file is not None
    schema = min(number, NEWEST_TARGET)
    with new_database(target, FileFormat()) as database:
        for statement in structure_of(schema):
            if SEARCH not in statement:
                database.run(statement)
        try:
            _fill(database, place)
        except ValueError as error:
            raise Refused(
                f"{place.named} is no export of Hermes' sessions: {error}.",
                "Nothing was changed. `hermes sessions export FILE` writes one.",
            ) from error
    named = place.named
    return Source(named, named, place.kind, target, schema, partial=True, notes=(LACKS,))


def _fill(database: NewDatabase, place: Place) -> None:
    assert place.file is not None
    columns = {
        table: [str(row[1]) for row in database.query(f"PRAGMA table_info({table})")]
        for table in ("sessions", "messages")
    }
    unnumbered = count(_UNNUMBERED)
    given: set[Value] = set()
    seen: set[Value] = set()
    titles: set[str] = set()
    for session in read_export(place.file):
        chat = dict(session.columns)
        known = _Known(database, chat["id"]) if chat["id"] in seen else None
        rows = [_timed(message, chat) for message in session.messages]
        if known is not None:
            rows = [row for row in rows if not known.has(row)]
        if known is None or rows:
            _add_session(database, columns["sessions"], chat, titles)
        seen.add(chat["id"])
        own = True
        for row in rows:
            # One whose id is taken, and what comes after it, keep their order so.
            own = own and isinstance(row.get("id"), int) and row["id"] not in given
            if not own:
                row["id"] = next(unnumbered)
            given.add(row["id"])
            _add(database, "messages", columns["messages"], row)


def _timed(message: Mapping[str, Value], chat: Mapping[str, Value]) -> dict[str, Value]:
    if number(message.get("timestamp")) is None:
        return {**message, "timestamp": chat["started_at"]}
    return dict(message)


class _Known:
    """The messages of a session that an export has more than once: two exports in one file, or a
    lineage that repeats what it is made of.
    """

    def __init__(self, database: NewDatabase, chat: Value) -> None:
        asked = "SELECT id, role, content, tool_call_id, timestamp FROM messages WHERE session_id=?"
        rows = database.query(asked, [chat])
        self._chat = chat
        self._ids = {row[0] for row in rows}
        self._messages = Counter(row[1:] for row in rows)

    def has(self, row: Mapping[str, Value]) -> bool:
        """Whether a message is among them; raises ``ValueError`` where another has its id."""
        mark = tuple(row.get(name) for name in ("role", "content", "tool_call_id", "timestamp"))
        if self._messages[mark]:
            self._messages[mark] -= 1
            return True
        if row.get("id") in self._ids:
            raise ValueError(
                f"it has session {self._chat!r} twice, with different messages: name the exports"
                " that it is made of one by one"
            )
        return False


def _add_session(
    database: NewDatabase, known: list[str], chat: dict[str, Value], titles: set[str]
) -> None:
    """Add the row of a session, or put it in the place of what an earlier part of the file says.

    A title that another session of the file has is given once, as by a merge.
    """
    for (title,) in database.query("SELECT title FROM sessions WHERE id = ?", [chat["id"]]):
        titles.discard(str(title))
        database.query("DELETE FROM sessions WHERE id = ?", [chat["id"]])
    title = chat.get("title")
    if isinstance(title, str):
        if title in titles:
            chat["title"] = given_title(title, MERGED, number(chat["started_at"]), titles)
        titles.add(str(chat["title"]))
    _add(database, "sessions", known, chat)


def _add(database: NewDatabase, table: str, known: list[str], row: Mapping[str, Value]) -> None:
    """Add one row, with the columns that the table has; the others keep their default."""
    names = [name for name in known if row.get(name) is not None]

    def refused(_row: object, why: str) -> None:
        raise ValueError(f"a row that {table} does not take ({why})")

    database.fill(table, names, [[row[name] for name in names]], refused)
