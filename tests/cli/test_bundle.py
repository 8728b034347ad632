"""``bundle``: what a bug report needs, and nothing of what was said or who said it."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import pytest

from hermes_repair.report.bundle_files import Hidden
from tests.cli.speaking import at_a_terminal, say
from tests.homes.content import files
from tests.homes.home import changing, execute
from tests.homes.small import ORPHAN, SECRET, add_session

Capture = pytest.CaptureFixture[str]
NAMES = ["README.txt", "doctor.json", "structure.txt", "versions.json", "runs.json"]


def unpacked(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "report.zip"


def test_it_has_what_a_report_needs(home: Path, zipped: Path, capsys: Capture) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    execute(home, "CREATE TABLE mine (id INTEGER)")
    before = files(home)
    said = say(capsys, "bundle", zipped, "--yes", "--home", home)
    assert (said.code, files(home)) == (0, before)
    texts = unpacked(zipped)
    assert list(texts) == NAMES
    assert json.loads(texts["doctor.json"])["findings"] is not None
    assert "extra: table mine" in texts["structure.txt"]
    assert {"hermes_repair", "python", "sqlite", "schema"} <= json.loads(
        texts["versions.json"]
    ).keys()
    (run,) = json.loads(texts["runs.json"])
    assert (run["command"], run["state"], run["messages_added"]) == ("repair", "done", 4)
    assert {"kind": "session", "findings": ["TR001"], "state": "done"} in run["steps"]
    again = zipped.with_name("again.zip")
    say(capsys, "bundle", again, "--yes", "--home", home)
    assert again.read_bytes() == zipped.read_bytes()


def test_nobody_is_named_in_it(
    home: Path, zipped: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No text, no title, no id that a person chose, no folder of the user."""
    with changing(home) as db:
        add_session(db, "anna-miller", [("user", SECRET, 6.0)], parent="+49 170 1234", counted=9)
    monkeypatch.setenv("HOME", str(home.parent))
    assert say(capsys, "bundle", zipped, "--yes", "--home", home).code == 0
    before = unpacked(zipped)
    assert before["doctor.json"].count("id-") >= 2
    say(capsys, "repair", "--yes", "--unsafe", "--home", home)
    zipped.unlink()
    assert say(capsys, "bundle", zipped, "--yes", "--home", home).code == 0
    everything = "".join([*before.values(), *unpacked(zipped).values()])
    assert SECRET not in everything
    for word in ("anna", "miller", "+49", "1234", str(home.parent), "heron"):
        assert word not in everything, word
    assert json.loads(unpacked(zipped)["doctor.json"])["home"] == "~/home"


def test_a_folder_elsewhere_names_nobody_either(
    home: Path, zipped: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where root looks at the home of another user."""
    monkeypatch.setenv("HOME", str(home.parent / "another"))
    with changing(home) as db:
        db.execute("UPDATE sessions SET parent_session_id = '/home/anna/x' WHERE id = ?", (ORPHAN,))
    assert say(capsys, "bundle", zipped, "--yes", "--home", home).code == 0
    everything = "".join(unpacked(zipped).values())
    assert str(home.parent) not in everything and "anna" not in everything
    document = json.loads(unpacked(zipped)["doctor.json"])
    assert (document["home"], document["database"]["path"]) == (
        "HERMES_HOME",
        "HERMES_HOME/state.db",
    )


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/home/anna/.hermes/state.db.bak", "~/.hermes/state.db.bak"),
        ("(/Users/anna/x, /mnt/c/Users/Anna/y)", "(~/x, ~/y)"),
        (
            "/srv/hermes/sessions/a.jsonl, /srv/hermes-2/b",
            "HERMES_HOME/sessions/a.jsonl, /srv/hermes-2/b",
        ),
        ("/root and /rooted", "~ and /rooted"),
    ],
)
def test_folders_of_users(path: str, written: str) -> None:
    assert Hidden((), "/srv/hermes", "/root").text(path) == written


def test_the_newest_error_of_ours_is_in_it(home: Path, zipped: Path, capsys: Capture) -> None:
    log = Path(tempfile.gettempdir()) / "hermes-repair-1700000000-x.log"
    log.write_text("repair.py:12 in do\nValueError\n")
    (log.parent / "hermes-repair-1700000001-y.log").symlink_to(home / "state.db")
    say(capsys, "bundle", zipped, "--yes", "--home", home)
    assert unpacked(zipped)["last-error.txt"] == log.read_text()


def test_it_is_shown_before_it_is_written(home: Path, zipped: Path) -> None:
    said = at_a_terminal(home, "bundle", zipped, "--home", home, typed="n\n")
    assert said.code == 0
    assert "--- doctor.json" in said.out and '"id": "TR001"' in said.out
    assert "Nothing was written." in said.out and not zipped.exists()
    said = at_a_terminal(home, "bundle", zipped, "--home", home, typed="y\n")
    assert said.code == 0
    assert list(unpacked(zipped))[:5] == NAMES


def test_off_a_terminal_it_is_asked_for(home: Path, zipped: Path, capsys: Capture) -> None:
    assert say(capsys, "bundle", zipped, "--home", home).code == 4
    assert not zipped.exists()
    zipped.write_text("PK, mine")
    said = say(capsys, "bundle", zipped, "--yes", "--home", home)
    assert (said.code, zipped.read_text()) == (4, "PK, mine")
    assert say(capsys, "bundle", home / "x.zip", "--yes", "--home", home).code == 4
    assert not (home / "x.zip").exists()


def test_a_database_that_cannot_be_read_has_a_bundle(
    home: Path, zipped: Path, capsys: Capture
) -> None:
    (home / "state.db").write_bytes(b"\xff" * 8192)
    assert say(capsys, "bundle", zipped, "--yes", "--home", home).code == 0
    texts = unpacked(zipped)
    assert texts["structure.txt"].startswith("not read: ")
    assert "DB001" in texts["doctor.json"]
