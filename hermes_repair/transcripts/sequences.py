"""A transcript file and the rows of a session as two sequences of keys, held in columns.

A session can have a hundred thousand messages, so these are flat columns (keys, times, flags), not
an object per message. ``flags`` says what a message is; see the constants.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from hermes_repair.model.values import Value
from hermes_repair.program_texts import (
    default_harness,
    is_compaction_summary,
    is_harness,
    is_todo_snapshot,
)
from hermes_repair.transcripts.clock import MAX_EPOCH, parse_time
from hermes_repair.transcripts.message_keys import (
    COMPARED,
    Key,
    content_text,
    message_key,
    row_key,
    stored_text,
)
from hermes_repair.transcripts.reader import BadLine, Line, Message, Record, TranscriptReader

USER = 1
ASSISTANT = 2
TOOL = 4
SUMMARY = 8
"""A compaction summary."""
HARNESS = 16
"""Written by the program with the role of the user (todo snapshots included)."""
AWARE = 32
"""The time of the line is an epoch, not a wall time."""
INACTIVE = 64
COMPACTED = 128
OURS = 256
"""A receipt of ours inserted or moved this row."""
DROPPED = 512
"""A receipt of ours deactivated this row; it takes no part."""

RECALLED = 1024
"""The sender took this message back (Yuanbao); its text was replaced."""

COMPARABLE = USER | ASSISTANT | TOOL
RECALLED_TEXT = "[This message was recalled/withdrawn by the sender; original content removed]"
_RECALL_NOTE = re.compile(r'\[recall\] message_id="(.+?)" has been recalled')
_ROLE = {"user": USER, "assistant": ASSISTANT, "tool": TOOL}


def is_genuine(flags: int) -> bool:
    """Whether a message is part of the conversation: no summary, no text of the program's own."""
    return bool(flags & COMPARABLE) and not flags & (SUMMARY | HARNESS)


@cache
def _first_characters() -> frozenset[str]:
    """Return the characters with which texts of the program's own begin, white space aside."""
    return frozenset(text[0] for text in (*default_harness().openings(), RECALLED_TEXT))


@cache
def _plain_characters() -> frozenset[str]:
    """Return usual first characters (none at all too) that no text of the program's own has."""
    usual = "".join(map(chr, range(0x21, 0x7F)))
    return (frozenset(usual) | {""}) - _first_characters()


def role_flags(role: object, text: str) -> int:
    """Return the flags that role and text give."""
    flags = _ROLE.get(role, 0) if isinstance(role, str) else 0
    first = text[:1]
    if first not in _first_characters() and not first.isspace():
        return flags
    if flags in (USER, ASSISTANT) and is_compaction_summary(text):
        flags |= SUMMARY
    elif flags == USER and (is_harness(text) or is_todo_snapshot(text)):
        flags |= HARNESS
    elif flags == USER and text.strip() == RECALLED_TEXT:
        flags |= RECALLED
    return flags


def is_spoken(role: str, content: object) -> bool:
    """Whether a user or assistant message of this decoded content is genuine."""
    if type(content) is str and content[:1] in _plain_characters():
        return True
    return is_genuine(role_flags(role, content_text(content)))


class SessionMeta(NamedTuple):
    """What the first ``session_meta`` line of a file, or the head of a log, says."""

    platform: str | None
    model: str | None


