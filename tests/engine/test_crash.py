"""kill -9, a full or broken disk and ^C at every moment of migrate, repair and undo (R4).

Every state that a kill between two steps can leave is tried (``tests.engine.kills``), equal ones
once. That a real kill leaves the same is tried with real processes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.repair import shared_transactions
from tests.engine.faults import (
    Shim,
    Step,
    bytes_in_process,
    disk_error,
    fail_at,
    full_disk,
    interrupt,
    shimmed,
)
from tests.engine.kills import bytes_of, judge, killed, pictures
from tests.homes.content import Content, content, files, sequence, without_sequence
from tests.homes.damage import crashed
from tests.homes.folders import kept_folder, new_folder
from tests.homes.small import small_home
from tests.in_process import fixed_environment, ids, look, migrate, repair, undo

Run = Callable[[Path, Environment], object]


@pytest.fixture(autouse=True, scope="module")
def several_transactions() -> Iterator[None]:
    """Let only the smallest steps share a transaction, so that there is something between two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_transactions, "MOST_ACTIONS", 4)
        yield


@dataclass(frozen=True)
class Job:
    """A command in the middle of which something happens.

    ``prepare`` makes a home and does what comes before the command. ``again`` is what finishes it.
    """

    name: str
    prepare: Run
    run: Run
    again: Run


def _home_13(home: Path, _world: Environment) -> None:
    small_home(home, 13)


def _home_14(home: Path, _world: Environment) -> None:
    small_home(home, 14)


def _migrated(home: Path, environment: Environment) -> None:
    small_home(home, 13)
    migrate(home, environment)


def _repaired(home: Path, environment: Environment) -> None:
    small_home(home, 14)
    repair(home, environment)


def _killed(name: str) -> Run:
    """Return what leaves the home of a job as a kill in the middle of it does."""

    def prepare(home: Path, environment: Environment) -> None:
        shot = home.with_name("shot")
        JOBS[name].prepare(home, environment)
        begun = 0

        def photograph(_number: int, step: Step) -> None:
            nonlocal begun
            begun += step.path.endswith("/state.db") and step.detail == "COMMIT"
            if begun == 2 and not shot.exists():
                shutil.copytree(home, shot, symlinks=True)

        with shimmed(Shim(home, photograph)):
            JOBS[name].run(home, environment)
        shutil.rmtree(home)
        shot.rename(home)

    return prepare


JOBS = {
    job.name: job
    for job in (
        Job("migrate", _home_13, migrate, migrate),
        Job("repair", _home_14, repair, repair),
        Job("undo a migration", _migrated, undo, undo),
        Job("undo a repair", _repaired, undo, undo),
        Job("repair after a kill", _killed("repair"), repair, repair),
        Job("undo a repair after a kill", _killed("undo a repair"), undo, undo),
    )
}

AFTER_A_KILL = ("repair after a kill", "undo a repair after a kill")


@dataclass(frozen=True)
class Course:
    """A run that nothing happened to: its steps, and the states of whole units.

    ``states`` begins with the state before the run and ends with the one after it; in between are
    those in which some of its units are done, in any combination (a unit may be refused alone).
    """

    steps: tuple[Step, ...]
    states: tuple[Content, ...]
    pristine: Content


@cache
def prepared(name: str) -> Path:
    """Return the home before a job, made once; not to be written to."""
    home = kept_folder() / "home"
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        JOBS[name].prepare(home, fixed_environment(home.parent))
    return home


def fresh(name: str, home: Path) -> Path:
    """Return the home before a job at ``home``, which may be there already."""
    if home.exists():
        shutil.rmtree(home)
    shutil.copytree(prepared(name), home, symlinks=True)
    return home


@cache
def course(name: str) -> Course:
    """Run a job to its end once and note what it does."""
    with new_folder() as folder:
        home = fresh(name, folder / "home")
        before = without_sequence(content(home))
        with shimmed(Shim(home)) as shim:
            JOBS[name].run(home, fixed_environment(home.parent))
        after = without_sequence(content(home))
    pristine = content(prepared("migrate" if "migrat" in name else "repair"))
    between = partly_repaired() if "repair" in name else ()
    return Course(tuple(shim.steps), (before, *between, after), pristine)


@cache
def partly_repaired() -> tuple[Content, ...]:
    """Return what the small home is after some of its four repairs, for every choice of them."""
    found = []
    families = ("LK", "LN", "MS", "TR")
    choices = [c for n in range(1, len(families)) for c in combinations(families, n)]
    with new_folder() as folder, pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        for chosen in choices:
            home = fresh("repair", folder / "home")
            done = repair(home, fixed_environment(home.parent), selection=Selection(select=chosen))
            assert done.units == len(chosen)
            found.append(without_sequence(content(home)))
    return tuple(found)


