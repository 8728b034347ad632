"""kill -9, a full or broken disk and ^C at every moment of migrate, repair and undo (design R4).

What a kill leaves is what lies on the disk at that moment, so one run with a copy of the home taken
before each step gives every state that a kill between two steps can leave; equal ones are tried
once. That a real kill leaves the same is tried with real processes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hermes_repair.app.world import World
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.store.writing import Writer
from tests.engine.faults import (
    Shim,
    Step,
    bytes_in_process,
    disk_error,
    fail_at,
    full_disk,
    in_child,
    interrupt,
    kill_at,
    shimmed,
)
from tests.engine.homes import NOW, ids, look, migrate, repair, small_home, the_world, undo
from tests.engine.images import Content, content, fast_folder, files, sequence, without_sequence

Run = Callable[[Path, World], object]


@dataclass(frozen=True)
class Job:
    """A command in the middle of which something happens.

    ``prepare`` makes a home and does what comes before the command. ``again`` is what finishes it.
    """

    name: str
    prepare: Run
    run: Run
    again: Run


def _home_13(home: Path, _world: World) -> None:
    small_home(home, 13)


def _home_14(home: Path, _world: World) -> None:
    small_home(home, 14)


def _migrated(home: Path, world: World) -> None:
    small_home(home, 13)
    migrate(home, world)


def _repaired(home: Path, world: World) -> None:
    small_home(home, 14)
    repair(home, world)


JOBS = {
    job.name: job
    for job in (
        Job("migrate", _home_13, migrate, migrate),
        Job("repair", _home_14, repair, repair),
        Job("undo a migration", _migrated, undo, undo),
        Job("undo a repair", _repaired, undo, undo),
    )
}


@dataclass(frozen=True)
class Course:
    """A run that nothing happened to: its steps, and the states of whole units in their order."""

    steps: tuple[Step, ...]
    states: tuple[Content, ...]
    pristine: Content


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder where fsync costs nothing."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=fast_folder()) as folder:
        yield Path(folder)


@cache
def prepared(name: str) -> Path:
    """Return the home before a job, made once; not to be written to."""
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="crash-", dir=fast_folder()))
    home = Path(_FOLDERS[-1].name) / "home"
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        JOBS[name].prepare(home, the_world(home.parent))
    return home


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def fresh(name: str, home: Path) -> Path:
    """Return the home before a job at ``home``, which may be there already."""
    if home.exists():
        shutil.rmtree(home)
    shutil.copytree(prepared(name), home, symlinks=True)
    return home


@cache
def course(name: str) -> Course:
    """Run a job to its end once and note what it does."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        home = fresh(name, Path(folder) / "home")
        world = the_world(home.parent)
        states = [content(home)]
        real = Writer.commit

        def commit(writer: Writer) -> None:
            real(writer)
            if writer.path == home / "state.db":
                states.append(content(home))

        with shimmed(Shim(home)) as shim, pytest.MonkeyPatch.context() as patch:
            patch.setattr(Writer, "commit", commit)
            JOBS[name].run(home, world)
        end = content(home)
        if end != states[-1]:
            states.append(end)
        first = "migrate" if name == "undo a migration" else "repair"
        pristine = states[0] if name in ("migrate", "repair") else content(prepared(first))
        return Course(tuple(shim.steps), tuple(states), pristine)


def finish(name: str, home: Path, world: World) -> Content:
    """Run the command again until it says that there is nothing left, and return the content."""
    for _ in range(3):
        try:
            JOBS[name].again(home, world)
        except Refused as refused:
            assert refused.message == "There is nothing to take back."
        if name in ("migrate", "repair"):
            break
    return content(home)


def take_back(home: Path, world: World) -> None:
    """Undo whatever there is."""
    for _ in range(4):
        try:
            undo(home, world)
        except Refused as refused:
            assert refused.message == "There is nothing to take back."
            return
    raise AssertionError("undo finds something to take back for ever")


def assert_sound_after(name: str, home: Path, place: Path) -> None:
    """See that what lies at ``home`` is whole, that doctor says so, and that both ways lead out."""
    world = the_world(home.parent)
    known = course(name)
    now = content(home)
    assert without_sequence(now) in [without_sequence(state) for state in known.states]
    before = files(home)
    found = ids(look(home, world))
    assert files(home) == before, "doctor changed something"
    ends = [without_sequence(known.states[0]), without_sequence(known.states[-1])]
    if without_sequence(now) not in ends:
        assert "RP001" in found, "doctor does not tell of the run that was cut off"

    onward = Path(shutil.copytree(home, place / "onward", symlinks=True))
    backward = Path(shutil.copytree(home, place / "backward", symlinks=True))
    try:
        end = finish(name, onward, world)
        assert without_sequence(end) == without_sequence(known.states[-1])
        assert "RP001" not in ids(look(onward, world))
        take_back(onward, world)
        assert_given_back(onward, known)
        take_back(backward, world)
        assert_given_back(backward, known)
        assert "RP001" not in ids(look(backward, world))
    finally:
        shutil.rmtree(onward)
        shutil.rmtree(backward)


def assert_given_back(home: Path, known: Course) -> None:
    """See that every table is as before the first of our commands, marks not lowered (R5)."""
    end = content(home)
    assert without_sequence(end) == without_sequence(known.pristine)
    marks = sequence(known.pristine)
    assert all(sequence(end)[table] >= mark for table, mark in marks.items())


@pytest.mark.parametrize("name", JOBS)
def test_killed_before_every_step(name: str, place: Path) -> None:
    home = fresh(name, place / "home")
    course(name)
    world = the_world(home.parent)
    seen: set[str] = set()
    tried = 0

    def photograph(number: int, step: Step) -> None:
        nonlocal tried
        key = repr(sorted((path, *entry[4:]) for path, entry in files(home).items()))
        if key in seen:
            return
        seen.add(key)
        tried += 1
        shim.active = False
        shot = Path(shutil.copytree(home, place / "shot", symlinks=True))
        shots.append((number, step, shot.rename(place / f"shot-{number}")))
        shim.active = True

    shots: list[tuple[int, Step, Path]] = []
    shim = Shim(home, photograph)
    with shimmed(shim):
        JOBS[name].run(home, world)
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        for number, step, shot in shots:
            try:
                assert_sound_after(name, shot, place)
            except BaseException as error:
                error.add_note(f"{name}, killed before step {number}: {step}")
                raise
            shutil.rmtree(shot)
    assert tried > 10
