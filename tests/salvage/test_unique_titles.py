"""Titles of salvaged sessions: of several that are equal the last session keeps its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hermes_repair.app.salvage_writing import _make_titles_unique
from hermes_repair.store.new_database import FileFormat, new_database

Session = tuple[str, str | None, float | None]
"""Its id, title and start."""


def renamed(path: Path, sessions: Sequence[Session]) -> set[str]:
    """Return the ids of the sessions whose titles were changed."""
    with new_database(path, FileFormat()) as database:
        database.run("CREATE TABLE sessions (id TEXT PRIMARY KEY, title TEXT, started_at REAL)")
        database.fill("sessions", ("id", "title", "started_at"), sessions, lambda *_: None)
        count = _make_titles_unique(database)
        found = database.query("SELECT title FROM sessions ORDER BY rowid")
    now = [title for (title,) in found]
    pairs = zip(sessions, now, strict=True)
    changed = {session_id for (session_id, title, _), new in pairs if new != title}
    assert count == len(changed)
    titles = [title for title in now if title is not None]
    assert len(titles) == len(set(titles))
    return changed


def test_only_the_last_of_equal_titles_stays(tmp_path: Path) -> None:
    """By when it began, and by its place where two began at once; NULL is before everything."""
    random = Random(5)
    for number in range(30):
        sessions: list[Session] = [
            (
                f"s{place}",
                random.choice((None, "a", "b", "c")),
                random.choice((None, 1.0, 2.0, 3.0)),
            )
            for place in range(random.randrange(1, 25))
        ]
        in_order = sorted(
            range(len(sessions)), key=lambda place: (sessions[place][2] or 0.0, place)
        )
        last = {sessions[place][1]: sessions[place][0] for place in in_order}
        titled = {id_ for id_, title, _ in sessions if title is not None}
        assert renamed(tmp_path / f"{number}.db", sessions) == titled - set(last.values())


def test_many_sessions_take_no_time(tmp_path: Path) -> None:
    """20,000 chats; each title looked up in all the others took 50 seconds."""
    sessions = [(f"s{number}", f"Chat {number}", float(number)) for number in range(20_000)]
    begun = time.process_time()
    assert renamed(tmp_path / "new.db", sessions) == set()
    assert time.process_time() - begun < 5
