"""A copy knows whose it is: no profile gets the chats of another one unless that is asked for."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.home.other_databases import profile_of
from tests.cli.speaking import assert_document, commands, say
from tests.homes.content import fingerprint
from tests.homes.home import opened
from tests.homes.small import add_session, small_home

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a home with the profiles p7, which has a chat of its own, and p8, which has none."""
    root = small_home(tmp_path / "home")
    for name in ("p7", "p8"):
        database = small_home(root / "profiles" / name) / "state.db"
        with closing(sqlite3.connect(database)) as db, db:
            db.execute("DELETE FROM compression_locks")
            db.execute("DELETE FROM messages")
            db.execute("DELETE FROM sessions")
            if name == "p7":
                add_session(db, "mine", [("user", "one", 6.0), ("assistant", "two", 6.1)])
    return root


def chats(root: Path) -> set[str]:
    with opened(root) as db:
        return {str(row[0]) for row in db.execute("SELECT id FROM sessions")}


def backup(capsys: Capture, base: Path, profile: str) -> Path:
    document = say(capsys, "backup", "--home", base, "--profile", profile, "--json").document
    return Path(document["backup"]["path"])


def refused(capsys: Capture, base: Path, profile: str, copy: Path, *more: str) -> str:
    """Assert that a copy is not put into a profile, and that nothing was changed."""
    place = base / "profiles" / profile if profile != "default" else base
    before = fingerprint(place)
    said = say(capsys, "restore", copy, "--home", base, "--profile", profile, "--yes", *more)
    assert said.code == 4 and said.out == ""
    assert fingerprint(place) == before
    return said.err


def test_another_profiles_copy_is_refused_unless_asked_for(base: Path, capsys: Capture) -> None:
    copy, was = backup(capsys, base, "default"), chats(base)
    p7 = base / "profiles" / "p7"
    told = refused(capsys, base, "p7", copy)
    assert f"{copy} is a copy of profile default, and this is p7" in told
    (typed,) = commands(told)
    assert typed[-2:] == ["--from-profile", "default"]
    assert say(capsys, *typed[1:]).code == 4, "off a terminal it needs --yes all the same"
    assert chats(p7) == {"mine"}
    said = say(capsys, *typed[1:], "--yes", "--json")
    assert said.code == 0
    assert_document("restore", said.document)
    assert chats(p7) == was


def test_the_wrong_name_is_no_answer(base: Path, capsys: Capture) -> None:
    copy = backup(capsys, base, "p7")
    told = refused(capsys, base, "p8", copy, "--from-profile", "default")
    assert "is a copy of profile p7, not of default" in told
    assert "--from-profile p7" in told


def test_a_copy_that_lies_anywhere_is_known_by_its_chats(
    base: Path, tmp_path: Path, capsys: Capture
) -> None:
    moved = tmp_path / "usb stick" / "old.db"
    moved.parent.mkdir()
    shutil.copyfile(backup(capsys, base, "default"), moved)
    for profile in ("p7", "p8"):
        assert "copy of profile default" in refused(capsys, base, profile, moved)
    own = moved.with_name("own.db")
    shutil.copyfile(backup(capsys, base, "p7"), own)
    words = ("restore", own, "--home", base, "--profile", "p7", "--yes")
    assert say(capsys, *words).code == 0


def test_a_copy_of_chats_that_nobody_has_is_taken_at_its_word(
    base: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A home that was moved to a new disk, or chats that are gone everywhere else."""
    copy = backup(capsys, base, "p7")
    moved = tmp_path / "old.db"
    shutil.copyfile(copy, moved)
    with closing(sqlite3.connect(base / "profiles" / "p7" / "state.db")) as db, db:
        db.execute("DELETE FROM messages")
        db.execute("DELETE FROM sessions")
    words = ("restore", moved, "--home", base, "--profile", "p7", "--yes")
    assert say(capsys, *words).code == 0
    assert chats(base / "profiles" / "p7") == {"mine"}


def test_a_copy_of_its_own_is_put_back_without_a_word(base: Path, capsys: Capture) -> None:
    for profile in ("default", "p7"):
        copy = backup(capsys, base, profile)
        words = ("restore", copy.parent.name, "--home", base, "--profile", profile, "--yes")
        assert say(capsys, *words).code == 0


def test_no_copy_of_another_profile_is_offered(base: Path, capsys: Capture) -> None:
    copy = backup(capsys, base, "default")
    shutil.copyfile(copy, base / "state.db.bak")
    (base / "profiles" / "p7" / "state.db").write_bytes(b"")
    for command in (["doctor"], ["backup", "list"], ["doctor", "--json"]):
        said = say(capsys, *command, "--home", base, "--profile", "p7")
        assert str(copy) not in said.sentences() and "state.db.bak" not in said.sentences()
    (base / "state.db").write_bytes(b"")
    said = say(capsys, "doctor", "--home", base)
    assert str(copy) in said.out and str(base / "state.db.bak") in said.out


@pytest.mark.parametrize(
    ("place", "profile"),
    [
        ("hermes-repair/backups/x/state.db", "default"),
        ("hermes-repair/backups/x/bundle-1/state.db", "default"),
        ("state-snapshots/x/state.db", "default"),
        ("state.db", "default"),
        ("state.db.bak", "default"),
        ("profiles/p7/state.db", "p7"),
        ("profiles/p7/state.old", "p7"),
        ("profiles/p7/hermes-repair/backups/x/state.db", "p7"),
        ("kept/p7.db", None),
        ("../hermes-repair/state.db", None),
        ("../x/state.db", None),
    ],
)
def test_whose_a_copy_is_by_its_place(
    place: str, profile: str | None, base: Path, tmp_path: Path
) -> None:
    """A folder that only has our name is no home: somebody's checkout of this project."""
    assert profile_of((base / place).resolve()) == profile
