"""A gateway of a release, so far as it writes conversations.

What is real: every write to ``state.db``, to ``sessions/<id>.jsonl`` and to
``sessions/sessions.json`` is made by the release's own ``SessionDB`` and ``SessionStore``. What is
imitated is their caller: ``gateway/run.py`` and ``AIAgent`` need a model behind them, so ``turn``
makes the same calls in the same order as they do (read in 0.13.0, 0.14.0 and 0.15.2):

* ``get_or_create_session`` when the message arrives; ``create_session`` (INSERT OR IGNORE),
  ``update_system_prompt`` where the row has none, ``update_token_counts`` per model call;
* at the end of the turn ``append_message`` for each message (``_flush_messages_to_session_db``,
  images cut down to text), then the gateway's ``append_to_transcript``: ``session_meta`` (file and
  database) when there was no history, the messages with ``skip_db=True`` (file alone), all with one
  naive local time. So in the database a chat's ``session_meta`` row FOLLOWS its first turn.

``rotate`` is ``AIAgent._compress_context`` of 0.15.2 without a model: the same ``SessionDB`` calls
in the same order (title, ``end_session``, ``create_session``, numbered title, system prompt), the
summary's opening taken from the release itself.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import sys
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

Json = dict[str, Any]

MODEL = "example/model-1"
TOOLS = [{"type": "function", "function": {"name": "terminal", "parameters": {"type": "object"}}}]
PROMPT = "You are a helpful assistant."
MODEL_CONFIG = {"max_iterations": 90, "reasoning_config": None, "max_tokens": None}
HEAD_MESSAGES = 3  # ContextCompressor's protect_first_n
TAIL_MESSAGES = 8  # its protect_last_n is 20; shorter chats do as well


def module(name: str) -> Any:
    """Import a module of the release."""
    return importlib.import_module(name)


class Clock:
    """The time that the release sees: set per operation, half a millisecond later at each look."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        seen = self.now
        self.now += 0.0005
        return seen

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.now)


