"""Make a home of any size: ``python -m benchmarks.make_home TARGET --messages 1000000``.

Chats of the gateway as 0.14.0 to 0.16.0 store them, turn by turn and eight at a time, so that the
rows of one chat do not lie together. The oldest chats have their JSONL beside it, up to
``--jsonl-bytes``; of those every ``--damaged-every``-th is damaged in a way that repair is sure of:
the front or the middle missing in SQLite, or the last line torn. Equal arguments give equal homes.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.text import Text
from sample_data.build import structure_sql

FIRST_SCHEMA, LAST_SCHEMA = 10, 22
"""Numbers whose search tables are filled by triggers of their own; repair writes from 11 on."""

START = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
MODEL = "example/model-1"
AT_ONCE = 8
LONG_CHAT = 200
"""One chat of so many has ten times the turns."""
BLOB = 900_000_000
"""Bytes; SQLite takes no value of a gigabyte."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """What is asked for. ``messages`` are those said; damage leaves some of them out of SQLite.

    ``length``: chats have so many times the turns. ``reasoning``: sentences that the model thinks
    before each answer, which files and rows hold and no search table does. ``results``: sentences
    that the result of a tool has at most, some 55 bytes each. ``chat_messages``: what each chat
    has, 0 for 8 to 24 turns.
    """

    messages: int
    schema: int = 14
    jsonl_bytes: int = 0
    damaged_every: int = 20
    padding_bytes: int = 0
    length: int = 1
    reasoning: int = 0
    results: int = 40
    chat_messages: int = 0
    seed: int = 1


@dataclass(slots=True)
class Made:
    """What there is then. ``messages`` are rows, ``missing`` lines without their row."""

    sessions: int = 0
    messages: int = 0
    missing: int = 0
    transcripts: int = 0
    damaged: int = 0
    jsonl_bytes: int = 0


@dataclass(slots=True)
class Chat:
    """One chat while it is being held. ``lacks`` are the turns that SQLite does not get."""

    session_id: str
    started: float
    turns: int
    recorded: bool
    lacks: range
    torn: bool
    most: int
    said: int = 0
    rows: int = 0
    calls: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def damaged(self) -> bool:
        return self.torn or bool(self.lacks)


def make_home(target: Path, size: Size) -> Made:
    """Make the home at ``target``, which must not hold a database yet; return what is in it.

    Raises ``ValueError`` for a schema outside 10 to 22, and for more bytes of JSONL than so many
    messages give; ``FileExistsError`` where there is a ``state.db``.
    """
    if not FIRST_SCHEMA <= size.schema <= LAST_SCHEMA:
        raise ValueError(f"schema {size.schema} is not one of {FIRST_SCHEMA} to {LAST_SCHEMA}")
    database = target / "state.db"
    if database.exists():
        raise FileExistsError(f"{database} is there already")
    (target / "sessions").mkdir(parents=True, exist_ok=True)
    made = Made()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(structure_sql(size.schema))
        connection.execute("BEGIN")
        connection.execute("INSERT INTO schema_version VALUES (?)", (size.schema,))
        _hold_chats(connection, target / "sessions", size, made)
        _pad(connection, size.padding_bytes)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    if made.jsonl_bytes < size.jsonl_bytes:
        raise ValueError(
            f"{size.messages} messages give {made.jsonl_bytes} bytes of JSONL, "
            f"not {size.jsonl_bytes}"
        )
    return made


def _hold_chats(connection: sqlite3.Connection, folder: Path, size: Size, made: Made) -> None:
    random = Random(size.seed)
    text = Text(random)
    moment = START
    said = 0
    while said < size.messages:
        chats = [
            _open_chat(random, made.sessions + place, made, size, moment + 20 * place)
            for place in range(AT_ONCE)
        ]
        rows: list[tuple[Any, ...]] = []
        for number in range(max(chat.turns for chat in chats)):
            for chat in (chat for chat in chats if number < chat.turns):
                moment += random.uniform(20, 90)  # so each chat begins after its row
                turn = _turn(text, random, chat, number, size)[: size.messages - said]
                turn = turn[: chat.most - chat.said]
                said += len(turn)
                rows += _say(chat, number, turn, moment, made)
        connection.executemany(_INSERT_MESSAGE, rows)
        held = [chat for chat in chats if chat.said]
        connection.executemany(_INSERT_SESSION, [_session_row(chat) for chat in held])
        made.sessions += len(held)
        for chat in held:
            _close_chat(chat, folder, made)


def _open_chat(random: Random, number: int, made: Made, size: Size, started: float) -> Chat:
    turns = random.randint(8, 24) * (10 if number % LONG_CHAT == LONG_CHAT - 1 else 1)
    turns = size.chat_messages or turns * size.length
    recorded = made.jsonl_bytes < size.jsonl_bytes
    lacks, torn = range(0), False
    if recorded and number % size.damaged_every == size.damaged_every - 1:
        kind = number // size.damaged_every % 3
        lacks = (range(turns * 3 // 4), range(turns // 3, turns * 2 // 3), range(0))[kind]
        torn = kind == 2
    name = f"{datetime.fromtimestamp(started, UTC):%Y%m%d_%H%M%S}_{random.getrandbits(32):08x}"
    most = size.chat_messages or size.messages
    return Chat(name, started, turns, recorded, lacks, torn, most)


def _turn(text: Text, random: Random, chat: Chat, number: int, size: Size) -> list[Message]:
    """Return the messages of one turn; a third of the turns use a tool."""
    ask = {"role": "user", "content": text.draw(1, 5)}
    answer = {
        "role": "assistant",
        "content": text.draw(3, 25),
        "reasoning": text.draw(size.reasoning, size.reasoning) if size.reasoning else None,
        "finish_reason": "stop",
    }
    if random.random() > 1 / 3:
        return [ask, answer]
    call = f"call_{chat.session_id[-8:]}_{number}"
    function = {"name": "terminal", "arguments": json.dumps({"command": text.draw(1, 1)})}
    calling = {
        "role": "assistant",
        "content": "",
        "reasoning": text.draw(1, 4),
        "finish_reason": "tool_calls",
        "tool_calls": [{"id": call, "type": "function", "function": function}],
    }
    result = {
        "role": "tool",
        "name": "terminal",
        "content": text.draw(2, size.results, "\n"),
        "tool_call_id": call,
    }
    return [ask, calling, result, answer]


def _say(
    chat: Chat, number: int, turn: list[Message], moment: float, made: Made
) -> Iterator[tuple[Any, ...]]:
    """Write one turn to the chat's lines and yield the rows that SQLite gets of it."""
    stamp = datetime.fromtimestamp(moment + 0.3, UTC).replace(tzinfo=None).isoformat()
    if chat.recorded:
        if not number:
            meta = {"role": "session_meta", "tools": [], "model": MODEL, "platform": "telegram"}
            chat.lines.append(_line(meta, stamp))
        chat.lines += [_line(message, stamp) for message in turn]
    chat.said += len(turn)
    if number in chat.lacks:
        made.missing += len(turn)
        return
    for place, message in enumerate(turn):
        calls = message.get("tool_calls")
        chat.rows += 1
        chat.calls += bool(calls)
        made.messages += 1
        yield (
            chat.session_id,
            message["role"],
            message["content"],
            message.get("tool_call_id"),
            json.dumps(calls) if calls else None,
            moment + 0.0005 * place,
            message.get("finish_reason"),
            message.get("reasoning"),
        )


