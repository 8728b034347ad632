"""A second doctor takes from the last one what nobody wrote to since, and never hides damage."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.make_home import Size, make_home
from hermes_repair import host
from hermes_repair.app import diagnose, last_look
from hermes_repair.app.cache_files import read_cache, write_cache
from tests.cli.speaking import say
from tests.engine.pages import Pages
from tests.homes.content import fingerprint
from tests.homes.home import opened

Capture = pytest.CaptureFixture[str]
SIZE = Size(messages=700, schema=14, jsonl_bytes=200_000, damaged_every=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with whole and damaged transcripts."""
    root = tmp_path_factory.mktemp("made") / "home"
    make_home(root, SIZE)
    return root


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it whose files count as settled at once."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(last_look, "SETTLED_SECONDS", -1.0)
    return Path(shutil.copytree(made, tmp_path / "home"))


def cache(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache" / "hermes-repair" / "looks").iterdir()
    return file


def look(capsys: Capture, home: Path, *options: str) -> tuple[dict[str, Any], float | None]:
    """Return what the doctor says, and since when it knows the oldest of that."""
    said = say(capsys, "doctor", "--home", home, "--json", *options)
    assert said.code in (0, 1), said
    document = said.document
    since: float | None = document["looked_at"].pop("recalled_since")
    return document, since


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of a file in place; its size and the time of its last write stay."""
    before, data = path.stat(), path.read_bytes()
    changed = change(data)
    assert len(changed) == len(data) and changed != data
    with path.open("r+b") as file:
        file.write(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def transcript(home: Path) -> Path:
    """Return one that is whole in the database."""
    return sorted((home / "sessions").glob("*.jsonl"))[0]


def test_a_second_look_says_the_same_and_changes_nothing(
    home: Path, capsys: Capture, tmp_path: Path
) -> None:
    before = fingerprint(home)
    first, since = look(capsys, home)
    assert since is None
    second, since = look(capsys, home)
    assert since is not None
    assert second == first
    assert any(finding["id"] == "TR001" for finding in first["findings"])
    assert fingerprint(home) == before
    assert cache(tmp_path).stat().st_mode & 0o777 == 0o600
    told = say(capsys, "doctor", "--home", home)
    assert "--fresh reads them again" in told.out


def message_not_utf8(home: Path) -> None:
    with opened(home) as db:
        (text,) = db.execute("SELECT content FROM messages WHERE id = 1").fetchone()
    spoilt = text.encode()[:-2] + b"\xff."
    rewritten(home / "state.db", lambda data: data.replace(text.encode(), spoilt))


def message_deleted(home: Path) -> None:
    with opened(home) as db:
        session = transcript(home).stem
        db.execute("DELETE FROM messages WHERE session_id = ? AND role = 'tool'", [session])
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def other_words(data: bytes) -> bytes:
    return re.sub(rb'("role": "user", "content": ")[A-Z][a-z]', rb"\1Zz", data)


def line_changed(home: Path) -> None:
    rewritten(transcript(home), other_words)


def line_torn(home: Path) -> None:
    rewritten(transcript(home), lambda data: data[:-30] + b"\n" * 30)


def file_exchanged(home: Path) -> None:
    path = transcript(home)
    other = path.with_name("other")
    shutil.copy2(path, other)
    rewritten(other, other_words)
    other.replace(path)


def database_put_back(home: Path) -> None:
    old = home / "old.db"
    shutil.copy2(home / "state.db", old)
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id < 50")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy2(home / "state.db", home / "new.db")
    shutil.copy2(old, home / "state.db")
    for path in (home / "new.db", old):
        path.unlink()
    message_deleted(home)


CHANGES = (
    message_not_utf8,
    message_deleted,
    line_changed,
    line_torn,
    file_exchanged,
    database_put_back,
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_written_since_is_read(
    change: Callable[[Path], None], home: Path, capsys: Capture
) -> None:
    first, _ = look(capsys, home)
    change(home)
    second, _ = look(capsys, home)
    fresh, since = look(capsys, home, "--fresh")
    assert since is None
    assert second == fresh
    assert second["findings"] != first["findings"]


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_the_check_of_the_file_is_never_taken_from_the_last_look(
    large: int, home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that gives other bytes than it was given changes no time of a file."""
    monkeypatch.setattr(diagnose, "LARGE", large)
    monkeypatch.setattr(last_look, "_mark", lambda _run, _status: "the same")
    look(capsys, home)
    pages = Pages(home)
    pages[pages.tree(pages.roots["messages"])[-1][0]] = b"\xaa" * pages.size
    pages.write()
    second, since = look(capsys, home)
    assert since is None  # nothing is taken where the file is damaged
    assert "DB003" in [finding["id"] for finding in second["findings"]]
    assert second == look(capsys, home, "--fresh")[0]


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_nothing_is_kept_of_a_file_whose_damage_was_only_met(
    large: int, home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    monkeypatch.setattr(diagnose, "LARGE", large)
    monkeypatch.setattr(diagnose, "keep", lambda _run, _status, last: kept.append(last))
    look(capsys, home, "--ignore", "DB003,DB006")
    assert len(kept) == 1
    pages = Pages(home)
    pages[pages.tree(pages.roots["messages"])[-1][0]] = b"\xaa" * pages.size
    pages.write()
    look(capsys, home, "--ignore", "DB003,DB006")
    assert len(kept) == 1


@pytest.mark.parametrize("options", [("--fresh",), ("--deep",)])
def test_some_looks_take_nothing(
    options: tuple[str, ...], home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(capsys, home)
    monkeypatch.setattr(last_look, "read_cache", None)
    look(capsys, home, *options)


def test_a_repair_rests_on_nothing_that_was_kept(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(capsys, home)
    monkeypatch.setattr(diagnose, "last_look", None)
    for words in (["repair", "--dry-run"], ["backfill", "--all", "--dry-run"], ["repair", "--yes"]):
        assert say(capsys, *words, "--home", home).code == 0


def test_young_files_old_answers_and_clocks_that_were_set(
    home: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_look, "SETTLED_SECONDS", 1000.0)
    look(capsys, home)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(last_look, "SETTLED_SECONDS", -1.0)
    look(capsys, home)
    document = dict(read_cache(cache(tmp_path), last_look.MOST))
    for seconds in (-last_look.KEPT_SECONDS - 1, 1000.0):
        moved = {**document, "since": document["since"] + seconds}
        write_cache(cache(tmp_path), moved, last_look.MOST)
        assert look(capsys, home)[1] is None


def test_what_is_kept_is_dropped_when_in_doubt(
    home: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = look(capsys, home)
    file = cache(tmp_path)
    kept = file.read_bytes()
    for place in range(0, len(kept), len(kept) // 7):
        file.write_bytes(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :])
        assert look(capsys, home) == (first, None)
    file.write_bytes(kept)
    file.chmod(0o666)
    assert look(capsys, home) == (first, None)
    document = read_cache(file, last_look.MOST)
    odd: tuple[Any, ...] = (
        7,
        [],
        [1],
        {},
        "odd",
        [["odd"]],
        [[1, 2], [], "odd"],
        {"values": 7},
        [[1.5] * 9, [], ""],
    )
    for value in odd:
        answers = dict.fromkeys(document["answers"], value)
        if value in ([], [["odd"]]):
            continue  # an empty list is an answer; the digest is what tells it from ours
        write_cache(file, {**document, "answers": answers}, last_look.MOST)
        assert look(capsys, home)[0] == first, value


def test_neither_text_nor_titles_are_kept(home: Path, capsys: Capture, tmp_path: Path) -> None:
    look(capsys, home)
    kept = cache(tmp_path).read_text("ascii")
    with opened(home) as db:
        for text, title in db.execute(
            "SELECT m.content, s.title FROM messages m JOIN sessions s ON s.id = m.session_id"
        ):
            assert len(text) < 4 or text not in kept
            assert title not in kept


def test_no_place_to_keep_anything(
    home: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file")
    assert look(capsys, home)[1] is look(capsys, home)[1] is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    before = fingerprint(home)
    assert look(capsys, home)[1] is look(capsys, home)[1] is None
    assert fingerprint(home) == before
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert look(capsys, home)[1] is look(capsys, home)[1] is None
    assert not (tmp_path / "nowhere").exists(), "a user without a folder is not given one"


def test_a_file_system_that_stamps_less_keeps_nothing(
    home: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_look, "STAMPED", frozenset({"nfs4"}))
    look(capsys, home)
    assert not (tmp_path / "cache").exists()


def test_nothing_is_known_after_the_system_started_again(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(capsys, home)
    assert look(capsys, home)[1] is not None
    monkeypatch.setattr(host, "boot", lambda: "another")
    assert look(capsys, home)[1] is None


def test_two_homes_keep_apart(home: Path, capsys: Capture, tmp_path: Path) -> None:
    other = Path(shutil.copytree(home, tmp_path / "other"))
    message_deleted(other)
    first, theirs = look(capsys, home)[0], look(capsys, other)[0]
    assert len(list((tmp_path / "cache" / "hermes-repair" / "looks").iterdir())) == 2
    assert look(capsys, home)[0] == first
    assert look(capsys, other)[0] == theirs
    # One put in the place of the other: the file is another one, though its cache is asked.
    shutil.rmtree(home)
    other.rename(home)
    moved, _ = look(capsys, home)
    assert moved["findings"] == look(capsys, home, "--fresh")[0]["findings"] == theirs["findings"]
