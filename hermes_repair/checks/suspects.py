"""One pass over ``messages`` that says where a closer look is due; it reads each row once.

Texts of neighbouring rows are put together by SQLite and decoded as one: where that works, all are
valid UTF-8, and no row has to be fetched by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from hermes_repair.harness import Kind, default_harness
from hermes_repair.model.values import Row, Value
from hermes_repair.store.connections import name
from hermes_repair.store.look import Look

MOST, FEWEST = 64, 8  # rows of a block; larger ones cost more in memory that is new each time
LARGE = 4 << 20  # bytes of a block, above which the next ones have fewer rows

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
    """Where odd values are, and what may be compaction summaries."""

    values: tuple[Block, ...]
    summaries: tuple[Block, ...]


def find_suspects(look: Look, *, deep: bool) -> Suspects:
    """Go over all messages once; ``deep`` looks at every column of text."""
    columns = look.columns("messages")
    texts = [column for column in (TEXTS if deep else SPOKEN) if column in columns]
    joined = ", ".join(
        f"CAST(group_concat(NULLIF({name(column)}, ''), ',') AS BLOB)" for column in texts
    )
    sql = (
        "SELECT MIN(timestamp), MAX(timestamp), COUNT(*) - COUNT(timestamp),"
        f" SUM(typeof(content) = 'blob'), {joined} FROM messages WHERE id BETWEEN ? AND ?"
    )
    harness = default_harness().texts
    openings = [text.opening.encode() for text in harness if text.kind is Kind.SUMMARY]
    values: list[Block] = []
    summaries: list[Block] = []
    size = MOST
    first = _edge(look, "MIN")
    while first is not None:
        row = look.one(
            "SELECT id FROM messages WHERE id >= ? ORDER BY id LIMIT 1 OFFSET ?", [first, size - 1]
        )
        end = row[0] if row is not None else _edge(look, "MAX")
        block = Block(first, end if isinstance(end, int) else first)
        earliest, latest, missing, blobs, *found = look.one(sql, [block.first, block.last]) or ()
        text = dict(
            zip(texts, (one if isinstance(one, bytes) else b"" for one in found), strict=True)
        )
        plain = is_time(earliest) and is_time(latest) and not missing and not blobs
        if not plain or not all(map(_is_utf8, text.values())) or _is_odd(text):
            values.append(block)
        if any(opening in text["content"] for opening in openings):
            summaries.append(block)
        size = max(FEWEST, size // 4) if sum(map(len, text.values())) > LARGE else MOST
        first = block.last + 1 if row is not None else None
    return Suspects(tuple(values), tuple(summaries))


def is_time(value: Value) -> bool:
    """Whether a value can be the time of a message, in epoch seconds."""
    return isinstance(value, int | float) and EARLIEST <= value <= MILLISECONDS


def _edge(look: Look, which: str) -> int | None:
    row = look.one(f"SELECT {which}(id) FROM messages")
    return row[0] if row is not None and isinstance(row[0], int) else None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_odd(text: Mapping[str, bytes]) -> bool:
    """Whether structured content may be among these texts, or tool calls that are no JSON list."""
    if b"\x00" in text["content"]:
        return True
    try:
        calls = orjson.loads(b"[" + text["tool_calls"] + b"]")
    except orjson.JSONDecodeError:
        return True
    return not all(type(call) is list for call in calls)


def rows_in(look: Look, blocks: Sequence[Block]) -> Iterator[Row]:
    """Yield whole rows of these blocks, by id."""
    for block in blocks:
        yield from look.rows_of(
            "messages", "id >= ? AND id <= ? ORDER BY id", [block.first, block.last]
        )