def _line(message: Message, stamp: str) -> str:
    return json.dumps({**message, "timestamp": stamp}, ensure_ascii=False) + "\n"


_INSERT_MESSAGE = (
    "INSERT INTO messages (session_id, role, content, tool_call_id, tool_calls, timestamp,"
    " finish_reason, reasoning) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_SESSION = (
    "INSERT INTO sessions (id, source, user_id, model, system_prompt, started_at, message_count,"
    " tool_call_count, title, api_call_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _session_row(chat: Chat) -> tuple[Any, ...]:
    prompt, title = "You are a helpful assistant.", f"Chat {chat.session_id}"
    counts = (chat.rows, chat.calls, title, 1)
    return (chat.session_id, "telegram", "4711", MODEL, prompt, chat.started, *counts)


def _close_chat(chat: Chat, folder: Path, made: Made) -> None:
    if not chat.recorded:
        return
    content = "".join(chat.lines).encode()
    if chat.torn:
        content = content[: -len(chat.lines[-1].encode()) // 2]
    (folder / f"{chat.session_id}.jsonl").write_bytes(content)
    made.transcripts += 1
    made.damaged += chat.damaged
    made.jsonl_bytes += len(content)


def _pad(connection: sqlite3.Connection, size: int) -> None:
    """Make the file ``size`` bytes larger, by zeros that no search table holds."""
    for number, start in enumerate(range(0, size, BLOB)):
        length = min(BLOB, size - start)
        connection.execute(
            "INSERT INTO state_meta VALUES (?, zeroblob(?))", (f"padding_{number}", length)
        )


def main(arguments: list[str]) -> int:
    """Make the home that the command line describes and say what is in it, as JSON."""
    parser = argparse.ArgumentParser(
        description="Make a Hermes home of any size.", argument_default=argparse.SUPPRESS
    )
    parser.add_argument("target", type=Path)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--schema", type=int)
    parser.add_argument("--jsonl-bytes", type=int)
    parser.add_argument("--damaged-every", type=int)
    parser.add_argument("--padding-bytes", type=int)
    parser.add_argument("--length", type=int)
    parser.add_argument("--reasoning", type=int)
    parser.add_argument("--results", type=int)
    parser.add_argument("--chat-messages", type=int)
    parser.add_argument("--seed", type=int)
    options = vars(parser.parse_args(arguments))
    target = options.pop("target")
    made = make_home(target, Size(**options))
    json.dump({name: getattr(made, name) for name in Made.__slots__}, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
