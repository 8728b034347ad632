"""A home of somebody who is not to be trusted, run as root; and users who may not do what they try.

Whoever owns a home decides what stands under every name in it. Root follows no link of his out of
it, gives nothing away, and reads nothing for him that he could not read himself.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.speaking import say
from tests.cli.test_bad_input import WRITING, dropped, needs_root
from tests.homes.content import files
from tests.homes.home import opened
from tests.homes.small import chat_only_in_file, small_home
from tests.in_process import fixed_environment, repair
from tests.unit.host_helpers import NOBODY

Capture = pytest.CaptureFixture[str]
pytestmark = needs_root

PARTS = ["", "receipts", "backups", "sources"]


def give(path: Path, group: int = NOBODY) -> None:
    """Make all of a folder the unprivileged user's, links themselves included."""
    for part in (path, *path.rglob("*")):
        os.chown(part, NOBODY, group, follow_symlinks=False)


@pytest.fixture
def his(open_folder: Path) -> Iterator[Path]:
    """Return a damaged home that belongs to an unprivileged user."""
    home = small_home(open_folder / "home", 14)
    give(home)
    yield home


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part or "hermes-repair")
@pytest.mark.parametrize("command", WRITING[:2] + WRITING[3:], ids=" ".join)
def test_a_link_out_of_the_home_is_not_followed(
    part: str, command: list[str], his: Path, open_folder: Path, capsys: Capture
) -> None:
    secret = open_folder / "roots"
    secret.mkdir(mode=0o755)
    (secret / "precious").write_text("root's")
    link = his / "hermes-repair" / part if part else his / "hermes-repair"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(secret)
    give(his)
    before = files(secret)
    said = say(capsys, *command, "--home", his)
    assert said.code == 4 and said.out == "", said
    assert "is a link" in said.err and f"Move {link} away" in said.err
    assert files(secret) == before
    assert not part or [*link.parent.iterdir()] == [link], "what was made before it is gone again"


def test_a_link_in_the_place_of_a_file_of_ours(
    his: Path, open_folder: Path, capsys: Capture
) -> None:
    precious = open_folder / "precious"
    precious.write_text("root's")
    precious.chmod(0o640)
    ours = his / "hermes-repair"
    ours.mkdir()
    for name in ("run.lock", "acknowledged.json", "acknowledged.json.part"):
        for link in (Path.symlink_to, Path.hardlink_to):
            link(ours / name, precious)
            give(his)
            os.chown(precious, 0, 0)
            before = files(open_folder, but="home")
            for command in (["repair", "--yes"], ["locks", "clean"]):
                assert say(capsys, *command, "--home", his).code in (0, 4), (name, link)
            say(capsys, "ack", "0123456789abcdef", "--reason", "x", "--home", his)
            assert files(open_folder, but="home") == before, (name, link)
            (ours / name).unlink(missing_ok=True)


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to], ids=["link", "hard link"])
def test_what_the_owner_may_not_read_is_not_read_for_him(
    link: object, his: Path, open_folder: Path, capsys: Capture
) -> None:
    """Neither shown nor imported: he could read it in his database then."""
    name = chat_only_in_file(his)
    transcript = his / "sessions" / f"{name}.jsonl"
    secret = open_folder / "secret.jsonl"
    shutil.move(transcript, secret)
    secret.chmod(0o600)
    link(transcript, secret)  # type: ignore[operator]
    if transcript.is_symlink():
        os.chown(transcript, NOBODY, NOBODY, follow_symlinks=False)
    for command in (
        ["doctor"],
        ["repair", "--yes"],
        ["backfill", "--yes"],
        ["repair", "--yes", "--unsafe"],
        ["repair", "--yes", "--session", name],
        ["backfill", name, "--yes"],
        ["find", "heron"],
    ):
        said = say(capsys, *command, "--home", his)
        assert said.code in (0, 1, 2, 4), (command, said)
        assert name not in said.out or "may not read it" in said.out, (command, said)
    with opened(his) as db:
        asked = "SELECT count(*) FROM messages WHERE session_id = ?"
        assert db.execute(asked, (name,)).fetchone() == (0,)
    kept = [path.name for path in (his / "hermes-repair" / "sources").rglob("*") if path.is_file()]
    assert not [path for path in kept if path.startswith(name)]
    assert (secret.stat().st_uid, stat.S_IMODE(secret.stat().st_mode)) == (0, 0o600)


def test_the_group_of_the_database_may_be_another(open_folder: Path) -> None:
    """The owner is in none of its groups: what he makes keeps his own, and is nobody else's."""
    home = small_home(open_folder / "home", 14)
    give(home)
    os.chown(home / "state.db", NOBODY, 0)
    commands = [["repair", "--yes"], ["undo", "--yes"], ["migrate", "--to", "16", "--yes"]]
    for command, said in zip(commands, dropped(home, *commands), strict=True):
        assert said.code == 0, (command, said)
    for path in (home / "hermes-repair").rglob("*"):
        facts = path.stat()
        assert facts.st_uid == NOBODY and not stat.S_IMODE(facts.st_mode) & 0o077, path


def test_a_refused_run_of_another_user_leaves_nothing(open_folder: Path, capsys: Capture) -> None:
    """An empty folder of his would lock the owner out."""
    home = small_home(open_folder / "home", 14)
    for path in (home, *home.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    before = files(home, but="hermes-repair")
    for command, said in zip(WRITING, dropped(home, *WRITING), strict=True):
        assert said.code == 4 and "sudo -u root hermes-repair" in said.err, (command, said)
        assert not (home / "hermes-repair").exists(), command
    assert files(home, but="hermes-repair") == before
    assert say(capsys, "repair", "--yes", "--home", home).code == 0


def test_an_empty_folder_that_root_left_is_taken_over(his: Path, capsys: Capture) -> None:
    (his / "hermes-repair").mkdir(mode=0o755)
    assert say(capsys, "repair", "--yes", "--home", his).code == 0
    facts = (his / "hermes-repair").stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (NOBODY, 0o700)


def test_hints_name_what_helps(his: Path, open_folder: Path) -> None:
    """`sudo -u himself` helps nobody."""
    repair(his, fixed_environment(open_folder))
    os.chown(his / "hermes-repair" / "receipts", 0, 0)
    (said,) = dropped(his, ["undo", "--yes"])
    assert said.code == 4 and "sudo -u" not in said.err
    assert f"sudo chown -R nobody: {his / 'hermes-repair' / 'receipts'}" in said.err, said
    give(his)
    (his / "hermes-repair").chmod(0o500)
    his.chmod(0o500)
    (said,) = dropped(his, ["undo", "--yes"])
    assert said.code == 4 and "It belongs to you, so you can allow it: chmod u+rwX" in said.err


def test_a_sidecar_of_somebody_else_is_not_given_away(
    his: Path, open_folder: Path, capsys: Capture
) -> None:
    """SQLite, run by root, makes the owner of the database the owner of each that it opens."""
    precious = open_folder / "precious"
    precious.write_bytes(b"root's" * 100)
    precious.chmod(0o600)
    for suffix in ("-wal", "-journal", "-shm"):
        side = his / f"state.db{suffix}"
        side.unlink(missing_ok=True)
        for link in (Path.symlink_to, Path.hardlink_to):
            link(side, precious)
            before = files(open_folder, but="home")
            for command in (["doctor"], *WRITING):
                said = say(capsys, *command, "--home", his)
                assert said.code in (0, 1, 4) and "defect" not in said.err, (command, said)
            assert files(open_folder, but="home") == before, (suffix, link)
            side.unlink()