@dataclass(slots=True)
class FileSequence:
    """The messages of one file in file order; filled by :func:`read_sequence`, then only read.

    ``offsets`` and ``lengths`` are bytes of each record; ``times`` are wall or epoch seconds (flag
    ``AWARE``), NaN where there is none. ``bad`` are damaged places, ``bad_before[i]`` says before
    which message the i-th lies. ``session_meta`` and system lines are no messages.
    ``platform_ids`` are the ids that a messaging platform gave, by message, where a line has one.
    """

    path: Path
    offsets: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    keys: list[Key] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    flags: array[int] = field(default_factory=lambda: array("H"))
    bad: list[BadLine] = field(default_factory=list)
    bad_before: list[int] = field(default_factory=list)
    platform_ids: dict[int, str] = field(default_factory=dict)
    meta: SessionMeta | None = None
    size: int = 0
    mtime_ns: int = 0
    grew: bool = False
    changed: bool = False
    _last_time: tuple[object, tuple[float, bool]] = (None, (math.nan, False))

    def __len__(self) -> int:
        return len(self.keys)

    def is_current(self) -> bool:
        """Whether the file has the size and time that it had when it was read.

        Raises ``OSError`` where it cannot be asked.
        """
        status = self.path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def genuine(self) -> list[int]:
        """Return the indexes of the messages that are part of the conversation."""
        return [index for index, flags in enumerate(self.flags) if is_genuine(flags)]

    def time(self, index: int) -> float | None:
        """Return the time of a message, wall or epoch, ``None`` where it has none."""
        value = self.times[index]
        return None if math.isnan(value) else value

    def is_aware(self, index: int) -> bool:
        """Whether the time of this message is an epoch."""
        return bool(self.flags[index] & AWARE)

    def add(self, record: Record) -> None:
        """Append one record in file order."""
        if isinstance(record, BadLine):
            self.add_bad(record)
            return
        message = record.message
        role = message.get("role")
        if not isinstance(role, str):
            self.add_bad(BadLine(record.offset, record.length, "no role"))
        elif role in COMPARED:
            self._add_message(record, role)
        elif role == "session_meta" and self.meta is None:
            self.meta = session_meta(message)

    def add_bad(self, line: BadLine) -> None:
        """Note a damaged place before the next message."""
        self.bad.append(line)
        self.bad_before.append(len(self.keys))

    def _add_message(self, record: Line, role: str) -> None:
        message = record.message
        try:
            text = content_text(message.get("content"))
            key = message_key(message, text)
        except RecursionError:
            self.add_bad(BadLine(record.offset, record.length, "nested too deeply"))
            return
        platform_id = message.get("platform_message_id") or message.get("message_id")
        if platform_id:
            self.platform_ids[len(self.keys)] = str(platform_id)
        seconds, aware = self._parsed(message.get("timestamp"))
        self.offsets.append(record.offset)
        self.lengths.append(record.length)
        self.keys.append(key)
        self.times.append(seconds)
        flags = role_flags(role, text)
        self.flags.append(flags | AWARE if aware else flags)

    def _parsed(self, value: object) -> tuple[float, bool]:
        """Parse a timestamp once per turn: all its lines carry the same one."""
        if value is None:
            return math.nan, False
        if value != self._last_time[0] or type(value) is not type(self._last_time[0]):
            self._last_time = (value, parse_time(value) or (math.nan, False))
        return self._last_time[1]


def session_meta(message: Message) -> SessionMeta:
    """Return what a ``session_meta`` line, or the head of a session log, says."""
    platform, model = message.get("platform"), message.get("model")
    return SessionMeta(
        platform if isinstance(platform, str) and platform else None,
        model if isinstance(model, str) and model else None,
    )


def read_sequence(path: Path) -> FileSequence:
    """Read a JSONL transcript. Raises ``OSError`` where the file cannot be opened or read."""
    sequence = FileSequence(path)
    reader = TranscriptReader(path)
    for record in reader:
        sequence.add(record)
    sequence.size, sequence.mtime_ns = reader.size, reader.mtime_ns
    sequence.grew, sequence.changed = reader.grew, reader.changed
    return sequence


class MessageRow(NamedTuple):
    """The columns of one row of ``messages`` that a comparison needs.

    ``active`` and ``compacted`` are ``None`` where the schema has no such column.
    """

    id: int
    role: Value
    content: Value
    tool_calls: Value
    tool_call_id: Value
    timestamp: Value
    active: Value = None
    compacted: Value = None


@dataclass(slots=True)
class RowSequence:
    """All rows of one session by id; filled by :func:`build_rows`, then only read.

    ``times`` are epoch seconds, NaN where the column holds nothing that can be one (text, NULL,
    zero, milliseconds). ``recalled`` are platform ids of messages that their sender took back
    when the database did not have them (a note of role system).
    """

    ids: array[int] = field(default_factory=lambda: array("q"))
    keys: list[Key] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    flags: array[int] = field(default_factory=lambda: array("H"))
    recalled: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, row: MessageRow, ours: bool = False, dropped: bool = False) -> None:
        """Append one row; rows come by ascending id."""
        role = row.role if isinstance(row.role, str) else ""
        text = stored_text(row.content)
        try:
            key = row_key(role, row.content, row.tool_calls, row.tool_call_id)
        except RecursionError:
            key = blake2b(f"unreadable {row.id}".encode(), digest_size=16).digest()
        flags = role_flags(role, text)
        if role == "system" and (note := _RECALL_NOTE.match(text)) is not None:
            self.recalled.add(note[1])
        if row.active is not None and row.active != 1:
            flags |= INACTIVE
        if row.compacted:
            flags |= COMPACTED
        self.ids.append(row.id)
        self.keys.append(key)
        self.times.append(row_time(row.timestamp))
        self.flags.append(flags | (OURS if ours else 0) | (DROPPED if dropped else 0))


def row_time(value: Value) -> float:
    """Return a row's time in epoch seconds, NaN where the value cannot be one."""
    if isinstance(value, int | float) and 0 < value < MAX_EPOCH:
        return float(value)
    return math.nan


def build_rows(
    rows: Iterable[MessageRow],
    ours: Container[int] = frozenset(),
    dropped: Container[int] = frozenset(),
) -> RowSequence:
    """Return the rows of one session, given by ascending id, as a sequence.

    ``ours`` are ids that receipts of ours inserted or moved, ``dropped`` those that receipts of
    ours deactivated.
    """
    sequence = RowSequence()
    for row in rows:
        sequence.add(row, row.id in ours, row.id in dropped)
    return sequence
