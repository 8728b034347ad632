"""``locks install``: what it prints runs, what it writes is asked for, and nothing starts."""

from __future__ import annotations

import configparser
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import Ran, run
from tests.homes.content import fingerprint


def install(home: Path, *words: str, user: Path) -> Ran:
    return run("locks", "install", *words, home=home, environ={"HOME": str(user)})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that a unit file has to quote, with a database."""
    folder = tmp_path / "a home of 50% $HOME"
    (folder / "sessions").mkdir(parents=True)
    (folder / "state.db").write_bytes(b"")
    return folder


def test_one_of_the_two_is_asked_for(home: Path, tmp_path: Path) -> None:
    for words in ((), ("--systemd", "--cron"), ("--cron", "--write")):
        refused = install(home, *words, user=tmp_path)
        assert (refused.code, refused.out) == (2, "")
    assert install(tmp_path / "nowhere", "--cron", user=tmp_path).code == 5


def test_printing_writes_nothing(home: Path, tmp_path: Path) -> None:
    before = fingerprint(tmp_path)
    for words in (("--systemd",), ("--cron",), ("--systemd", "--json"), ("--cron", "--json")):
        assert install(home, *words, user=tmp_path).code == 0
    assert fingerprint(tmp_path) == before


def test_the_units(home: Path, tmp_path: Path) -> None:
    said = install(home, "--systemd", "--json", user=tmp_path)
    files = said.document["files"]
    assert (said.code, said.document["written"], len(files)) == (0, False, 2)
    service, timer = (
        next(text for name, text in files.items() if name.endswith(end))
        for end in (".service", ".timer")
    )
    assert all(Path(name).parent == tmp_path / ".config" / "systemd" / "user" for name in files)
    parser = configparser.RawConfigParser(strict=True)
    parser.read_string(service)
    start = parser["Service"]["execstart"]
    assert start.endswith(
        f'locks clean --home "{tmp_path}/a home of 50%% $$HOME"'
    ) and start.startswith(sys.executable)
    assert (parser["Service"]["nice"], parser["Service"]["type"]) == ("19", "oneshot")
    assert parser["Service"]["successexitstatus"] == "4"
    parser.read_string(timer)
    assert int(parser["Timer"]["randomizeddelaysec"]) > 0
    printed = install(home, "--systemd", user=tmp_path)
    assert all(text.strip() in printed.out for text in files.values())
    assert "Nothing was written" in printed.err and "systemctl --user" in printed.err


def test_writing_them_where_asked(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "systemd" / "user"
    done = install(home, "--systemd", "--write", user=tmp_path)
    assert done.code == 0, done.err
    assert "Nothing runs yet" in done.err
    names = sorted(path.name for path in folder.iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["service", "timer"]
    assert all(name.startswith("hermes-repair-locks-") for name in names)
    again = install(home, "--systemd", "--write", user=tmp_path)
    assert again.code == 0  # the same text may be written again
    (folder / names[1]).write_text("my own")
    refused = install(home, "--systemd", "--write", user=tmp_path)
    assert refused.code == 4 and "already exists and has different content" in refused.err
    assert (folder / names[1]).read_text() == "my own"


def test_the_usual_home_has_the_plain_name(tmp_path: Path) -> None:
    usual = tmp_path / ".hermes"
    (usual / "sessions").mkdir(parents=True)
    files = install(usual, "--systemd", "--json", user=tmp_path).document["files"]
    assert sorted(Path(name).name for name in files) == [
        "hermes-repair-locks.service",
        "hermes-repair-locks.timer",
    ]
    every = install(usual, "--systemd", "--all-profiles", "--json", user=tmp_path).document
    assert f"--home {usual} --all-profiles" in str(every["files"])


def test_the_crontab_line_runs(home: Path, tmp_path: Path) -> None:
    (home / "state.db").unlink()
    line = install(home, "--cron", user=tmp_path).out
    assert line.count("\n") == 1
    fields = line.strip().split(" ", 5)
    assert fields[:5] == ["*/5", "*", "*", "*", "*"]
    command = fields[5].replace("\\%", "%")  # as cron reads it
    assert "sleep $(($$ % 60)); exec nice -n 19 " in command
    words = shlex.split(command.partition("nice -n 19 ")[2])
    assert words[-2:] == ["--home", str(home)]
    # Without the sleep: what cron would run finds the home, which has no database.
    done = subprocess.run(
        ["sh", "-c", command.partition("; ")[2]],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5 and "has no state.db" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_home_of_somebody_else(home: Path, tmp_path: Path) -> None:
    os.chown(home / "state.db", 65534, 65534)
    refused = install(home, "--systemd", user=tmp_path)
    assert refused.code == 4 and "sudo -u" in refused.err
