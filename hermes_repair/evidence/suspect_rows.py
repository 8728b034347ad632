"""One pass over ``messages`` that says where a closer look is due; it reads each row once.

Texts of neighbouring rows are put together by SQLite and decoded as one: where that works, all are
valid UTF-8, and no row has to be fetched by itself. On the way tool calls are paired with their
answers, session by session, in the order of ids (MS005).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from hermes_repair.model.values import Row, Value
from hermes_repair.program_texts import Kind, default_harness
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look
from hermes_repair.transcripts.message_keys import call_ids, decode_calls


@dataclass(slots=True)
class Pairs:
    """What of one session has no counterpart.

    ``open`` maps the id of a call that nothing answered to the row that made it; ``orphans`` are
    rows that answer a call that nothing made.
    """

    open: dict[str, int] = field(default_factory=dict)
    orphans: list[int] = field(default_factory=list)
    made: set[str] = field(default_factory=set)


class Pairing:
    """Matches calls and answers that are given in the order of their rows' ids."""

    def __init__(self) -> None:
        self._sessions: defaultdict[str, Pairs] = defaultdict(Pairs)

    def call(self, session: str, row: int, calls: Any) -> None:
        """Take what one assistant row calls, decoded; calls without ids say nothing."""
        pairs = self._sessions[session]
        for id in call_ids(calls):
            pairs.open[id] = row
            pairs.made.add(id)

    def answer(self, session: str, row: int, call: str) -> None:
        """Take one tool row that answers ``call``."""
        pairs = self._sessions[session]
        if call in pairs.made:
            pairs.open.pop(call, None)
        else:
            pairs.orphans.append(row)

    def unpaired(self) -> dict[str, Pairs]:
        """Return the sessions where something has no counterpart."""
        return {
            name: pairs for name, pairs in self._sessions.items() if pairs.open or pairs.orphans
        }


MOST, FEWEST = 64, 8  # rows of a block; larger ones cost more in memory that is new each time
LARGE = 4 << 20  # bytes of a block, above which the next ones have fewer rows
PIECE = 4096  # bytes that are decoded at once: one emoji makes the whole piece four times as wide
ROW, PART = "\x1e", "\x1f"  # between the marks of rows, and between the parts of a mark

TEXTS = (
    "role",
    "content",
    "tool_call_id",
    "tool_calls",
    "tool_name",
    "finish_reason",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "codex_reasoning_items",
    "codex_message_items",
    "platform_message_id",
    "api_content",
    "effect_disposition",
)
"""The TEXT columns of ``messages`` in schemas 11 to 22 that hold what was said and done."""

SPOKEN = ("content", "tool_calls", "reasoning", "reasoning_content")
"""Those that hold what comes from outside; the others are looked at with ``--deep``, or in a row
that is odd anyway."""

EARLIEST = 978307200.0  # 2001: no message is older than that
MILLISECONDS = 1e11  # epoch seconds reach this in the year 5138


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring rows by id, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Suspects:
    """Where odd values are, what may be compaction summaries, and what of calls is unpaired."""

    values: tuple[Block, ...]
    summaries: tuple[Block, ...]
    unpaired: Mapping[str, Pairs]


