"""Every way of looking, each with the danger that it is there for."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hermes_repair
from hermes_repair import host
from hermes_repair.app.backups import make as make_backup
from hermes_repair.app.backups import restore
from hermes_repair.app.clean_locks import clean
from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.open_scene import open_scene
from hermes_repair.app.vacuum import vacuum
from hermes_repair.cli.guard import run
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.errors import DatabaseUnreadable, InUse, Refused
from hermes_repair.store.connections import open_immutable, open_joined
from hermes_repair.store.file_state import SideFile
from hermes_repair.store.integrity import Soundness
from hermes_repair.store.look import LIVE_SECONDS_DELETE, Look, View
from hermes_repair.store.writer import writing
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import files
from tests.homes.damage import (
    ONE_MORE,
    add_message,
    all_in_the_wal,
    crashed,
    hot_journal,
    leftover_shm,
    newer_main_older_wal,
    zeroed_journal,
)
from tests.homes.home import opened
from tests.homes.small import FRONT, HEALTHY, NOW, small_home
from tests.in_process import (
    WISHES,
    fatal,
    fixed_environment,
    home_of,
    ids,
    look,
    migrate,
    repair,
    undo,
)
from tests.releases import run_release

# --- Homes at rest, one for every thing that can lie there -----------------------------------


def plain(_home: Path) -> None:
    """Leave the home as it is."""


def moved_away(home: Path) -> None:
    """Leave state.db as a link to another folder, with a -wal beside the real file."""
    place = home.parent / "disk"
    place.mkdir()
    (home / "state.db").rename(place / "conversations.db")
    (home / "state.db").symlink_to(place / "conversations.db")
    crashed(home)
    assert (place / "conversations.db-wal").stat().st_size
    assert not (home / "state.db-wal").exists()


def repaired(home: Path) -> None:
    """Leave our own folder with a receipt."""
    repair(home, fixed_environment(home.parent))


def rolled_back_mode(home: Path) -> None:
    """Leave a database that does not use a WAL."""
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=DELETE").fetchall()


STATES: tuple[Callable[[Path], None], ...] = (
    plain,
    crashed,
    all_in_the_wal,
    zeroed_journal,
    hot_journal,
    leftover_shm,
    moved_away,
    repaired,
    rolled_back_mode,
)

LOOKING = (
    ("doctor",),
    ("doctor", "--json", "-v"),
    ("repair", "--dry-run"),
    ("migrate", "--to", "16", "--dry-run"),
    ("migrate", "--to", "16", "--check"),
    ("history",),
    ("locks", "list"),
    ("backup", "list"),
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_looking_leaves_every_byte_and_time(
    state: Callable[[Path], None], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state(home)
    before = files(home.parent)
    for command in LOOKING:
        code = run([*command, "--home", str(home)])
        assert code in (0, 1), (command, capsys.readouterr())
        assert files(home.parent) == before, command


@pytest.mark.parametrize("name", ["empty", "text", "headless"])
def test_looking_at_what_is_no_database_leaves_it(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"empty": b"", "text": b"not a database\n" * 300, "headless": bytes(8192)}[name]
    crashed(home)
    (home / "state.db").write_bytes(data)
    before = files(home)
    for command in LOOKING:
        run([*command, "--home", str(home)])
        assert files(home) == before, command
    capsys.readouterr()


# --- What each look sees ----------------------------------------------------------------------


def seen(home: Path, environment: Environment) -> tuple[View, SideFile, int]:
    """Return the view that was chosen, what lies beside the file, and how many messages it has."""
    with open_scene(Run(home_of(home), environment), WISHES) as scene:
        row = scene.look.one("SELECT COUNT(*) FROM messages")
        assert row is not None and isinstance(row[0], int)
        return scene.look.view, scene.file.side, row[0]


MESSAGES = 15  # of the small home


@pytest.mark.parametrize(
    ("state", "view", "side", "messages"),
    [
        (plain, View.MAIN, SideFile.NONE, MESSAGES),
        (crashed, View.JOINED, SideFile.CRASH, MESSAGES + 1),
        (all_in_the_wal, View.JOINED, SideFile.CRASH, MESSAGES),
        (zeroed_journal, View.MAIN, SideFile.NONE, MESSAGES),
        (hot_journal, View.JOINED, SideFile.HOT_JOURNAL, MESSAGES),
        (leftover_shm, View.MAIN, SideFile.NONE, MESSAGES),
        (moved_away, View.JOINED, SideFile.CRASH, MESSAGES + 1),
        (rolled_back_mode, View.MAIN, SideFile.NONE, MESSAGES),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_seen(
    state: Callable[[Path], None],
    view: View,
    side: SideFile,
    messages: int,
    home: Path,
    environment: Environment,
) -> None:
    state(home)
    assert seen(home, environment) == (view, side, messages)


def test_immutable_alone_would_see_half_a_write(home: Path, environment: Environment) -> None:
    """Why a journal is never looked past."""
    hot_journal(home)
    look_past = open_immutable(home / "state.db")
    try:
        with pytest.raises((sqlite3.DatabaseError, AssertionError)):
            assert look_past.execute("SELECT COUNT(*) FROM messages").fetchone() == (MESSAGES,)
            assert look_past.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    finally:
        look_past.close()
    found = look(home, environment)
    assert "DB005" in ids(found) and fatal(found) is None
    assert found.database["messages"] == MESSAGES


def test_repair_keeps_half_a_write_before_it_rolls_it_back(
    home: Path, environment: Environment
) -> None:
    hot_journal(home)
    half, journal = ((home / f"state.db{side}").read_bytes() for side in ("", "-journal"))
    done = repair(home, environment)
    assert done.complete and not (home / "state.db-journal").exists()
    kept = next((home / "hermes-repair" / "backups").glob("*/bundle-1"))
    assert (kept / "state.db").read_bytes() == half
    assert (kept / "state.db-journal").read_bytes() == journal
    assert "DB005" not in ids(look(home, environment))


def test_a_zero_byte_file_beside_a_wal_is_told_and_kept(
    home: Path, environment: Environment
) -> None:
    """A plain open deletes the -wal beside an empty file, and with it all the data."""
    all_in_the_wal(home)
    (home / "state.db").write_bytes(b"")
    before = files(home)
    found = look(home, environment)
    stop = fatal(found)
    assert stop is not None and stop.id == "DB001"
    assert str((home / "state.db-wal").stat().st_size) in stop.message
    for write in (repair, migrate, undo):
        with pytest.raises((Refused, DatabaseUnreadable)):
            write(home, environment)
    with pytest.raises((Refused, DatabaseUnreadable)):
        make_backup(Run(home_of(home), environment))
    left = files(home, but="hermes-repair")
    before.pop("") if "" in before else None
    assert {k: v for k, v in left.items() if k != "."} == {
        k: v for k, v in before.items() if k != "."
    }


def test_the_wal_of_a_killed_release_is_joined(tmp_path: Path, environment: Environment) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.16.0", KILLED_SESSION, home, check=False)
    assert (home / "state.db-wal").stat().st_size > 0
    before = files(home)
    assert seen(home, environment) == (View.JOINED, SideFile.CRASH, 6)
    found = look(home, environment)
    assert fatal(found) is None and "DB005" not in ids(found)
    assert files(home) == before


KILLED_SESSION = """
import os, signal
from hermes_state import SessionDB
db = SessionDB()
db.create_session("20260601_080000_aaaaaaaa", "telegram", model="m")
for n in range(6):
    db.append_message("20260601_080000_aaaaaaaa", "assistant" if n % 2 else "user", f"said {n}")
