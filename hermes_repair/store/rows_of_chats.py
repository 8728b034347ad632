"""The messages of many chats of an unchanging database, in one pass and in the order asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hermes_repair.model.values import Value, whole
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look


def messages_of_chats(
    look: Look, chats: Iterable[tuple[str, int]], columns: Sequence[str]
) -> Iterator[tuple[int, int, tuple[Value, ...]]]:
    """Yield messages, those of a chat together, by id: place of the chat, id, values of columns.

    ``chats`` are session ids, each with the id from which on its messages are meant; the place of
    a chat is that among them, from 0. Which messages these are is noted in a temporary table of
    SQLite's (numbers alone), so that neither they nor their texts are held in memory. Nobody may
    be writing to the database.
    """
    connection = look.connection
    for table in ("chats_asked_for", "messages_asked_for"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    connection.execute("CREATE TEMP TABLE chats_asked_for (place INTEGER PRIMARY KEY, name, since)")
    connection.execute(
        "CREATE TEMP TABLE messages_asked_for (place, id, PRIMARY KEY (place, id)) WITHOUT ROWID"
    )
    connection.executemany(
        "INSERT INTO temp.chats_asked_for VALUES (?, ?, ?)",
        ((place, name, since) for place, (name, since) in enumerate(chats)),
    )
    noted = (
        "INSERT INTO temp.messages_asked_for SELECT c.place, m.id FROM temp.chats_asked_for c"
        " CROSS JOIN messages m ON m.session_id = c.name WHERE m.id >= c.since"
    )
    for _ in look.rows(noted):
        pass
    listed = ", ".join(f"m.{quote(column)}" for column in columns)
    rows = look.rows(
        f"SELECT a.place, m.id, {listed} FROM temp.messages_asked_for a"
        " CROSS JOIN messages m ON m.id = a.id ORDER BY a.place, a.id"
    )
    for place, id, *values in rows:
        yield whole(place), whole(id), tuple(values)
