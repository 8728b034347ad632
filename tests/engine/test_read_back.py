"""What the database makes of a write is looked at before it is committed, whatever is in there.

Every object here is one that :mod:`hermes_repair.schema.foreign_objects` finds, and that a repair
refuses to write beside (tests/cases/DB009...). These tests take that away: reading back has to do
alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value
from hermes_repair.repair.row_writes import Rows
from hermes_repair.repair.write_watch import Watch
from hermes_repair.schema import allowed_writes, foreign_objects
from hermes_repair.store.writer import writing
from tests.homes.content import Content, content, without_sequence
from tests.homes.home import opened
from tests.homes.small import COUNTED, FRONT, LOCKED, ORPHAN
from tests.in_process import repair, undo

ALL = {FRONT, ORPHAN, COUNTED, LOCKED}
OF_SESSIONS = {FRONT, ORPHAN, COUNTED}

TRICKS = {
    # name: what is made in the database, and the units that it takes in
    "an insert is dropped": (
        "CREATE TRIGGER x BEFORE INSERT ON messages BEGIN SELECT RAISE(IGNORE); END",
        {FRONT},
    ),
    "an insert is dropped that looks like a double": (
        "CREATE TRIGGER x BEFORE INSERT ON messages WHEN EXISTS (SELECT 1 FROM messages WHERE"
        " role = new.role) BEGIN SELECT RAISE(IGNORE); END",
        {FRONT},
    ),
    "an insert is changed": (
        "CREATE TRIGGER x AFTER INSERT ON messages BEGIN"
        " UPDATE messages SET content = upper(content) WHERE id = new.id; END",
        {FRONT},
    ),
    "an insert changes another row": (
        "CREATE TRIGGER x AFTER INSERT ON messages BEGIN"
        " UPDATE messages SET content = 'gone' WHERE id = 1; END",
        {FRONT},
    ),
    "an insert deletes another row": (
        "CREATE TRIGGER x AFTER INSERT ON messages BEGIN DELETE FROM messages WHERE id = 1; END",
        {FRONT},
    ),
    "an insert adds a row elsewhere": (
        "CREATE TRIGGER x AFTER INSERT ON messages BEGIN"
        " INSERT INTO state_meta VALUES ('added ' || new.id, ''); END",
        {FRONT},
    ),
    "the search index adds a row elsewhere": (
        "CREATE TRIGGER x AFTER INSERT ON messages_fts_docsize BEGIN"
        " INSERT INTO state_meta VALUES ('indexed ' || new.id, ''); END",
        {FRONT},
    ),
    "a delete is dropped": (
        "CREATE TRIGGER x BEFORE DELETE ON messages BEGIN SELECT RAISE(IGNORE); END",
        {FRONT},
    ),
    "a delete takes its chat along": (
        "CREATE TRIGGER x AFTER DELETE ON messages BEGIN"
        " DELETE FROM sessions WHERE id = old.session_id; END",
        {FRONT},
    ),
    "an update deletes every message": (
        "CREATE TRIGGER x AFTER UPDATE ON sessions BEGIN DELETE FROM messages; END",
        OF_SESSIONS,
    ),
    "an update is dropped": (
        "CREATE TRIGGER x BEFORE UPDATE ON sessions BEGIN SELECT RAISE(IGNORE); END",
        OF_SESSIONS,
    ),
    "an update is taken back": (
        "CREATE TRIGGER x AFTER UPDATE OF parent_session_id ON sessions BEGIN"
        " UPDATE sessions SET parent_session_id = old.parent_session_id WHERE id = old.id; END",
        {ORPHAN},
    ),
    "an update changes another column": (
        "CREATE TRIGGER x AFTER UPDATE OF message_count ON sessions BEGIN"
        " UPDATE sessions SET title = NULL WHERE id = new.id; END",
        {FRONT, COUNTED},
    ),
    "a lock stays": (
        "CREATE TRIGGER x BEFORE DELETE ON compression_locks BEGIN SELECT RAISE(IGNORE); END",
        {LOCKED},
    ),
    "a lock is taken again": (
        "CREATE TRIGGER x AFTER DELETE ON compression_locks BEGIN"
        " INSERT INTO compression_locks VALUES (old.session_id, 'x', 1.0, 2.0); END",
        {LOCKED},
    ),
    "a view takes what is written and drops it": (
        "ALTER TABLE compression_locks RENAME TO l;"
        "CREATE VIEW compression_locks AS SELECT * FROM l;"
        "CREATE TRIGGER x INSTEAD OF DELETE ON compression_locks BEGIN SELECT 1; END",
        {LOCKED},
    ),
}


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees what no release makes."""
    for module in (foreign_objects, allowed_writes):
        monkeypatch.setattr(module, "find_foreign_objects", lambda *_arguments: ())


