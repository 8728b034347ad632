"""Copies that went on by chance, merged either way round and again: both show the same."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.release_rules import RULES
from hermes_repair.merging.compare_sides import Brought
from hermes_repair.merging.read_sides import read_side
from hermes_repair.merging.row_keys import history_key
from hermes_repair.merging.verdicts_of_chats import Comparison, Verdict
from hermes_repair.store.file_state import main_alone
from tests.merging.apply import apply
from tests.merging.displayed import Line, broken_rules, shown
from tests.merging.test_two_copies import Copy, compared

ACTS = ("say", "say", "say", "same", "begin", "rotate", "branch", "title")
TAKING = ("undo", "delete")


class Writer:
    """Somebody who writes into a copy, by chance."""

    def __init__(self, copy: Copy, name: str, random: Random) -> None:
        self.copy = copy
        self._name = name
        self._random = random
        self._made = 0

    def act(self, acts: Sequence[str]) -> None:
        getattr(self, self._random.choice(acts))()

    def _chats(self) -> list[str]:
        asked = "SELECT id FROM sessions WHERE end_reason IS NULL ORDER BY id"
        return [id for (id,) in self._rows(asked)]

    def _rows(self, sql: str, *values: object) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.copy.path)) as db:
            return db.execute(sql, values).fetchall()

    def _new(self) -> str:
        self._made += 1
        return f"{self._name}{self._made}"

    def say(self) -> None:
        if chats := self._chats():
            words = self._new()
            self.copy.say(self._random.choice(chats), f"{words}?")
            self.copy.say(self._random.choice(chats), f"{words}!", role="assistant")

    def same(self) -> None:
        if chats := self._chats():
            self.copy.say(self._random.choice(chats), "ok")

    def begin(self) -> None:
        name = self._new()
        self.copy.session(name)
        self.copy.say(name, f"begin {name}", f"go on {name}")

    def rotate(self) -> None:
        if chats := self._chats():
            chat, name = self._random.choice(chats), self._new()
            self.copy.now += 60
            self.copy.do(
                "UPDATE sessions SET ended_at = ?, end_reason = 'compression' WHERE id = ?",
                self.copy.now,
                chat,
            )
            self.copy.session(name, parent_session_id=chat)
            self.copy.say(name, f"summary {name}", f"after {name}")

    def branch(self) -> None:
        if chats := self._chats():
            chat, name = self._random.choice(chats), self._new()
            mark = json.dumps({"_branched_from": chat})
            self.copy.session(name, parent_session_id=chat, model_config=mark)
            for (text,) in self._rows(
                "SELECT content FROM messages WHERE session_id = ? AND active = 1 ORDER BY id", chat
            ):
                self.copy.say(name, text)
            self.copy.say(name, f"branch {name}")

    def title(self) -> None:
        if chats := self._chats():
            chat = self._random.choice(chats)
            self.copy.do("UPDATE sessions SET title = ? WHERE id = ?", self._new(), chat)

    def undo(self) -> None:
        if chats := self._chats():
            self.copy.do(
                "UPDATE messages SET active = 0 WHERE id ="
                " (SELECT MAX(id) FROM messages WHERE session_id = ? AND active = 1)",
                self._random.choice(chats),
            )

    def delete(self) -> None:
        if chats := self._chats():
            chat = self._random.choice(chats)
            self.copy.do(
                "UPDATE sessions SET parent_session_id = NULL WHERE parent_session_id = ?", chat
            )
            self.copy.delete(chat)


def displayed(copy: Copy) -> dict[str, Line]:
    """Return what 0.19.0 shows of a copy."""
    with main_alone(copy.path) as look:
        side = read_side(look)
        rows: dict[str, list[bytes]] = {}
        for chat, role, text in look.rows(
            "SELECT session_id, role, content FROM messages WHERE active = 1 ORDER BY id"
        ):
            rows.setdefault(str(chat), []).append(history_key(role, text, None, None))
    graph = Graph.build(side.sessions.values())
    return shown(graph, RULES["0.19.0"], lambda name: rows.get(name, []))


def merged(
    home: Copy, source: Copy, name: str, given_there: frozenset[int] = frozenset()
) -> tuple[Copy, Comparison, frozenset[int]]:
    """Return the merged home, what was found, and the ids that the merge gave: its receipt."""
    found = compared(home, source, Brought(ids_there=given_there))
    target = home.path.with_name(name)
    apply(home.path, source.path, found.brings, target)
    result = Copy(target)
    return result, found, _ids(result) - _ids(home)


def _ids(copy: Copy) -> frozenset[int]:
    with closing(sqlite3.connect(copy.path)) as db:
        return frozenset(id for (id,) in db.execute("SELECT id FROM messages"))


def asks(found: Comparison) -> bool:
    waiting = (Verdict.ASK, Verdict.REMOVED_OR_LOST)
    return any(one.verdict in waiting and one.bring for one in found.verdicts.values())


def took_back(copy: Copy) -> bool:
    """Whether a side undid something, which no merge undoes on the other."""
    with main_alone(copy.path) as look:
        return look.one("SELECT 1 FROM messages WHERE active = 0") is not None


def copies(folder: Path, seed: int, acts: Sequence[str]) -> list[Copy]:
    """Return three copies of one database after each side went on."""
    random = Random(seed)
    first = Copy(folder / "a.db")
    writer = Writer(first, "base", random)
    writer.begin()
    writer.begin()
    for _ in range(random.randint(0, 4)):
        writer.act(ACTS)
    all_three = [first, first.copied("b.db", 7.0), first.copied("c.db", 11.0)]
    for copy, name in zip(all_three, ("here", "there", "far"), strict=True):
        one = Writer(copy, name, random)
        for _ in range(random.randint(0, 4)):
            one.act(acts)
    return all_three


def problems(folder: Path, seed: int, acts: Sequence[str]) -> tuple[bool, list[str]]:
    """Return whether the two could be merged unasked, and what was wrong."""
    first, second, _ = copies(folder, seed, acts)
    ours, theirs = displayed(first), displayed(second)
    one, found, given = merged(first, second, "one.db")
    other, back, _ = merged(second, first, "other.db")
    result = displayed(one)
    went_on = {b.bring.into for b in found.brings if b.bring and not b.bring.new_session}
    of_branches = {
        node.branched_from for side in (found.home, found.source) for node in side.sessions.values()
    }
    twice = "shown twice"
    wrong = [one for one in broken_rules(ours, [theirs], [], result, went_on) if twice not in one]
    began = {*went_on, *filter(None, of_branches)}  # a branch begins as what it is one of
    wrong += [one for one in broken_rules(ours, [theirs], [], result, began) if twice in one]
    if asks(found) or asks(back) or took_back(first) or took_back(second):
        return False, wrong
    if Counter(result.values()) != Counter(displayed(other).values()):
        wrong.append("either way round shows something else")
    second_after, taken, given_back = merged(second, one, "second.db", given)
    rounds = (
        (one, second_after, Brought(ids_here=given, ids_there=given_back)),
        (second_after, one, Brought(ids_here=given_back, ids_there=given)),
    )
    if not taken.past.consistent or not compared(*rounds[0]).past.consistent:
        return True, wrong  # both gave the same ids; only the records of merges tell whose
    if Counter(displayed(second_after).values()) != Counter(result.values()):
        wrong.append("the other side does not show the same after it merged what was merged")
    for home, source, brought in rounds:
        again = compared(home, source, brought)
        wrong += [f"{name} comes again" for name in again.accepted]
        wrong += ["asks after a round"] if asks(again) else []
    return True, wrong


def differs(folder: Path, seed: int) -> tuple[bool, list[str]]:
    """Return whether a home took two others unasked, and whether their order made a difference.

    Of every second seed one of the two has merged the other before, so that they share its chats.
    """
    home, one, two = copies(folder, seed, ACTS)
    found: list[Comparison] = []

    def take(ours: Copy, theirs: Copy, name: str) -> Copy:
        taken, compared_so, _ = merged(ours, theirs, name)
        found.append(compared_so)
        return taken

    if seed % 2:
        two = take(two, one, "shared.db")
    first = take(take(home, one, "1.db"), two, "12.db")
    second = take(take(home, two, "2.db"), one, "21.db")
    if any(map(asks, found)):
        return False, []
    same = Counter(displayed(first).values()) == Counter(displayed(second).values())
    return True, [] if same else ["the order of the sources made a difference"]


def run(folder: Path, seeds: Sequence[int], acts: Sequence[str] | None) -> tuple[int, list[str]]:
    """Return how many seeds needed no answer, and what is wrong; without acts of the order."""
    decided, wrong = 0, []
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        unasked, found = problems(place, seed, acts) if acts else differs(place, seed)
        decided += unasked
        wrong += [f"{seed}: {one}" for one in found]
    return decided, wrong


@pytest.mark.parametrize("acts", [ACTS, (*ACTS, *TAKING), None])
def test_some_copies(acts: Sequence[str] | None, tmp_path: Path) -> None:
    decided, wrong = run(tmp_path, range(10), acts)
    assert not wrong
    assert decided > 3


@pytest.mark.long
@pytest.mark.parametrize("acts", [ACTS, (*ACTS, *TAKING), None])
def test_many_copies(acts: Sequence[str] | None, tmp_path: Path) -> None:
    decided, wrong = run(tmp_path, range(1000, 3000), acts)
    assert not wrong
    assert decided > 300
