"""``python -m tests.merging.year [FIRST] [COUNT]``: two machines that go on for a year, by chance.

Both are written by the real release and merge each other every few weeks; merges are undone, chats
are deleted, undone, rewritten, compacted, branched and named between.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hermes_repair.app.merge_into_home import Merged
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.merging.verdicts_of_chats import ChatVerdict, Verdict
from tests.homes.folders import new_folder
from tests.merging.machine import ACTIVE, WRITER, Line, Machine, Row, State, kept_of
from tests.releases import start_release

RELEASE, EARLIER = "0.19.0", "0.16.0"
MERGES = 8
BEGIN = 1_777_000_000.0
WEEKS = 6 * 7 * 86400.0
LATER = 137.25
"""How much later the second machine's clock is, so that no two messages are of one moment."""

SAYS = ("say", "say", "say", "same", "begin", "begin", "branch", "title", "delegate", "archive")
TAKES = ("undo", "undo", "edit", "delete", "rotate", "inplace")


class Owner:
    """Somebody who uses a machine, by chance."""

    def __init__(self, machine: Machine, random: Random) -> None:
        self._machine = machine
        self._random = random

    def goes_on(self, acts: int) -> None:
        for _ in range(acts):
            self._machine.now += self._random.uniform(600, 86400)
            self._act(self._random.choice((*SAYS, *TAKES)))

    def _act(self, act: str) -> None:
        chats = sorted(set(self._machine.state.opens.values()))
        if not chats or act == "begin":
            self._machine.do("begin")
            return
        number = self._random.randint(1, 3)
        same = act == "same"
        self._machine.do("say" if same else act, self._random.choice(chats), number, same)


@dataclass(frozen=True, slots=True)
class Taken:
    """One merge: the home before and after, the sources as they were, and what was said of them."""

    home: Machine
    before: State
    sources: Sequence[State]
    merged: Merged
    named: Sequence[str]

    @property
    def brought(self) -> tuple[ChatVerdict, ...]:
        return tuple(one for held in self.merged.preview.held for one in held.wanted)

    @property
    def left(self) -> dict[str, ChatVerdict]:
        """What waits to be named."""
        waiting = (Verdict.ASK, Verdict.REMOVED_OR_LOST)
        return {
            name: one
            for held in (*self.merged.preview.held, *self.merged.after)
            for name, one in held.comparison.verdicts.items()
            if one.verdict in waiting
        }

    @property
    def branches(self) -> dict[str, str | None]:
        """The chats of the sources by what they are branches of."""
        nodes = [held.comparison.source.sessions for held in self.merged.preview.held]
        return {name: node.branched_from for one in nodes for name, node in one.items()}

    def problems(self) -> Iterator[str]:
        """Yield what is wrong; ids and marks only."""
        after = self.home.look()
        if self.merged.refused or self.merged.stopped:
            why = [error.message for _, error in self.merged.refused]
            yield f"not done: {why} {self.merged.stopped}"
        yield from self._back(after)
        yield from self._changed(after)
        for source in self.sources if not self.named else ():
            yield from self._left_behind(source, after)
        yield from self._twice(after)

    def _back(self, after: State) -> Iterator[str]:
        """What its owner took away comes only when it is named.

        A branch is a chat of its own: Hermes keeps it when what it is a branch of is deleted or
        written anew. Where neither side has the words there any more, nothing says what they were.
        """
        if self.named:
            return
        undone = {m for rows in self.before.rows.values() for m, kept, _ in rows if not kept}
        copied = {
            mark
            for name, of in self.branches.items()
            for source in self.sources
            if of is not None and name in source.rows and name in after.rows
            for mark in kept_of(after.rows[name]) - kept_of(source.rows.get(of, ())) - undone
        }
        taken_back = self.home.taken & (after.kept - self.before.kept) - copied
        if taken_back:
            yield f"brought back: {sorted(taken_back)}"
        for name, line in after.lines.items():
            shown = {mark for mark, *_ in line} - {m for m, *_ in self.before.lines.get(name, ())}
            if back := shown & self.home.taken_in.get(after.opens[name], set()):
                yield f"brought back in {name}: {sorted(back)}"

    def _changed(self, after: State) -> Iterator[str]:
        """Every chat of the home shows the same or more, or what it shows in the source."""
        states = (self.before, *self.sources)
        inputs = {words(line) for state in states for line in state.lines.values()}
        went_on = {
            one.bring.into for one in self.brought if one.bring and not one.bring.new_session
        }
        for name, line in self.before.lines.items():
            ours = words(line)
            if any(words(other)[: len(ours)] == ours for other in after.lines.values()):
                continue
            if name not in went_on and self.before.opens[name] not in went_on:
                yield f"{name} no longer shows what it showed"
        # What a compression closed comes with a tip that is named, and may stand by itself here.
        alone = {said for source in self.sources for said in source.said.values() if self.named}
        for name, line in after.lines.items():
            if words(line) not in inputs and tuple(text for *_, text in line) not in alone:
                yield f"{name} shows what no input showed"

    def _left_behind(self, source: State, after: State) -> Iterator[str]:
        """What was never here is here now, or what it is in is asked for."""
        nodes: dict[str, SessionNode] = {}
        for held in self.merged.preview.held:
            nodes |= held.comparison.source.sessions
        here = [texts(rows) for rows in after.rows.values()]
        for name, rows in source.rows.items():
            shows_nothing = all(kept < ACTIVE for _, kept, _ in rows)
            if shows_nothing or any(said[: len(texts(rows))] == texts(rows) for said in here):
                continue  # the same words were said here
            fresh = kept_of(rows) - self.home.held - after.held
            above, node = [name], nodes.get(name)
            while node is not None and (up := node.parent_id or node.branched_from) not in above:
                above.append(up or "")
                node = nodes.get(up or "")
            if fresh and not any(one in self.left for one in above):
                yield f"left behind of {name}: {sorted(fresh)}"

    def _twice(self, after: State) -> Iterator[str]:
        now = counted(after)
        there = [counted(source) for source in self.sources]
        for mark, times in now.items():
            once = max(int(bool(self.named)), *(one[mark] for one in there))
            if mark not in self.before.held and times > once:
                yield f"{mark} is shown {times} times"


