"""How far a run is, what is said when it is cut off, and that undo takes back all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from hermes_repair.app import repair as repair_app
from hermes_repair.app import undo as undo_app
from hermes_repair.app.environment import Run, folder_of, real_environment
from hermes_repair.app.proposal import Request
from hermes_repair.app.recover import cut_off_run
from hermes_repair.cli import target
from hermes_repair.home.layout import open_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.repair import shared_transactions
from hermes_repair.report.progress import Progress
from tests.cli.speaking import assert_document, say
from tests.homes.content import content, without_sequence
from tests.homes.home import changing
from tests.homes.small import NOW
from tests.in_process import fixed_environment, undo

Capture = pytest.CaptureFixture[str]
MORE = 6  # chats with a wrong count: with those of the small home, ten steps


class Clock:
    """A clock that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> tuple[Progress, StringIO, Clock]:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream, clock = StringIO(), Clock()
    return Progress(stream, shown=True, clock=clock), stream, clock


def test_a_short_run_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    line, stream, clock = drawn(monkeypatch)
    line.reached(0, 5)
    line.tell("a")
    clock.now = 0.4
    line.tell("b")
    line.clear()
    assert stream.getvalue() == ""


def test_one_line_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    line, stream, clock = drawn(monkeypatch)
    clock.now = 1.0
    line.tell("looking\x1b[31m")
    assert stream.getvalue().rstrip(" ") == "\r\x1b[2Klooking\\x1b[31m"
    line.reached(0, 298)
    for done in range(1, 19):
        clock.now += 1.0
        line.reached(done, 298)
        line.tell(f"step {done} " + "of a name that is longer than the line " * 3)
    *_, last = stream.getvalue().split("\r\x1b[2K")
    assert " 18/298 " in last and "04:40" in last and "step 18 of a name" in last
    assert "\n" not in stream.getvalue() and len(last) == 80 and last.endswith("…")
    line.clear()
    line.clear()
    assert stream.getvalue().endswith(last + "\r\x1b[2K"), "it is taken away once"


def test_it_is_not_drawn_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    line, stream, clock = drawn(monkeypatch)
    clock.now = 1.0
    for done in range(1000):
        clock.now += 0.001
        line.reached(done, 1000)
        line.tell("on it goes")
    assert 5 < stream.getvalue().count("\r") < 15


def test_off_a_terminal_it_only_counts() -> None:
    stream = StringIO()
    line = Progress(stream, shown=False)
    for done in (0, 1, 2):
        line.reached(done, 2)
    line.reached(0, 3)
    line.reached(1, 3)
    line.tell("x")
    assert line.far == (3, 5) and stream.getvalue() == ""


@pytest.fixture
def long(home: Path) -> Path:
    """Return a home whose repair has ten steps."""
    with changing(home) as db:
        for number in range(MORE):
            db.execute(
                "INSERT INTO sessions (id, source, started_at, message_count)"
                " VALUES (?, 'cli', ?, 9)",
                (f"counted-{number}", NOW - 9000.0),
            )
            db.execute(
                "INSERT INTO messages (session_id, role, content, timestamp)"
                " VALUES (?, 'user', 'hello', ?)",
                (f"counted-{number}", NOW - 9000.0 + number),
            )
    return home


