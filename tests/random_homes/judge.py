"""What must hold of a random home whatever befell it, each rule a sentence when it is broken."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any

from tests.command import Ran, rows, run
from tests.engine.images import files
from tests.histories.acts import LOSSES, History, spelled
from tests.histories.judge import SAID, is_part, rows_of
from tests.histories.play import Node
from tests.releases import hear, say, start_release

LISTER = """
import json, logging, os, shutil, sys, tempfile
from pathlib import Path
logging.disable(logging.CRITICAL)
from hermes_state import SessionDB
for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "state.db"
        shutil.copyfile(line.strip(), copy)
        db = SessionDB(copy)
        found = [row["id"] for row in db.list_sessions_rich(limit=100000)]
        db.close()
    print("done", json.dumps(found), flush=True)
"""
HIDDEN_BY_RELEASES = frozenset({"LN006", "LN007"})
"""What releases do to chats by themselves, and what therefore may be found in any home."""
DELEGATED = ["user", "a task"]
"""What a delegate's run begins with, in the words of the player."""


@dataclass(slots=True)
class Figures:
    """What was tried, and what was wrong with it."""

    homes: int = 0
    operations: int = 0
    steps: int = 0
    undamaged: int = 0
    violations: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield them as text."""
        yield (
            f"{self.homes} homes ({self.undamaged} undamaged), {self.operations} operations,"
            f" {self.steps} SAFE steps judged, {len(self.violations)} violations"
        )
        yield from self.violations


class Judge:
    """Runs the commands on one home after the other, and the release that lists its chats."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listers: dict[str, Popen[str]] = {}
        self.figures = Figures()

    def judge(self, node: Node) -> None:
        """Run doctor, repair and undo on a home, and note every rule that is broken."""
        figures = self.figures
        figures.homes += 1
        figures.operations += len(node.history)
        figures.undamaged += undamaged(node.history)
        told = spelled(node.history)
        with TemporaryDirectory(prefix="judged-", dir=node.home.parents[1]) as folder:
            home = shutil.copytree(node.home, Path(folder) / "home")
            figures.violations += [f"{one}\n    {told}" for one in self._broken(node, home)]

    def _broken(self, node: Node, home: Path) -> Iterator[str]:
        kept = node.home  # histories that go on need it as it is
        release = node.history[-1].release
        found = files(home)
        looked = run("doctor", "--json", home=home)
        planned = run("repair", "--dry-run", "--json", home=home)
        if files(home) != found:
            yield "looking changed the home"
        if looked.code not in (0, 1) or planned.code != 0:
            yield f"doctor ended with {looked.code}, the plan with {planned.code}: {_why(planned)}"
            return
        if undamaged(node.history) and looked.code != 0:
            named = {f["id"] for f in looked.document["findings"] if f["severity"] != "info"}
            if named - HIDDEN_BY_RELEASES:
                yield f"an undamaged home has {_listed(named)}"
        self.figures.steps += len(planned.document["plan"]["actions"])
        done = run("repair", "--yes", "--json", home=home)
        if done.code != 0:
            yield f"repair ended with {done.code}: {_why(done)}"
        yield from chats(node, kept, home)
        before, after = (self._listed(release, place / "state.db") for place in (kept, home))
        if not before <= after:
            yield f"no longer listed: {sorted(before - after)}"
        yield from (f"{id} is listed now" for id in after - before if _delegated(node, id))
        again = run("repair", "--dry-run", "--json", home=home)
        if again.code != 0 or again.document["plan"]["actions"]:
            yield f"there is more to repair after a repair: {_why(again)}"
        if done.document["receipt"] is None:
            return
        first = done.document["receipt"]["all"][0]
        undone = run("undo", first, "--yes", home=home)
        if undone.code != 0:
            yield f"undo ended with {undone.code}: {_why(undone)}"
        elif rows(home / "state.db") != rows(kept / "state.db"):
            yield "undo did not give back what was there"

    def _listed(self, release: str, database: Path) -> set[str]:
        lister = self._listers.get(release)
        if lister is None:
            lister = start_release(release, LISTER, database.parent, env={"TZ": "UTC0"})
            self._listers[release] = lister
            self._stack.callback(lister.communicate)
        say(lister, str(database))
        return set(json.loads(hear(lister, "done")))


def undamaged(history: History) -> bool:
    """Whether nothing befell a home but what people and releases do on purpose."""
    return not any(step.act.split()[-1] in LOSSES for step in history)


def chats(node: Node, kept: Path, home: Path) -> Iterator[str]:
    """Yield what a repair did to the chats that it may not; ``kept`` is the home before."""
    truth: dict[str, Any] = node.truth
    old, new = rows_of(kept), rows_of(home)
    for session in sorted(old.keys() | new.keys()):
        fates: dict[str, str] = truth["fate"].get(session, {})
        said: list[str] = truth["said"].get(session, [])
        before, after = (
            [row.mark for row in side.get(session, []) if row.active and row.mark]
            for side in (old, new)
        )
        belongs = [mark for mark in said if fates.get(mark, SAID) == SAID]
        if set(before) - set(after):
            yield f"{session}: hidden {_listed(set(before) - set(after))}"
        for mark in sorted(set(after) - set(before)):
            if mark not in belongs:
                yield f"{session}: {fates.get(mark, 'never said')} {mark} is visible"
        twice = Counter(after) - Counter(before) - Counter(set(after))
        if twice:
            yield f"{session}: twice {_listed(twice)}"
        if is_part(before, said) and not is_part(after, said):
            yield f"{session}: another order than it was said in"


def _listed(marks: Iterable[str]) -> str:
    return ", ".join(sorted(marks))


def _delegated(node: Node, session: str) -> bool:
    said = node.truth["said"].get(session, [])
    return bool(said) and node.truth["words"][said[0]] == DELEGATED


def _why(ran: Ran) -> str:
    return (ran.err or ran.out)[:300]