class Gateway:
    """One process of a release: its ``SessionStore``, and the ``SessionDB`` that agents share."""

    def __init__(self, clock: Clock, bulk: bool) -> None:
        self.clock = clock
        self.home = Path(os.environ["HERMES_HOME"])
        self.said: dict[str, list[Json]] = {}  # by session id: what its agent has in memory
        self.started: dict[str, tuple[str, str]] = {}  # ... its platform, when it began
        self.names: dict[str, str] = {}
        for client in ("requests", "httpx"):
            # 0.19.0 imports its network clients beside the store; nothing here calls them.
            if client not in sys.modules and importlib.util.find_spec(client) is None:
                sys.modules[client] = MagicMock(name=client)
        self.state = module("hermes_state")
        self.session = module("gateway.session")
        config = module("gateway.config")
        self.session._now = clock.local
        self.db: Any = self._fast(self.state.SessionDB())
        folder = self.home / "sessions"
        policy = config.SessionResetPolicy(mode="none")
        self.store: Any = self.session.SessionStore(
            folder, config.GatewayConfig(sessions_dir=folder, default_reset_policy=policy)
        )
        self._fast(self.store._db)
        self.save_late: Any = None
        if bulk:
            # sessions.json is rewritten twice per turn; once at the end gives the same file.
            self.save_late, self.store._save = self.store._save, lambda: None

    @staticmethod
    def _fast(db: Any) -> Any:
        db._conn.execute("PRAGMA synchronous=OFF")
        return db

    def close(self) -> None:
        """Close every connection, as a clean stop does: no ``-wal`` or ``-shm`` is left."""
        if self.save_late is not None:
            self.save_late()
        if hasattr(self.store, "get_transcript_path"):
            for session_id in self.started:
                self._write_log(session_id)
        self.store._db.close()
        self.db.close()

    # Turns

    def do_turn(self, op: Json) -> Json:
        """One turn of a chat; returns ``{"session"}``, the id that its messages went to.

        ``chat`` ({platform, chat_id, ...}) goes through the gateway's routing; ``session`` and
        ``source`` instead is an agent that the gateway does not know of. ``messages`` is the turn;
        ``name``, from now on, stands for that id wherever an operation takes a ``session``.
        ``flush`` false: no write of the agent reached the database. ``file``: ``"whole"``,
        ``"none"`` (killed between the two writes), or the number of whole lines after which a
        kill tore the next one. ``rotate``: compress before the turn's messages are written (the
        gateway follows). ``title``: what the titler finds after the turn.
        """
        at, chat, messages = op["at"], op.get("chat"), op["messages"]
        self.clock.now = at - 20
        entry = self._entry(chat) if chat else None
        session_id = entry.session_id if entry else self._id(op["session"])
        source = chat["platform"] if chat else op["source"]
        if session_id not in self.said:
            self.said[session_id] = [
                {key: value for key, value in message.items() if key != "timestamp"}
                for message in self._load(session_id)
                if message["role"] != "session_meta"
            ]
        history = bool(self.said[session_id])
        if op.get("flush", True):
            session_id, messages = self._agent(op, session_id, source, messages)
        self.said.setdefault(session_id, []).extend(messages)
        self.started.setdefault(session_id, (source, self.clock.local().isoformat()))
        if entry is not None:
            if entry.session_id != session_id:
                entry.session_id = session_id
                self.store._save()
            if op.get("file", "whole") != "none":
                self._write_file(op, session_id, source, messages, history)
            self.store.update_session(entry.session_key, last_prompt_tokens=1000)
        if op.get("name"):
            self.names.setdefault(op["name"], session_id)
        return {"session": session_id}

    def _load(self, session_id: str) -> list[Json]:
        messages: list[Json] = self.store.load_transcript(session_id)
        return messages

    def _id(self, name: str) -> str:
        return self.names.get(name, name)

    def _new_id(self) -> str:
        return f"{self.clock.local():%Y%m%d_%H%M%S}_{uuid.uuid4().hex[:6]}"

    def _entry(self, chat: Json) -> Any:
        platform = module("gateway.config").Platform
        source = self.session.SessionSource(**{**chat, "platform": platform(chat["platform"])})
        return self.store.get_or_create_session(source)

    def _agent(
        self, op: Json, session_id: str, source: str, messages: list[Json]
    ) -> tuple[str, list[Json]]:
        """The agent's part of a turn; returns where it wrote and what."""
        self.clock.now = op["at"] - 15
        self.db.create_session(
            session_id=session_id,
            source=source,
            model=MODEL,
            model_config=MODEL_CONFIG,
            system_prompt=None,
            user_id=None,
            parent_session_id=None,
        )
        if not self.db.get_session(session_id)["system_prompt"]:
            self.db.update_system_prompt(session_id, PROMPT)
        spoken = [message for message in messages if message["role"] == "assistant"]
        if op.get("rotate"):
            self.clock.now = op["at"] - 5
            session_id, messages = self._rotate(session_id, source, messages)
        for _ in spoken:
            self.db.update_token_counts(
                session_id,
                input_tokens=900,
                output_tokens=60,
                estimated_cost_usd=0.002,
                cost_status="estimated",
                billing_provider="example",
                model=MODEL,
                api_call_count=1,
            )
        self.clock.now = op["at"]
        for message in messages:
            self._flush(session_id, message)
        if op.get("title"):
            self.db.set_session_title(session_id, op["title"])
        return session_id, messages

    def _flush(self, session_id: str, message: Json) -> None:
        """``AIAgent._flush_messages_to_session_db`` for one message."""
        role, content = message["role"], message.get("content")
        if isinstance(content, list):
            content = flatten(content)
        assistant = role == "assistant"
        self.db.append_message(
            session_id=session_id,
            role=role,
            content=content,
            tool_name=message.get("tool_name"),
            tool_calls=message.get("tool_calls"),
            tool_call_id=message.get("tool_call_id"),
            finish_reason=message.get("finish_reason"),
            reasoning=message.get("reasoning") if assistant else None,
            reasoning_content=message.get("reasoning_content") if assistant else None,
            reasoning_details=message.get("reasoning_details") if assistant else None,
            codex_reasoning_items=message.get("codex_reasoning_items") if assistant else None,
            codex_message_items=message.get("codex_message_items") if assistant else None,
        )

    def _write_file(
        self, op: Json, session_id: str, source: str, messages: list[Json], history: bool
    ) -> None:
        """The gateway's part of a turn: the transcript (0.15.0 and later: the database alone)."""
        self.clock.now = op["at"] + 0.3
        stamp = self.clock.local().isoformat()
        lines = [{**message, "timestamp": stamp} for message in messages]
        if not history:
            meta = {"role": "session_meta", "tools": TOOLS, "model": MODEL, "platform": source}
            self.store.append_to_transcript(session_id, {**meta, "timestamp": stamp})
        whole = op.get("file", "whole")
        count = len(lines) if whole == "whole" else whole
        for line in lines[:count]:
            self.store.append_to_transcript(session_id, line, skip_db=True)
        if whole != "whole":
            text = json.dumps(lines[count], ensure_ascii=False)
            with self.store.get_transcript_path(session_id).open("a", encoding="utf-8") as file:
                file.write(text[: len(text) // 2])

    def _write_log(self, session_id: str) -> None:
        """``AIAgent._save_session_log`` of 0.13.0 and 0.14.0, once for all turns.

        They keep ``session_<id>.json`` beside the JSONL after every turn, never shorter than it
        was; nothing reads it, and no delete removes it.
        """
        path = self.home / "sessions" / f"session_{session_id}.json"
        messages, (platform, start) = self.said.get(session_id, []), self.started[session_id]
        if path.exists():
            former = json.loads(path.read_text(encoding="utf-8"))
            if former["message_count"] > len(messages):
                return
        log = {
            "session_id": session_id,
            "model": MODEL,
            "base_url": "https://models.example/v1",
            "platform": platform,
            "session_start": start,
            "last_updated": self.clock.local().isoformat(),
            "system_prompt": PROMPT,
            "tools": TOOLS,
            "message_count": len(messages),
            "messages": messages,
        }
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(log, indent=2, ensure_ascii=False), encoding="utf-8")

    def _rotate(self, session_id: str, source: str, messages: list[Json]) -> tuple[str, list[Json]]:
        """Close ``session_id`` by compression and open its continuation, as 0.15.2 does.

        Returns the new id and all that its next flush writes: the first messages, a summary, the
        last ones, the turn. In 0.13.0 to 0.18.2 the new row has no message until then.
        """
        receipt_history = self.said[session_id]
        tail = receipt_history[-TAIL_MESSAGES:]
        while tail and tail[0]["role"] != "assistant":
            tail = tail[1:]
        summary = {"role": "user", "content": self._summary(session_id, len(receipt_history))}
        title = self.db.get_session_title(session_id)
        self.db.end_session(session_id, "compression")
        child = self._new_id()
        self.db.create_session(
            session_id=child,
            source=source,
            model=MODEL,
            model_config=MODEL_CONFIG,
            parent_session_id=session_id,
        )
        if title:
            self.db.set_session_title(child, self.db.get_next_title_in_lineage(title))
        self.db.update_system_prompt(child, PROMPT)
        return child, [*receipt_history[:HEAD_MESSAGES], summary, *tail, *messages]

    def _summary(self, session_id: str, count: int) -> str:
        source = Path(self.state.__file__).parent / "agent" / "context_compressor.py"
        texts: Json = {}  # from 0.17.0 on the prefix is put together from headings before it
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(
                node.value, ast.Constant | ast.JoinedStr
            ):
                value = compile(ast.Expression(node.value), str(source), "eval")
                texts[ast.unparse(node.targets[0])] = eval(value, {}, texts)
        prefix = texts["SUMMARY_PREFIX"]
        return (
            f"{prefix}\n## Active Task\nGo on.\n## Done\n{count} messages of {session_id}."
            "\n\n--- END OF CONTEXT SUMMARY — "
            "respond to the message below, not the summary above ---"
        )


def flatten(parts: list[Any]) -> str | None:
    """Return the text that an agent stores for a list of content parts (0.13.0 to 0.19.0)."""
    texts = []
    for part in parts:
        if part.get("type") == "text":
            texts.append(str(part.get("text", "")))
        elif part.get("type") in {"image", "image_url", "input_image"}:
            texts.append("[screenshot]")
    return "\n".join(texts) or None