os.kill(os.getpid(), signal.SIGKILL)
"""


# --- A -wal that may not belong to its file (DB002) --------------------------------------------


def writing_commands(home: Path, environment: Environment) -> dict[str, Callable[[], object]]:
    """Return every command that writes to state.db."""
    return {
        "repair": lambda: repair(home, environment),
        "migrate": lambda: migrate(home, environment, 16),
        "undo": lambda: undo(home, environment),
        "backup": lambda: make_backup(Run(home_of(home), environment)),
        "restore": lambda: restore(
            Run(home_of(home), environment),
            str(home.parent / "copy.db"),
            lambda _source, _kept: True,
        ),
        "vacuum": lambda: vacuum(Run(home_of(home), environment), lambda _foreseen: True),
    }


@pytest.mark.parametrize("command", ["repair", "migrate", "undo", "backup", "restore", "vacuum"])
def test_nothing_is_written_beside_a_wal_in_question(
    command: str, home: Path, environment: Environment
) -> None:
    repair(home, environment)  # so that there is something to take back
    shutil.copyfile(home / "state.db", home.parent / "copy.db")
    newer_main_older_wal(home)
    found = look(home, environment)
    stop = fatal(found)
    assert stop is not None and stop.id == "DB002"
    before = files(home, but="hermes-repair")
    with pytest.raises(Refused, match="DB002") as refused:
        writing_commands(home, environment)[command]()
    assert refused.value.exit_code == 4
    assert "--wal" in f"{refused.value.message} {refused.value.hint}"
    assert files(home, but="hermes-repair") == before


def test_locks_clean_leaves_a_wal_alone(home: Path, environment: Environment) -> None:
    newer_main_older_wal(home)
    before = files(home)
    clean(Run(home_of(home), environment), grace=60.0, max_age=3600.0, dry_run=False)
    assert files(home) == before


@pytest.mark.parametrize("choice", list(WalChoice))
def test_the_user_says_what_a_wal_is(
    choice: WalChoice, home: Path, environment: Environment
) -> None:
    newer_main_older_wal(home)
    main, wal = ((home / f"state.db{side}").read_bytes() for side in ("", "-wal"))
    done = repair(home, environment, choice=choice)
    assert done.complete and done.units
    with opened(home) as db:
        said = {row[0] for row in db.execute("SELECT content FROM messages")}
    assert "first" in said and ("later" in said) is (choice is WalChoice.IGNORE)
    kept = next((home / "hermes-repair" / "backups").glob("*-repair-wal-*"))
    assert (kept / "state.db").read_bytes() == main
    assert (kept / "state.db-wal").read_bytes() == wal
    assert str(kept) in done.recovered[0]
    assert ids(look(home, environment)) == []


def test_the_answer_counts_where_nothing_else_is_wrong(
    tmp_path: Path, environment: Environment
) -> None:
    home = small_home(tmp_path / "whole", 14)
    repair(home, environment)
    newer_main_older_wal(home)
    done = repair(home, environment, choice=WalChoice.IGNORE)
    assert done.complete and done.units == 0
    assert fatal(look(home, environment)) is None


def test_the_answer_means_nothing_without_the_question(
    home: Path, environment: Environment
) -> None:
    """``--wal ignore`` on an ordinary crash would throw committed messages away."""
    crashed(home)
    done = repair(home, environment, choice=WalChoice.IGNORE)
    assert done.complete
    with opened(home) as db:
        assert db.execute("SELECT COUNT(*) FROM messages WHERE content = 'one more'").fetchone()[0]
    assert not list((home / "hermes-repair" / "backups").glob("*-repair-wal-*"))


def test_a_stale_wal_that_damages_is_not_joined(home: Path, environment: Environment) -> None:
    """An older main file beside a newer -wal: the pages that were added in between are missing."""
    with opened(home) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        old = (home / "state.db").read_bytes()
        for n in range(300):
            db.execute(ONE_MORE, (HEALTHY, f"{n} " * 200, NOW))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        add_message(db, "later")
        wal = (home / "state.db-wal").read_bytes()
    (home / "state.db").write_bytes(old)
    (home / "state.db-wal").write_bytes(wal)
    before = files(home)
    with open_scene(Run(home_of(home), environment), WISHES) as scene:
        assert scene.file.side is SideFile.STALE and scene.look.view is View.MAIN
        assert scene.file.soundness == Soundness()
    found = look(home, environment)
    stop = fatal(found)
    assert stop is not None and stop.id == "DB002"
    assert "damaged" in stop.message
    assert files(home) == before


# --- Beside somebody who has it open ------------------------------------------------------------


def test_a_reader_of_a_live_wal_adds_nothing(home: Path, environment: Environment) -> None:
    crashed(home)
    with neighbour(READER, home / "state.db"):
        before = files(home)
        view, _, messages = seen(home, environment)
        assert (view, messages) == (View.LIVE, MESSAGES + 1)
        # SQLite notes readers in the -shm; no other file may move.
        after = files(home)
        before.pop("state.db-shm"), after.pop("state.db-shm")
        assert after == before


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_an_idle_neighbour_keeps_writers_out(
    mode: str, home: Path, environment: Environment
) -> None:
    """An idle connection in DELETE mode has no lock and no -shm: only its descriptor tells."""
    with opened(home) as db:
        db.execute(f"PRAGMA journal_mode={mode}").fetchall()
    with neighbour(READER, home / "state.db") as process:
        before = files(home, but="hermes-repair")
        assert seen(home, environment)[0] is View.LIVE
        done = repair(home, environment)
        assert not done.complete and done.units == 1, "the lock alone is live-safe"
        assert all(str(process.pid) in reason for _, reason in done.waiting)
        for command in ("migrate", "undo", "restore"):
            shutil.copyfile(home / "state.db", home.parent / "copy.db")
            with pytest.raises(InUse, match=str(process.pid)):
                writing_commands(home, environment)[command]()
        after = files(home, but="hermes-repair")
        assert after.keys() == before.keys()


DELETED = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("INSERT INTO messages (session_id, role, content, timestamp)"
           " VALUES (?, 'user', 'only here', 1.0)", (sys.argv[2],))
for side in ("-wal", "-shm"):
    os.unlink(sys.argv[1] + side)
print("ready")
sys.stdin.read()
"""


