"""Grows a tree of histories: each node is a home, made by one act of a release from its parent."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.histories.acts import History, Step, spelled
from tests.homes.folders import new_folder
from tests.releases import ReleaseError, hear, say, start_release

_HERE = Path(__file__).parent
_PATHS = [str(_HERE), str(_HERE.parent / "scenario")]
# The release comes first on the path, these folders last.
_SCRIPT = "import sys; sys.path += sys.argv[1:]; from release_side.player import main; main()"
_ZONE = {"TZ": "UTC0"}
PROFILE = "work"
"""The other profile of a home, as the player names it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A home that a history ended in. ``against``: where the truth and the release disagree.

    ``truth`` is that of its own chats, ``beside`` that of its other profile, if it has one.
    """

    history: History
    home: Path
    truth: dict[str, Any]
    against: str | None
    beside: dict[str, Any] | None = None


class Releases:
    """One running process of every release that is asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, subprocess.Popen[str]] = {}

    def do(self, step: Step, node: Path, parent: Path | None, seed: str) -> dict[str, Any]:
        """Make ``node`` by one act. Raises :class:`ReleaseError` where the release failed."""
        process = self._running.get(step.release)
        if process is None:
            process = start_release(step.release, _SCRIPT, node.parent, *_PATHS, env=_ZONE)
            self._running[step.release] = process
            self._stack.callback(_end, process)
        order = {
            "node": str(node),
            "parent": None if parent is None else str(parent),
            "act": step.act,
            "seed": seed,
        }
        say(process, json.dumps(order))
        try:
            answer: dict[str, Any] = json.loads(hear(process, "done"))
        except ReleaseError as error:
            raise ReleaseError(f"{seed}: {error}") from error
        return answer


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate()


@dataclass(slots=True)
class _Branch:
    wanted: bool = False
    below: dict[Step, _Branch] = field(default_factory=dict)


def grow(histories: Iterable[History]) -> Iterator[Node]:
    """Yield the node of each of these histories that can be played; its home is gone afterwards.

    Histories with a common beginning share its homes. An act that cannot be done where it stands
    (an undo of nothing) is passed over; a history that ends in one is left out.
    """
    root = _Branch()
    for history in histories:
        branch = root
        for step in history:
            branch = branch.below.setdefault(step, _Branch())
        branch.wanted = True
    with ExitStack() as stack:
        place = stack.enter_context(new_folder())
        yield from _walk(Releases(stack), root, (), None, place)


def _walk(
    releases: Releases, branch: _Branch, history: History, parent: Path | None, place: Path
) -> Iterator[Node]:
    """Yield what lies below a home. The folders are numbered by their depth."""
    for step, below in branch.below.items():
        path = (*history, step)
        node = place / str(len(path))
        answer = releases.do(step, node, parent, spelled(path))
        if not answer["made"]:
            yield from _walk(releases, below, history, parent, place)
            continue
        if below.wanted:
            truth, beside = _truth(node / "truth.json"), _truth(node / f"truth-{PROFILE}.json")
            yield Node(path, node / "home", truth or {}, answer["against"], beside)
        if answer["against"] is None:
            yield from _walk(releases, below, path, node, place)
        shutil.rmtree(node)


def _truth(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["truth"]
    return found
