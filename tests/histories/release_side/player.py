"""Runs inside a release: does one act after another on copies of a home.

Reads lines of JSON ``{"node", "parent", "act"}`` (folders; ``parent`` is null for a first act) and
answers each with a line ``done {...}``. A node is a folder with the home, the truth about its
messages (``truth.json``, and one for the other profile) and copies of the database that acts keep.

What is real: every write to ``state.db``, to the transcripts and to the routing is made by the
release's own ``SessionDB`` and ``SessionStore``. What is imitated are their callers, which need a
model behind them: the agent's flush, ``/undo``, ``/retry``, ``/branch``, the dashboard (as read in
``gateway/run.py``, ``gateway/slash_commands.py``, ``tui_gateway/server.py`` and
``hermes_cli/web_server.py`` of these releases).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from inside.turns import Clock, Gateway, Json, module
from release_side.truth import COMPACTED, DELETED, UNDONE, Truth

BEGIN = 1_777_000_000.0
GAP = 600.0
DAY = 86400.0
CHATS = {
    "a": {"platform": "telegram", "chat_id": "anna", "user_id": "anna", "chat_type": "dm"},
    "b": {"platform": "discord", "chat_id": "bob", "user_id": "bob", "chat_type": "dm"},
}
MOST_KEPT = 2  # turns that a compression keeps at the end
PROFILE = "work"
"""The profile that a home may have beside its own chats; its marks begin with ``w``."""
LONE = "\ud800"
"""Half of a pair, as scraped pages and pasted text have it: no UTF-8 can hold it."""


CLOCK = "clock.json"


def _truth_of(node: Path, profile: str) -> Path:
    return node / (f"truth-{profile}.json" if profile else "truth.json")


def _read(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


class NotHere(Exception):
    """The act cannot be done in this state (nothing to undo, no chat to go back to)."""


class Player(Gateway):
    """One profile of a home, and one act on it. ``short`` makes it a matter of milliseconds."""

    def __init__(self, node: Path, profile: str) -> None:
        self.node, self.profile = node, profile
        kept, clock_kept = _read(_truth_of(node, profile)), _read(node / CLOCK)
        self.truth = Truth(kept.get("truth"), first=profile[:1] or "m")
        self.now: float = clock_kept.get("now", BEGIN)
        self.chat: dict[str, str] = kept.get("chat", {})
        self.first: dict[str, str] = kept.get("first", {})
        self.snapshots: Json = kept.get("snapshots", {})
        self.short = False
        home = node / "home"
        if profile:
            home = home / "profiles" / profile
        home.mkdir(parents=True, exist_ok=True)
        os.environ["HERMES_HOME"] = str(home)
        import hermes_state

        hermes_state.DEFAULT_DB_PATH = home / "state.db"
        self.database = home / "state.db"
        self.kept_copy = node / f"copy{profile}.db"
        self._lane = "a"
        self.zone: str = clock_kept.get("zone", "UTC0")
        os.environ["TZ"] = self.zone
        time.tzset()
        self.later: Callable[[], object] | None = None
        clock = Clock()
        clock.now = self.now
        time.time = clock.time
        super().__init__(clock, bulk=False)

    def tick(self, seconds: float) -> None:
        """Let time pass: these seconds, or next to none."""
        self.clock.now += 0.001 if self.short else seconds

    def note(self, profile: str) -> None:
        """Write down what is known of the home; what of its chats, as those of ``profile``."""
        kept = {
            "truth": self.truth.state,
            "chat": self.chat,
            "first": self.first,
            "snapshots": self.snapshots,
        }
        _truth_of(self.node, profile).write_text(json.dumps(kept), encoding="utf-8")
        clock = {"now": self.clock.now, "zone": self.zone}
        (self.node / CLOCK).write_text(json.dumps(clock), encoding="utf-8")

    def _write_log(self, session_id: str) -> None:
        """The transcripts are what is compared here."""

    # The parts of a turn

    def current(self) -> str:
        """Return the session that this chat leads to, as the gateway answers a message."""
        entry = self._entry(CHATS[self._lane])
        self.chat[self._lane] = entry.session_id
        self.first.setdefault(self._lane, entry.session_id)
        return str(entry.session_id)

    def known(self) -> str:
        """Return the same for an act that needs a chat that was begun."""
        if self._lane not in self.chat:
            raise NotHere
        return self.current()

    def words(self, *said: tuple[str, str], **extra: Any) -> list[Json]:
        """Return messages as an agent has them, each with its mark."""
        return [
            {"role": role, "content": text, "tool_name": self.truth.new_mark(role, text), **extra}
            for role, text in said
        ]

    def question(self) -> list[Json]:
        number = self.truth.state["next"]
        return self.words(("user", f"question {number}"), ("assistant", f"answer {number}"))

    def tool_use(self) -> list[Json]:
        number = self.truth.state["next"]
        call = {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": "f", "arguments": "{}"},
        }
        messages = self.words(
            ("user", f"do {number}"), ("assistant", ""), ("tool", "fine"), ("assistant", "done")
        )
        messages[1]["tool_calls"] = [call]
        messages[2]["tool_call_id"] = call["id"]
        return messages

    def turn(
        self,
        messages: list[Json],
        *,
        stored: int | None = None,
        made: bool = True,
        filed: bool = True,
        between: Callable[[], None] | None = None,
    ) -> str:
        """One turn: ``stored`` of its rows are written (all), with or without row and file."""
        self.tick(GAP)
        if not made:
            self._break(self.store._db, "create_session", "append_message")
        session_id = self.current()
        history = bool(self._load(session_id))
        self.tick(5)
        if made:
            self.db.create_session(session_id=session_id, source=CHATS[self._lane]["platform"])
        self.tick(15)
        count = len(messages) if stored is None else stored
        for number, message in enumerate(messages[: count if made else 0]):
            if between and number == 1:
                between()
            if not self._stored(session_id, message):
                break
        self.truth.say(session_id, [message["tool_name"] for message in messages])
        if filed:
            if not stored and stored is not None:
                self._break(self.store._db, "append_message")
            self.write_file(session_id, messages, history)
        return session_id

    def write_file(self, session_id: str, messages: list[Json], history: bool) -> None:
        """What the gateway of 0.13 and 0.14 appends to the transcript after a turn."""
        if hasattr(self.store, "get_transcript_path"):
            after = 0.0 if self.short else 0.3
            op = {"at": self.clock.now + after - 0.3}  # the base class adds that much
            with suppress(UnicodeEncodeError):  # the gateway's turn ends here, and says so
                self._write_file(op, session_id, CHATS[self._lane]["platform"], messages, history)

    def _stored(self, session_id: str, message: Json) -> bool:
        """Flush one message; say whether the agent goes on: what SQLite cannot take ends it."""
        try:
            self._flush(session_id, message)
        except UnicodeEncodeError:
            return False
        return True

    @staticmethod
    def _break(db: Any, *methods: str) -> None:
        """Let these calls fail as they do while another process holds the write lock."""

        def locked(*_: Any, **__: Any) -> None:
            raise sqlite3.OperationalError("database is locked")

        for method in methods:
            setattr(db, method, locked)

    def elsewhere(self, act: Callable[[], Any]) -> Any:
        """Do something in the other chat."""
        lane, self._lane = self._lane, "b"
        try:
            return act()
        finally:
            self._lane = lane

    # Turns

    def do_turn_(self) -> None:
        self.turn(self.question())

    def do_tools(self) -> None:
        self.turn(self.tool_use())

    def do_again(self) -> None:
        """The same short words as every other time."""
        self.turn(self.words(("user", "ok"), ("assistant", "done")))

    def do_lost(self) -> None:
        """A turn whose rows were lost: another process held the write lock."""
        self.turn(self.question(), stored=0)

    def do_again_lost(self) -> None:
        self.turn(self.words(("user", "ok"), ("assistant", "done")), stored=0)

    def do_half(self) -> None:
        """A turn with a tool of which only the first rows were stored."""
        self.turn(self.tool_use(), stored=2)

    def do_unmade(self) -> None:
        """A turn whose session row could not be made either."""
        self.turn(self.question(), made=False)

    def do_unfiled(self) -> None:
        """A turn after which the gateway was killed, before it wrote the file."""
        self.turn(self.question(), filed=False)

    def do_woven(self) -> None:
        """A turn between whose rows the other chat's lie."""

        def other() -> None:
            self.elsewhere(lambda: self.do_turn_())

        other()
        other_session = self.chat["b"]

        def rows() -> None:
            [message] = self.words(("user", "meanwhile"))
            self._flush(other_session, message)
            self.truth.say(other_session, [message["tool_name"]])

        self.turn(self.question(), between=rows)

    def do_lone(self) -> None:
        """A turn with a tool that answers with half of a pair: 0.19.0 writes U+FFFD for it.

        Earlier releases raise: nothing from that answer on is stored, neither as row nor as line.
        """
        messages = self.tool_use()
        messages[2]["content"] = f"fine {LONE}"
        self.turn(messages)

    def do_lone_call(self) -> None:
        """A call with half of a pair: JSON writes it as an escape, which every release stores.

        The transcript of 0.13.0 and 0.14.0 has it as it is, so its turn ends before that line.
        """
        messages = self.tool_use()
        messages[1]["tool_calls"][0]["function"]["arguments"] = json.dumps({"at": LONE}) + LONE
        self.turn(messages)

    # What is said in a group, but not to the agent

    def observe(self, text: str) -> None:
        """Keep a message as the adapters do (yuanbao; Telegram from 0.15.0): ``observed``."""
        self.tick(GAP)
        session_id = self.current()
        [message] = self.words(("user", f"[Carl|7]\n{text}"))
        at = datetime.fromtimestamp(self.clock.now, tz=UTC).isoformat()
        message |= {"timestamp": at, "observed": True, "message_id": f"p{message['tool_name']}"}
        with suppress(UnicodeEncodeError):  # the adapter logs it, and that is all
            self.store.append_to_transcript(session_id, message)
        self.truth.say(session_id, [message["tool_name"]])

    def do_observed(self) -> None:
        self.observe(f"by the way {self.truth.state['next']}")

    def do_observed_again(self) -> None:
        """The same short word of the same person, as every other time."""
        self.observe("ok")

    def do_observed_lost(self) -> None:
        """One whose row was lost: another process held the write lock."""
        self._break(self.store._db, "append_message")
        self.observe(f"nobody heard {self.truth.state['next']}")

    def do_observed_lone(self) -> None:
        self.observe(f"look {LONE}")

    # What a person takes back

    def do_undo(self) -> None:
        """``/undo``: a rewrite up to 0.15, inactive rows from 0.16.0 on."""
        self.tick(GAP)
        session_id = self.known()
        if hasattr(self.store, "rewind_session"):
            before = self._rows(session_id)
            if self.store.rewind_session(session_id, 1) is None:
                raise NotHere
            gone = [mark for mark in before if mark not in set(self._rows(session_id))]
            self.truth.take_from(session_id, gone[0], UNDONE)
            return
        self._cut(session_id)

    def _cut(self, session_id: str) -> str | None:
        """Rewrite a session without its last question and what follows; return the question.

        None where the command ends with that: a transcript cannot hold half of a pair, so it is cut
        off before that line, and the rows were rewritten already.
        """
        history = self._load(session_id)
        asked = [place for place, message in enumerate(history) if message["role"] == "user"]
        if not asked:
            raise NotHere
        last = asked[-1]
        whole = False
        with suppress(UnicodeEncodeError):
            if self.store.rewrite_transcript(session_id, history[:last]) is False:
                raise NotHere
            whole = True
        self.truth.take_from(session_id, history[last].get("tool_name"), UNDONE)
        return str(history[last]["content"]) if whole else None

    def do_torn_undo(self) -> None:
        """An ``/undo`` (0.13, 0.14) that was killed before it wrote the file.

        These releases show the file while it has more messages than the database, so what was to
        be undone is there again: only what is shown no more was taken back.
        """
        self.tick(GAP)
        session_id = self.known()
        path = self.store.get_transcript_path(session_id)
        before = path.read_bytes() if path.exists() else None
        self._cut(session_id)
        if before is not None:
            path.write_bytes(before)
        fates = self.truth.state["fate"].get(session_id, {})
        for message in self._load(session_id):
            fates.pop(message.get("tool_name"), None)

    def do_retry(self) -> None:
        """``/retry``: a rewrite, then the same question again."""
        self.tick(GAP)
        text = self._cut(self.known())
        if text is not None:
            said = (("user", text), ("assistant", f"other {self.truth.state['next']}"))
            self.turn(self.words(*said))

    def do_failed_retry(self) -> None:
        """A ``/retry`` whose model never answered: the rewrite alone."""
        self.tick(GAP)
        self._cut(self.known())

    def do_edit(self) -> None:
        """A question changed in the terminal interface (0.16.0 and later): a rewrite of rows."""
        self.tick(GAP)
        session_id = self.known()
        history = self.db.get_messages_as_conversation(session_id)
        asked = [place for place, message in enumerate(history) if message["role"] == "user"]
        if not asked:
            raise NotHere
        cut = asked[-2] if len(asked) > 1 else asked[-1]
        self.db.replace_messages(session_id, history[:cut])
        self.truth.take_from(session_id, history[cut].get("tool_name"), UNDONE)
        self.turn(self.question())

    def do_delete(self) -> None:
        """Deleted in the dashboard: the file stays, and the chat still leads there."""
        self._delete()

    def do_erase(self) -> None:
        """Deleted on the command line: the files go too."""
        self._delete(sessions_dir=self.home / "sessions")

    def _delete(self, **how: Any) -> None:
        self.tick(GAP)
        session_id = self.chat.get(self._lane)
        dashboard = self.state.SessionDB()
        done = session_id is not None and dashboard.delete_session(session_id, **how)
        dashboard.close()
        if not done:
            raise NotHere
        self.truth.take_all(str(session_id), DELETED)

    def do_prune(self) -> None:
        """``hermes sessions prune``: every session that has ended, and its files."""
        self.tick(100 * DAY)
        before = {row["id"] for row in self.db.search_sessions(limit=1000)}
        if not self.db.prune_sessions(older_than_days=1, sessions_dir=self.home / "sessions"):
            raise NotHere
        for session_id in before - {row["id"] for row in self.db.search_sessions(limit=1000)}:
            self.truth.take_all(session_id, DELETED)

    # What a chat goes through

    def do_reset(self) -> None:
        """``/new``."""
        self.tick(GAP)
        self.known()
        key = self._entry(CHATS[self._lane]).session_key
        self.chat[self._lane] = self.store.reset_session(key).session_id

    def do_resume(self) -> None:
        """``/resume`` of the session that the chat began with."""
        self.tick(GAP)
        session_id, first = self.known(), self.first[self._lane]
        if first == session_id or self.db.get_session(first) is None:
            raise NotHere
        self._switch(first)

    def _switch(self, session_id: str) -> None:
        key = self._entry(CHATS[self._lane]).session_key
        self.store.switch_session(key, session_id)
        self.chat[self._lane] = session_id

    def do_end(self) -> None:
        """The session is closed, as an idle timeout does."""
        self.tick(GAP)
        self.db.end_session(self.known(), "session_reset")

    def do_title(self) -> None:
        """The chat is given a name."""
        self.tick(GAP)
        self.db.set_session_title(self.known(), f"About {self.truth.state['next']}")

    def do_archive(self) -> None:
        """The chat is archived (0.16.0 and later)."""
        self.tick(GAP)
        if not hasattr(self.db, "set_session_archived"):
            raise NotHere
        self.db.set_session_archived(self.known(), True)

    def do_vacuum(self) -> None:
        """The file is written anew."""
        self.db.vacuum()

    def do_delegate(self) -> None:
        """A delegate runs below the chat, with rows of its own."""
        self.tick(GAP)
        parent = self.known()
        if self.db.get_session(parent) is None:
            raise NotHere
        child = self._new_id()
        self.db.create_session(
            session_id=child,
            source=CHATS[self._lane]["platform"],
            parent_session_id=parent,
            model_config={"_delegate_from": parent} if self._marks_delegates() else None,
        )
        for message in self.words(("user", "a task"), ("assistant", "the task is done")):
            self._flush(child, message)
            self.truth.say(child, [message["tool_name"]])
        self.db.end_session(child, "cli_close")

    def _marks_delegates(self) -> bool:
        return self.state.SCHEMA_VERSION >= 16

    def do_marked_branch(self) -> None:
        """``/branch`` of 0.16.0 and later, which note what it is a branch of."""
        self.do_branch(marked=True)

    def do_branch(self, between: Callable[[], None] | None = None, *, marked: bool = False) -> None:
        """``/branch``: row for row, into a session that the chat then goes on in."""
        self.tick(GAP)
        parent = self.known()
        history = self._load(parent)
        if not history or self.db.get_session(parent) is None:
            raise NotHere
        child = self._new_id()
        self.db.create_session(
            session_id=child,
            source=CHATS[self._lane]["platform"],
            parent_session_id=parent,
            model_config={"_branched_from": parent} if marked else None,
        )
        for number, message in enumerate(history):
            if between and number == 1:
                between()
            self.db.append_message(
                session_id=child,
                role=message.get("role", "user"),
                content=message.get("content"),
                tool_name=message.get("tool_name"),
                tool_calls=message.get("tool_calls"),
                tool_call_id=message.get("tool_call_id"),
            )
        self.truth.say(child, [m["tool_name"] for m in history if m.get("tool_name")])
        self._switch(child)

    def do_woven_branch(self) -> None:
        """A branch between whose copies the other chat's rows lie."""
        self.do_branch(lambda: self.elsewhere(lambda: self.do_turn_()))

    def do_rotate(self) -> None:
        """Compression into a new session, within a turn (the child's rows come with its flush)."""
        self.tick(GAP)
        parent = self.known()
        if self.db.get_session(parent) is None:
            raise NotHere
        history = [m for m in self._load(parent) if m["role"] != "session_meta"]
        if len(history) < 2:
            raise NotHere
        self.said[parent] = [
            {key: value for key, value in message.items() if key != "timestamp"}
            for message in history
        ]
        entry = self._entry(CHATS[self._lane])
        self.tick(5)
        child, messages = self._rotate(parent, CHATS[self._lane]["platform"], self.question())
        messages = self._marked(messages)
        entry.session_id = self.chat[self._lane] = child
        self.store._save()
        for message in messages:
            self._flush(child, message)
        self.truth.say(child, [message["tool_name"] for message in messages])
        self.write_file(child, messages, True)

    def _marked(self, messages: list[Json]) -> list[Json]:
        """Give a summary its mark, and leave out what a short chat has in head and tail."""
        found: dict[str, Json] = {}
        for message in messages:
            if not message.get("tool_name"):
                message["tool_name"] = self.truth.new_mark("user", message["content"])
            found.setdefault(message["tool_name"], message)
        return list(found.values())

    def do_compress(self) -> None:
        """``/compress``: the new session is written as a rewrite, before anything is said in it."""
        self.tick(GAP)
        parent = self.known()
        if self.db.get_session(parent) is None:
            raise NotHere
        history = [
            {"role": m["role"], "content": m["content"], "tool_name": m.get("tool_name")}
            for m in self._load(parent)
            if m["role"] in ("user", "assistant") and m.get("content")
        ]
        if len(history) < 4:
            raise NotHere
        self.said[parent] = history
        entry = self._entry(CHATS[self._lane])
        child, messages = self._rotate(parent, CHATS[self._lane]["platform"], [])
        messages = self._marked(messages)
        entry.session_id = self.chat[self._lane] = child
        self.store._save()
        self.store.rewrite_transcript(child, messages)
        self.truth.say(child, [message["tool_name"] for message in messages])

    def do_inplace(self) -> None:
        """Compaction in place (0.18.0 and later): what goes stays as inactive rows."""
        self.tick(GAP)
        session_id = self.known()
        history = [m for m in self._load(session_id) if m["role"] != "session_meta"]
        if len(history) < 3:
            raise NotHere
        [summary] = self.words(("user", self._summary(session_id, len(history))))
        tail = history[-MOST_KEPT:]
        kept = [history[0], summary, *(m for m in tail if m is not history[0])]
        self.db.archive_and_compact(session_id, kept)
        stays = {message.get("tool_name") for message in kept}
        before = [mark for mark in self.truth.order(session_id) if mark not in stays]
        self.truth.take(session_id, before, COMPACTED)
        tail_marks = [m["tool_name"] for m in kept[1:] if m.get("tool_name")]
        self.truth.say(session_id, tail_marks)

    def do_clone(self) -> None:
        """``hermes profile create work --clone-all``: with all chats, from 0.18.0 without."""
        self.tick(GAP)
        place = self.home / "profiles" / PROFILE
        if place.exists():
            raise NotHere

        def cloned() -> None:
            module("hermes_cli.profiles").create_profile(
                PROFILE, clone_from="default", clone_all=True, no_alias=True
            )
            if (place / "state.db").exists():
                self.note(PROFILE)

        self.later = cloned

    # What befalls the database

    def do_copy(self) -> None:
        """Somebody keeps a copy of the database."""
        self.tick(GAP)
        if "copy" in self.snapshots:
            raise NotHere
        self.snapshots["copy"] = self.truth.snapshot()
        self.later = lambda: shutil.copyfile(self.database, self.kept_copy)

    def do_restore(self) -> None:
        """The copy is put back."""
        self.tick(GAP)
        if "copy" not in self.snapshots:
            raise NotHere
        self.truth.put_back(self.snapshots["copy"])
        self.later = lambda: shutil.copyfile(self.kept_copy, self.database)

    def do_replace(self) -> None:
        """The database is moved away, and the release begins a new one."""
        self.tick(GAP)
        self.truth.put_back(None)

        def anew() -> None:
            self.database.unlink()
            self.state.SessionDB().close()

        self.later = anew

    def do_move(self) -> None:
        """All chats exported, the database begun anew, all imported (0.19.0), newest first."""
        self.tick(GAP)
        self._reimport(self.db.export_all())

    def do_move_sorted(self) -> None:
        """The same, oldest first."""
        self.tick(GAP)
        self._reimport(self.db.export_all()[::-1])

    def _reimport(self, exported: list[Json]) -> None:
        if LONE in json.dumps(exported, ensure_ascii=False):
            raise NotHere  # 0.19.0 takes none of it, and the database is put back
        sessions = json.loads(json.dumps(exported))
        self.truth.state["held"] = {}

        def again() -> None:
            self.database.unlink()
            db = self.state.SessionDB()
            answer = db.import_sessions(sessions)
            db.close()
            if not answer["ok"]:
                raise RuntimeError(str(answer["errors"]))

        self.later = again

    def do_export(self) -> None:
        """This chat is exported."""
        self.tick(GAP)
        session_id = self.known()
        export = self.db.export_session(session_id)
        if export is None or not export["messages"]:
            raise NotHere
        self.snapshots["export"] = [session_id, json.loads(json.dumps(export))]
        self.snapshots["exported"] = self.truth.snapshot()

    def do_import(self) -> None:
        """The exported chat is imported; that skips a session that is there."""
        self.tick(GAP)
        if "export" not in self.snapshots:
            raise NotHere
        session_id, export = self.snapshots["export"]
        if self.db.import_sessions([export])["imported"] != 1:
            raise NotHere
        back = [message["tool_name"] for message in export["messages"] if message["tool_name"]]
        fates = self.truth.state["fate"].setdefault(session_id, {})
        for mark in back:
            fates.pop(mark, None)
        then = self.snapshots["exported"]["fate"].get(session_id, {})
        for mark, fate in then.items():
            fates[mark] = fate

    def do_ahead(self) -> None:
        """The machine's clock is a day ahead from here on."""
        self.tick(DAY)

    def do_behind(self) -> None:
        """The machine's clock is set back by a day."""
        self.clock.now -= DAY

    def do_travel(self) -> None:
        """The machine's zone is another from here on, as after a move or in a container."""
        self.zone = "UTC0" if self.zone != "UTC0" else "XXX-2"
        self.tick(DAY)

    def do_update(self) -> None:
        """The first start of a later release."""
        self.tick(DAY)

    # What is compared

    def _rows(self, session_id: str) -> list[str]:
        """Return the marks of the active rows of a session."""
        return [
            row["tool_name"]
            for row in self.db.get_messages(session_id)
            if row.get("tool_name") and row["role"] != "session_meta"
        ]

    def look(self) -> str | None:
        """Note which rows are there; return where one is that was taken out, or out of order."""
        columns = [row[1] for row in self.db._conn.execute("PRAGMA table_info(messages)")]
        active = "active" if "active" in columns else "1"
        found: dict[str, list[str]] = {}
        for session_id, mark, shown in self.db._conn.execute(
            f"SELECT session_id, tool_name, {active} FROM messages"
            " WHERE tool_name IS NOT NULL ORDER BY id"
        ):
            self.truth.hold(session_id, mark)
            if shown:
                found.setdefault(session_id, []).append(mark)
        for session_id, marks in found.items():
            rest = iter(self.truth.visible(session_id))
            if not all(mark in rest for mark in marks):
                return f"{session_id}: {marks} against {self.truth.visible(session_id)}"
        return None


