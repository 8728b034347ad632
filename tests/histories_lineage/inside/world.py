"""Plays histories of chats inside one release; runs in it (``tests.releases.run_release``).

``argv[1]`` is a JSON file ``{"homes": [{"home", "clock", "surface", "histories": [{"name",
"acts", "before"}]}]}`` (``before`` as in ``Environment.play``), ``argv[2]`` where the truth goes,
``argv[3]`` the number of the release. Every write is the release's own: ``AIAgent`` stores
messages, rotates and compacts (a stand-in for the model writes the summary), ``SessionDB`` ends,
rewinds, replaces, deletes and imports. Their callers need
a terminal or a chat platform and are followed call by call, as read in 0.13.0 to 0.19.0.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import itertools
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import agent.context_compressor as compressor
import run_agent
from hermes_state import SessionDB

Json = dict[str, Any]
HEAD, TAIL = 3, 4
START = 1_780_000_000.5  # a day in May 2026
PROMPT = "You are helpful."
KEY = "agent:main:telegram:dm:{}"
RELEASE = tuple(int(part) for part in sys.argv[3].split("."))


class Killed(BaseException):
    """The process ends here, as ``kill -9`` ends it."""


class Clock:
    """The time that a release sees: ``step`` passes at each look, ``grain`` is the resolution."""

    def __init__(self, step: float = 0.0005, grain: float = 0.0) -> None:
        self.now, self.step, self.grain = START, step, grain

    def time(self) -> float:
        self.now += self.step
        return self.now // self.grain * self.grain if self.grain else self.now


CLOCKS: dict[str, Callable[[], Clock]] = {
    "fine": Clock,
    "coarse": lambda: Clock(grain=1 / 64),  # Windows, with Python up to 3.12
    "frozen": lambda: Clock(step=0.0),
}


@dataclass
class Talk:
    """One chat: its session now, its agent, and what that has in memory (None: has to load)."""

    name: str
    session: str
    platform: str
    agent: Any = None
    memory: list[Json] | None = None
    turns: Iterator[int] = field(default_factory=itertools.count)


class Environment:
    """One home in which histories are played one after the other."""

    def __init__(self, home: Path, clock: Clock, surface: str) -> None:
        self.home, self.clock, self.surface = home, clock, surface
        home.mkdir(parents=True, exist_ok=True)
        self.db = self._open()
        self.pristine = self._agent()
        self.routes: dict[str, str] = {}
        self.loaded: list[Any] = []
        self.truth: dict[str, Json] = {}

    def play(self, name: str, acts: list[str], before: Json | None = None) -> None:
        """Play one history; what it comes to stands in ``truth`` under its name.

        ``before`` is what an earlier release left in this home: the history goes on from there, a
        day later, in a program that has nothing in memory.
        """
        self.of: Json = before or {
            "sessions": {}, "parents": {}, "gone": [], "said": {}, "harm": [], "talks": []
        }  # fmt: skip
        self.truth[name] = self.of
        talk = Talk(name, f"{name}-0", "telegram" if self.surface == "gateway" else "cli")
        self.talks = {name: talk}
        self._made(talk.session, "chat")
        for key, session, turns in self.of["talks"]:
            kept = self.talks.setdefault(key, Talk(f"{name}-{key}", session, talk.platform))
            kept.session, kept.turns = session, itertools.count(turns)
        self.clock.now = max(self.clock.now, self.of.get("now", 0.0) + 86400.0)
        for act in acts:
            word, _, rest = act.partition(":")
            getattr(self, f"do_{word}")(talk, *([rest] if rest else []))
            if word != "quick":
                self.clock.now += 60.0
        self.of["tip"] = talk.session
        self.of["now"] = self.clock.now
        self.of["talks"] = [(key, one.session, next(one.turns)) for key, one in self.talks.items()]
        if self.surface == "gateway":
            self.routes[KEY.format(name)] = talk.session

    def close(self) -> None:
        """End as a clean stop does, with the file of routes as a gateway keeps it."""
        self.db.close()
        if self.surface == "gateway":
            folder = self.home / "sessions"
            folder.mkdir(exist_ok=True)
            entries = {
                key: {"session_key": key, "session_id": session, "platform": "telegram"}
                for key, session in self.routes.items()
            }
            (folder / "sessions.json").write_text(json.dumps(entries), encoding="utf-8")

    # What is said

    def do_turn(self, talk: Talk) -> None:
        """A question of the person's and its answer, with words of their own."""
        number = next(talk.turns)
        self._turn(talk, *_pair(f"{talk.name} question {number}", f"{talk.name} answer {number}"))

    def do_quick(self, talk: Talk) -> None:
        """A turn, and the next act follows at once."""
        self.do_turn(talk)

    def do_same(self, talk: Talk) -> None:
        """A turn with words that come again."""
        self._turn(talk, *_pair("ok", "done"))

    def do_quicksame(self, talk: Talk) -> None:
        """The same, and the next act follows at once."""
        self.do_same(talk)
        self.clock.now -= 60.0

    def do_twice(self, talk: Talk) -> None:
        """The person says a thing twice, and so does the model."""
        self._turn(talk, *(_said(role, text) for role in ROLES for text in ("again",) * 2))

    def do_tool(self, talk: Talk) -> None:
        """A turn with one tool call."""
        number = next(talk.turns)
        words = f"{talk.name} tool {number}"
        self._turn(talk, _said("user", words), *_call(words, "files"), _said("assistant", "Four."))

    def do_polls(self, talk: Talk) -> None:
        """One turn that asks a tool the same five times; some providers repeat the call's id."""
        polls = [message for _ in range(5) for message in _call("poll", "running")]
        self._turn(talk, _said("user", "Is it ready?"), *polls, _said("assistant", "Not yet."))

    def do_other(self, talk: Talk) -> None:
        """Another chat takes a turn, so that ids of messages are woven."""
        other = self.talks.setdefault(
            "other", Talk(f"{talk.name}-other", f"{talk.name}-other-0", talk.platform)
        )
        self._made(other.session, "chat")
        self.do_turn(other)

    def do_lost(self, talk: Talk) -> None:
        """A turn of which no write reached the database."""
        memory = self._load(talk)
        talk.memory = [*memory, *_pair("lost question", "lost answer")]
        talk.agent._last_flushed_db_idx = len(talk.memory)
        self._mark(talk, talk.memory)
        self.of["harm"].append("lost")

    # What the program does

    def do_cold(self, talk: Talk) -> None:
        """The program is started again: the next act loads the chat from the database."""
        talk.agent = talk.memory = None

    def do_rotate(self, talk: Talk) -> None:
        """A turn before which the context is compressed into a new session."""
        self._compressing(talk, in_place=False)

    def do_compact(self, talk: Talk) -> None:
        """A turn before which the context is compressed in place (0.18.0 and later)."""
        self._compressing(talk, in_place=True)

    def do_delegate(self, talk: Talk, killed: str = "") -> None:
        """A delegate's run, as ``delegate_tool`` makes it; it says one thing.

        The program is ``killed`` when the run is ``asked``, or when a rotation has ``rotated`` it.
        """
        self._load(talk)
        number = next(talk.turns)
        session = f"{talk.name}-delegate-{number}"
        # Up to 0.16.0 it has its parent's platform and no mark.
        platform = talk.platform if RELEASE < (0, 17) else "subagent"
        child = self._new_agent(session, platform, parent=talk.session)
        if RELEASE >= (0, 17):
            child._session_init_model_config["_delegate_from"] = talk.session
        task = _pair(f"{talk.name} task {number}", f"{talk.name} report {number}")
        child._ensure_db_session()
        self._made(session, "delegate")
        if killed != "asked":
            child._flush_messages_to_session_db([*task], [])
            self._say(session, task)
        if killed == "rotated":
            child.compression_in_place = False
            messages, _ = child._compress_context(task, PROMPT)
            self._made(child.session_id, "delegate")
            self.of["parents"][child.session_id] = session
            self.of["said"][child.session_id] = self._once(session, messages)
        if killed:
            self.clock.now += 900.0
            self.of["harm"].append(f"delegate:{killed}")
            talk.agent = talk.memory = None
        elif RELEASE >= (0, 18):
            self.db.end_session(session, "agent_close")

    def do_killed(self, talk: Talk, point: str) -> None:
        """The program is killed in a rotation: ``before`` the end, after the ``end``, after the
        ``child`` was made, or before its ``first`` message was written."""
        name = {"before": "end_session", "end": "create_session", "child": "update_system_prompt"}

        def kill(*_: Any, **__: Any) -> None:
            raise Killed

        db = talk.agent._session_db if talk.agent is not None else self.db
        watched = name.get(point, "replace_messages")
        replaced = (watched, "release_compression_lock")
        for key in replaced:
            setattr(db, key, kill if key == watched else lambda *_, **__: None)
        try:
            with contextlib.suppress(Killed):
                self._compressing(talk, in_place=False, killed=point == "first")
        finally:
            for key in replaced:
                delattr(db, key)
        self.clock.now += 900.0
        if point != "before":
            self.of["harm"].append(f"killed:{point}")
        talk.agent = talk.memory = None

    def do_race(self, talk: Talk) -> None:
        """Another agent that holds the same list rotates the chat as well and goes on in it."""
        other = Talk(f"{talk.name}-race", talk.session, talk.platform)
        self._load(other)
        self._compressing(talk, in_place=False)
        self._compressing(other, in_place=False)
        self.do_turn(other)
        self.do_turn(talk)
        self.of["harm"].append("race")

    # What a person does

    def do_undo(self, talk: Talk) -> None:
        """``/undo`` of the last turn, in the gateway."""
        self._undo(talk)

    def do_undoall(self, talk: Talk) -> None:
        """``/undo`` until nothing is left."""
        while self._undo(talk):
            self.clock.now += 2.0

    def do_retry(self, talk: Talk) -> None:
        """``/retry`` of the last turn, in the gateway: the same question, another answer."""
        history = self._history(talk)
        last = _last_user(history)
        if last is None:
            return
        self._replace(talk, history[:last])
        answer = _said("assistant", f"{talk.name} other answer {next(talk.turns)}")
        self._turn(talk, _said("user", history[last]["content"]), answer)

    def do_branch(self, talk: Talk) -> None:
        """``/branch`` in the terminal: the parent ends, and the person goes on in the branch."""
        memory = self._load(talk)
        if not memory:
            return
        if RELEASE >= (0, 18):
            talk.agent._flush_messages_to_session_db(memory)
        self.db.end_session(talk.session, "branched")
        self._branch(talk, memory, ended=True)

    def do_gatewaybranch(self, talk: Talk) -> None:
        """``/branch`` in a chat of the gateway: the parent ends by the switch."""
        parent, memory = talk.session, self._history(talk)
        if not memory:
            return
        self._branch(talk, memory, ended=False)
        self.db.end_session(parent, "session_switch")
        self.db.reopen_session(talk.session)

    def do_sidebranch(self, talk: Talk) -> None:
        """A branch of the terminal interface: the parent stays open, and the person in it."""
        memory = self._load(talk)
        if not memory:
            return
        stays = Talk(talk.name, talk.session, talk.platform, talk.agent, talk.memory, talk.turns)
        self._branch(
            talk, [{k: m.get(k) for k in ("role", "content")} for m in memory], ended=False
        )
        talk.session, talk.agent, talk.memory = stays.session, stays.agent, stays.memory

    def do_new(self, talk: Talk) -> None:
        """``/new``: the chat ends, and the next turn begins another session."""
        memory = talk.memory
        if talk.platform == "cli":
            if RELEASE >= (0, 17) and talk.agent is not None and memory:
                talk.agent._flush_messages_to_session_db(memory)
            self.db.end_session(talk.session, "new_session")
        else:
            self.db.end_session(talk.session, "session_reset")
        talk.session, talk.agent, talk.memory = f"{talk.session}n", None, []
        self._made(talk.session, "chat")

    def do_end(self, talk: Talk) -> None:
        """The terminal is closed."""
        self.db.end_session(talk.session, "cli_close")
        talk.agent = talk.memory = None

    def do_resume(self, talk: Talk) -> None:
        """The chat is opened again, in an agent that may have served another one (``/resume``)."""
        self.db.reopen_session(talk.session)
        talk.agent = talk.memory = None
        self._load(talk)

    def do_resumefirst(self, talk: Talk) -> None:
        """The first session of the chat is opened again by its id (up to 0.16.0 it is that)."""
        talk.session = f"{talk.name}-0"
        self.do_resume(talk)

    def do_delete(self, talk: Talk, which: str) -> None:
        """Delete the ``tip``, the ``first`` session, or each ``branch`` or ``delegate``."""
        made = self.of["sessions"]
        named = {"tip": [talk.session], "first": [f"{talk.name}-0"]}
        for session in named.get(which, [key for key, kind in made.items() if kind == which]):
            if self.db.delete_session(session):
                self.of["gone"].append(session)
                self.of["said"].pop(session, None)
        talk.agent = talk.memory = None

    def do_sweep(self, talk: Talk) -> None:
        """``Delete empty`` of the dashboard (0.16.0 and later)."""
        self.of["gone"] += [
            row[0]
            for row in self.db._conn.execute(
                "SELECT id FROM sessions WHERE message_count = 0 AND ended_at IS NOT NULL"
            )
        ]
        self.db.delete_empty_sessions()

    def do_leave(self, talk: Talk) -> None:
        """Go to what lists show for the chat, and close that: the tip of its chain."""
        tip = self.db.get_compression_tip(f"{talk.name}-0")
        self.db.end_session(tip, "cli_close")
        talk.session, talk.agent, talk.memory = tip, None, None

    def do_prompt(self, talk: Talk) -> None:
        """Go to what lists show for the chat and take a turn there."""
        talk.session = self.db.get_compression_tip(f"{talk.name}-0")
        talk.agent = talk.memory = None
        self.db.reopen_session(talk.session)
        self.do_turn(talk)

    def do_import(self, talk: Talk) -> None:
        """Export all, and import it into a database that begins anew (0.19.0)."""
        exported = self.db.export_all()
        self.db.close()
        for path in self.home.glob("state.db*"):
            path.unlink()
        self.db = self._open()
        assert self.db.import_sessions(exported)["ok"]
        for one in self.talks.values():
            one.agent = one.memory = None
        self.pristine = self._agent()

    def do_back(self, talk: Talk) -> None:
        """The clock is set back by an hour."""
        self.clock.now -= 3600.0

    def do_week(self, talk: Talk) -> None:
        """Eight days go by."""
        self.clock.now += 8 * 86400.0

    # How it is done

    def _open(self) -> Any:
        db = SessionDB(self.home / "state.db")
        db._conn.execute("PRAGMA synchronous=OFF")
        return db

    def _agent(self) -> Any:
        made = run_agent.AIAgent(
            api_key="none",
            base_url="http://127.0.0.1:9/v1",
            model="example/model-1",
            quiet_mode=True,
            skip_memory=True,
            skip_context_files=True,
            session_id="pristine",
            session_db=self.db,
            platform="cli",
            enabled_toolsets=[],
        )
        made._compression_feasibility_checked = True
        made._build_system_prompt = lambda message=None: PROMPT
        made.context_compressor.compress = _compress
        return made

    def _new_agent(self, session: str, platform: str, parent: str | None = None) -> Any:
        """Return a fresh agent; to make each from nothing would take 50 ms."""
        made = copy.copy(self.pristine)
        made.session_id, made.platform, made._parent_session_id = session, platform, parent
        made._session_db_created = False
        made._last_flushed_db_idx = 0
        made._flushed_db_message_ids = set()
        made._flushed_db_message_session_id = None
        made._session_init_model_config = dict(made._session_init_model_config)
        return made

    def _made(self, session: str, kind: str) -> None:
        self.of["sessions"].setdefault(session, kind)

    def _say(self, session: str, messages: list[Json]) -> None:
        self.of["said"].setdefault(session, []).extend(_shown(messages))

    def _load(self, talk: Talk) -> list[Json]:
        """Return what the agent of a chat has in memory; begin one where there is none."""
        if talk.agent is None:
            talk.agent = self._new_agent(talk.session, talk.platform)
            talk.memory = None
        if talk.memory is None:
            talk.memory = self._history(talk)
        elif talk.platform != "cli":
            # A gateway loads the chat for every message; times stay behind, from 0.18.2 on but for
            # a person's.
            talk.memory = [
                {k: v for k, v in message.items() if k != "timestamp" or _is_kept(message)}
                for message in self._history(talk)
            ]
            self.loaded.append(talk.memory)
        return talk.memory

    def _history(self, talk: Talk) -> list[Json]:
        loaded = self.db.get_messages_as_conversation(talk.session)
        # 0.17.0 knows what it stored by id(): were these freed, it would lose messages at random.
        self.loaded.append(loaded)
        return [message for message in loaded if message["role"] != "session_meta"]

    def _turn(self, talk: Talk, *messages: Json) -> None:
        history = self._load(talk)
        whole = [*history, *messages]
        self.loaded.append(whole)
        talk.agent._ensure_db_session()
        talk.agent._flush_messages_to_session_db(whole, history)
        self.db.update_token_counts(talk.session, input_tokens=9, output_tokens=9, api_call_count=1)
        talk.memory = whole
        self._say(talk.session, [*messages])

    def _once(self, session: str, messages: list[Json]) -> list[str]:
        """Return messages as texts, each as often as it was said in a session, what is new as well.

        A rotation of 0.17.0 and later stores once more what an agent had loaded, and what copies
        such a session copies that too.
        """
        said = self.of["said"].get(session, [])
        left, known = Counter(said), frozenset(said)
        found = []
        for text in _shown(messages):
            if text not in known or left[text]:
                found.append(text)
                left[text] -= 1
        return found

    def _mark(self, talk: Talk, messages: list[Json]) -> None:
        """Let the agent take these for stored, as it does after a write that failed."""
        talk.agent._flushed_db_message_ids = {id(message) for message in messages}
        talk.agent._flushed_db_message_session_id = talk.session

    def _compressing(self, talk: Talk, *, in_place: bool, killed: bool = False) -> None:
        history = self._load(talk)
        agent, number = talk.agent, next(talk.turns)
        question, answer = _pair(f"{talk.name} long {number}", f"{talk.name} so {number}")
        agent._ensure_db_session()
        if RELEASE >= (0, 18):
            agent.compression_in_place = in_place
        parent = talk.session
        if not in_place and RELEASE >= (0, 17):
            self._say(parent, [question])
        messages, _ = agent._compress_context([*history, question], PROMPT)
        if agent.session_id != parent:
            talk.session = agent.session_id
            self._made(talk.session, "continuation")
            self.of["parents"][talk.session] = parent
        if in_place or talk.session != parent:
            self.of["said"][talk.session] = self._once(parent, messages)
        elif RELEASE < (0, 17):  # it refused to rotate a session that another agent had rotated
            self._say(parent, [question])
        if killed:
            raise Killed
        self.clock.now += 5.0
        stored = list(messages) if in_place else None
        whole = [*messages, answer]
        self.loaded.append(whole)
        agent._flush_messages_to_session_db(whole, stored)
        self.db.update_token_counts(talk.session, input_tokens=9, output_tokens=9, api_call_count=1)
        talk.memory = whole
        self._say(talk.session, [answer])

    def _undo(self, talk: Talk) -> bool:
        talk.agent = talk.memory = None
        if RELEASE < (0, 16):
            history = self._history(talk)
            last = _last_user(history)
            if last is None:
                return False
            self._replace(talk, history[:last])
            return True
        found = self.db.list_recent_user_messages(talk.session, limit=1)
        if not found:
            return False
        self.db.rewind_to_message(talk.session, found[0]["id"])
        said = self.of["said"].get(talk.session, [])
        last = max((i for i, text in enumerate(said) if text.startswith("user: ")), default=0)
        self.of["said"][talk.session] = said[:last]
        return True

    def _replace(self, talk: Talk, messages: list[Json]) -> None:
        self.db.replace_messages(talk.session, messages)
        self.of["said"][talk.session] = self._once(talk.session, messages)
        talk.agent = talk.memory = None

    def _branch(self, talk: Talk, memory: list[Json], *, ended: bool) -> None:
        parent, title = talk.session, self.db.get_session_title(talk.session) or "branch"
        session = f"{talk.name}-branch-{next(talk.turns)}"
        mark = {"model_config": {"_branched_from": parent}} if RELEASE >= (0, 16) else {}
        self.db.create_session(session, talk.platform, parent_session_id=parent, **mark)
        for message in memory:
            fields = ("role", "content", "tool_name", "tool_calls", "tool_call_id")
            self.db.append_message(session, **{k: message[k] for k in fields if k in message})
        self.db.set_session_title(session, self.db.get_next_title_in_lineage(title))
        self._made(session, "branch")
        self.of["said"][session] = self._once(parent, memory)
        talk.session, talk.agent, talk.memory = session, None, None


