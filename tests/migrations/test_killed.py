"""kill -9 at every statement of 11 -> 22 on a populated database: no row lost, the next completes.

As in :mod:`tests.engine.test_crash`: one run with a picture of the home before each step shows
every state that a kill can leave; real processes, killed for real, show that it leaves the same.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from hermes_repair.schema.structure_difference import diff
from tests.engine.faults import bytes_in_process
from tests.engine.kills import judge, killed, pictures
from tests.homes.content import Content, content, without_sequence
from tests.homes.database import connect
from tests.homes.folders import new_folder
from tests.homes.populated import populated
from tests.in_process import fixed_environment, ids, look, migrate
from tests.unit.schema_support import known, structure_of

TARGET = 22
COMMAND = ("migrate", "--to", str(TARGET), "--yes")
KEPT = ("id", "session_id", "role", "content", "tool_calls", "tool_name", "timestamp")


@cache
def course() -> tuple[Content, Content]:
    """Return the content before and after a migration that nothing happens to."""
    with new_folder() as folder, pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        home = populated(folder / "home")
        before = without_sequence(content(home))
        migrate(home, fixed_environment(home.parent), TARGET)
        return before, without_sequence(content(home))


def messages(home: Path) -> list[tuple[object, ...]]:
    """Return every message by the columns that every schema has."""
    connection = connect(home / "state.db")
    try:
        return connection.execute(f"SELECT {', '.join(KEPT)} FROM messages ORDER BY id").fetchall()
    finally:
        connection.close()


def assert_completes(home: Path, said: list[tuple[object, ...]]) -> None:
    """See that the home is as before or as after, and that the next run brings it to its end.

    ``said`` are the messages of its chats, all of which it still has then.
    """
    before, after = course()
    now = without_sequence(content(home))
    assert now in (before, after), "neither as before nor as after"
    environment = fixed_environment(home.parent)
    migrate(home, environment, TARGET)
    assert without_sequence(content(home)) == after
    assert "RP001" not in ids(look(home, environment))
    connection = connect(home / "state.db")
    assert diff(known(TARGET), structure_of(connection)).lines() == []
    connection.close()
    assert messages(home) == said


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_every_state_that_a_kill_can_leave(every: int, place: Path) -> None:
    course()
    home = populated(place / "home")
    said = messages(home)
    taken, shim = pictures(home, lambda: migrate(home, fixed_environment(place), TARGET), place)
    assert len([step for step in shim.steps if step.what == "sql"]) > 100
    assert len(taken) > 8
    judge(taken[::-every], lambda shot: assert_completes(shot, said))


def kill_at_every(part: int, place: Path) -> int:
    """Kill a real migration at every ``part``-th of its steps; return how many kills that were."""
    course()
    done, steps = killed(0, populated(place / "home"), COMMAND)
    assert done.code == 0, done.said
    shutil.rmtree(place / "home")
    start = populated(place / "start")
    said = messages(start)
    numbers = range(part, steps + 1, part)
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        for number in numbers:
            home = shutil.copytree(start, place / "home")
            assert killed(number, home, COMMAND)[0].code == -9
            try:
                assert_completes(home, said)
            except BaseException as error:
                error.add_note(f"killed before step {number} of {steps}")
                raise
            shutil.rmtree(home)
    return len(numbers)


def test_real_kills(place: Path) -> None:
    assert kill_at_every(45, place) >= 5


@pytest.mark.long
def test_a_real_kill_at_every_statement(place: Path) -> None:
    assert kill_at_every(1, place) > 200
