"""Commands to type are values, so that each can be meant for the home of whoever reads it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from hermes_repair.model.commands_to_type import Hint, advice, command, typed
from tests.support import ROOT, every_command

PACKAGE = ROOT / "hermes_repair"
THE_VALUE_ITSELF = PACKAGE / "model" / "commands_to_type.py"
WITHOUT_A_HOME = {"explain"}
AT_A_HOME = "|".join(sorted(every_command().keys() - WITHOUT_A_HOME, reverse=True))
WRITTEN = re.compile(rf"\bhermes-repair (?:(?:{AT_A_HOME})(?![\w-])(?! --home )|$)")
"""A command that works at a home and names none, or the beginning of one that goes on elsewhere."""


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the string literals of a module, but for docstrings and the help of options."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.keyword) and child.arg in ("help", "epilog"):
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child
        yield from literals(child)


def written(source: str) -> list[int]:
    """Return the lines of a module in which a command of ours is written as text."""
    found = literals(ast.parse(source))
    return [node.lineno for node in found if WRITTEN.search(str(node.value))]


def test_no_text_has_a_command_written_into_it() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != THE_VALUE_ITSELF
        for line in written(path.read_text(encoding="utf-8"))
    ]
    assert not places


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('x = "Next: hermes-repair repair --dry-run"', [1]),
        ('x = f"`hermes-repair backup list` shows {y}"', [1]),
        ('x = f"Next: hermes-repair {y}"', [1]),
        ('x = "hermes-repair explain ID"', []),
        ('x = "hermes-repair has a defect"', []),
        ('x = "hermes-repair repair-all"', []),
        ('x = "Give the folder: hermes-repair doctor --home PATH"', []),
        ('def f():\n    """Type `hermes-repair repair`."""', []),
        ('x = option("--y", help="as `hermes-repair repair` does")', []),
    ],
)
def test_a_written_command_is_recognised(source: str, lines: list[int]) -> None:
    assert written(source) == lines


@pytest.mark.parametrize("option", ["", " --home /h", " --profile work", " --home '/a {b}'"])
@pytest.mark.parametrize(
    "hint",
    [
        command("backup list"),
        command("repair", "--session", "a b"),
        advice("It said {}. Then: {}", advice("`{}`", command("locks clean")), command("doctor")),
        advice("{} or {}", "words with {}", command("undo", "{}")),
        "words alone",
    ],
    ids=str,
)
def test_each_command_is_meant_for_the_home_once(hint: Hint, option: str) -> None:
    text = typed(hint, option)
    if option:
        assert text.replace(option, "") == typed(hint)
        assert text.count(option) == len(re.findall(rf"hermes-repair (?:{AT_A_HOME})", text))
    else:
        assert text == typed(hint)
