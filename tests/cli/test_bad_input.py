"""What is no home, or no database, or may not be touched: one sentence, its code, no change.

The sentences are held here as a person reads them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonlines
import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.cli.guard import run
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import Refused
from hermes_repair.store import connections
from tests.cli.speaking import Said, assert_document, process_environ, say
from tests.command import run as command_line
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import content, files, without_sequence
from tests.homes.home import opened
from tests.homes.small import FRONT, small_home
from tests.in_process import fixed_environment, ids, look, migrate, repair, undo
from tests.support import ROOT
from tests.unit.host_helpers import NOBODY, python_for_nobody, worker_for_nobody

Capture = pytest.CaptureFixture[str]

LOOKING = [["doctor"], ["repair", "--dry-run"], ["migrate", "--to", "16", "--dry-run"]]
WRITING = [
    ["repair", "--yes"],
    ["migrate", "--to", "16", "--yes"],
    ["undo", "--yes"],
    ["backup"],
    ["backfill", "--yes"],
]
ALL = [*LOOKING, *WRITING, ["history"], ["locks", "list"], ["locks", "clean"], ["backup", "list"]]


def words(command: list[str]) -> str:
    return " ".join(command)


# --- No home, no database -----------------------------------------------------------------------


@pytest.mark.parametrize("command", ALL, ids=words)
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "{home} does not exist."),
        (lambda path: path.write_text("x"), "{home} is a file, not a Hermes folder."),
        (lambda path: path.mkdir(), "{home} has no state.db and no sessions folder"),
        (lambda path: (path / "state.db").mkdir(parents=True), "state.db is not a regular file."),
        (
            lambda path: (path.mkdir(), (path / "state.db").symlink_to(path / "gone")),
            "state.db is a link to {home}/gone, which does not exist.",
        ),
    ],
    ids=["absent", "file", "empty", "folder", "dangling"],
)
def test_no_install(
    make: Callable[[Path], object],
    sentence: str,
    command: list[str],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    home = tmp_path / "hermes"
    make(home)
    before = files(tmp_path)
    said = say(capsys, *command, "--home", home)
    assert said.code == 5 and said.out == ""
    first, *hints = said.err.splitlines()
    assert sentence.format(home=home) in first and len(hints) == 1
    assert files(tmp_path) == before


def test_sessions_without_a_database(tmp_path: Path, capsys: Capture) -> None:
    """An install, but with nothing that we could look at."""
    (tmp_path / "hermes" / "sessions").mkdir(parents=True)
    for command in (["doctor"], ["repair", "--yes"], ["backup"]):
        said = say(capsys, *command, "--home", tmp_path / "hermes")
        assert said.code == 5 and "has no state.db" in said.err
    assert [path.name for path in (tmp_path / "hermes").iterdir()] == ["sessions"]


def test_what_is_left_of_a_home_without_a_database(tmp_path: Path, capsys: Capture) -> None:
    """Whose state.db is gone is told what is still there, before being sent elsewhere."""
    home = tmp_path / "hermes"
    (home / "sessions").mkdir(parents=True)
    for name in ("one.jsonl", "two.jsonl", "session_one.json", "sessions.json"):
        (home / "sessions" / name).write_text("{}\n", encoding="utf-8")
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 5 and said.out == ""
    assert "2 transcripts and 1 session log of chats are in its sessions folder" in said.err
    assert "hermes-repair salvage" in said.err
    copies = [home / "state.db.bak", home / "state-snapshots" / "1" / "state.db"]
    copies.append(home / "hermes-repair" / "backups" / "manual-1" / "state.db")
    for copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"SQLite format 3\0")
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 5 and all(str(copy) in said.err for copy in copies)
    assert "hermes-repair salvage" in said.err
    shutil.rmtree(home / "sessions")
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 5 and str(copies[2]) in said.err, "our own backups alone tell of a home"


def test_a_database_of_another_program_is_not_health(tmp_path: Path, capsys: Capture) -> None:
    home = tmp_path / "hermes"
    home.mkdir()
    with opened(home) as db:
        db.executescript("CREATE TABLE sessions (id, name); CREATE TABLE messages (id, body);")
    copy = home / "state.db.bak"
    copy.write_bytes(b"SQLite format 3\0")
    before = files(home, but="hermes-repair")
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and "FATAL DB001" in said.out and str(copy) in said.out
    for command in (["repair", "--yes"], ["backfill", "--yes"], ["migrate", "--yes"], ["tree"]):
        said = say(capsys, *command, "--home", home)
        assert said.code == 4 and "no conversations" in said.err, said
    assert files(home, but="hermes-repair") == before


NO_DATABASE = {
    "empty": (b"", "it is empty (0 bytes)"),
    "text": (b"These are not the bytes you are looking for.\n" * 50, "not a SQLite database"),
    "headless": (bytes(16384), "not a SQLite database"),
    "short": (b"SQLite format 3\0" + bytes(20), "not a SQLite database"),
}


@pytest.mark.parametrize("name", NO_DATABASE)
def test_what_is_no_database_is_said_by_doctor(name: str, home: Path, capsys: Capture) -> None:
    data, sentence = NO_DATABASE[name]
    (home / "state.db").write_bytes(data)
    before = files(home)
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and "FATAL DB001" in said.out
    assert any(sentence in line for line in said.out.splitlines())
    assert files(home) == before
    document = say(capsys, "doctor", "--home", home, "--json").document
    assert_document("doctor", document)
    assert document["database"]["schema"] is None


@pytest.mark.parametrize("name", NO_DATABASE)
@pytest.mark.parametrize("command", [*WRITING, *LOOKING[1:], ["locks", "clean"]], ids=words)
def test_what_is_no_database_is_not_touched(
    name: str, command: list[str], home: Path, capsys: Capture
) -> None:
    (home / "state.db").write_bytes(NO_DATABASE[name][0])
    before = files(home, but="hermes-repair")
    said = say(capsys, *command, "--home", home)
    assert said.code == 4 and said.out == "", said
    assert len(said.err.splitlines()) == 2
    assert "state.db" in said.err or "nothing to undo" in said.err
    assert files(home, but="hermes-repair") == before


def test_a_damaged_database_is_not_written(home: Path, capsys: Capture) -> None:
    """DB003: pages in the middle are gone."""
    data = bytearray((home / "state.db").read_bytes())
    data[3 * 4096 : 9 * 4096] = bytes(6 * 4096)
    (home / "state.db").write_bytes(bytes(data))
    before = files(home, but="hermes-repair")
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and ("DB003" in said.out or "DB001" in said.out)
    for command in (["repair", "--yes"], ["migrate", "--to", "16", "--yes"]):
        said = say(capsys, *command, "--home", home)
        assert said.code == 4 and "DB00" in said.err
    assert files(home, but="hermes-repair") == before


# --- A linked database --------------------------------------------------------------------------


def test_a_linked_database_stays_linked(home: Path, capsys: Capture) -> None:
    disk = home.parent / "disk"
    disk.mkdir()
    (home / "state.db").rename(disk / "big.db")
    (home / "state.db").symlink_to(disk / "big.db")
    before = without_sequence(content(home))
    inode = (disk / "big.db").stat().st_ino
    for command in (["repair"], ["migrate", "--to", "16"], ["undo"], ["undo"]):
        assert say(capsys, *command, "--yes", "--home", home).code == 0
        assert (home / "state.db").is_symlink()
        assert [path.name for path in disk.iterdir()] == ["big.db"]
    assert (disk / "big.db").stat().st_ino == inode
    assert without_sequence(content(home)) == before


# --- Somebody else has it -----------------------------------------------------------------------

HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE sessions SET title = 'in the middle' WHERE id = ?", (sys.argv[2],))
print("ready")
sys.stdin.read()
"""