def make(home: Path, script: str) -> None:
    with opened(home) as db:
        db.executescript(script)


def drop(home: Path) -> None:
    with opened(home) as db:
        db.execute("DROP TRIGGER x")


def rows_of(found: Content) -> Content:
    """Return the content less its structure and the AUTOINCREMENT marks."""
    return {name: rows for name, rows in without_sequence(found).items() if name != "structure"}


NOT_TAKEN = "did not store what was written"
OTHERWISE = {
    "an insert is changed": "Another row is in its way",  # FTS5 has the row twice then
    "an update deletes every message": "messages 3 is not as it was",  # before it could be moved
}


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", TRICKS)
def test_a_repair_is_taken_back_and_named(name: str, home: Path, environment: Environment) -> None:
    script, units = TRICKS[name]
    make(home, script)
    before = rows_of(content(home))
    done = repair(home, environment)
    assert {unit.subject for unit, _ in done.refused} == units
    for unit, error in done.refused:
        words = OTHERWISE.get(name, NOT_TAKEN) if unit.subject == FRONT else NOT_TAKEN
        assert error.exit_code == 4 and words in error.message
    assert done.units == len(ALL - units) and not done.complete
    if done.units:
        undo(home, environment)
    assert rows_of(content(home)) == before


# What is done before a trick is there is taken back after it is: the other way round.
UNDONE = {
    "an insert is dropped": FRONT,
    "an insert adds a row elsewhere": FRONT,
    "a delete is dropped": FRONT,
    "an update deletes every message": COUNTED,
    "an update is dropped": ORPHAN,
    "an update is taken back": ORPHAN,
    "an update changes another column": COUNTED,
}


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("name", UNDONE)
def test_an_undo_is_taken_back_and_named(name: str, home: Path, environment: Environment) -> None:
    before = rows_of(content(home))
    repair(home, environment)
    make(home, TRICKS[name][0])
    repaired = rows_of(content(home))
    with pytest.raises(Refused, match=NOT_TAKEN):
        undo(home, environment)
    assert rows_of(content(home)) == repaired
    drop(home)
    undo(home, environment)
    assert rows_of(content(home)) == before


def test_beside_a_trigger_that_came_later_nothing_is_taken_back(
    home: Path, environment: Environment
) -> None:
    repair(home, environment)
    make(home, TRICKS["an insert is dropped"][0])
    with pytest.raises(Refused, match="DB009: the trigger x"):
        undo(home, environment)
    drop(home)
    undo(home, environment)


@pytest.mark.usefixtures("unseen")
def test_a_change_of_structure_is_taken_back_and_named(
    home: Path, environment: Environment
) -> None:
    """No row is counted one by one there, but all are before and after."""
    make(
        home,
        "DROP INDEX idx_messages_session_active; ALTER TABLE messages DROP COLUMN active;"
        " ALTER TABLE messages ADD COLUMN active INTEGER;"
        " CREATE INDEX idx_messages_session_active ON messages(session_id, active, timestamp)",
    )
    before = rows_of(content(home))
    make(
        home,
        "CREATE TRIGGER x AFTER UPDATE ON messages WHEN new.id > 1 BEGIN"
        " DELETE FROM messages WHERE id = new.id; END",
    )
    done = repair(home, environment)
    assert [unit.finding_ids for unit, _ in done.refused] == [("SC007",)]
    assert "messages has" in done.refused[0][1].message
    waiting = {what: why for what, why in done.waiting if "'show 15 messages again" in why}
    assert len(waiting) == 1, "what writes messages waits for it; the rest is done"
    assert done.units == 2 and rows_of(content(home))["messages"] == before["messages"]
    undo(home, environment)
    assert rows_of(content(home)) == before


# --- What can never fire ------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, parent TEXT REFERENCES sessions(id) ON DELETE CASCADE,
                       title TEXT UNIQUE ON CONFLICT REPLACE, n INTEGER);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
                       session_id TEXT REFERENCES sessions(id) ON DELETE CASCADE ON UPDATE CASCADE,
                       other TEXT REFERENCES sessions(id) ON DELETE SET NULL);
