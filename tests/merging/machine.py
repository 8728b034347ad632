"""One machine of a year (:mod:`tests.merging.year`): a home, what its owner did there, the truth.

Every write to ``state.db`` is made by the real release, and what a chat shows is read by it. Each
message has a mark of its own (column ``tool_name``, which no comparison looks at).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.merge_into_home import Merged, MergeRequest, merge
from hermes_repair.app.undo import undo
from hermes_repair.home.layout import open_home
from tests.homes.content import Content, content, without_sequence
from tests.releases import hear, say

Row: TypeAlias = tuple[str, int, str]
Line: TypeAlias = tuple[tuple[str, str, str], ...]
"""What a release shows of one chat: mark, role and text of each message."""
ACTIVE = 2

# Answers an order with what the home has then: lines of the list, rows by session, their flags.
WRITER = """
import json, logging, sys, time
from pathlib import Path
logging.disable(logging.CRITICAL)
clock = [0.0]
def tick():
    clock[0] += 1.0
    return clock[0]
time.time = tick
from hermes_state import SessionDB

def said(db, chat):
    return [m for m in db.get_messages_as_conversation(chat) if m["role"] != "session_meta"]

def of_user(messages):
    return [place for place, one in enumerate(messages) if one["role"] == "user"]

def cut(db, chat, turns):
    places = of_user(said(db, chat))
    return places[-min(turns, len(places))] if places else None

def resume(db, chat):
    row = db.get_session(chat)
    if row["ended_at"] is not None and row["end_reason"] != "compression":
        db.reopen_session(chat)

def add(db, chat, messages):
    resume(db, chat)
    for mark, role, text in messages:
        db.append_message(chat, role, text, tool_name=mark)

def act(db, act, chat, name, messages, number):
    if act == "begin":
        db.create_session(name, source="cli", model="m")
        add(db, name, messages)
    elif act == "say":
        add(db, chat, messages)
    elif act == "undo":
        place = cut(db, chat, number)
        if place is not None:
            rows = [m for m in db.get_messages(chat) if m["role"] != "session_meta"]
            db.rewind_to_message(chat, rows[place]["id"])
    elif act == "edit":
        place = cut(db, chat, number)
        if place is not None:
            db.replace_messages(chat, said(db, chat)[:place])
            add(db, chat, messages)
    elif act == "delete":
        db.delete_session(chat)
    elif act == "title":
        db.set_session_title(chat, name)
    elif act == "archive":
        db.set_session_archived(chat, number % 2 == 0)
    elif act == "branch":
        kept = said(db, chat)
        if number > 1:
            db.end_session(chat, "branched")
        mark = {"_branched_from": chat}
        db.create_session(name, source="cli", model="m", parent_session_id=chat, model_config=mark)
        add(db, name, [(m.get("tool_name"), m["role"], m["content"]) for m in kept])
        if number % 2:
            add(db, name, messages)
    elif act == "delegate":
        mark = {"_delegate_from": chat}
        db.create_session(name, source="cli", model="m", parent_session_id=chat, model_config=mark)
        add(db, name, messages)
        db.end_session(name, "cli_close")
    elif act in ("rotate", "inplace"):
        kept = said(db, chat)
        act = act if hasattr(db, "archive_and_compact") else "rotate"
        if len(kept) > 2:
            [(mark, _, text), *more] = messages
            summary = {"role": "user", "content": "[CONTEXT COMPACTION] " + text, "tool_name": mark}
            tail = [m for m in kept[-2:] if m is not kept[0]]
            resume(db, chat)
            if act == "inplace":
                db.archive_and_compact(chat, [kept[0], summary, *tail])
            else:
                db.end_session(chat, "compression")
                db.create_session(name, source="cli", model="m", parent_session_id=chat)
                whole = [kept[0], summary, *tail]
                add(db, name, [(m.get("tool_name"), m["role"], m["content"]) for m in whole])
                add(db, name, more)

def state(db):
    lines = {}
    for line in db.list_sessions_rich(limit=100000, include_archived=True):
        chat = db.resolve_resume_session_id(line["id"])
        shown = [[m.get("tool_name") or "", m["role"], m["content"] or ""] for m in said(db, chat)]
        lines[line["id"]] = [chat, shown]
    rows = {}
    columns = [row[1] for row in db._conn.execute("PRAGMA table_info(messages)")]
    kept = "2 * active + compacted" if "compacted" in columns else "2 * active"
    for chat, mark, kept, text in db._conn.execute(
        f"SELECT session_id, tool_name, {kept}, content FROM messages"
        " WHERE role <> 'session_meta' ORDER BY id"
    ):
        rows.setdefault(chat, []).append([mark or "", kept, text])
    return [lines, rows]