@pytest.fixture(autouse=True)
def _a_transaction_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As steps of many rows have one: those of a few share one, and stop together."""
    monkeypatch.setattr(shared_transactions, "MOST_ACTIONS", 1)


def stopping(at: int) -> Callable[[int, int], None]:
    """Return what ^C does when so many steps are done."""

    def reached(done: int, _number: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    return reached


def cut_off(home: Path, at: int) -> None:
    """Repair, and press ^C after so many steps."""
    environment = replace(fixed_environment(home.parent), reached=stopping(at))
    with pytest.raises(KeyboardInterrupt):
        repair_app.repair(
            Run(open_home(home), environment),
            Request(LookOptions(), Selection()),
            lambda _proposal: True,
        )


def entries(capsys: Capture, home: Path) -> list[dict[str, object]]:
    document = say(capsys, "history", "--home", home, "--json").document
    assert_document("history", document)
    found: list[dict[str, object]] = document["history"]
    return found


def test_history_says_what_was_done_and_not_what_was_planned(long: Path, capsys: Capture) -> None:
    cut_off(long, 4)
    (entry,) = entries(capsys, long)
    assert (entry["state"], entry["done"], entry["units"]) == ("unfinished", 4, 10)
    done, planned = entry["actions_done"], entry["actions"]
    assert isinstance(done, int) and isinstance(planned, int) and 0 < done < planned
    said = say(capsys, "history", "--home", long).out
    assert f": unfinished, 4 of 10 steps, {done} changes\n" in said
    said = say(capsys, "repair", "--select", "DB", "--yes", "--home", long).out
    assert "was interrupted: 4 of 10 steps were done.\n" in said
    said = say(capsys, "history", "--home", long).out
    assert f": done in part, 4 of 10 steps, {done} changes\n" in said


def test_undo_takes_back_what_was_cut_off_and_what_went_on(long: Path, capsys: Capture) -> None:
    before = without_sequence(content(long))
    cut_off(long, 2)
    cut_off(long, 3)
    assert say(capsys, "repair", "--yes", "--home", long).code == 0
    newest, second, first = entries(capsys, long)
    assert [one["continues"] for one in (newest, second, first)] == [
        second["id"],
        first["id"],
        None,
    ]
    assert [one["done"] for one in (newest, second, first)] == [5, 3, 2]
    said = say(capsys, "history", "--home", long).out
    assert f"undoes {newest['id']} and {second['id']} and {first['id']}." in said
    assert say(capsys, "undo", "--yes", "--home", long).code == 0
    assert without_sequence(content(long)) == before
    assert {one["state"] for one in entries(capsys, long)} == {"undone"}


def test_undo_right_after_it_was_cut_off(long: Path, capsys: Capture) -> None:
    before = without_sequence(content(long))
    cut_off(long, 4)
    assert say(capsys, "undo", "--yes", "--home", long).code == 0
    assert without_sequence(content(long)) == before


def test_another_command_does_not_go_on_with_it(long: Path, capsys: Capture) -> None:
    cut_off(long, 4)
    (entry,) = entries(capsys, long)
    folder = folder_of(open_home(long))
    assert cut_off_run(folder, "backfill") is None and cut_off_run(folder, "repair") == entry["id"]


def test_an_undo_that_was_cut_off(long: Path, capsys: Capture) -> None:
    assert say(capsys, "repair", "--yes", "--home", long).code == 0
    environment = replace(fixed_environment(long.parent), reached=stopping(3))
    with pytest.raises(KeyboardInterrupt):
        undo_app.undo(Run(open_home(long), environment), None, lambda _entries: True)
    taken = undo(long, fixed_environment(long.parent))
    assert taken.recovered[0].endswith(" was interrupted: 3 of 10 steps were undone.")
    assert taken.units == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["repair"], "Interrupted. 4 of 10 steps are done and stay.\nRun the same command again"),
        (
            ["undo"],
            "Interrupted. 4 of 10 steps are undone.\nRun the same command again to go on.\n",
        ),
    ],
    ids=["repair", "undo"],
)
def test_control_c_says_how_far_it_came(
    words: list[str], said: str, long: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == ["undo"]:
        assert say(capsys, "repair", "--yes", "--home", long).code == 0

    def environment(tell: Callable[[str], None], reached: object = None) -> object:
        def stop(done: int, number: int) -> None:
            assert callable(reached)
            reached(done, number)
            stopping(4)(done, number)

        return real_environment(tell, stop) if reached is not None else real_environment(tell)

    monkeypatch.setattr(target, "real_environment", environment)
    ended = say(capsys, *words, "--yes", "--home", long)
    assert ended.code == 130 and ended.err.startswith(said)
    if words == ["repair"]:
        assert f"; `hermes-repair undo --home {long}` takes it all back.\n" in ended.err
