"""Indexes that were dropped, renamed or taken, beside damage of other kinds: undo is exact.

What a repair does to an index is taken back by its backup, what it does to rows by their images, so
one run leaves two receipts. With both back, names, SQL texts and rows are as they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.app.history import history
from hermes_repair.model.choices import Selection
from hermes_repair.schema.catalogue import default_catalogue
from tests.homes.content import content, without_sequence
from tests.homes.home import new_home, opened
from tests.homes.small import COUNTED, HEALTHY, add_session
from tests.in_process import home_of, repair, undo

NUMBERS = (11, 14, 16, 22)
COLUMNS = {"sessions": "message_count", "messages": "token_count"}
"""The tables whose indexes are hurt, each with a column that has none."""
EVERY = "every index"
HURTS: dict[str, Callable[[str, str, str], str | None]] = {
    "dropped": lambda name, table, sql: None,
    "renamed": lambda name, table, sql: sql.replace(name, f"mine_{name}"),
    "taken": lambda name, table, sql: f"CREATE INDEX {name} ON {table}({COLUMNS[table]})",
    "spelled otherwise": lambda name, table, sql: sql.replace(" ON ", "  on\n"),
}
"""What befalls an index: what is made in its place."""
BESIDE = {
    "itself its parent": f"UPDATE sessions SET parent_session_id = id WHERE id = '{HEALTHY}'",
    "wrong count": f"UPDATE sessions SET message_count = 9 WHERE id = '{COUNTED}'",
    "odd time": f"UPDATE messages SET timestamp = 1.0 WHERE session_id = '{COUNTED}'",
    "twice": "INSERT INTO messages (session_id, role, content, timestamp)"
    f" SELECT session_id, role, content, timestamp FROM messages WHERE session_id = '{COUNTED}'",
}
TOGETHER = ("itself its parent", "wrong count", "odd time")


def indexes(number: int) -> Iterator[str]:
    """Yield the names of the indexes of sessions and messages of a schema."""
    for name, index in default_catalogue().nearest(number).structure.indexes.items():
        if index.table in COLUMNS and name.startswith("idx_"):
            yield name


def usual() -> Iterator[tuple[int, str, str, tuple[str, ...]]]:
    """Yield schema, index, what befalls it, and what befalls the home beside: a few of each."""
    for index in indexes(14):
        yield 14, index, "dropped", TOGETHER
    for number, how in zip((11, 16, 22), ("renamed", "taken", "dropped"), strict=True):
        yield number, EVERY, how, TOGETHER


def each() -> Iterator[tuple[int, str, str, tuple[str, ...]]]:
    """Yield the same for all of them, and all that may come together."""
    for number in NUMBERS:
        for index in (*indexes(number), EVERY):
            for size in range(3):
                for beside in combinations(BESIDE, size):
                    yield number, index, "dropped", beside
            for how in HURTS:
                yield number, index, how, TOGETHER


@pytest.mark.parametrize(
    ("number", "index", "how", "beside"),
    [*usual(), *(pytest.param(*case, marks=pytest.mark.long) for case in each())],
)
def test_undo_of_all_receipts_is_exact(
    number: int,
    index: str,
    how: str,
    beside: Sequence[str],
    tmp_path: Path,
    environment: Environment,
) -> None:
    home = tmp_path / "home"
    with new_home(home, number, wal=False) as db:
        for session in (HEALTHY, COUNTED):
            add_session(db, session, [("user", "hello", 4.0), ("assistant", "good day", 4.1)])
    with opened(home) as db:
        hurt(db, index, how)
        for damage in beside:
            db.execute(BESIDE[damage])
    before = without_sequence(content(home))
    done = repair(home, environment, selection=Selection(unsafe=True))
    assert not done.refused
    rebuilt = is_damage(number, index, how)
    assert len(done.receipts) == rebuilt + bool(beside)
    repaired = without_sequence(content(home))
    assert (repaired["structure"] != before["structure"]) == rebuilt
    while any(entry.can_be_undone for entry in history(home_of(home))):
        undo(home, environment)
    assert without_sequence(content(home)) == before


def is_damage(number: int, index: str, how: str) -> bool:
    """Whether the index is missing then: early builds of a schema may lack one, and be whole."""
    if how in ("dropped", "renamed"):
        return f"index {index}" not in default_catalogue().nearest(number).early
    return how == "taken"


def hurt(db: sqlite3.Connection, index: str, how: str) -> None:
    """Do to one index, or to each, what befalls it."""
    found = db.execute(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, table, sql in found:
        if table in COLUMNS and index in (name, EVERY):
            db.execute(f'DROP INDEX "{name}"')
            instead = HURTS[how](name, table, sql)
            if instead is not None:
                db.execute(instead)