def test_deleted_side_files_are_told_and_not_made_again(
    home: Path, environment: Environment
) -> None:
    """Who joins now makes a second -wal; what the process wrote to the deleted one is lost then."""
    with neighbour(DELETED, home / "state.db", HEALTHY) as process:
        before = files(home)
        for ask in (
            lambda: look(home, environment),
            lambda: repair(home, environment),
            lambda: clean(
                Run(home_of(home), environment), grace=60.0, max_age=3600.0, dry_run=False
            ),
        ):
            with pytest.raises(Refused, match="deleted") as refused:
                ask()
            assert str(process.pid) in refused.value.message
        assert files(home, but="hermes-repair").keys() - {"."} == before.keys() - {"."}
        assert not (home / "state.db-wal").exists()


def test_a_scan_in_ranges_sees_what_one_query_sees(home: Path) -> None:
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id % 4 = 1")
        db.execute("BEGIN")
        for n in range(5000):
            db.execute(ONE_MORE, (HEALTHY, f"number {n}", NOW + n))
        db.execute("DELETE FROM messages WHERE id BETWEEN 2000 AND 3999")
        db.execute(
            "INSERT INTO messages (id, session_id, role, content, timestamp)"
            " VALUES (900000, ?, 'user', 'far', 1.0)",
            (HEALTHY,),
        )
        db.execute("COMMIT")
    connection = open_joined(home / "state.db")
    try:
        rest, live = (Look(connection, View.LIVE, home, limit) for limit in (None, 0.05))
        what, where = "id, role, content", "role = ?"
        assert list(live.scan(what, "messages", where, ["user"])) == list(
            rest.scan(what, "messages", where, ["user"])
        )
        counted = list(live.scan("session_id, COUNT(*)", "messages", tail="GROUP BY session_id"))
        total = list(rest.scan("session_id, COUNT(*)", "messages", tail="GROUP BY session_id"))
        merged: dict[object, int] = {}
        for session, number in counted:
            assert isinstance(number, int)
            merged[session] = merged.get(session, 0) + number
        assert merged == {row[0]: row[1] for row in total}
        assert len(counted) > len(total), "the live look did it in one range"
    finally:
        connection.close()