@pytest.mark.parametrize("command", WRITING, ids=words)
def test_a_database_in_a_write_transaction(command: list[str], home: Path, capsys: Capture) -> None:
    repair(home, fixed_environment(home.parent))
    before = without_sequence(content(home))
    with neighbour(HOLDER, home / "state.db", FRONT) as process:
        said = say(capsys, *command, "--home", home)
        if command == ["backup"]:
            assert said.code == 0, "a copy holds no writer up"
        elif command[0] in ("repair", "backfill"):
            assert said.code == 0 and "nothing to repair" in said.out
        else:
            assert said.code == 4
            assert f"pid {process.pid}" in said.err or str(process.pid) in said.err
            assert "Stop it" in said.err or "close that program" in said.err
    assert without_sequence(content(home)) == before


def test_looking_at_a_database_in_a_write_transaction(home: Path, capsys: Capture) -> None:
    """What is not committed is not seen; a WAL reader is not held up."""
    with neighbour(HOLDER, home / "state.db", FRONT):
        said = say(capsys, "doctor", "--home", home, "--json")
        assert said.code == 1 and said.document["database"]["view"] == "live"
        assert_document("doctor", said.document)


def test_looking_at_a_locked_database_without_a_wal(home: Path, capsys: Capture) -> None:
    """In DELETE mode a writer in its commit lets nobody read: said, and no change."""
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    exclusive = HOLDER.replace("IMMEDIATE", "EXCLUSIVE")
    with neighbour(exclusive, home / "state.db", FRONT):
        before = files(home, but="hermes-repair")
        for command in (["doctor"], ["migrate", "--to", "16", "--yes"]):
            said = say(capsys, *command, "--home", home)
            assert said.code == 4, said
            assert said.out == "" and len(said.err.splitlines()) == 2
        assert files(home, but="hermes-repair") == before


