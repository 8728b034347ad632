"""What ``kill -9`` leaves: pictures of a home before each step, and forks that are killed for real.

What a kill leaves is what lies on the disk at that moment, so one run with a copy of the home taken
before each step gives every state that a kill between two steps can leave.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hermes_repair.host import byte_reader
from tests.byte_server import ask_anew
from tests.engine.faults import Shim, Step, bytes_in_process, kill_at, shimmed
from tests.engine.loop import Ended, Running
from tests.homes.content import files


def bytes_of(home: Path) -> tuple[object, ...]:
    """Return all that a home is, but for times: each entry with its mode, owner and content."""
    return tuple((path, *entry[:3], *entry[4:]) for path, entry in files(home).items())


@dataclass(frozen=True, slots=True)
class Picture:
    """A copy of a home as it was before a step."""

    number: int
    step: Step
    home: Path


def pictures(home: Path, run: Callable[[], object], place: Path) -> tuple[list[Picture], Shim]:
    """Run something on a home; return what a kill can leave, each once, and its steps."""
    taken: list[Picture] = []
    seen: set[object] = set()

    def take(number: int, step: Step) -> None:
        lies = bytes_of(home)
        if lies in seen:
            return
        seen.add(lies)
        shim.active = False
        copy = shutil.copytree(home, place / f"picture-{number}", symlinks=True)
        shim.active = True
        taken.append(Picture(number, step, Path(copy)))

    shim = Shim(home, take)
    with shimmed(shim):
        run()
    return taken, shim


def judge(taken: Sequence[Picture], judge_one: Callable[[Path], None]) -> None:
    """Judge each picture in this process; what fails is told with the step."""
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        for picture in taken:
            try:
                judge_one(picture.home)
            except BaseException as error:
                error.add_note(f"killed before step {picture.number}: {picture.step}")
                raise
            shutil.rmtree(picture.home)


def killed(number: int, home: Path, words: Sequence[str]) -> tuple[Ended, int]:
    """Run a command that is killed before a step, if it has as many (0: it is not).

    Returns how it ended, and how many steps there were.
    """
    steps = mmap.mmap(-1, 8)  # shared with the fork
    shims = ExitStack()  # to be entered there, and never left

    def begin() -> None:
        byte_reader._ask = ask_anew
        kill = kill_at(number)

        def count(now: int, step: Step) -> None:
            steps[:8] = now.to_bytes(8, "big")
            kill(now, step)

        shims.enter_context(shimmed(Shim(home, count), in_process=False))

    ended = Running([*words, "--home", str(home)], home.parent, begin).wait()
    return ended, int.from_bytes(steps[:8], "big")
