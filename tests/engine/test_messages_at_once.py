"""Messages that are written many at a time end up as those that are written one by one."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from hermes_repair.model.values import RawText, Row, Value
from hermes_repair.repair import row_writes
from hermes_repair.repair.row_writes import Rows
from hermes_repair.repair.write_watch import Watch
from hermes_repair.store.writer import Writer, writing
from tests.homes.home import new_home
from tests.homes.small import add_session

SAID = 40


def work(rows: Rows, random: Random) -> list[Row | None]:
    """Write messages at random, as actions do; return those that were asked for between."""
    ids, highest, asked = list(range(1, SAID + 1)), SAID, []
    texts: tuple[Value, ...] = ("short", None, "long " * 200, RawText(b"\xff"), b"\0")
    for _ in range(120):
        kind, id = random.choice(("insert", "delete", "move", "move", "update", "ask")), 0
        if kind == "insert":
            highest += random.randint(1, 3)
            row: Row = {"id": highest, "session_id": "a", "role": "user", "timestamp": 4.0}
            if random.random() < 0.8:
                row = {**row, "content": random.choice(texts)}
            rows.insert("messages", {"id": highest}, row)
            ids.append(highest)
        elif ids:
            id = random.choice(ids)
            found = rows.select("messages", {"id": id})
            asked.append(found)
            assert found is not None
            if kind in ("delete", "move"):
                ids.remove(id)
            if kind == "delete":
                rows.delete("messages", {"id": id})
            elif kind == "move":
                new = random.choice((highest + 1, id))  # also away and back again
                rows.move("messages", found, id, new)
                ids.append(new)
                highest = max(highest, new)
            elif kind == "update":
                rows.update("messages", {"id": id}, found, {"content": random.choice(texts)})
    rows.require_nothing_else()
    return asked


def stored(writer: Writer) -> list[tuple[Value, ...]]:
    """Return all messages, and what both search tables find."""
    return [
        *writer.query("SELECT * FROM messages ORDER BY id"),
        *writer.query("SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'long'"),
        *writer.query("SELECT rowid FROM messages_fts_trigram('hor')"),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_many_at_once_or_one_by_one(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_writes, "MOST_WAITING", 3 + 5 * seed)
    monkeypatch.setattr(row_writes, "MOST_BYTES", 1500 if seed % 2 else 1 << 20)
    with new_home(tmp_path / "home", 14) as db:
        add_session(db, "a", [("user", f"message {n}", 4.0 + n) for n in range(SAID)])
    found = []
    for watched in (False, True):
        with writing(tmp_path / "home" / "state.db", live=False) as writer:
            watch = Watch(writer)
            watch.prepare()
            writer.begin(0.0, Random(0))
            watch.start()
            asked = work(Rows(writer, watch if watched else None), Random(seed))
            writer.execute("INSERT INTO messages_fts(messages_fts) VALUES ('integrity-check')")
            found.append((asked, stored(writer)))
            writer.rollback()
    assert found[0] == found[1]
