"""A plan or receipt that was changed after hermes-repair wrote it, or that is for another home.

A digest that was made anew (``forged``) does not help: what a plan may do is asked of the plan.
"""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.model.actions import FileCopy
from hermes_repair.records import kept_sources
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_file import PlanFile
from tests.cli.speaking import Said, say
from tests.homes.content import content, files, without_sequence
from tests.homes.database import columns_of
from tests.homes.small import small_home

Capture = pytest.CaptureFixture[str]


def saved(home: Path, plan: Path, capsys: Capture) -> Path:
    """Save a plan of a home."""
    assert say(capsys, "repair", "--dry-run", "--plan-out", plan, "--home", home).code == 0
    return plan


def edited(path: Path, sql: str, *, forged: bool) -> None:
    """Change a plan or receipt; ``forged``: with a digest that fits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        before = db.total_changes
        db.executescript(sql)
        assert db.total_changes > before, "nothing was edited"
        if forged:
            PlanFile(db, path).seal()


def apply(home: Path, plan: Path, capsys: Capture) -> Said:
    return say(capsys, "repair", "--plan", plan, "--yes", "--home", home)


def of_kind(kind: str) -> str:
    """Return the condition for one action of a kind."""
    one = f"SELECT unit, position FROM actions WHERE kind = '{kind}' ORDER BY 1, 2 LIMIT 1"
    return f"(unit, position) = ({one})"


DELETE_BY_ONE_COLUMN = """
INSERT INTO units SELECT 99, kind, 'x', 'x', safety, 0, '[]', '[]', '[]', 'pending' FROM units
 LIMIT 1;
INSERT INTO actions (unit, position, kind, tbl) VALUES (99, 0, 'RowDelete', 'messages');
INSERT INTO images VALUES (99, 0, 'key', 'id', 1), (99, 0, 'before', 'id', 1);
"""


def statement(sql: str) -> str:
    """Return what adds a unit with one statement to a plan."""
    return f"""
    INSERT INTO units SELECT 99, 'migration', 'x', 'x', safety, 0, '[]', '[]', '[]', 'pending'
     FROM units LIMIT 1;
    INSERT INTO actions (unit, position, kind, sql, step)
     VALUES (99, 0, 'Ddl', '{sql}', '13_x');
    """


EVIL = {
    "a target outside": (
        f"UPDATE actions SET target = '../../../outside' WHERE {of_kind('FileCopy')}",
        "outside the folder of copies",
    ),
    "a target that is the folder": (
        f"UPDATE actions SET target = '..' WHERE {of_kind('FileCopy')}",
        "outside the folder of copies",
    ),
    "a source anywhere": (
        f"UPDATE actions SET source = '/etc/hostname' WHERE {of_kind('FileCopy')}",
        "not a file of this home",
    ),
    "a source above": (
        f"UPDATE actions SET source = 'sessions/../../x' WHERE {of_kind('FileCopy')}",
        "not a file of this home",
    ),
    "a message from anywhere": (
        f"UPDATE actions SET source = '/etc/hostname' WHERE {of_kind('RowInsert')}",
        "not a file of this home",
    ),
    "DELETE": (statement("DELETE FROM messages"), "a statement that no plan"),
    "ATTACH": (statement("ATTACH ''/tmp/x.db'' AS x"), "a statement that no plan"),
    "DROP": (statement("DROP TABLE messages"), "a statement that no plan"),
    "a before-image of one column": (DELETE_BY_ONE_COLUMN, "without keeping all of it"),
    "an update without a before-image": (
        f"DELETE FROM images WHERE image = 'before' AND {of_kind('RowUpdate')}",
        "without saying what was there",
    ),
    "another table": (
        f"UPDATE actions SET tbl = 'sqlite_sequence' WHERE {of_kind('RowUpdate')}",
        "not a table of Hermes",
    ),
    "a table of the search index": (
        f"UPDATE actions SET tbl = 'messages_fts_data' WHERE {of_kind('RowUpdate')}",
        "not a table of Hermes",
    ),
    "another column": (
        f"UPDATE images SET column_name = 'x' WHERE image = 'key' AND {of_kind('RowUpdate')}",
        "not a column of",
    ),
    "what waits beside a live Hermes": (
        "UPDATE units SET live = 1",
        "while Hermes runs",
    ),
    "a number that is none": (
        f"UPDATE actions SET size = 'x' WHERE {of_kind('FileCopy')}",
        "is damaged",
    ),
    "a size below nothing": (
        f"UPDATE actions SET size = -1 WHERE {of_kind('FileCopy')}",
        "is damaged",
    ),
    "sessions that are none": ("UPDATE units SET sessions = '[1, {}]'", "is damaged"),
}


@pytest.mark.parametrize("what", EVIL)
@pytest.mark.parametrize("forged", [False, True], ids=["edited", "forged"])
def test_a_plan_that_was_changed_is_refused(
    what: str, forged: bool, home: Path, tmp_path: Path, capsys: Capture
) -> None:
    sql, why = EVIL[what]
    plan = saved(home, tmp_path / "plan.db", capsys)
    edited(plan, sql, forged=forged)
    before = files(home.parent, but="home") | {"home": files(home)}
    said = apply(home, plan, capsys)
    assert said.code == 4, said.err
    assert (why if forged else "was changed after hermes-repair wrote it") in said.err
    after = files(home.parent, but="home") | {"home": files(home)}
    assert {k: v for k, v in after.items() if k != "home"} == {
        k: v for k, v in before.items() if k != "home"
    }
    assert without_mtime(after["home"]) == without_mtime(before["home"]), "something was written"


def without_mtime(found: object) -> dict[str, object]:
    """Return files less the times of the home's own folder: a lock came and went there."""
    assert isinstance(found, dict)
    return {name: entry for name, entry in found.items() if name != "."}