def test_an_idle_reader_is_named(home: Path, capsys: Capture) -> None:
    with neighbour(READER, home / "state.db") as process:
        said = say(capsys, "migrate", "--to", "16", "--yes", "--home", home)
        assert said.code == 4 and str(process.pid) in said.err
        assert "has the database open" in said.err


# --- No permission ------------------------------------------------------------------------------

DROPPED = """
import contextlib, importlib, io, json, os, pkgutil, sqlite_utils, sys
from pathlib import Path
import hermes_repair
from hermes_repair.cli.guard import run
from hermes_repair.host import byte_reader
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.search import layouts
from hermes_repair.schema.search_source import search_sources

def said(words, home):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*words, "--home", home])
    return [code, out.getvalue(), err.getvalue()]

python, worker, nobody, warm, home, commands = sys.argv[1:]
for words in json.loads(commands):
    said(words, warm)
for module in pkgutil.walk_packages(hermes_repair.__path__, "hermes_repair."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
default_catalogue()
for layout in layouts():
    search_sources(layout)
"x".encode("unicode_escape")
sys.executable, byte_reader.WORKER = python, Path(worker)
os.setgroups([]), os.setgid(int(nobody)), os.setuid(int(nobody))
print(json.dumps([said(words, home) for words in json.loads(commands)]))
"""


