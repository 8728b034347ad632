"""The README says what the code does."""

from __future__ import annotations

import re

import pytest

from tests.command import run
from tests.readme import README, written


def test_tables_are_those_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert written(text) == text, "run `python -m tests.readme`"


@pytest.mark.parametrize("mark", ["try", "test"])
def test_both_commands_are_one_line(mark: str) -> None:
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)\n```\n<!-- end -->", text, re.DOTALL)
    assert found is not None and "\n" not in found[1]


def test_exit_codes_are_those_of_every_help() -> None:
    text = README.read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", text, re.MULTILINE))
    shown = " ".join(run("doctor", "--help").out.replace("│", " ").split())
    for code, meaning in table.items():
        beginning = re.split(r"[;,]| \(", meaning)[0].replace("`", "")
        assert f"{code} {beginning}" in shown.replace("`", "")
