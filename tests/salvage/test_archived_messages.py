"""What only the search index has was compacted or undone: the first where it is proven."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.salvage_work import salvage_of
from hermes_repair.salvage import Bundle
from tests.homes.database import connect
from tests.salvage.faults import original
from tests.salvage.stores import Store, life


def salvaged_flags(path: Path, *sql: str) -> set[tuple[int, int]]:
    """Lose some leaves of the longest chat, all of which is hidden but its last message.

    Return ``active`` and ``compacted`` of what the search index brings back of it.
    """
    path.write_bytes(life(Store(("22",), 1024, sessions=20, longest=2000)).newer)
    with closing(connect(path)) as db:
        [(chat, last)] = db.execute(
            "SELECT session_id, MAX(id) FROM messages GROUP BY session_id ORDER BY COUNT(*) DESC"
            " LIMIT 1"
        )
        own = f"session_id = '{chat}'"
        db.execute(f"UPDATE messages SET active = 0, compacted = 1 WHERE {own} AND id < {last}")
        db.execute(f"UPDATE messages SET active = 1, compacted = 0 WHERE {own} AND id = {last}")
        for statement in sql:
            db.execute(statement.format(chat=own, last=last, id=f"id = '{chat}'"))
    made = original(path.read_bytes())
    rows = made.rows["messages"]
    ids = [id for id, row in rows.items() if row["session_id"] == chat]
    data = bytearray(made.data)
    for leaf in {made.places["messages"][id].leaf for id in ids[4:16]}:
        data[(leaf - 1) * 1024 : leaf * 1024] = bytes(1024)
    path.write_bytes(data)
    with salvage_of(Bundle(path), 0.0, lambda _: None) as salvage:
        salvage.write(path.parent)
        filled = list(salvage.account.of("messages").filled)
    assert filled
    with closing(connect(path.parent / "state.db")) as db:
        return {
            tuple(
                db.execute("SELECT active, compacted FROM messages WHERE id = ?", [id]).fetchone()
            )
            for id in filled
            if rows[id]["session_id"] == chat
        }


def test_a_chat_that_was_never_undone(tmp_path: Path) -> None:
    assert salvaged_flags(tmp_path / "damaged.db") == {(0, 1)}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sessions SET rewind_count = 1 WHERE {id}",
        "UPDATE messages SET compacted = 0 WHERE {chat}",
        "UPDATE messages SET compacted = 0 WHERE {chat} AND id = {last} - 1",
    ],
)
def test_what_may_have_been_undone_stays_out_of_sight(sql: str, tmp_path: Path) -> None:
    assert salvaged_flags(tmp_path / "damaged.db", sql) == {(0, 0)}
