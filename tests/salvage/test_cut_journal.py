"""A journal that was cut: what was never committed is in the file, and does not pass for a row."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from tests.homes.database import connect
from tests.salvage.faults import Damage, original
from tests.salvage.judge import judge, salvage
from tests.salvage.stores import Store, life

SAID = "instr(content, char(0)) = 0"
WRITES = {
    "messages": (
        "INSERT INTO messages (session_id, role, content, timestamp)"
        f" SELECT session_id, role, 'never ' || content, timestamp + 1 FROM messages WHERE {SAID}"
    ),
    "chats": (
        "INSERT INTO sessions (id, source, started_at)"
        " SELECT id || 'new', source, started_at FROM sessions"
    ),
    "other words": f"UPDATE messages SET content = 'never ' || content WHERE {SAID}",
}


@cache
def never_committed(shape: str, page_size: int, write: str) -> Damage:
    """Return a database whose last write was cut off when its pages were in the file already."""
    with TemporaryDirectory(prefix="salvage-journal-") as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(life(Store((shape,), page_size, sessions=12, longest=3000)).newer)
        with closing(connect(path)) as db:
            db.execute("PRAGMA secure_delete=OFF")
            made = original(path.read_bytes())
            db.execute("PRAGMA cache_size=5")
            db.execute("BEGIN")
            db.execute(WRITES[write])
            journal = Path(f"{path}-journal").read_bytes()
            return Damage(path.read_bytes(), frozenset(), None, journal, original=made)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("shape", "page_size"), [("16", 1024), ("30", 4096)])
def test_what_was_never_committed_is_marked(shape: str, page_size: int, write: str) -> None:
    whole = never_committed(shape, page_size, write)
    journal = whole.journal or b""
    for share in (0.02, 0.3, 0.6, 0.9):
        at = int(len(journal) * share)
        noise = journal[:at] + Random(1).randbytes(3000) + journal[at + 3000 :]
        for left in (journal[:at], noise):
            damage = Damage(whole.main, frozenset(), None, left, original=whole.original)
            found = salvage(damage)
            for table in ("messages", "sessions"):
                truth = whole.original.rows[table]
                for rowid, row in found.rows[table].items():
                    assert row.marks or truth.get(rowid) == row.values, (share, table, rowid)


@pytest.mark.parametrize("write", WRITES)
def test_a_whole_journal_leaves_no_doubt(write: str) -> None:
    verdict = judge(damage := never_committed("16", 1024, write), found := salvage(damage))
    assert not +verdict.revived and not +verdict.wrong
    assert not any(row.marks for row in found.rows["messages"].values())
