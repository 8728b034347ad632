"""The pages below ``docs/`` say what the code does, and what they tell to type can be typed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages_of_docs import CAST, FINDINGS, MANUAL, PICTURE, cast, findings_page, manual
from tests.support import ROOT, every_command
from tests.test_docs import PAGES

AGAIN = "run `python -m tests.pages_of_docs`"
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:[^`]*/bin/)?hermes-repair ([^`]*)`")
TYPED = re.compile(r"(?<!~/)\bhermes-repair (?![-\d])([^|&)\n]*)")


def test_every_finding_is_explained_as_by_the_program() -> None:
    assert FINDINGS.read_text(encoding="utf-8") == findings_page(), AGAIN


def test_the_manual_has_every_command_and_option() -> None:
    assert MANUAL.read_text(encoding="utf-8") == manual(), AGAIN


def test_the_manual_is_one_that_man_reads() -> None:
    text = manual()
    named = [line for line in text.splitlines() if line.startswith((".", "'"))]
    known = {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I"}
    assert {line.split()[0] for line in named} == known
    if shutil.which("groff") is not None:
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["README.md", *PAGES])
def test_what_is_to_be_typed_can_be_typed(name: str) -> None:
    """Every command is there, and has the options that stand behind it."""
    commands = every_command()
    text = (ROOT / name).read_text(encoding="utf-8")
    found = list(typed(text))
    assert found
    for words in found:
        command = commands.get(" ".join(words[:2])) or commands[words[0]]
        options = {option for param in command.params for option in param.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= {*options, "--help"}, (name, words)


def typed(text: str) -> Iterator[list[str]]:
    """Yield the words of every command of ours that a page has as code, but for its name."""
    blocks = [found[1] for found in BLOCK.finditer(text)]
    told = [found[1] for found in INLINE.finditer(BLOCK.sub("", text))]
    told += [found[1] for block in blocks for found in TYPED.finditer(block)]
    for line in told:
        words = shlex.split(line, comments=True)
        if words and not words[0].startswith("-"):
            yield words


def test_the_cast_is_of_this_program_and_loads_nothing(tmp_path: Path) -> None:
    drawn = cast()
    for text in (drawn, CAST.read_text(encoding="utf-8")):
        assert "hermes-repair&#160;doctor" in text and "hermes-repair&#160;undo" in text
        assert "Undone:" in text
        assert str(ROOT) not in text and "/tmp" not in text and "/dev/shm" not in text
        assert not re.search(r"url\(.?http|@import|href=.?http|<script", text)
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
