"""Each command at a home whose conversations another database keeps (DB010): it stops, or says so.

A later Hermes can keep its chats in PostgreSQL; ``state.db`` is then what it left behind. A command
that is missing in the table below fails here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.kept_elsewhere import OldFile
from tests.cli.speaking import assert_document, say
from tests.homes.content import files
from tests.homes.small import FRONT, HEALTHY, small_home
from tests.support import every_command

Capture = pytest.CaptureFixture[str]

STOPS, NAMED, LEFT = OldFile.STOPS, OldFile.IS_NAMED, OldFile.IS_LEFT

COMMANDS: list[tuple[list[str], OldFile]] = [
    (["guide"], LEFT),
    (["doctor"], LEFT),
    (["doctor", "install", "--cron"], LEFT),
    (["migrate", "--yes"], STOPS),
    (["migrate", "--dry-run"], STOPS),
    (["migrate", "--check"], STOPS),
    (["migrate", "--list"], LEFT),
    (["repair", "--yes"], STOPS),
    (["repair", "--dry-run"], STOPS),
    (["explain", "DB010"], LEFT),
    (["ack", "DB010", "--reason", "we know"], LEFT),
    (["history"], LEFT),
    (["undo", "--yes"], STOPS),
    (["backfill", "--yes"], STOPS),
    (["backfill", "--report"], STOPS),
    (["find", "good"], NAMED),
    (["copies"], NAMED),
    (["forks"], NAMED),
    (["forks", "--resolve", "branch", "--yes"], STOPS),
    (["tree"], NAMED),
    (["tree", HEALTHY], NAMED),
    (["salvage"], NAMED),
    (["salvage", "--out", "OUT"], NAMED),
    (["salvage", "--install", "--yes"], STOPS),
    (["merge", "COPY", "--yes"], STOPS),
    (["merge", "COPY", "--dry-run"], STOPS),
    (["merge", "--session", FRONT, "--into-profile", "work", "--yes"], STOPS),
    (["restore", "COPY", "--yes"], STOPS),
    (["vacuum", "--yes"], STOPS),
    (["vacuum", "--dry-run"], STOPS),
    (["locks", "list"], NAMED),
    (["locks", "clean"], STOPS),
    (["locks", "install", "--cron"], LEFT),
    (["bundle", "OUT", "--yes"], LEFT),
    (["backup"], STOPS),
    (["backup", "list"], LEFT),
    (["backup", "prune"], LEFT),
]
DB010 = "DB010: config.yaml keeps the conversations in 'postgres', not in state.db"


def elsewhere(root: Path, backend: str = "postgres") -> Path:
    """Make a small home with damage of each kind, and say that its chats are somewhere else."""
    small_home(root)
    (root / "config.yaml").write_text(f"database:\n  backend: {backend}\n", encoding="utf-8")
    return root


def test_every_command_says_what_it_does_there() -> None:
    lines = [" ".join(words) + " " for words, _ in COMMANDS]
    unsaid = [name for name in every_command() if not any(x.startswith(name + " ") for x in lines)]
    assert unsaid == []


@pytest.mark.parametrize(("words", "old_file"), COMMANDS, ids=[" ".join(w) for w, _ in COMMANDS])
def test_an_old_file_is_left_alone(
    words: list[str], old_file: OldFile, tmp_path: Path, capsys: Capture
) -> None:
    home = elsewhere(tmp_path / "home")
    copy = tmp_path / "copy.db"
    copy.write_bytes((home / "state.db").read_bytes())
    places = {"COPY": str(copy), "OUT": str(tmp_path / "out")}
    before = files(home, but="hermes-repair")
    said = say(capsys, *(places.get(word, word) for word in words), "--home", str(home))
    if old_file is STOPS:
        assert said.code == 4 and said.out == ""
        assert said.err.startswith(DB010) and "take database.backend out" in said.err
    elif old_file is NAMED:
        assert said.code in (0, 4) and said.err.startswith(DB010), said
    else:
        assert (
            "take database.backend out" not in said.err
        )  # where it refuses, then for its own reason
    after = files(home, but="hermes-repair")
    assert after == before
    if words[0] != "ack":
        assert not (home / "hermes-repair").exists()


def test_json_says_it_too(tmp_path: Path, capsys: Capture) -> None:
    home = elsewhere(tmp_path)
    looked = say(capsys, "forks", "--home", str(home), "--json")
    assert_document("forks", looked.document)
    assert looked.document["database"]["elsewhere"].startswith(DB010)
    refused = say(capsys, "backup", "--home", str(home), "--json")
    assert_document("error", refused.document)
    assert refused.code == 4 and refused.document["error"]["message"].startswith(DB010)


@pytest.mark.parametrize("words", [["doctor"], ["find", "good"], ["backup"], ["salvage"]])
def test_where_there_is_no_state_db_it_says_why(
    words: list[str], tmp_path: Path, capsys: Capture
) -> None:
    home = elsewhere(tmp_path)
    (home / "state.db").unlink()
    said = say(capsys, *words, "--home", str(home))
    assert said.code == 4 and DB010 in said.err


@pytest.mark.parametrize("backend", ["sqlite", "SQLite3", "null", "[postgres]"])
def test_what_is_sqlite_is_nothing(backend: str, tmp_path: Path, capsys: Capture) -> None:
    home = elsewhere(tmp_path, backend)
    said = say(capsys, "backup", "--home", str(home))
    assert said.code == 0 and said.err == ""


def test_the_key_may_be_written_with_escapes(tmp_path: Path, capsys: Capture) -> None:
    home = elsewhere(tmp_path)
    escaped = 'database: {"\\x62ackend": postgres}\n'
    (home / "config.yaml").write_text(escaped, encoding="utf-8")
    assert say(capsys, "backup", "--home", str(home)).code == 4


def test_one_profile_of_many_keeps_its_chats_elsewhere(tmp_path: Path, capsys: Capture) -> None:
    home = small_home(tmp_path)
    elsewhere(home / "profiles" / "work")
    said = say(capsys, "locks", "clean", "--home", str(home), "--all-profiles")
    assert said.code == 4 and DB010 in said.err
    with closing(sqlite3.connect(home / "state.db")) as db:
        assert db.execute("SELECT COUNT(*) FROM compression_locks").fetchone() == (0,)
    with closing(sqlite3.connect(home / "profiles" / "work" / "state.db")) as db:
        assert db.execute("SELECT COUNT(*) FROM compression_locks").fetchone() == (1,)
