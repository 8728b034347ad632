"""Files of a home that no release writes: every command says what is wrong, and none hangs."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from hermes_repair.home.hermes_config import sessions_dir
from tests.cli.speaking import assert_document, say, spawn
from tests.fuzz.forked import judged_in_a_child
from tests.fuzz.judge import JSON, judge
from tests.homes.content import content, files, without_sequence
from tests.homes.home import opened
from tests.homes.small import FRONT, HEALTHY, LOCKED

Capture = pytest.CaptureFixture[str]
COMMANDS = [
    ["doctor"],
    ["repair", "--dry-run"],
    ["locks", "list"],
    ["tree"],
    ["forks"],
    ["find", "hello"],
    ["copies"],
    ["backfill", "--report"],
    ["history"],
    ["repair", "--yes"],
    ["locks", "clean"],
]


def change(home: Path, *statements: str) -> None:
    with opened(home) as db:
        db.execute("PRAGMA writable_schema=ON")
        for statement in statements:
            db.execute(statement)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# --- Damage that hides what else there is -------------------------------------------------------


@pytest.mark.parametrize("table", ["sessions", "messages", "schema_version", "compression_locks"])
def test_a_table_that_cannot_be_read_is_named(table: str, home: Path, capsys: Capture) -> None:
    """Exit 1 and the finding, whatever else cannot be read for it."""
    with opened(home) as db:
        asked = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = db.execute(asked, [table]).fetchone()
    data = bytearray((home / "state.db").read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 200] = b"\xff" * 200
    (home / "state.db").write_bytes(data)
    before = files(home)
    for words in (["doctor"], ["doctor", "--deep"], ["doctor", "--for", "0.19.0"]):
        said = say(capsys, *words, "--home", home, "--json")
        assert said.code == 1, said
        assert_document("doctor", said.document)
        found = {finding["id"] for finding in said.document["findings"]}
        assert found & {"DB001", "DB003"}, (words, found)
    assert files(home) == before
    said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code == 4 and "DB00" in said.err


@pytest.mark.parametrize("field", ["name", "sql", "tbl_name"])
def test_a_byte_in_the_schema_that_is_no_utf8(field: str, home: Path, capsys: Capture) -> None:
    """SQLite quotes it in its own messages, which are no UTF-8 then."""
    change(
        home,
        f"UPDATE sqlite_master SET {field} = CAST(replace({field}, 'messages', x'6dff') AS TEXT)"
        " WHERE name = 'messages'",
    )
    for words in COMMANDS:
        said = say(capsys, *words, "--home", home)
        assert said.code in (0, 1, 4) and "defect" not in said.sentences(), (words, said)
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and "FATAL DB00" in said.out


# --- Values that no parser expects --------------------------------------------------------------


def test_an_integer_of_5000_digits(home: Path, capsys: Capture) -> None:
    path = home / "sessions" / f"{FRONT}.jsonl"
    line = b'{"role": "user", "content": "x", "n": ' + b"7" * 5000 + b"}\n"
    path.write_bytes(line + path.read_bytes())
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and "TR004" in said.out
    assert say(capsys, "repair", "--yes", "--home", home).code in (0, 4)


BAD_JSON = [b'{"a": ' * 100_000, b"[" * 100_000, b'{"n": ' + b"1" * 5000 + b"}", b"\xff"]


@pytest.mark.parametrize("name", ["gateway.json", "sessions/sessions.json", "gateway.pid"])
def test_json_that_is_none(name: str, home: Path, capsys: Capture) -> None:
    for data in BAD_JSON:
        (home / name).write_bytes(data)
        for words in COMMANDS[:3]:
            said = say(capsys, *words, "--home", home)
            assert said.code in (0, 1) and "defect" not in said.sentences(), (words, said)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gateway.json", b'{"sessions_dir": "~nosuchuser/x"}'),
        ("gateway.json", b'{"sessions_dir": "a\\u0000b"}'),
        ("gateway.json", b'{"sessions_dir": "\\ud800"}'),
        ("config.yaml", b"gateway: {sessions_dir: ~nosuchuser/x}"),
        ("config.yaml", b"gateway: {sessions_dir: " + b"x" * 300 + b"}"),
        ("config.yaml", b'gateway: {sessions_dir: "a\\0b"}'),
        ("config.yaml", b"gateway: {sessions_dir: !!bool x}"),
        ("config.yaml", b"gateway: {sessions_dir: !!int ''}"),
        ("config.yaml", b"other: !!bool x"),
        (
            "config.yaml",
            b"other: !!timestamp x\ngateway: {sessions_dir: !!python/name:os.system x}",
        ),
        ("config.yaml", b"[" * 200_000),
        ("config.yaml", b"a: &a [" + b"x," * 50 + b"]\nb: [*a, *a]\n" * 1),
    ],
)
def test_a_setting_that_can_be_no_path(name: str, data: bytes, home: Path, capsys: Capture) -> None:
    (home / name).write_bytes(data)
    for words in COMMANDS[:4]:
        said = say(capsys, *words, "--home", home)
        assert said.code in (0, 1) and "defect" not in said.sentences(), (words, said)


def test_a_setting_beside_what_cannot_be_parsed_is_read(tmp_path: Path) -> None:
    """A tag on another value does not hide it."""
    (tmp_path / "config.yaml").write_text("other: !!bool x\ngateway: {sessions_dir: chats}\n")
    (tmp_path / "chats").mkdir()
    (tmp_path / "chats" / "sessions.json").write_text("{}")
    assert sessions_dir(tmp_path) == tmp_path / "chats"


# --- Columns ------------------------------------------------------------------------------------


def columns(number: int) -> list[tuple[str, str]]:
    """Return every column of the tables that we read, of a schema."""
    from sample_data.build import structure_sql

    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(structure_sql(number))
        return [
            (table, row[1])
            for table in ("sessions", "messages", "compression_locks", "schema_version")
            for row in db.execute(f"PRAGMA table_info({table})")
        ]


def without(home: Path, table: str, column: str) -> bool:
    """Drop a column, and what stands in its way; return whether SQLite let us."""
    with opened(home) as db:
        asked = "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger')"
        for kind, name in db.execute(f"{asked} AND sql IS NOT NULL").fetchall():
            db.execute(f'DROP {kind} "{name}"')
        try:
            db.execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
        except sqlite3.OperationalError:
            return False  # the key of the table
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True


MISSING = columns(14)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        pytest.param(*pair, marks=() if place % 4 == 0 else pytest.mark.long)
        for place, pair in enumerate(MISSING)
    ],
)
def test_any_column_may_be_missing(table: str, column: str, home: Path) -> None:
    if without(home, table, column):
        for commands in ([("doctor", JSON), ("repair", "--dry-run", JSON)], [("repair", "--yes")]):
            assert judged_in_a_child(home, partial(judge, commands=commands)) == []


@pytest.mark.parametrize("column", ["message_count", "tool_call_count", "api_call_count"])
def test_a_session_without_a_counter_is_filled(column: str, home: Path, capsys: Capture) -> None:
    assert without(home, "sessions", column)
    before = without_sequence(content(home))
    assert say(capsys, "doctor", "--home", home).code == 1
    said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code in (0, 4) and "defect" not in said.sentences(), said
    assert f"bring back 4 messages of {FRONT}" not in said.out, "it is done, so it is not named"
    with opened(home) as db:
        asked = "SELECT count(*) FROM messages WHERE session_id = ?"
        assert db.execute(asked, [FRONT]).fetchone() == (10,)
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    assert without_sequence(content(home)) == before


# --- Kinds and sizes ----------------------------------------------------------------------------

READ = [
    "config.yaml",
    "gateway.json",
    "active_profile",
    "gateway.pid",
    "sessions/sessions.json",
    "hermes-repair/acknowledged.json",
    f"sessions/{HEALTHY}.jsonl",
    f"sessions/session_{LOCKED}.json",
]
STAND_INS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "folder": Path.mkdir,
    "circle": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("kind", STAND_INS)
def test_something_else_than_a_file(kind: str, home: Path) -> None:
    """All of them at once: none is opened for reading, or waited for."""
    for name in READ:
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        STAND_INS[kind](path)
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"
    for words in (["doctor"], ["locks", "list"]):
        said = spawn(home.parent, *words, "--home", home, code=limited)
        assert said.code in (0, 1, 4) and "defect" not in said.sentences(), (words, said)
        assert "MemoryError" not in said.sentences()


@pytest.mark.parametrize("name", READ[:6])
def test_a_file_far_too_large_is_not_read_whole(name: str, home: Path) -> None:
    path = home / name
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(8 << 30)
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"
    said = spawn(home.parent, "doctor", "--home", home, code=limited)
    assert said.code in (1, 4) and "defect" not in said.sentences(), said


def test_a_line_of_glued_objects_takes_linear_time(home: Path) -> None:
    """40 MB of `{}` took 60 s and 542 MB."""
    path = home / "sessions" / f"{HEALTHY}.jsonl"
    path.write_bytes(b"{}" * (20 << 20))
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"
    began = time.monotonic()
    said = spawn(home.parent, "doctor", "--home", home, "--json", code=limited)
    taken = time.monotonic() - began
    assert said.code == 1 and taken < 30, (taken, said)
    assert "TR004" in {finding["id"] for finding in json.loads(said.out)["findings"]}
