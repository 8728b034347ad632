"""One pass over ``messages`` that says where a closer look is due; it reads each row once.

Texts of 64 neighbouring rows are put together by SQLite and decoded as one: where that works, all
are valid UTF-8, and no row has to be fetched by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.harness import Kind, default_harness
from hermes_repair.model.values import RawText, Row, Value
from hermes_repair.store.connections import name
from hermes_repair.store.look import Look

BLOCK = 64  # rows; few enough for huge ones, enough that most cost nothing in Python

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


def find_suspects(look: Look) -> Suspects:
    """Go over all messages once."""
    columns = look.columns("messages")
    texts = [column for column in TEXTS if column in columns]
    joined = ", ".join(f"group_concat({name(column)}, char(10))" for column in texts)
    sql = (
        f"SELECT MIN(id), MAX(id), MAX({_odd(texts)}), MAX({_summary()}), {joined} FROM"
        f" (SELECT * FROM messages WHERE id > ? ORDER BY id LIMIT {BLOCK})"
    )
    values: list[Block] = []
    summaries: list[Block] = []
    last: Value = -(2**63)
    while (row := look.one(sql, [last])) is not None:
        first, last, odd, summary, *found = row
        if not isinstance(first, int) or not isinstance(last, int):
            break
        block = Block(first, last)
        if odd or any(isinstance(text, RawText) for text in found):
            values.append(block)
        if summary:
            summaries.append(block)
    return Suspects(tuple(values), tuple(summaries))


def _odd(texts: Sequence[str]) -> str:
    """Return what is true of a row with a value that no release writes so, as SQL."""
    odd = [
        "typeof(timestamp) NOT IN ('real', 'integer')",
        f"timestamp < {EARLIEST}",
        f"timestamp > {MILLISECONDS}",
        "content >= char(0) AND content < char(1)",  # structured content, behind its mark
        "CASE WHEN tool_calls IS NULL OR tool_calls = '' THEN 0"
        " WHEN typeof(tool_calls) <> 'text' OR NOT json_valid(tool_calls) THEN 1"
        " ELSE json_type(tool_calls) <> 'array' END",
        *(f"typeof({name(column)}) = 'blob'" for column in texts),
    ]
    return " OR ".join(f"COALESCE(({one}), 0)" for one in odd)


def _summary() -> str:
    summaries = (text for text in default_harness().texts if text.kind is Kind.SUMMARY)
    marks = ", ".join(
        sorted({"'" + text.opening[0].replace("'", "''") + "'" for text in summaries})
    )
    return f"role IN ('user', 'assistant') AND substr(ltrim(content), 1, 1) IN ({marks})"


def rows_in(look: Look, blocks: Sequence[Block]) -> Iterator[Row]:
    """Yield whole rows of these blocks, by id."""
    for block in blocks:
        yield from look.rows_of(
            "messages", "id >= ? AND id <= ? ORDER BY id", [block.first, block.last]
        )
