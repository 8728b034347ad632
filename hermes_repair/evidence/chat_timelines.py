"""What the database and the files have of each chat, message by message, and of each day.

For a picture, not for a judgement: every verdict is that of the comparison
(:mod:`hermes_repair.evidence.compared_transcripts`), which has run by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from hermes_repair.evidence.message_places import Stretch
from hermes_repair.evidence.scene import Scene
from hermes_repair.transcripts.verdicts import Comparison, Fill, Step

HOUR = 3600
LATEST = 253_402_300_799  # 9999-12-31; what is later is milliseconds, or no time at all


@dataclass(frozen=True, slots=True)
class FileAccount:
    """What a transcript or log of a chat has: ``name`` of the file, its ``messages``.

    ``missing`` of them are not in the database, ``safe`` says whether they come back unasked, and
    ``reason`` why (not), in a sentence. ``stretches`` is empty where nothing is missing.
    """

    name: str
    messages: int
    missing: int
    safe: bool
    reason: str
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: messages that the database has, and those that only a file has."""

    day: date
    stored: int
    missing: int


def file_accounts(scene: Scene) -> dict[str, FileAccount]:
    """Return what the files have, by session; a log only where nothing else has its messages."""
    accounts = {}
    for session_id, compared in [*scene.comparisons.answers.items(), *scene.logs.items()]:
        if compared.comparison is not None:
            accounts[session_id] = _account(compared.file.path.name, compared.comparison)
    return accounts


def _account(name: str, comparison: Comparison) -> FileAccount:
    fill = comparison.fill
    return FileAccount(
        name=name,
        messages=comparison.counts.file,
        missing=len(fill.lines) if fill is not None else 0,
        safe=comparison.safe,
        reason=comparison.reason,
        stretches=tuple(stretches(fill)) if fill is not None and fill.lines else (),
    )


def stretches(fill: Fill) -> Iterator[Stretch]:
    """Yield the messages of a chat, in their final order, as stretches of one kind each."""

    def places(step: Step) -> tuple[bool, bool]:
        return step.row_id is not None, step.row_id is None or step.row_id in fill.in_file

    for (database, file), group in groupby(fill.steps, key=places):
        steps = list(group)
        times = [step.timestamp for step in steps if step.timestamp is not None]
        first, last = (min(times), max(times)) if times else (None, None)
        yield Stretch(len(steps), database, file, first, last)


def days(scene: Scene) -> tuple[Day, ...]:
    """Return every day that has messages, the earliest first.

    What the database has is counted in one scan, by hours; a time that is none is on no day.
    """
    stored: Counter[date] = Counter()
    hours = scene.look.scan(
        f"CAST(timestamp / {HOUR} AS INTEGER) AS hour, COUNT(*)",
        "messages",
        f"typeof(timestamp) IN ('integer', 'real') AND timestamp BETWEEN 0 AND {LATEST}",
        tail="GROUP BY hour",
    )
    for hour, messages in hours:
        if isinstance(hour, int) and isinstance(messages, int):
            stored.update({_day(hour * HOUR): messages})
    missing = Counter(_day(at) for at in _missing_times(scene))
    return tuple(
        Day(day, stored[day], missing[day]) for day in sorted(stored.keys() | missing.keys())
    )


def _missing_times(scene: Scene) -> Iterator[float]:
    for compared in [*scene.comparisons.answers.values(), *scene.logs.values()]:
        fill = compared.comparison.fill if compared.comparison is not None else None
        for step in fill.steps if fill is not None else ():
            at = step.timestamp if step.line is not None else None
            if at is not None and 0 <= at <= LATEST:
                yield at


def _day(at: float) -> date:
    """Return the day by the clock of this machine, as every time in a report is told."""
    return datetime.fromtimestamp(at).date()
