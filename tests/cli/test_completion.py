"""What a shell offers, asked as bash asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.speaking import spawn
from tests.homes.small import ORPHAN, small_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = small_home(tmp_path / "home")
    for name in ("work", "weekend"):
        (root / "profiles" / name / "sessions").mkdir(parents=True)
    return root


def offered(home: Path, words: str) -> list[str]:
    """Return what is offered for the last of these words, which may be empty."""
    said = spawn(
        home,
        _X_COMPLETE="complete_bash",  # spawn calls the program x
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
        HERMES_HOME=str(home),
    )
    assert said.code == 0 and said.err == "", said
    return said.out.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hermes-repair explain LN00", [f"LN00{n}" for n in range(1, 10)]),
        ("hermes-repair explain orphan-", ["orphan-child", "orphan-messages"]),
        ("hermes-repair doctor --select TR001,LN01", ["TR001,LN010", "TR001,LN011", "TR001,LN012"]),
        ("hermes-repair repair --ignore RP", ["RP001", "RP002"]),
        ("hermes-repair doctor --profile w", ["weekend", "work"]),
        ("hermes-repair locks list --profile d", ["default"]),
        ("hermes-repair doctor --home /nonexistent --profile w", []),
        (f"hermes-repair repair --session {ORPHAN[:10]}", [ORPHAN]),
        ("hermes-repair tree --profile work 2026", []),
        ("hermes-repair hist", ["history"]),
    ],
)
def test_what_is_offered(words: str, expected: list[str], home: Path) -> None:
    assert offered(home, words) == expected