def words(line: Line) -> tuple[tuple[str, str], ...]:
    return tuple((role, text) for _, role, text in line)


def texts(rows: Sequence[Row]) -> list[str]:
    return [text for _, kept, text in rows if kept]


def counted(state: State) -> Counter[str]:
    """Return in how many lines each message is shown."""
    return Counter(mark for line in state.lines.values() for mark in {mark for mark, *_ in line})


def year(folder: Path, seed: int, tell: bool = False) -> list[str]:
    """Let two machines go on for a year; return what went wrong.

    By every third seed they are three, by every fifth they begin with an earlier release and are
    updated at some time. By an odd one clocks are wrong, snapshots are put back, and databases are
    merged without the records beside them.
    """
    random = Random(seed)
    with ExitStack() as stack:
        new = _started(RELEASE, folder, stack)
        home = Machine("a", folder / "a", new, BEGIN)
        home.home.mkdir()
        if seed % 5 == 0:
            home.process = _started(EARLIER, folder, stack)
        home.look()
        Owner(home, random).goes_on(random.randint(3, 8))
        machines = [home, home.copied("b", LATER)]
        if seed % 3 == 0:
            machines.append(home.copied("c", 2 * LATER))
        found = []
        for number in range(MERGES):
            for machine in machines:
                machine.now += WEEKS
                if seed % 5 == 0 and random.random() < 0.2:
                    machine.process = new
                if seed % 2:
                    _mishap(machine, random)
                Owner(machine, random).goes_on(random.randint(1, 5))
            ours, *others = random.sample(machines, random.randint(2, len(machines)))
            if any(one.process is new for one in others):
                ours.process = new  # a merge goes from an older schema to a newer one
            ours.look()
            alone = seed % 2 == 1 and random.random() < 0.3
            if alone and ours.snapshot is not None:
                others = [ours.snapshot]  # what it was itself
            for problem in _merge(ours, others, alone, random, tell):
                names = " and ".join(one.name for one in others)
                found.append(f"merge {number + 1} of {names} into {ours.name}: {problem}")
        return found


def _mishap(machine: Machine, random: Random) -> None:
    happens = random.randint(0, 9)
    if happens == 0:
        machine.restore()
    elif happens in (1, 2):
        machine.keep()
    elif happens == 3:
        machine.now += random.choice((-86400.0, -3600.0, 3600.0))


def _merge(
    ours: Machine, others: Sequence[Machine], alone: bool, random: Random, tell: bool
) -> Iterator[str]:
    before, rows, held = ours.state, ours.rows(), set(ours.held)
    sources = [one.home / "state.db" if alone else one.home for one in others]
    states = [one.state for one in others]
    taken = Taken(ours, before, states, ours.merge(sources), ())
    yield from taken.problems()
    if tell:
        _tell(ours, taken)
    between = ours.state
    again = ours.merge(sources)
    if again.receipt is not None:
        wanted = {one.session_id for held in again.preview.held for one in held.wanted}
        told = {one.session_id for held in taken.merged.left for one in held.left}
        if wanted - told:
            yield f"comes again: {sorted(wanted - told)}"
        yield from Taken(ours, between, states, again, ()).problems()
    chance = random.random()
    if chance < 0.25 and taken.merged.receipt is not None:
        for _ in filter(None, (taken.merged.receipt, again.receipt)):
            ours.undo()
        if ours.rows() != rows:
            yield "the undo left something else"
        ours.look()
        ours.held = held
    elif chance < 0.5 and taken.left:
        name = random.choice(sorted(taken.left))
        named = Taken(ours, ours.state, states, ours.merge(sources, name), (name,))
        yield from (f"{name} was named: {one}" for one in named.problems())
        if tell:
            _tell(ours, named)
        _allow(ours, ours.state.kept - named.before.kept)


def _allow(machine: Machine, marks: Collection[str]) -> None:
    """Note what came because it was named: it is taken away no more."""
    machine.taken.difference_update(marks)
    for taken in machine.taken_in.values():
        taken.difference_update(marks)


def _tell(ours: Machine, taken: Taken) -> None:
    print("into", ours.name, *taken.named)
    for one in taken.brought:
        print("   brought", one.session_id, one.verdict.value, one.bring and one.bring.into)
    for name, one in taken.left.items():
        print("   left", name, one.verdict.value, one.reason and one.reason.value)


def _started(release: str, folder: Path, stack: ExitStack) -> subprocess.Popen[str]:
    process = start_release(release, WRITER, folder)
    stack.callback(process.communicate)
    return process


def main() -> None:
    """Print what goes wrong in so many years."""
    first, count = (int(word) for word in (*sys.argv[1:], "0", "20")[:2])
    for seed in range(first, first + count):
        with new_folder() as folder:
            for problem in year(folder, seed, tell=count == 1):
                print(f"{seed}: {problem}", flush=True)


if __name__ == "__main__":
    main()
