"""A small model of a conversation in both stores, for the tests of the comparison.

Messages are short texts; a turn ends at a wall time and its rows were stamped shortly before. What
a test damages is a list of these, so that what a fill must give back is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hermes_repair.transcripts.clock import Clock, Twin, find_periods
from hermes_repair.transcripts.comparison import compare
from hermes_repair.transcripts.matching import prepare, session_twins
from hermes_repair.transcripts.message_keys import Key, content_text, message_key
from hermes_repair.transcripts.reader import BadLine, Line
from hermes_repair.transcripts.sequences import FileSequence, MessageRow, RowSequence, build_rows
from hermes_repair.transcripts.verdicts import Comparison, HomeFacts, SessionFacts

START = 1_777_000_000.0
OFFSET = 7200.0
"""The operator's zone, seconds east; the machine that runs the tool is in UTC."""


def key_of(message: Mapping[str, Any]) -> Key:
    """Return the key of a decoded line."""
    return message_key(message, content_text(message.get("content")))


@dataclass(frozen=True, slots=True)
class Said:
    """One message: ``ended`` is the epoch at which its turn ended, ``stamped`` that of its row."""

    role: str
    text: str
    ended: float
    stamped: float
    answers: str | None = None

    def message(self, timed: bool = True) -> dict[str, object]:
        """Return it as the decoded line of a file."""
        line: dict[str, object] = {"role": self.role, "content": self.text}
        if self.answers:
            line["tool_call_id"] = self.answers
        if timed:
            line["timestamp"] = wall_text(self.ended)
        return line


def wall_text(epoch: float) -> str:
    """Return an epoch as the operator's gateway writes it."""
    return datetime.fromtimestamp(epoch + OFFSET, UTC).replace(tzinfo=None).isoformat()


def turn(number: int, *texts: str, at: float | None = None) -> list[Said]:
    """Return a turn of a user and an assistant line (or more of both, alternating)."""
    ended = (START + number * 600.0) if at is None else at
    return [
        Said("user" if index % 2 == 0 else "assistant", text, ended, ended - 20 + index)
        for index, text in enumerate(texts)
    ]


def talk(*turns: Sequence[str]) -> list[Said]:
    """Return a conversation of turns, ten minutes apart."""
    return [said for number, texts in enumerate(turns) for said in turn(number, *texts)]


def numbered(count: int, start: int = 0) -> list[Said]:
    """Return a conversation of ``count`` turns that say nothing twice."""
    return [
        said
        for number in range(start, start + count)
        for said in turn(number, f"question {number}", f"answer {number}")
    ]


def as_file(said: Iterable[Said | None], timed: bool = True) -> FileSequence:
    """Return a file of these messages; ``None`` is a torn line."""
    sequence = FileSequence(Path("s.jsonl"))
    offset = 0
    for one in said:
        if one is None:
            sequence.add(BadLine(offset, 10, "not valid JSON"))
        else:
            sequence.add(Line(offset, 10, one.message(timed)))
        offset += 11
    return sequence


def as_rows(
    said: Iterable[Said],
    ids: Iterable[int] | None = None,
    inactive: Iterable[int] = (),
    ours: Iterable[int] = (),
) -> RowSequence:
    """Return rows of these messages; ``ids`` default to every other number (two chats at once)."""
    messages = list(said)
    numbers = list(ids) if ids is not None else list(range(1, 2 * len(messages) + 1, 2))
    hidden = set(inactive)
    return build_rows(
        (
            MessageRow(
                number, one.role, one.text, None, one.answers, one.stamped, int(index not in hidden)
            )
            for index, (number, one) in enumerate(zip(numbers, messages, strict=True))
        ),
        ours=set(ours),
    )


def home_twins() -> list[Twin]:
    """Return what another, healthy session of the home proves about its zone."""
    said = numbered(60)
    return session_twins(prepare("s", as_file(said), as_rows(said), Clock(UTC)))


def clock(proven: bool = True) -> Clock:
    """Return the clock of a home, with or without the proof of its zone."""
    return Clock(UTC, find_periods(home_twins()) if proven else ())


def facts(started_at: float | None = START - 60, rewind_count: int = 0) -> SessionFacts:
    """Return the session row of an ordinary session."""
    return SessionFacts(started_at, rewind_count)


def judge(
    file: FileSequence,
    rows: RowSequence,
    session: SessionFacts | None = None,
    home: HomeFacts | None = None,
    proven: bool = True,
) -> Comparison:
    """Compare with an ordinary session row unless one is given."""
    return compare(prepare("s", file, rows, clock(proven)), session or facts(), home or HomeFacts())


def result(comparison: Comparison, file: FileSequence, rows: RowSequence) -> list[bytes]:
    """Return the keys of the session after the fill, and check the fill's own promises."""
    fill = comparison.fill
    assert fill is not None
    place = {number: index for index, number in enumerate(rows.ids)}
    keys: list[bytes] = []
    times: list[float] = []
    existing: list[int] = []
    for step in fill.steps:
        assert (step.row_id is None) != (step.line is None)
        if step.row_id is not None:
            assert step.timestamp is None
            existing.append(step.row_id)
            keys.append(rows.keys[place[step.row_id]])
            times.append(rows.times[place[step.row_id]])
        else:
            assert step.line is not None
            assert step.timestamp is not None
            keys.append(file.keys[step.line])
            times.append(step.timestamp)
    assert existing == list(rows.ids), "every row stays, in its order"
    assert len(fill.lines) == len(set(fill.lines))
    assert all(step.row_id is not None for step in fill.steps[: fill.kept])
    assert fill.kept == len(fill.steps) or fill.steps[fill.kept].line is not None
    if list(rows.times) == sorted(rows.times):
        assert times == sorted(times), "the order by (timestamp, id) is the order by id"
    return keys
