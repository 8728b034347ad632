"""What must hold of a random home whatever befell it, each rule a sentence when it is broken."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from tests.command import Ran, run
from tests.histories.acts import LOSSES, History, spelled
from tests.histories.judge import SAID, is_part, rows_of
from tests.histories.play import PROFILE, Node
from tests.homes.content import RECORDS, files, rows
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


Truth: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chats:
    """The chats of one profile: where it lies in the home, and what is true of them."""

    place: str
    options: tuple[str, ...]
    truth: Truth


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a repair can be taken back by: the first of its receipts."""

    name: str


def chats_of(node: Node) -> Iterator[Chats]:
    """Yield the profiles of a home that anything was said in."""
    if (node.home / "state.db").exists():
        yield Chats("", (), node.truth)
    if node.beside is not None:
        yield Chats(f"profiles/{PROFILE}", ("--profile", PROFILE), node.beside)


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
        done = []
        for chats in chats_of(node):
            receipt = None
            for one in self._repaired(node, chats, home):
                if isinstance(one, Receipt):
                    receipt = one
                else:
                    yield f"{chats.place or 'default'}: {one}"
            done.append((chats, receipt))
        for chats, receipt in done:
            if receipt is not None:
                yield from (
                    f"{chats.place or 'default'}: {one}"
                    for one in _undone(node, chats, home, receipt)
                )
        places = [chats.place for chats, _ in done]
        if written(home, places) != written(node.home, places):
            yield "a file is not what it was"

    def _repaired(self, node: Node, chats: Chats, home: Path) -> Iterator[str | Receipt]:
        """Yield what is wrong with doctor and repair of one profile, and its first receipt."""
        of = chats.options
        found, before = files(home), written(home, [chats.place])
        looked = run("doctor", "--json", *of, home=home)
        planned = run("repair", "--dry-run", "--json", *of, home=home)
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
        done = run("repair", "--yes", "--json", *of, home=home)
        if done.code != 0:
            yield f"repair ended with {done.code}: {_why(done)}"
        if written(home, [chats.place]) != before:
            yield "the repair changed another profile, or a transcript"
        kept, now = node.home / chats.place, home / chats.place
        yield from messages(chats.truth, kept, now)
        yield from observed(kept, now)
        release = node.history[-1].release
        listed = (self._listed(release, place / "state.db") for place in (kept, now))
        earlier, later = listed
        if not earlier <= later:
            yield f"no longer listed: {sorted(earlier - later)}"
        yield from (f"{id} is listed now" for id in later - earlier if _delegated(chats.truth, id))
        again = run("repair", "--dry-run", "--json", *of, home=home)
        if again.code != 0 or again.document["plan"]["actions"]:
            yield f"there is more to repair after a repair: {_why(again)}"
        if done.document["receipt"] is not None:
            yield Receipt(done.document["receipt"]["all"][0])

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


def messages(truth: Truth, kept: Path, now: Path) -> Iterator[str]:
    """Yield what a repair did to the messages that it may not; ``kept`` is the profile before."""
    old, new = rows_of(kept), rows_of(now)
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


def observed(kept: Path, now: Path) -> Iterator[str]:
    """Yield the messages that a repair made observed ones, or no longer; what it adds is as the
    transcript has it.
    """
    before, after = _observed(kept / "state.db"), _observed(now / "state.db")
    lines = {
        (path.stem, line.get("tool_name")): (bool(line.get("observed")), line.get("message_id"))
        for path in (kept / "sessions").glob("*.jsonl")
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    for message, is_now in after.items():
        was = before.get(message, lines.get(message, is_now))
        if was != is_now:
            yield f"{message}: observed {was} became {is_now}"


def _observed(database: Path) -> dict[tuple[str, str], tuple[bool, str | None]]:
    """Return of every marked message whether it is an observed one, and its id on the platform."""
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as db:
        columns = {row[1] for row in db.execute("PRAGMA table_info(messages)")}
        if "observed" not in columns:
            return {}
        shown = "active, id" if "active" in columns else "id"
        found = db.execute(
            "SELECT session_id, tool_name, observed, platform_message_id FROM messages"
            f" WHERE tool_name IS NOT NULL ORDER BY {shown}"
        )
        return {(session, mark): (flag == 1, id) for session, mark, flag, id in found}


def written(home: Path, changing: Collection[str]) -> dict[str, bytes]:
    """Return every file of a home, byte for byte, but ours and databases in these places."""
    ours = {home / place / RECORDS for place in ("", f"profiles/{PROFILE}")}
    databases = {
        home / place / f"state.db{side}" for place in changing for side in ("", "-wal", "-shm")
    }
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path not in databases and ours.isdisjoint(path.parents)
    }


def _undone(node: Node, chats: Chats, home: Path, receipt: Receipt) -> Iterator[str]:
    undone = run("undo", receipt.name, "--yes", *chats.options, home=home)
    if undone.code != 0:
        yield f"undo ended with {undone.code}: {_why(undone)}"
    elif rows(home / chats.place / "state.db") != rows(node.home / chats.place / "state.db"):
        yield "undo did not give back what was there"


def _listed(marks: Iterable[str]) -> str:
    return ", ".join(sorted(marks))


def _delegated(truth: Truth, session: str) -> bool:
    said = truth["said"].get(session, [])
    return bool(said) and truth["words"][said[0]] == DELEGATED


def _why(ran: Ran) -> str:
    return (ran.err or ran.out)[:300]
