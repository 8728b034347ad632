"""``tree`` as a user types it: plain text, JSON, DOT, and a picture on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.homes.by_releases import Raced, raced
from tests.lineage.answers import hermes_repair


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Raced:
    return raced(tmp_path_factory.mktemp("tree"), review=True)


def test_plain_text_off_a_terminal(fork: Raced) -> None:
    lines = hermes_repair("tree", home=fork.home).out.splitlines()
    assert lines[0].startswith("Hermes home")
    assert lines[2].startswith(f"{fork.parent}  [fork]  telegram  18 messages")
    drawn = {line[4:].split("  ")[0]: line for line in lines[3:]}
    assert drawn.keys() == {fork.live, fork.other, fork.review}
    assert "[live]" in drawn[fork.live] and "[review]" in drawn[fork.review or ""]
    assert [line[:4] for line in lines[3:]] == ["|-- ", "|-- ", "`-- "]
    assert all(line.isascii() for line in lines)


def test_one_family_as_json(fork: Raced) -> None:
    (tree,) = hermes_repair("tree", fork.live, "--json", home=fork.home).document["trees"]
    assert tree["root"] == fork.parent
    found = {entry["session_id"]: entry for entry in tree["sessions"]}
    assert found[fork.parent]["end_reason"] == "compression"
    assert found[fork.other]["kind"] == "continuation"
    assert (found[fork.live]["depth"], found[fork.live]["messages"]) == (1, 15)
    assert all("title" not in entry for entry in tree["sessions"])


def test_dot_is_a_graph(fork: Raced) -> None:
    text = hermes_repair("tree", "--dot", home=fork.home).out
    assert text.startswith("digraph lineage {") and text.rstrip().endswith("}")
    edges = re.findall(r'"([^"]+)" -> "([^"]+)" \[style=(\w+)', text)
    assert set(edges) == {
        (fork.parent, fork.live, "solid"),
        (fork.parent, fork.other, "solid"),
        (fork.parent, fork.review, "dotted"),
    }


@pytest.mark.parametrize(("words", "code"), [(["nobody"], 2), (["--dot", "--json"], 2)])
def test_what_cannot_be_drawn(words: list[str], code: int, fork: Raced) -> None:
    hermes_repair("tree", *words, home=fork.home, code=code)


@pytest.mark.parametrize(("words", "titled"), [([], True), (["--no-titles"], False)])
def test_a_picture_on_a_terminal(words: list[str], titled: bool, fork: Raced) -> None:
    shown = on_terminal(["tree", *words], fork.home)
    assert "├── " in shown and fork.review is not None and fork.review in shown
    assert ('"Trip"' in shown) is titled


def on_terminal(words: list[str], home: Path) -> str:
    """Return what a command writes to a terminal of 160 columns."""
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "hermes_repair", *words, "--home", str(home)],
            stdout=slave,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "160", "HOME": "/none"},
            check=True,
            timeout=60,
        )
        os.close(slave)
        slave = -1
        return _read(master)
    finally:
        os.close(master)
        if slave >= 0:
            os.close(slave)


def _read(master: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # a terminal whose other end is closed
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()
