"""Whether the database already holds every message of a file, at little more than decoding it.

Nearly every session of a home is whole, and a home can have gigabytes of transcripts. Here file and
rows go by once, side by side, and texts are compared as they are; only where two differ are keys
made of both. Where the rows run out before the lines, nothing is decided and
:func:`~.comparison.compare` has to look.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from hermes_repair.model.values import Value
from hermes_repair.transcripts.clock import Twin, parse_time, trusted_twins
from hermes_repair.transcripts.message_keys import (
    COMPARED,
    calls_text,
    content_text,
    decode_calls,
    message_key,
    row_key,
    stored_text,
)
from hermes_repair.transcripts.reader import BadLine, Message, TranscriptReader
from hermes_repair.transcripts.sequences import (
    is_genuine,
    is_spoken,
    role_flags,
    row_time,
)
from hermes_repair.transcripts.verdicts import Comparison, Counts, whole

Columns: TypeAlias = tuple[Value, ...]
"""A row in the order of :class:`~.sequences.MessageRow`."""

_ID = re.compile(r'"id": "([^"\\]*)"')
_SAMPLE = 100  # turns kept at each end of a file as evidence of its zone


@dataclass(frozen=True, slots=True)
class Settled:
    """A session whose rows hold all that its file has.

    ``bad`` are the damaged places of the file, ``twins`` evidence of the zone of the home.
    """

    comparison: Comparison
    bad: tuple[BadLine, ...]
    twins: tuple[Twin, ...]


def settle(session_id: str, path: Path, rows: Iterable[Columns]) -> Settled | None:
    """Return the answer where every message of the file is a row, in this order; else ``None``.

    ``rows`` are all rows of the session by ascending id, less those that a receipt of ours
    deactivated; they are taken one by one, and not all of them where the answer is ``None``. (An
    ``ORDER BY id`` over the contents makes SQLite sort them; joining the sorted ids is cheaper.)
    Raises ``OSError`` where the file cannot be read.
    """
    walk = _Walk(iter(rows))
    reader = TranscriptReader(path)
    try:
        for record in reader:
            if isinstance(record, BadLine):
                walk.bad.append(record)
            elif not walk.take(record.message):
                return None
        walk.finish()
    except RecursionError:
        return None
    if reader.changed or not walk.lines:
        return None
    return walk.settled(session_id)


class _Walk:
    """Lines and rows side by side, and what was seen of them."""

    def __init__(self, rows: Iterator[Columns]) -> None:
        self._rows = rows
        self._stamp: Any = None
        self._stamped: Value = None
        self._first: list[tuple[Any, Value]] = []
        self._last: deque[tuple[Any, Value]] = deque(maxlen=_SAMPLE)
        self._extra = self._inactive = 0
        self.lines = 0
        self.bad: list[BadLine] = []

    def take(self, message: Message) -> bool:
        """Go on to the row of the next message; ``False`` where it has none."""
        role = message.get("role")
        if not isinstance(role, str):
            return False
        if role not in COMPARED:
            return True
        content, calls = message.get("content"), message.get("tool_calls")
        answered, stamp = message.get("tool_call_id"), message.get("timestamp")
        if stamp != self._stamp:
            self._end_turn(stamp)
        key = None
        for row in self._rows:
            if row[1] == role:
                if content == row[2] and answered == row[4] and type(content) is str:
                    same = _same_calls(calls, row[3]) if calls or row[3] else True
                else:
                    key = key or message_key(message, content_text(content))
                    same = key == row_key(role, row[2], row[3], row[4])
                if same:
                    self._stamped = row[5]
                    if role == "tool" or is_spoken(role, content):
                        self.lines += 1
                        self._inactive += row[6] is not None and row[6] != 1
                    return True
            self._extra += _is_genuine(row)
        return False

    def _end_turn(self, stamp: Any) -> None:
        """Keep when the turn ended and when its last row was stamped; begin another."""
        if self._stamp is not None:
            kept = self._first if len(self._first) < _SAMPLE else self._last
            kept.append((self._stamp, self._stamped))
        self._stamp = stamp

    def finish(self) -> None:
        """Count the rows after the last line."""
        self._end_turn(None)
        for row in self._rows:
            self._extra += _is_genuine(row)

    def settled(self, session_id: str) -> Settled:
        """Return the answer."""
        counts = Counts(
            file=self.lines,
            database=self.lines + self._extra,
            extra=self._extra,
            bad=len(self.bad),
            inactive=self._inactive,
        )
        twins = [*self._twins(self._first), *self._twins(self._last)]
        return Settled(whole(session_id, counts), tuple(self.bad), tuple(twins))

    def _twins(self, turns: Iterable[tuple[Any, Value]]) -> list[Twin]:
        twins = []
        for stamp, stamped in turns:
            time, epoch = parse_time(stamp), row_time(stamped)
            if time is not None and not time[1] and not math.isnan(epoch):
                twins.append(Twin(time[0], epoch))
        return trusted_twins(twins)


def _same_calls(calls: Any, stored: Value) -> bool:
    if not calls or not stored:
        return not calls and not stored
    if type(calls) is list and type(stored) is str:
        # Ids as they stand in the text spare decoding it; where they differ, decoding decides.
        ids = _ID.findall(stored)
        named = [call.get("id") for call in calls if type(call) is dict]
        if ids == named and len(ids) == len(calls) and "" not in ids:
            return True
    decoded = decode_calls(stored)
    return bool(calls == decoded or calls_text(calls) == calls_text(decoded))


def _is_genuine(row: Columns) -> bool:
    text = row[2] if isinstance(row[2], str) else stored_text(row[2])
    return is_genuine(role_flags(row[1], text))
