"""Homes with anything in them; ``make long`` tries 100,000.

A failure names its number: ``python -m tests.fuzz NUMBER`` makes that home again and keeps it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.forked import base_homes, failures
from tests.fuzz.judge import Answer, made_worse, wrong_answer, wrong_look
from tests.fuzz.state import state_of
from tests.homes.home import opened
from tests.homes.small import SECRET

SHORT = 120
LONG = 100_000


@pytest.fixture(scope="module")
def bases() -> Iterator[list[Path]]:
    with base_homes() as made:
        yield made


def parts(count: int, size: int) -> list[range]:
    return [range(first, first + size) for first in range(0, count, size)]


def first_of(seeds: range) -> str:
    return str(seeds.start)


@pytest.mark.parametrize("seeds", parts(SHORT, 15), ids=first_of)
def test_any_home(seeds: range, bases: list[Path]) -> None:
    """Exit codes are documented and never 3, looking changes nothing, nothing is lost."""
    found = [str(failure) for failure in failures(seeds, bases)]
    assert found == [], "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("seeds", parts(LONG, 500), ids=first_of)
def test_any_of_many_homes(seeds: range, bases: list[Path]) -> None:
    found = [str(failure) for failure in failures(seeds, bases)]
    assert found == [], "\n".join(found)


def test_the_judge_notices(
    bases: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it lets pass would be worth nothing else."""
    printed = Answer(("doctor", "--json"), 3, f'{{"error": "{SECRET}"}}', "\x1b[2J")
    wrong = " ".join(wrong_answer(printed, bases[0]))
    for part in ("exits 3", "document", "conversation text", "control characters [27]"):
        assert part in wrong
    home = tmp_path / "home"
    shutil.copytree(bases[0], home)
    before = state_of(home)
    assert made_worse(before, before) == []
    assert before.searched and {"messages_fts_docsize"} < set(before.tables or ())
    with opened(home) as db:
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("DELETE FROM messages WHERE id = 1")
        db.execute("UPDATE messages SET session_id = 'nobody' WHERE id = 2")
    after = " ".join(made_worse(before, state_of(home)))
    assert "1 messages are gone" in after and "new foreign key violations" in after
    assert state_of(home).tables != before.tables
    data = (home / "state.db").read_bytes()
    (home / "state.db").write_bytes(data[:4096] + bytes(4096) + data[8192:])
    assert "integrity_check" in " ".join(made_worse(before, state_of(home)))
    monkeypatch.setattr("tests.fuzz.judge.run", lambda _words: 0)
    assert "finds nothing where" in " ".join(wrong_look(home, ("doctor",)))