def dropped(home: Path, *commands: list[str]) -> list[Said]:
    """Run command lines as a user without any rights.

    The same is done on another home before the rights go, so that all that it needs is imported:
    the checkout may be closed to that user.
    """
    warm = small_home(home.with_name("warm"), 14)
    helpers = [python_for_nobody(), str(worker_for_nobody()), str(NOBODY)]
    done = subprocess.run(
        [sys.executable, "-c", DROPPED, *helpers, str(warm), str(home), json.dumps(commands)],
        cwd=ROOT,
        env=process_environ(Path("/nonexistent"), TMPDIR=str(home.parent)),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    shutil.rmtree(warm)
    assert done.returncode == 0, done.stderr
    return [Said(*found) for found in json.loads(done.stdout.splitlines()[-1])]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@needs_root
def test_a_home_of_somebody_else(open_folder: Path) -> None:
    """Readable, but not ours: looking works, writing is refused with the line to type."""
    home = small_home(open_folder / "home", 14)
    repair(home, fixed_environment(open_folder), selection=Selection(select=("LK",)))
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = files(home)
    doctor, *others = dropped(home, ["doctor"], *WRITING)
    assert doctor.code == 1 and FRONT in doctor.out, doctor
    for command, said in zip(WRITING, others, strict=True):
        assert said.code == 4 and said.out == "", (command, said)
        assert "sudo -u root hermes-repair" in said.err, (command, said)
    assert files(home) == before


@needs_root
def test_a_database_that_may_not_be_read(open_folder: Path) -> None:
    home = small_home(open_folder / "home", 14)
    (home / "state.db").chmod(0o600)
    home.chmod(0o755)
    before = files(home)
    commands = [*LOOKING, *WRITING]
    for command, said in zip(commands, dropped(home, *commands), strict=True):
        assert said.code == 4 and said.out == "", (command, said)
        assert "This user may not read" in said.err, (command, said)
        assert len(said.err.splitlines()) == 2
    assert files(home) == before


@needs_root
def test_a_home_that_may_not_be_walked_into(open_folder: Path) -> None:
    home = small_home(open_folder / "home", 14)
    home.chmod(0o700)
    (said,) = dropped(home, ["doctor"])
    assert said.code == 4 and said.out == "", said
    assert "Permission denied" in said.err and str(home) in said.err


@needs_root
@pytest.mark.parametrize("what", ["database", "folder"])
def test_a_home_that_is_read_only(what: str, open_folder: Path) -> None:
    """Owned by the user, without the right to write."""
    home = small_home(open_folder / "home", 14)
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    target = home / "state.db" if what == "database" else home
    target.chmod(0o444 if what == "database" else 0o555)
    before = files(home, but="hermes-repair")
    commands = [["repair", "--yes"], ["migrate", "--to", "16", "--yes"], ["backup"]]
    doctor, *others = dropped(home, ["doctor"], *commands)
    assert doctor.code == 1 and FRONT in doctor.out, doctor
    for command, said in zip(commands, others, strict=True):
        assert said.code == 4 and said.out == "", (command, said)
        assert str(home) in said.err and len(said.err.splitlines()) == 2
    assert files(home, but="hermes-repair") == before


@needs_root
def test_what_root_writes_belongs_to_the_owner(open_folder: Path, capsys: Capture) -> None:
    """Else Hermes' own user could not read its receipts, and could not undo (R8)."""
    home = small_home(open_folder / "home", 14)
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    for command in (["repair"], ["migrate", "--to", "16"], ["undo"]):
        assert say(capsys, *command, "--yes", "--home", home).code == 0
    assert say(capsys, "backup", "--home", home).code == 0
    for path in (home, *home.rglob("*")):
        facts = path.stat()
        assert (facts.st_uid, facts.st_gid) == (NOBODY, NOBODY), path
        if "hermes-repair" in path.parts:
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(facts.st_mode) == wanted, path
    (said,) = dropped(home, ["undo", "--yes"])
    assert said.code == 0, said


# --- No room ------------------------------------------------------------------------------------


def test_too_little_space_is_said_before_anything(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = say(capsys, "backup", "--home", home, "--json").document["backup"]["name"]
    monkeypatch.setattr("hermes_repair.host.free_bytes", lambda _path: 1000)
    before = files(home)
    for command in (
        ["repair", "--yes"],
        ["repair", "--yes", "--backup"],
        ["backfill", "--yes"],
        ["migrate", "--to", "16", "--yes"],
        ["backup"],
        ["restore", copy, "--yes"],
    ):
        said = say(capsys, *command, "--home", home)
        assert said.code == 4 and "1,000 are free" in said.err, said
        assert files(home) == before, command
    for command in (["repair"], ["repair", "--backup"], ["migrate", "--to", "16"]):
        said = say(capsys, *command, "--dry-run", "--home", home)
        assert said.code == 4 and "1,000 bytes are free. That is not enough" in said.out
        assert say(capsys, *command, "--dry-run", "-q", "--home", home).out.count("not enough") == 1
    assert files(home) == before


def test_what_is_needed_of_the_disk_is_said(home: Path, capsys: Capture) -> None:
    """Before and after, in text and as numbers; a copy of the whole file counts."""

    def disk(*words: str) -> dict[str, int]:
        said = say(capsys, *words, "--home", home, "--json")
        assert said.code == 0, said
        found: dict[str, int] = said.document["space"]
        assert found["free"] > found["needed"]
        return found

    size = (home / "state.db").stat().st_size
    bare = disk("repair", "--dry-run")["needed"]
    assert disk("repair", "--dry-run", "--backup")["needed"] == bare + size
    said = say(capsys, "repair", "--dry-run", "--home", home).out
    assert sum(line.startswith("Disk: up to 64.") for line in said.splitlines()) == 1
    assert disk("repair", "--yes", "--backup")["needed"] == bare + size
    said = say(capsys, "migrate", "--to", "16", "--dry-run", "--home", home).out
    assert "are needed for a while" in said
    planned = disk("migrate", "--to", "16", "--dry-run")["needed"]
    assert disk("migrate", "--to", "16", "--yes")["needed"] == planned > size
    assert disk("backup")["needed"] > size
    said = say(capsys, "backup", "--home", home).out
    assert "were needed" in said and "were free" in said
    (copy, *_) = say(capsys, "backup", "list", "--home", home, "--json").document["backups"]
    assert disk("restore", copy["name"], "--yes")["needed"] > 2 * size
    for words in (["repair", "--dry-run"], ["repair", "--yes"]):
        nothing = say(capsys, *words, "--home", home, "--json").document
        assert nothing["space"] is None


@pytest.mark.parametrize("command", ["repair", "migrate", "undo"])
def test_files_that_cannot_grow(command: str, home: Path) -> None:
    """A full disk at every size: refused in words, whole, and the next run goes on."""
    environment = fixed_environment(home.parent)
    if command == "undo":
        repair(home, environment)
    states = [without_sequence(content(home))]
    size = (home / "state.db").stat().st_size
    works: dict[str, Callable[[Path, Environment], object]] = {
        "repair": repair,
        "migrate": lambda h, w: migrate(h, w, 16),
        "undo": undo,
    }
    work = works[command]
    whole = Path(shutil.copytree(home, home.parent / "whole"))
    work(whole, environment)
    typed = [command, "--yes", *(["--to", "16"] if command == "migrate" else [])]
    for limit in (1 << 12, 1 << 16, size):
        tried = Path(shutil.copytree(home, home.parent / "tried"))
        done = command_line(*typed, home=tried, largest=limit)
        assert done.code in (0, 4), (limit, done)
        assert "defect" not in done.err and "Traceback" not in done.err
        work(tried, environment) if command != "undo" else _undo_rest(tried)
        end = without_sequence(content(tried))
        assert end == without_sequence(content(whole)) or command == "repair"
        assert "RP001" not in ids(look(tried, environment))
        if command == "repair":
            assert ids(look(tried, environment)) == []
            _undo_rest(tried)
            assert without_sequence(content(tried)) == states[0]
        shutil.rmtree(tried)


def _undo_rest(home: Path) -> None:
    """Take back what is left to take back."""
    for _ in range(3):
        try:
            undo(home, fixed_environment(home.parent))
        except Refused as refused:
            assert refused.message == "There is nothing to undo."
            return


def test_a_database_that_may_have_no_more_pages(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLITE_FULL in the middle of a unit: taken back whole, said in words."""
    real = connections.open_for_writing

    def bounded(path: Path, *, live: bool, malformed: bool) -> sqlite3.Connection:
        connection = real(path, live=live, malformed=malformed)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
        return connection

    transcript = home / "sessions" / f"{FRONT}.jsonl"
    with jsonlines.open(transcript) as file:
        long = list(file.iter(type=dict))
    for line in long[:2]:
        line["content"] += " and so on" * 4000
    with jsonlines.open(transcript, "w", dumps=json.dumps) as longer:
        longer.write_all(long)
    before = without_sequence(content(home))
    monkeypatch.setattr("hermes_repair.store.writer.open_for_writing", bounded)
    said = say(capsys, "repair", "--yes", "--select", "TR", "--home", home)
    assert said.code == 4 and "The disk is full" in said.out and FRONT in said.out
    assert without_sequence(content(home)) == before
    monkeypatch.undo()
    assert run(["repair", "--yes", "--home", str(home)]) == 0


def test_the_limit_is_taken_back() -> None:
    """The tests above limit a child, never this process."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