for line in sys.stdin:
    order = json.loads(line)
    clock[0] = order["now"]
    db = SessionDB(Path(order["home"]) / "state.db")
    if order["act"]:
        act(db, order["act"], order["chat"], order["name"], order["messages"], order["number"])
    answer = state(db)
    db.close()
    print("done", json.dumps([clock[0], *answer]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class State:
    """What a release shows of a home: its lines, which session each opens, and all rows.

    ``rows`` are by session the mark of each message, 2 where it is active, 1 where a compaction
    put it away, 0 where it was taken back, and its text.
    """

    lines: Mapping[str, Line]
    opens: Mapping[str, str]
    rows: Mapping[str, Sequence[Row]]

    @property
    def kept(self) -> frozenset[str]:
        """The marks of all messages that were not taken back, wherever they are."""
        return frozenset(mark for rows in self.rows.values() for mark in kept_of(rows))

    @property
    def said(self) -> Mapping[str, tuple[str, ...]]:
        """The texts that each session shows by itself."""
        return {
            name: tuple(text for _, kept, text in rows if kept == ACTIVE)
            for name, rows in self.rows.items()
        }

    @property
    def held(self) -> frozenset[str]:
        """The marks of all messages."""
        return frozenset(mark for rows in self.rows.values() for mark, *_ in rows)


def kept_of(rows: Sequence[Row]) -> set[str]:
    """Return the marks of rows that were not taken back; of copies the last counts."""
    return {mark for mark, kept in {mark: kept for mark, kept, _ in rows}.items() if kept}


@dataclass
class Machine:
    """A home that a release writes, and the truth about it.

    ``held`` are the marks of what it ever had, ``taken`` those of what its owner took away, and
    ``taken_in`` the same by the session that it was taken out of.
    """

    name: str
    home: Path
    process: subprocess.Popen[str]
    now: float
    state: State = State({}, {}, {})
    held: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    taken_in: dict[str, set[str]] = field(default_factory=dict)
    made: int = 0
    snapshot: Machine | None = None

    def copied(self, name: str, later: float = 0.0) -> Machine:
        """Return another machine that goes on from here, by a clock of its own."""
        home = self.home.with_name(name)
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home)
        truth = {one: set(marks) for one, marks in self.taken_in.items()}
        return replace(
            self,
            name=name,
            home=home,
            now=self.now + later,
            held=set(self.held),
            taken=set(self.taken),
            taken_in=truth,
            snapshot=None,
        )

    def new(self) -> str:
        """Return a name that nothing has."""
        self.made += 1
        return f"{self.name}{self.made}"

    def do(self, act: str, chat: str = "", number: int = 1, same: bool = False) -> None:
        """Do one act of an owner; what it takes away is noted."""
        before = self.state
        name = self.new()
        messages = [
            [f"{name}?", "user", "ok" if same else f"{name}?"],
            [f"{name}!", "assistant", "done" if same else f"{name}!"],
        ]
        self._order(act, chat, name, messages, number)
        gone = before.kept - self.state.kept
        self.taken |= gone
        for one, rows in before.rows.items():
            still = kept_of(self.state.rows.get(one, ()))
            self.taken_in.setdefault(one, set()).update(kept_of(rows) - still)

    def keep(self) -> None:
        """Keep a copy of the database, as Hermes does before an update."""
        self.snapshot = self.copied(f"{self.name}-snapshot")

    def restore(self) -> None:
        """Put that copy back; our records stay. What was done since counts no more."""
        if (kept := self.snapshot) is not None:
            shutil.copyfile(kept.home / "state.db", self.home / "state.db")
            self.held, self.taken, self.taken_in = kept.held, kept.taken, kept.taken_in
            self.snapshot = None
            self.look()

    def look(self) -> State:
        """Return what the release shows now."""
        self._order("", "", "", [], 0)
        return self.state

    def _order(
        self, act: str, chat: str, name: str, messages: list[list[str]], number: int
    ) -> None:
        order: dict[str, Any] = {
            "home": str(self.home),
            "now": self.now,
            "act": act,
            "chat": chat,
            "name": name,
            "messages": messages,
            "number": number,
        }
        say(self.process, json.dumps(order))
        self.now, lines, rows = json.loads(hear(self.process, "done"))
        self.state = State(
            {name: tuple(map(tuple, shown)) for name, (_, shown) in lines.items()},
            {name: opened for name, (opened, _) in lines.items()},
            {one: [tuple(row) for row in marks] for one, marks in rows.items()},
        )
        self.held |= self.state.held

    def merge(self, sources: Sequence[Path], *named: str) -> Merged:
        """Run ``merge --yes``."""
        self.now += 60
        request = MergeRequest(tuple(sources), frozenset(named))
        return merge(self._run(), request, lambda _preview: True)

    def undo(self) -> None:
        """Run ``undo --yes``: the last merge is taken back."""
        self.now += 60
        undo(self._run(), None, lambda _entries: True)

    def rows(self) -> Content:
        """Return every row of the home, without the marks of AUTOINCREMENT."""
        return without_sequence(content(self.home))

    def _run(self) -> Run:
        environment = Environment(
            now=lambda: self.now,
            sleep=lambda _seconds: None,
            random=Random(f"{self.name} {self.now}"),
            environ={},
            user_home=self.home.parent,
            platform="linux",
            zone=UTC,
            tell=lambda _sentence: None,
        )
        return Run(open_home(self.home), environment)