def test_every_field_of_a_plan_is_in_its_digest(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Whatever single value is changed, the plan is refused."""
    plan = saved(home, tmp_path / "plan.db", capsys)
    with closing(sqlite3.connect(plan)) as db:
        fields = [
            (table, column)
            for table in ("header", "units", "actions", "images", "column_sets")
            for column in columns_of(db, table)
        ]
    tried = 0
    for table, column in fields:
        if (table, column) in (("units", "state"), ("header", "name")):
            continue  # what became of a unit changes; a header without a name has no value
        copy = Path(shutil.copy(plan, tmp_path / "copy.db"))
        with closing(sqlite3.connect(copy)) as db:
            key = "unit = 1"  # of a table WITHOUT ROWID
            if table in ("header", "units", "column_sets"):
                where = "name = 'birth'" if table == "header" else "1"
                key = f"rowid = (SELECT rowid FROM {table} WHERE {where} LIMIT 1)"
            db.execute(f"UPDATE OR IGNORE {table} SET {column} = 77 WHERE {key}")
            changed = db.total_changes
            db.commit()
        if not changed:
            continue
        tried += 1
        said = apply(home, copy, capsys)
        assert said.code == 4, (table, column)
        copy.unlink()
    assert tried > 25


def test_a_plan_names_what_undo_may_take_back(home: Path, tmp_path: Path, capsys: Capture) -> None:
    """The command of a plan is not what its receipt is called, or undo would leave it aside."""
    plan = saved(home, tmp_path / "plan.db", capsys)
    sql = "UPDATE header SET value = '../../../x' WHERE name = 'command'"
    edited(plan, sql, forged=True)
    assert apply(home, plan, capsys).code == 0
    (receipt,) = (home / "hermes-repair" / "receipts").iterdir()
    assert receipt.stem.endswith("-repair")


def repaired(home: Path, capsys: Capture) -> Path:
    """Repair a home; return the receipt."""
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    (receipt,) = (home / "hermes-repair" / "receipts").glob("*.db")
    return receipt


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE images SET value = 'x' WHERE image = 'before' AND {of_kind('RowUpdate')}",
        f"DELETE FROM actions WHERE {of_kind('RowInsert')}",
        "UPDATE header SET value = 'backups/../../state.db' WHERE name = 'backup'",
        "DELETE FROM header WHERE name = 'digest'",
    ],
)
def test_an_edited_receipt_is_not_undone(sql: str, home: Path, capsys: Capture) -> None:
    receipt = repaired(home, capsys)
    edited(receipt, sql, forged=False)
    before = content(home)
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "was changed after hermes-repair wrote it" in said.err
    assert content(home) == before
    assert say(capsys, "history", "--home", home).code == 0


def test_a_receipt_of_another_home_is_not_undone(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    other = small_home(tmp_path / "other", 14)
    foreign = repaired(other, capsys)
    mine = repaired(home, capsys)
    place = mine.with_name(f"0002{foreign.name[4:]}")
    shutil.copy(foreign, place)
    before = content(home)
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "of another home" in said.err and str(other) in said.err
    assert content(home) == before
    place.unlink()
    assert say(capsys, "undo", "--yes", "--home", home).code == 0


@pytest.mark.parametrize("lost", [False, True], ids=["as it was", "without its identity"])
def test_a_home_that_was_moved_is_the_same_home(
    lost: bool, home: Path, tmp_path: Path, capsys: Capture
) -> None:
    before = without_sequence(content(home))
    repaired(home, capsys)
    moved = Path(shutil.move(home, tmp_path / "moved"))
    if lost:
        (moved / "hermes-repair" / "identity").unlink()
    said = say(capsys, "undo", "--yes", "--home", moved)
    assert said.code == 0, said.err
    assert without_sequence(content(moved)) == before
    home.mkdir()  # the fixture takes it away


def bomb(path: Path) -> None:
    """Write some kilobytes that stand for a gigabyte."""
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(1024):
            stream.write(bytes(1 << 20))


def junk(path: Path) -> None:
    path.write_bytes(b"no gzip")


@pytest.mark.parametrize("make", [junk, pytest.param(bomb, marks=pytest.mark.long)])
def test_what_lies_where_a_copy_goes_is_not_trusted(
    make: Callable[[Path], None], home: Path, capsys: Capture
) -> None:
    """The first receipt of a home has a name that can be foreseen but for its second."""
    receipt = repaired(home, capsys)
    (packed,) = (home / "hermes-repair" / "sources" / receipt.stem).iterdir()
    whole = packed.read_bytes()
    make(packed)
    with closing(sqlite3.connect(receipt)) as db:
        row = db.execute(
            "SELECT source, target, size, sha256 FROM actions WHERE kind = 'FileCopy'"
        ).fetchone()
    folder = Folder(home / "hermes-repair", None)
    (kept,) = kept_sources.keep(folder, receipt, [FileCopy(*row)], home)
    assert kept.read_bytes() == whole