def find_suspects(look: Look, *, deep: bool) -> Suspects:
    """Go over all messages once; ``deep`` looks at every column of text."""
    columns = look.columns("messages")
    texts = [column for column in (TEXTS if deep else SPOKEN) if column in columns]
    joined = ", ".join(
        f"CAST(group_concat(NULLIF({quote(column)}, ''), ',') AS BLOB)" for column in texts
    )
    sql = (
        "SELECT MIN(timestamp), MAX(timestamp), COUNT(*) - COUNT(timestamp),"
        " SUM(typeof(content) = 'blob' OR typeof(tool_calls) = 'blob'),"
        f" {_marks('active' in columns)}, {joined} FROM messages WHERE id BETWEEN ? AND ?"
    )
    harness = default_harness().texts
    openings = [re.escape(text.opening) for text in harness if text.kind is Kind.SUMMARY]
    opening = re.compile("|".join(openings).encode())
    values: list[Block] = []
    summaries: list[Block] = []
    pairing = Pairing()
    size = MOST
    first = _edge(look, "MIN")
    while first is not None:
        row = look.one(
            "SELECT id FROM messages WHERE id >= ? ORDER BY id LIMIT 1 OFFSET ?", [first, size - 1]
        )
        end = row[0] if row is not None else _edge(look, "MAX")
        block = Block(first, end if isinstance(end, int) else first)
        answer = look.one(sql, [block.first, block.last]) or ()
        earliest, latest, missing, blobs, marks, *matching = answer
        text = dict(
            zip(texts, (one if isinstance(one, bytes) else b"" for one in matching), strict=True)
        )
        calls = None if blobs else _calls(text["tool_calls"])
        plain = is_time(earliest) and is_time(latest) and not missing and calls is not None
        if not plain or b"\x00" in text["content"] or not all(map(_is_utf8, text.values())):
            values.append(block)
        if opening.search(text["content"]):
            summaries.append(block)
        if calls is None or not _pair(pairing, marks, calls):
            _pair_rows(pairing, look, block)
        size = max(FEWEST, size // 4) if sum(map(len, text.values())) > LARGE else MOST
        first = block.last + 1 if row is not None else None
    return Suspects(tuple(values), tuple(summaries), pairing.unpaired())


def _marks(has_active: bool) -> str:
    """Return the column that says in the order of rows who called (``a``) and answered (``t``).

    A row with calls that nobody sees is an ``x``, for its calls are among the others; one that does
    both is a ``?``, which no release writes.
    """
    shown = "active = 1" if has_active else "1"
    caller = f"{shown} AND role = 'assistant'"
    answers = f"{shown} AND role = 'tool' AND tool_call_id <> ''"
    return (
        f"group_concat(CASE WHEN tool_calls <> '' THEN CASE WHEN {caller}"
        f" THEN 'a' || char(31) || id || char(31) || session_id WHEN {answers} THEN '?' ELSE 'x'"
        f" END WHEN {answers}"
        " THEN 't' || char(31) || id || char(31) || session_id || char(31) || tool_call_id END,"
        " char(30))"
    )


def _pair(pairing: Pairing, marks: Value, calls: Sequence[Any]) -> bool:
    """Take the calls and answers of a block; False, having taken nothing, where in doubt."""
    if marks is None:
        return not calls
    if not isinstance(marks, str):
        return False
    rows = [mark.split(PART) for mark in marks.split(ROW)]
    if {(row[0], len(row)) for row in rows} - {("a", 3), ("t", 4), ("x", 1)}:
        return False
    if sum(row[0] != "t" for row in rows) != len(calls):
        return False
    called = iter(calls)
    for kind, *parts in rows:
        if kind == "a":
            pairing.call(parts[1], int(parts[0]), next(called))
        elif kind == "t":
            pairing.answer(parts[1], int(parts[0]), parts[2])
        else:
            next(called)
    return True


def _pair_rows(pairing: Pairing, look: Look, block: Block) -> None:
    """Take the calls and answers of a block row by row."""
    active = " AND active = 1" if "active" in look.columns("messages") else ""
    for id, session, role, calls, answered in look.rows(
        "SELECT id, session_id, role, tool_calls, tool_call_id FROM messages"
        f" WHERE id BETWEEN ? AND ? AND (tool_calls <> '' OR tool_call_id <> ''){active}"
        " ORDER BY id",
        [block.first, block.last],
    ):
        if not isinstance(session, str) or not isinstance(id, int):
            continue
        if role == "assistant":
            pairing.call(session, id, decode_calls(calls))
        elif role == "tool" and isinstance(answered, str) and answered:
            pairing.answer(session, id, answered)


def is_time(value: Value) -> bool:
    """Whether a value can be the time of a message, in epoch seconds."""
    return isinstance(value, int | float) and EARLIEST <= value <= MILLISECONDS


def _edge(look: Look, which: str) -> int | None:
    row = look.one(f"SELECT {which}(id) FROM messages")
    return row[0] if row is not None and isinstance(row[0], int) else None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    start = 0
    try:
        while start < len(data):
            end = start + PIECE
            # Not between the bytes of one character; more than three such bytes are none.
            while end < len(data) and data[end] & 0xC0 == 0x80 and end > start + PIECE - 4:
                end -= 1
            data[start:end].decode("utf-8")
            start = end
    except UnicodeDecodeError:
        return False
    return True


def _calls(data: bytes) -> list[Any] | None:
    """Return the tool calls of a block, a list for each row; None where one is no JSON list."""
    try:
        calls: list[Any] = orjson.loads(b"[" + data + b"]")
    except orjson.JSONDecodeError:
        return None
    return calls if all(type(call) is list for call in calls) else None


def rows_in(look: Look, blocks: Sequence[Block]) -> Iterator[Row]:
    """Yield whole rows of these blocks, by id."""
    for block in blocks:
        yield from look.rows_of(
            "messages", "id >= ? AND id <= ? ORDER BY id", [block.first, block.last]
        )
