"""``salvage --store``: the databases beside state.db, as a user reads them and puts them back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from hermes_repair.app import file_exchange
from hermes_repair.app.environment import Run
from hermes_repair.app.install_salvaged import install
from hermes_repair.home.side_stores import at_store
from hermes_repair.schema.side_store_structures import side_store_scripts
from tests.cli.speaking import assert_document
from tests.command import run
from tests.homes.database import connect
from tests.homes.small import small_home
from tests.in_process import fixed_environment, home_of
from tests.releases import run_release

BOARD = """
from hermes_cli import kanban_db
from hermes_state import SessionDB
db = SessionDB()
db.create_session("tea", source="cli")
db.append_message("tea", "user", "Green or black?")
db.close()
last = None
with kanban_db.connect() as board:
    for number in range(60):
        body = "What is to be done. " * 40
        task = kanban_db.create_task(board, title=f"Task {number}", body=body,
                                     parents=[last] if last and number % 3 == 0 else ())
        kanban_db.add_comment(board, task, "me", f"Comment {number} " * 20)
        last = task
"""
SHOWN = """
import json
from hermes_cli import kanban_db
with kanban_db.connect() as board:
    tasks = sorted((t.title, t.status, t.body) for t in kanban_db.list_tasks(board))
    kanban_db.create_task(board, title="Is all of it back?")