def test_a_live_query_ends_at_its_limit(home: Path) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    )
    connection = open_joined(home / "state.db")
    try:
        live = Look(connection, View.LIVE, home, LIVE_SECONDS_DELETE)
        started = time.monotonic()
        with pytest.raises(Refused, match="too busy"):
            live.one(endless)
        with pytest.raises(Refused, match=r"One row of messages"):
            list(live.scan(f"({endless})", "messages"))
        assert live.within_limit(lambda asked: asked.one(endless)) is None
        assert time.monotonic() - started < 60 * LIVE_SECONDS_DELETE
        assert not connection.in_transaction
    finally:
        connection.close()


def test_a_live_scan_lets_writers_in_between(home: Path) -> None:
    """In DELETE mode a reader makes Hermes' write fail, so no page of a scan keeps its lock."""
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=DELETE").fetchall()
        db.execute("BEGIN")
        for n in range(9000):
            db.execute(ONE_MORE, (HEALTHY, f"number {n}", NOW + n))
        db.execute("COMMIT")
    connection = open_joined(home / "state.db")
    try:
        live = Look(connection, View.LIVE, home, LIVE_SECONDS_DELETE)
        rows = live.scan("id", "messages")
        next(rows)
        with opened(home) as writer:
            writer.execute("PRAGMA busy_timeout=0")
            writer.execute(ONE_MORE, (HEALTHY, "while you look", NOW))
        assert sum(1 for _ in rows) >= 9000
    finally:
        connection.close()