ROLES = ("user", "assistant")


def _said(role: str, text: str) -> Json:
    return {"role": role, "content": text}


def _pair(question: str, answer: str) -> list[Json]:
    return [_said("user", question), _said("assistant", answer)]


def _call(name: str, answer: str) -> list[Json]:
    call = {"id": f"call {name}", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": answer, "tool_call_id": call["id"], "tool_name": "ls"},
    ]


def _shown(messages: list[Json]) -> list[str]:
    """Return messages as texts that can be compared."""
    return [
        f"{m['role']}: {m['content'] or [call['id'] for call in m.get('tool_calls') or ()]}"
        for m in messages
    ]


def _is_kept(message: Json) -> bool:
    return RELEASE >= (0, 18, 2) and message["role"] == "user"


def _last_user(messages: list[Json]) -> int | None:
    return max((i for i, m in enumerate(messages) if m["role"] == "user"), default=None)


def _compress(messages: list[Json], *_: Any, **__: Any) -> list[Json]:
    """Keep what the real compressor keeps: the first messages, a summary, the last ones."""
    summary = _said("user", f"{compressor.SUMMARY_PREFIX}\nsummary of {len(messages)}")
    fresh = getattr(compressor, "_fresh_compaction_message_copy", dict)
    kept = [fresh(message) for message in messages]
    return [*kept[:HEAD], summary, *kept[max(HEAD, len(kept) - TAIL) :]]


def main() -> None:
    """Play the homes of the file ``argv[1]`` and write their truth to ``argv[2]``."""
    if importlib.util.find_spec("agent.ssl_guard") is not None:  # 0.17.0 asks for certificates
        guard = importlib.import_module("agent.ssl_guard")
        guard.verify_ca_bundle_with_fallback = lambda *_, **__: None
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    numbers = Random(sys.argv[3])  # no id again after an update
    uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
    os.fsync = lambda fd: None
    truths = []
    for home in plan["homes"]:
        clock = CLOCKS[home["clock"]]()
        time.time = clock.time
        with contextlib.redirect_stdout(io.StringIO()):
            environment = Environment(Path(home["home"]), clock, home["surface"])
            for history in home["histories"]:
                environment.play(history["name"], history["acts"], history.get("before"))
            environment.close()
        truths.append(environment.truth)
    Path(sys.argv[2]).write_text(json.dumps(truths), encoding="utf-8")


if __name__ == "__main__":
    main()