def finish(name: str, home: Path, environment: Environment) -> Content:
    """Run the command again until it says that there is nothing left, and return the content."""
    for _ in range(3):
        try:
            JOBS[name].again(home, environment)
        except Refused as refused:
            assert refused.message == "There is nothing to undo."
        if JOBS[name].again is not undo:
            break
    return content(home)


def take_back(home: Path, environment: Environment) -> None:
    """Undo whatever there is."""
    for _ in range(4):
        try:
            undo(home, environment)
        except Refused as refused:
            assert refused.message == "There is nothing to undo."
            return
    raise AssertionError("undo finds something to take back for ever")


def assert_sound_after(name: str, home: Path, place: Path, *, killed: bool) -> None:
    """See that what lies at ``home`` is whole, and that both ways lead out of it.

    ``killed``: nobody could say that units are missing, so the doctor has to. Clock and randomness
    stand still, so what follows from the same bytes is the same: they are judged once.
    """
    if is_new("sound", name, home, killed):
        _assert_sound_after(name, home, place, killed=killed)


_JUDGED: set[object] = set()


def is_new(question: str, name: str, home: Path, *more: object) -> bool:
    """Tell whether a question about a home of a job was not put before, and note it as put."""
    put = (question, name, bytes_of(home), *more)
    new = put not in _JUDGED
    _JUDGED.add(put)
    return new


def _assert_sound_after(name: str, home: Path, place: Path, *, killed: bool) -> None:
    environment = fixed_environment(home.parent)
    known = course(name)
    now = without_sequence(content(home))
    assert now in known.states
    before = files(home)
    found = ids(look(home, environment))
    assert files(home) == before, "doctor changed something"
    if killed and now not in (known.states[0], known.states[-1]):
        assert "RP001" in found, "doctor does not tell of the run that was cut off"

    onward = Path(shutil.copytree(home, place / "onward", symlinks=True))
    backward = Path(shutil.copytree(home, place / "backward", symlinks=True))
    try:
        end = finish(name, onward, environment)
        assert without_sequence(end) == known.states[-1]
        if is_new("finished", name, onward):
            assert "RP001" not in ids(look(onward, environment))
            take_back(onward, environment)
            assert_given_back(onward, known)
        take_back(backward, environment)
        if is_new("given back", name, backward):
            assert_given_back(backward, known)
            assert "RP001" not in ids(look(backward, environment))
    finally:
        shutil.rmtree(onward)
        shutil.rmtree(backward)


def assert_given_back(home: Path, known: Course) -> None:
    """See that every table is as before the first of our commands, marks not lowered (R5)."""
    end = content(home)
    assert without_sequence(end) == without_sequence(known.pristine)
    marks = sequence(known.pristine)
    assert all(sequence(end)[table] >= mark for table, mark in marks.items())


ONCE = [name for name in JOBS if name not in AFTER_A_KILL]


@pytest.mark.parametrize("name", ONCE)
def test_killed_before_a_step(name: str, place: Path) -> None:
    assert kill_before_steps(name, place, every=3) >= 3


@pytest.mark.long
@pytest.mark.parametrize("name", ONCE)
def test_killed_before_every_step(name: str, place: Path) -> None:
    assert kill_before_steps(name, place, every=1) >= 8


@pytest.mark.parametrize("name", AFTER_A_KILL)
def test_killed_once_more(name: str, place: Path) -> None:
    assert kill_before_steps(name, place, every=5) >= 4


@pytest.mark.long
@pytest.mark.parametrize("name", AFTER_A_KILL)
def test_killed_once_more_before_every_step(name: str, place: Path) -> None:
    assert kill_before_steps(name, place, every=1) >= 8


def kill_before_steps(name: str, place: Path, every: int) -> int:
    """Judge one in ``every`` state that a kill can leave, and return how many were judged."""
    home = fresh(name, place / "home")
    course(name)
    taken, _ = pictures(home, lambda: JOBS[name].run(home, fixed_environment(place)), place)
    chosen = taken[::-every]  # from the last on, in which all is done
    judge(chosen, lambda shot: assert_sound_after(name, shot, place, killed=True))
    return len(chosen)


KINDS = (disk_error, full_disk, interrupt)
FAILURES = 10
"""How many steps of a job fail in a short run, evenly spread."""