# --- No bytes of a database in a process that has a connection to it ----------------------------

TAKE_A_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
try:
    db.execute("BEGIN IMMEDIATE")
    print("taken")
except sqlite3.OperationalError as error:
    print(error)
"""


def other_process(home: Path) -> str:
    """Return what another process says that wants to write now."""
    done = subprocess.run(
        [sys.executable, "-c", TAKE_A_LOCK, home / "state.db"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()


def test_looking_from_outside_keeps_our_locks(home: Path, environment: Environment) -> None:
    rolled_back_mode(home)
    with writing(home / "state.db", live=False) as writer:
        writer.begin(0.0, environment.random)
        read_file_status(home_of(home))
        host.copy_files([(home / "state.db", home / "copy.db")], fsync=False)
        host.same_files(home / "state.db", home / "copy.db")
        assert "locked" in other_process(home)
        # What would happen if we read it here: the danger that the child process is there for.
        os.close(os.open(home / "state.db", os.O_RDONLY))
        assert other_process(home) == "taken"


ROOT = Path(hermes_repair.__file__).parent


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every call in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def is_around_a_connection(node: ast.Call) -> bool:
    """Whether this is sqlite-utils over a connection that somebody opened already."""
    return bool(node.args) and ast.unparse(node.args[0]) in ("connection", "self._db")


def opens_a_database(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("sqlite3.connect", "connect"):
                return True
            if name.rpartition(".")[2] == "Database" and not is_around_a_connection(node):
                return True
    return False


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_only_store_connects() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in modules() if opens_a_database(path)}
    assert found == {"store/connections.py"}


OPENS = {"open", "read_bytes", "write_bytes", "read_text", "write_text", "copy", "copyfile"}


def test_no_code_opens_a_database_as_a_file() -> None:
    """Closing such a descriptor drops the process's locks (R4); the worker never has one."""
    for path in modules():
        if path.relative_to(ROOT).as_posix() == "host/byte_worker.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in OPENS:
                words = ast.unparse(node)
                assert not re.search(r"database|state\.db|-wal|-shm|-journal", words), (
                    f"{path}:{node.lineno}: {words}"
                )


class Watched:
    """What Python itself opened below a folder, by the interpreter's own audit events."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.opened: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.root is None or event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path = Path(os.fsdecode(arguments[0]))
        if path.name.startswith("state.db") and path.parent == Path(self.root):
            self.opened.append(f"{path} {arguments[1:]}")


@pytest.fixture(scope="session")
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize("state", [plain, crashed, hot_journal], ids=lambda s: s.__name__)
def test_no_command_opens_a_database_as_a_file(
    state: Callable[[Path], None], home: Path, environment: Environment, watched: Watched
) -> None:
    state(home)
    watched.root, watched.opened = str(home), []
    try:
        look(home, environment)
        make_backup(Run(home_of(home), environment))
        repair(home, environment, backup=True)
        migrate(home, environment, 16)
        undo(home, environment)
        undo(home, environment)
        clean(Run(home_of(home), environment), grace=60.0, max_age=3600.0, dry_run=False)
        copy = next((home / "hermes-repair" / "backups").glob("manual-*"))
        restore(Run(home_of(home), environment), copy.name, lambda _source, _kept: True)
        assert watched.opened == []
        (home / "state.db").open("rb").close()
        assert len(watched.opened) == 1, "the watch sees nothing"
    finally:
        watched.root = None


def test_the_front_session_is_found_by_every_look(home: Path, environment: Environment) -> None:
    """The looks differ in their bytes, not in what they find."""
    whole = ids(look(home, environment))
    crashed(home)
    assert ids(look(home, environment)) == whole
    with neighbour(READER, home / "state.db"):
        found = look(home, environment)
        assert ids(found) == whole and found.live
        assert any(finding.session_id == FRONT for finding in found.findings)