CREATE TABLE log (what TEXT PRIMARY KEY ON CONFLICT REPLACE);
INSERT INTO sessions VALUES ('a', NULL, 'one', 1), ('b', 'a', 'two', 2);
INSERT INTO messages VALUES (1, 'a', 'a'), (2, 'b', 'a');
INSERT INTO log VALUES ('kept');
"""

Work = Callable[[Rows], None]


def within(
    path: Path, work: Work, script: str = ""
) -> tuple[list[tuple[Value, ...]], Refused | None]:
    """Make the database, do the work in one transaction, and return every row and the refusal."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(SCHEMA + script)
    refused = None
    with writing(path, live=False) as writer:
        watch = Watch(writer)
        watch.prepare()
        writer.begin(0.0, Random(0))
        watch.start()
        rows = Rows(writer, watch)
        try:
            work(rows)
            rows.require_nothing_else()
        except Refused as error:
            refused = error
        found = [
            row
            for table in ("sessions", "messages", "log")
            for row in writer.query(f"SELECT * FROM {table} ORDER BY 1")
        ]
        writer.rollback()
    return found, refused


KEPT = [("a", None, "one", 1), ("b", "a", "two", 2), (1, "a", "a"), (2, "b", "a"), ("kept",)]


def test_no_reference_deletes_or_changes_a_row(tmp_path: Path) -> None:
    found, refused = within(tmp_path / "x.db", lambda rows: rows.delete("sessions", {"id": "a"}))
    assert refused is None and found == KEPT[1:]


def test_no_row_makes_way_for_another(tmp_path: Path) -> None:
    """A table that says REPLACE would lose the session that has the title, without a trigger."""

    def same_title(rows: Rows) -> None:
        rows.insert("sessions", {"id": "c"}, {"id": "c", "title": "one", "n": 3})

    def rename(rows: Rows) -> None:
        row = rows.writer.select("sessions", {"id": "b"})
        assert row is not None
        rows.update("sessions", {"id": "b"}, row, {"title": "one"})

    for number, work in enumerate((same_title, rename)):
        with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*title"):
            within(tmp_path / f"{number}.db", work)


def test_nor_in_what_a_trigger_does(tmp_path: Path) -> None:
    """REPLACE deletes without a trigger, so no count would show it."""
    script = (
        "CREATE TRIGGER x AFTER INSERT ON sessions BEGIN"
        " INSERT OR REPLACE INTO log VALUES ('kept'); END"
    )

    def insert(rows: Rows) -> None:
        rows.insert("sessions", {"id": "c"}, {"id": "c", "title": None, "n": 3})

    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*log"):
        within(tmp_path / "x.db", insert, script)


def test_a_trigger_within_a_trigger_is_counted(tmp_path: Path) -> None:
    script = (
        "CREATE TRIGGER x AFTER UPDATE ON sessions BEGIN INSERT INTO log VALUES (new.id); END;"
        "CREATE TRIGGER y AFTER INSERT ON log BEGIN DELETE FROM messages WHERE id = 2; END"
    )

    def update(rows: Rows) -> None:
        row = rows.writer.select("sessions", {"id": "a"})
        assert row is not None
        rows.update("sessions", {"id": "a"}, row, {"n": 7})

    _, refused = within(tmp_path / "x.db", update, script)
    assert refused is not None and "rows of messages deleted: 1 instead of 0" in refused.message


def test_every_table_is_counted_however_it_is_called(tmp_path: Path) -> None:
    script = (
        'CREATE TABLE "odd "" name" (a);'
        "CREATE TRIGGER x AFTER DELETE ON sessions BEGIN"
        ' INSERT INTO "odd "" name" VALUES (1); END'
    )
    work: Work = lambda rows: rows.delete("sessions", {"id": "b"})  # noqa: E731
    _, refused = within(tmp_path / "x.db", work, script)
    assert refused is not None and 'odd " name' in refused.message


def test_counting_leaves_nothing_in_the_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
    before = path.read_bytes()
    with writing(path, live=False) as writer:
        watch = Watch(writer)
        watch.prepare()
        writer.begin(0.0, Random(0))
        watch.start()
        writer.rollback()
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.db"]


def test_a_plan_cannot_open_another_file(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
    with writing(path, live=False) as writer, pytest.raises(sqlite3.OperationalError):
        writer.execute(f"ATTACH '{tmp_path / 'other.db'}' AS other")
    assert not (tmp_path / "other.db").exists()


def test_a_key_that_names_two_rows_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE t (id); INSERT INTO t VALUES (1), (1);")
    with writing(path, live=False) as writer, pytest.raises(Refused, match="More than one row"):
        writer.select("t", {"id": 1})