ACTS = {
    name[3:].rstrip("_"): method
    for name, method in vars(Player).items()
    if name.startswith("do_") and callable(method)
}


def act(player: Player, name: str) -> None:
    """Do one act; ``b `` before its name: in the other chat, ``quick ``: at once.

    ``p ``: in the other profile, whose player it takes.
    """
    words = name.split()
    player._lane = "b" if "b" in words else "a"
    player.short = "quick" in words
    ACTS[words[-1]](player)


def do(order: Json) -> Json:
    """Make a node from its parent and do its act; say what became of it."""
    node = Path(order["node"])
    if order["parent"] is None:
        node.mkdir(parents=True)
    else:
        shutil.copytree(order["parent"], node)
    player = Player(node, PROFILE if "p" in order["act"].split() else "")
    try:
        act(player, order["act"])
        against = None if player.later else player.look()
    except NotHere:
        player.close()
        shutil.rmtree(node)
        return {"made": False}
    player.close()
    if player.later is not None:
        player.later()
    player.note(player.profile)
    return {"made": True, "against": against}


def main() -> None:
    """Answer orders until stdin ends."""
    logging.disable(logging.CRITICAL)
    os.fsync = lambda fd: None
    numbers = Random(0)
    uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
    for line in sys.stdin:
        order = json.loads(line)
        numbers.seed(order["seed"])
        print("done", json.dumps(do(order)), flush=True)