def fail_every(name: str, place: Path, every: int, kinds: int) -> None:
    """Let one step in ``every`` fail, with ``kinds`` of the failures in turn."""
    for number in range(1 + (every > 1), len(course(name).steps) + 1, every):
        for turn in range(kinds):
            kind = KINDS[(number // every + turn) % len(KINDS)]
            home = fresh(name, place / "home")
            try:
                raised = _fail_once(name, home, number, kind)
                allowed = (HermesRepairError, OSError, sqlite3.Error, KeyboardInterrupt)
                assert raised is None or isinstance(raised, allowed)
                assert_sound_after(name, home, place, killed=False)
            except BaseException as error:
                step = course(name).steps[number - 1]
                error.add_note(f"{name}, {kind.__name__} at step {number}: {step}")
                raise


def _fail_once(
    name: str, home: Path, number: int, kind: Callable[[Step], BaseException]
) -> BaseException | None:
    with shimmed(Shim(home, fail_at(number, kind))):
        try:
            JOBS[name].run(home, fixed_environment(home.parent))
        except BaseException as error:  # noqa: BLE001 - what it is, is the question
            return error
    return None


@pytest.mark.parametrize("name", JOBS)
def test_a_step_fails(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_in_process(monkeypatch)
    fail_every(name, place, every=max(2, len(course(name).steps) // FAILURES), kinds=1)


@pytest.mark.long
@pytest.mark.parametrize("name", JOBS)
def test_every_step_fails(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_in_process(monkeypatch)
    fail_every(name, place, every=1, kinds=len(KINDS))


COMMANDS = {
    "migrate": ("migrate", "--to", "14", "--yes"),
    "repair": ("repair", "--yes"),
    "undo a migration": ("undo", "--yes"),
    "undo a repair": ("undo", "--yes"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_process_is_killed(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_in_process(monkeypatch)
    done, steps = killed(0, fresh(name, place / "home"), COMMANDS[name])
    assert done.code == 0, done.said
    for part in (4, 6, 9):
        number = steps * part // 10
        home = fresh(name, place / "home")
        assert killed(number, home, COMMANDS[name])[0].code == -9
        try:
            assert_sound_after(name, home, place, killed=True)
        except BaseException as error:
            error.add_note(f"{name}, killed before step {number} of {steps}")
            raise


class Order:
    """Asks at which place of a run's steps something came."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps

    def places(self, what: str, path: str, detail: str = "") -> list[int]:
        """Return the places of all steps of this kind on paths that end so."""
        return [
            place
            for place, step in enumerate(self.steps)
            if step.what == what and step.path.endswith(path) and step.detail.startswith(detail)
        ]

    def first(self, what: str, path: str, detail: str = "") -> int:
        """Return the place of the first; it has to be there."""
        return self.places(what, path, detail)[0]

    def last_before(self, place: int, what: str, path: str, detail: str = "") -> int:
        """Return the place of the last one before ``place``; it has to be there."""
        return [found for found in self.places(what, path, detail) if found < place][-1]


@pytest.mark.parametrize("name", ["migrate", "repair"])
def test_the_receipt_is_on_disk_before_the_first_unit(name: str) -> None:
    order = Order(course(name).steps)
    begin = order.first("sql", "/state.db", "BEGIN IMMEDIATE")
    written = order.last_before(begin, "sql", ".db.part", "COMMIT")
    synced = order.last_before(begin, "fsync", ".db.part")
    named = order.last_before(begin, "replace", ".db.part")
    folder = order.last_before(begin, "fsync", "/receipts")
    assert written < synced < named < folder < begin


def test_the_backup_is_on_disk_before_the_first_change() -> None:
    order = Order(course("migrate").steps)
    begin = order.first("sql", "/state.db", "BEGIN IMMEDIATE")
    changes = [
        place
        for word in ("CREATE", "ALTER", "INSERT", "UPDATE", "DELETE", "DROP")
        for place in order.places("sql", "/state.db", word)
    ]
    copied = order.first("fsync", "/state.db.part")
    named = order.first("replace", "/state.db.part")
    folder = order.last_before(min(changes), "fsync", "-migrate")
    assert begin < copied < named < folder < min(changes)


def test_sources_are_on_disk_before_their_unit_begins() -> None:
    order = Order(course("repair").steps)
    kept = order.first("fsync", ".jsonl.gz.part")
    named = order.first("replace", ".jsonl.gz.part")
    folder = order.last_before(order.first("sql", "/state.db", "INSERT"), "fsync", "-repair")
    begin = min(p for p in order.places("sql", "/state.db", "BEGIN IMMEDIATE") if p > named)
    assert kept < named < folder < begin


@pytest.mark.parametrize("name", ["undo a migration", "undo a repair"])
def test_an_undo_is_noted_on_disk_before_it_begins(name: str) -> None:
    order = Order(course(name).steps)
    begin = order.places("sql", "/state.db", "BEGIN")[0]
    noted = order.last_before(begin, "sql", ".db", "INSERT INTO header")
    synced = order.last_before(begin, "fsync", ".db")
    assert noted < synced < begin


def test_side_files_are_copied_before_the_first_connection(place: Path) -> None:
    home = small_home(place / "home", 14)
    crashed(home)
    with shimmed(Shim(home)) as shim:
        repair(home, fixed_environment(place))
    order = Order(tuple(shim.steps))
    opened = order.first("connect", "/home/state.db", "mode=rw")
    for suffix in ("", "-wal"):
        copied = order.first("fsync", f"/bundle-1/state.db{suffix}")
        assert copied < order.last_before(opened, "fsync", "/bundle-1") < opened
