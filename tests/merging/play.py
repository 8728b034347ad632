"""Plays bases and what their two copies do, and reads what a release shows of a home."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.histories.acts import Step
from tests.histories.play import Releases
from tests.homes.folders import new_folder
from tests.in_process import fixed_environment, migrate
from tests.merging.acts import BASES, listed
from tests.releases import hear, say, start_release

Shown: TypeAlias = dict[str, list[list[str]]]
"""What a release shows, by the line of its list: mark, role and text of every message."""

APART_SECONDS = 137.25
"""How much later the source's clock is, so that no two messages are said at the same moment."""
MARKS_OF_SOURCE = 1000

# Answers, for each folder: what the lines of the list show, and the marks of all rows by session.
READ = """
import inspect, json, logging, sys
from pathlib import Path
logging.disable(logging.CRITICAL)
from hermes_state import SessionDB
def shown(folder):
    db = SessionDB(Path(folder) / "state.db")
    takes = inspect.signature(db.list_sessions_rich).parameters
    more = {"include_archived": True} if "include_archived" in takes else {}
    lines = {}
    for line in db.list_sessions_rich(limit=100000, **more):
        target = db.resolve_resume_session_id(line["id"])
        said = db.get_messages_as_conversation(target)
        lines[line["id"]] = [
            [m.get("tool_name") or "", m["role"], m["content"] or ""] for m in said
            if m["role"] != "session_meta"
        ]
    marks = {}
    columns = [row[1] for row in db._conn.execute("PRAGMA table_info(messages)")]
    kept = " OR ".join(f"{name} = 1" for name in ("active", "compacted") if name in columns)
    for session, mark, *said in db._conn.execute(
        "SELECT session_id, tool_name, role, content FROM messages"
        f" WHERE ({kept or 1}) AND role <> 'session_meta' ORDER BY id"
    ):
        marks.setdefault(session, []).append([mark or "", *said])
    db.close()
    return [lines, marks]
for folder in sys.stdin:
    print("shown", json.dumps(shown(folder.rstrip("\\n"))), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Played:
    """One side after its acts: its folder, the truth of its messages, what its release shows.

    ``rows`` are all rows that were not taken back, by session, in the same way.
    """

    acts: str
    home: Path
    truth: dict[str, Any]
    shown: Shown
    rows: Shown


class Player:
    """Plays acts in one place, with one process of every release."""

    def __init__(self, stack: ExitStack, place: Path) -> None:
        self._releases = Releases(stack)
        self._stack = stack
        self._readers: dict[str, subprocess.Popen[str]] = {}
        self._place = place
        self._made = 0

    def bases(self, release: str, name: str) -> tuple[Path, Path]:
        """Return the base for the home and, with a clock and marks of its own, for the source."""
        home = self._play(release, listed(release, BASES[name]), None)
        assert home is not None, f"{release} cannot play {name}"
        source = self._new()
        shutil.copytree(home, source)
        _edit(source / "clock.json", "now", APART_SECONDS)
        truth = json.loads((source / "truth.json").read_text(encoding="utf-8"))
        truth["truth"]["next"] += MARKS_OF_SOURCE
        (source / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
        return home, source

    def side(self, release: str, acts: str, base: Path) -> Played | None:
        """Return a side after its acts; None where one cannot be done."""
        node = base if acts == "nothing" else self._play(release, listed(release, acts), base)
        if node is None:
            return None
        shown, rows = self.read(release, node / "home")
        truth = json.loads((node / "truth.json").read_text(encoding="utf-8"))["truth"]
        return Played(acts, node / "home", truth, shown, rows)

    def updated(self, release: str, base: Path) -> Path:
        """Return a base as a newer release leaves it that opens it."""
        node = self._play(release, ["update"], base)
        assert node is not None, f"{release} cannot open what is to be updated"
        return node

    def brought(self, release: str, side: Played, number: int) -> Played:
        """Return a side at a newer schema, by our own route, as this release shows it."""
        home = self._new()
        shutil.copytree(side.home, home)
        migrate(home, fixed_environment(home.parent), number)
        return Played(side.acts, home, side.truth, *self.read(release, home))

    def _play(self, release: str, acts: Sequence[str], base: Path | None) -> Path | None:
        for act in acts:
            node = self._new()
            answer = self._releases.do(Step(release, act), node, base, f"{act} {self._made}")
            if not answer["made"]:
                return None
            base = node
        return base

    def read(self, release: str, home: Path) -> tuple[Shown, Shown]:
        """Return what a release shows of a home, read from a copy of its database."""
        reader = self._readers.get(release)
        if reader is None:
            reader = start_release(release, READ, self._place)
            self._readers[release] = reader
            self._stack.callback(reader.communicate)
        copy = self._new()
        copy.mkdir()
        shutil.copyfile(home / "state.db", copy / "state.db")
        _show_hidden(copy / "state.db")
        say(reader, str(copy))
        lines, marks = json.loads(hear(reader, "shown"))
        shutil.rmtree(copy)
        return lines, marks

    def _new(self) -> Path:
        self._made += 1
        return self._place / str(self._made)


@contextmanager
def playing() -> Iterator[Player]:
    """Yield a player; all that it made is gone afterwards."""
    with ExitStack() as stack:
        place = stack.enter_context(new_folder())
        yield Player(stack, place)


def _show_hidden(database: Path) -> None:
    """Take back what an update hides: short chats with a tool call, as runs without a parent."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(
            "UPDATE sessions SET model_config = json_remove(model_config, '$._delegate_from')"
            " WHERE json_extract(model_config, '$._delegate_from') = '__orphaned__'"
        )


def _edit(path: Path, key: str, more: float) -> None:
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept[key] += more
    path.write_text(json.dumps(kept), encoding="utf-8")