print(json.dumps(tasks))
"""
TABLES = ("tasks", "task_links", "task_comments", "task_events")


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(connect(path)) as db:
        return sorted(db.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)


def first_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(4096))


def pages(path: Path) -> None:
    """One page in five holds something else; not the first four."""
    data = bytearray(path.read_bytes())
    for at in range(4 * 4096, len(data), 5 * 4096):
        data[at : at + 4096] = Random(at).randbytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize("breaks", [first_page, pages], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "version",
    [
        "0.19.0",
        *(pytest.param(v, marks=pytest.mark.long) for v in ("0.16.0", "0.17.0", "0.18.2")),
    ],
)
def test_a_damaged_board(version: str, breaks: Callable[[Path], None], tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "new.db"
    home.mkdir()
    run_release(version, BOARD, home)
    board = home / "kanban.db"
    before = {table: rows(board, table) for table in TABLES}
    shown = run_release(version, SHOWN, shutil.copytree(home, tmp_path / "whole"))
    breaks(board)
    damaged = board.read_bytes()

    told = run("doctor", home=home)
    assert "DB003" in told.out and "--store kanban.db" in told.out
    found = run("salvage", "--store", "kanban.db", home=home)
    assert found.code == 4 and "rows can be read" in found.out
    assert "--store kanban.db --install" in found.out
    assert "Task 7" not in found.out + found.err
    document = run("salvage", "--store", "kanban.db", "--json", home=home).document
    assert_document("salvage", document)
    assert document["database"]["path"] == str(board)
    assert document["salvage"]["store"] == "kanban.db"
    assert board.read_bytes() == damaged and not (home / "hermes-repair").exists()

    assert run("salvage", "--store", "kanban.db", "--out", out, home=home).code == 4
    read = {table: rows(out, table) for table in TABLES}
    assert all(set(read[table]) <= set(before[table]) for table in TABLES)
    lost = {one["name"]: one for one in document["salvage"]["tables"]}
    if breaks is first_page:
        assert read == before and not any(one["lost_rows"] for one in lost.values())
    else:
        tasks, gone = lost["tasks"], 60 - len(read["tasks"])
        assert 0 < gone < 30 and (tasks["lost_rows"] == gone or tasks["pages_lost"])

    done = run("salvage", "--store", "kanban.db", "--install", "--yes", home=home)
    assert "kanban.db is the new database" in done.out, done
    assert {table: rows(board, table) for table in TABLES} == read
    assert "DB003" not in run("doctor", home=home).out
    assert "put a new kanban.db in place" in run("history", home=home).out
    installed = board.read_bytes()
    after = run_release(version, SHOWN, home)
    assert breaks is pages or after == shown
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4 and "written to since (task_events, tasks)" in refused.err
    for path in home.glob("kanban.db-*"):
        path.unlink()
    board.write_bytes(installed)
    assert run("undo", "--yes", home=home).code == 0
    assert board.read_bytes() == damaged


def made(path: Path, script: str, *fills: tuple[str, list[tuple[object, ...]]]) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
        for sql, values in fills:
            db.executemany(sql, values)
        db.commit()


def test_memories_can_be_searched_again(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    (script,) = side_store_scripts("memory_store.db")
    facts: list[tuple[object, ...]] = [(f"fact {n} of the garden " * 9, "a") for n in range(300)]
    made(
        home / "memory_store.db", script, ("INSERT INTO facts (content, tags) VALUES (?, ?)", facts)
    )
    before = rows(home / "memory_store.db", "facts")
    first_page(home / "memory_store.db")
    said = run("salvage", "--store", "memory_store.db", "--out", out, home=home)
    assert said.code == 4 and rows(out, "facts") == before
    with closing(connect(out)) as db:
        hits = "SELECT COUNT(*) FROM facts_fts WHERE facts_fts MATCH 'garden'"
        assert db.execute(hits).fetchone() == (300,)
        db.execute("INSERT INTO facts_fts(facts_fts, rank) VALUES ('integrity-check', 1)")
        db.execute("DELETE FROM facts WHERE fact_id <= 100")
        assert db.execute(hits).fetchone() == (200,)


OWN = """
CREATE TABLE messages (n INTEGER PRIMARY KEY, b TEXT, c UNIQUE);
CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE INDEX by_b ON messages(b);
CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM w; END;
"""
OWN_ROWS = [
    ("INSERT INTO w VALUES (?, ?)", [(f"k{n}", n) for n in range(300)]),
    ("INSERT INTO messages (b, c) VALUES (?, ?)", [(f"note {n} " * 9, n) for n in range(300)]),
]


def test_a_database_that_hermes_does_not_make(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    path = home / "notes.db"
    made(path, OWN, OWN_ROWS[1], OWN_ROWS[0])  # type: ignore[arg-type]
    before = {table: rows(path, table) for table in ("messages", "w")}
    data = path.read_bytes()
    path.write_bytes(data[:-4096] + bytes(4096))
    said = run("salvage", "--store", "notes.db", "--out", out, home=home)
    assert said.code == 4 and "trigger t" in said.out
    assert set(rows(out, "messages")) <= set(before["messages"])
    assert len(rows(out, "messages")) + len(rows(out, "w")) > 500
    with closing(connect(out)) as db:
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'by_b'").fetchall()

    path.write_bytes(bytes(4096) + data[4096:])  # nothing tells its tables
    beside = tmp_path / "again.db.unassigned.db"
    said = run("salvage", "--store", "notes.db", "--out", tmp_path / "again.db", home=home)
    assert said.code == 4 and "pages whose table is not known: kept apart." in said.out
    assert len(rows(beside, "kept_rows")) >= 300
    refused = run("salvage", "--store", "notes.db", "--install", "--yes", home=home)
    assert refused.code == 4 and "which table it was in" in refused.err
    assert path.read_bytes() == bytes(4096) + data[4096:]


def test_a_copy_of_state_db_is_read_as_one(tmp_path: Path) -> None:
    home, out = small_home(tmp_path / "home"), tmp_path / "new.db"
    shutil.copy(home / "state.db", home / "old-state.db")
    first_page(home / "old-state.db")
    said = run("salvage", "--store", "old-state.db", "--out", out, home=home)
    assert "15 messages can be read" in said.out
    assert rows(out, "messages") == rows(home / "state.db", "messages")


def test_what_is_no_store(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    made(home / "notes.db", OWN)
    for named, why in (
        ("state.db", "is the database of the chats"),
        ("nowhere.db", "There are: notes.db."),
        (tmp_path / "else.db", "has no file"),
        (Path(__file__), "is not in"),
    ):
        refused = run("salvage", "--store", named, home=home)
        assert refused.code == 2 and why in refused.err
    refused = run("salvage", "--store", "notes.db", "--install", "--yes", home=home)
    assert refused.code == 4 and "notes.db is sound" in refused.err
    assert "--store notes.db --out FILE" in refused.err
    refused = run("salvage", "--store", "notes.db", home=home)
    assert refused.code == 4 and "No row can be read" in refused.err
    assert run("salvage", "--store", "x", "--from-process", "1", "--out", "y", home=home).code == 2
    assert not (home / "hermes-repair").exists()


def test_a_file_of_ours_is_not_replaced(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    assert run("backup", home=home).code == 0
    (copy,) = (home / "hermes-repair" / "backups").glob("*/state.db")
    first_page(copy)
    named = copy.relative_to(home)
    refused = run("salvage", "--store", named, "--install", "--yes", home=home)
    assert refused.code == 4 and "hermes-repair's own" in refused.err
    assert run("salvage", "--store", named, "--out", tmp_path / "x.db", home=home).code == 4
    assert rows(tmp_path / "x.db", "messages") == rows(home / "state.db", "messages")


def test_a_store_and_state_db_are_undone_apart(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    made(home / "notes.db", OWN, OWN_ROWS[1])  # type: ignore[arg-type]
    whole = (home / "notes.db").read_bytes()
    damaged = whole[: 5 * 4096] + bytes(4096) + whole[6 * 4096 :]
    (home / "notes.db").write_bytes(damaged)
    assert (
        "new database" in run("salvage", "--store", "notes.db", "--install", "--yes", home=home).out
    )
    assert run("repair", "--yes", home=home).code in (0, 1)
    changed = (home / "state.db").read_bytes()
    undone = run("undo", "0001", "--yes", home=home)
    assert undone.code == 0 and "repair" not in undone.out.split("Undone", 1)[1].splitlines()[0]
    assert (home / "notes.db").read_bytes() == damaged
    assert (home / "state.db").read_bytes() == changed


def test_a_cut_off_install_of_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, new = small_home(tmp_path / "home"), tmp_path / "new.db"
    made(new, OWN, OWN_ROWS[1])  # type: ignore[arg-type]
    made(home / "notes.db", OWN)
    Path(f"{home / 'notes.db'}-wal").write_bytes(b"a torn one")
    before = {path.name: path.read_bytes() for path in home.glob("*.db*")}

    def killed(path: Path) -> None:
        if path == home:
            shutil.copytree(home, home.with_name("killed"), symlinks=True)
            raise SystemExit

    monkeypatch.setattr(file_exchange, "sync", killed)
    with pytest.raises(SystemExit):
        install(Run(at_store(home_of(home), "notes.db"), fixed_environment(tmp_path)), new)
    monkeypatch.undo()
    shutil.rmtree(home)
    home.with_name("killed").rename(home)
    assert not Path(f"{home / 'notes.db'}-wal").exists()
    told = run("doctor", home=home)
    assert "RP001" in told.out and "--store notes.db --install" in told.out
    assert run("repair", "--yes", home=home).code in (0, 1)
    after = {path.name: path.read_bytes() for path in home.glob("*.db*")}
    assert {n: d for n, d in after.items() if n.startswith("notes")} == {
        n: d for n, d in before.items() if n.startswith("notes")
    }
    assert "RP001" not in run("doctor", home=home).out
