"""What an earlier look proved about the same bytes, as JSON can say it: ids, numbers, no text.

Asked through :class:`~hermes_repair.store.look.Answers`, which a look has only where nobody has
the database open and nothing wrote to it since. What is not as it was kept is not an answer.
"""

from __future__ import annotations

import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from dataclasses import astuple
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

from hermes_repair.evidence.suspect_rows import Block, Pairs, Suspects
from hermes_repair.store.look import Answers
from hermes_repair.transcripts.clock import Twin
from hermes_repair.transcripts.quick_comparison import Settled
from hermes_repair.transcripts.reader import BadLine
from hermes_repair.transcripts.verdicts import Counts, whole

MOST_UNPAIRED = 10_000
"""Calls and answers up to which they are kept."""


def known_suspects(answers: Answers | None, deep: bool, find: Callable[[], Suspects]) -> Suspects:
    """Return what a pass over all messages finds, from an earlier look where there is one."""
    if answers is None:
        return find()
    question = f"suspects, deep {deep}"
    known = answers.recall(question)
    if known is not None:
        try:
            return _suspects(known)
        except (TypeError, ValueError, KeyError):
            pass  # not what was kept
    found = find()
    unpaired = found.unpaired.values()
    if sum(len(pairs.open) + len(pairs.orphans) for pairs in unpaired) <= MOST_UNPAIRED:
        answers.remember(question, _told(found))
    return found


def _told(found: Suspects) -> dict[str, Any]:
    return {
        "values": [astuple(block) for block in found.values],
        "summaries": [astuple(block) for block in found.summaries],
        "unpaired": {
            session: [pairs.open, pairs.orphans, sorted(pairs.made)]
            for session, pairs in found.unpaired.items()
        },
    }


def _suspects(known: Any) -> Suspects:
    unpaired = {}
    for session, (unanswered, orphans, made) in known["unpaired"].items():
        rows = {str(call): _number(row) for call, row in unanswered.items()}
        unpaired[session] = Pairs(rows, [_number(row) for row in orphans], set(map(str, made)))
    return Suspects(_blocks(known["values"]), _blocks(known["summaries"]), unpaired)


def _blocks(known: Any) -> tuple[Block, ...]:
    return tuple(Block(_number(first), _number(last)) for first, last in known)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("no number")
    return value


class KnownComparisons:
    """The comparisons of an earlier look of files that are whole in the database.

    ``left_out`` are ids of rows that take no part. An answer counts for one state of the file, told
    by its inode, size and times, while the rows are as they were; the rows are those of the
    database that the answers are of.
    """

    def __init__(self, answers: Answers, left_out: Collection[int]) -> None:
        self._answers = answers
        listed = json.dumps(sorted(left_out)).encode()
        self._rows = blake2b(listed, digest_size=8).hexdigest()

    def settled(
        self, session_id: str, path: Path, settle: Callable[[], Settled | None]
    ) -> Settled | None:
        """Return what ``settle`` returns, from an earlier look where there is one.

        Raises ``OSError`` as it does.
        """
        state = self._state(path)
        if state is None:
            return settle()
        question = f"settled {session_id} {self._rows} {state}"
        known = self._answers.recall(question)
        if known is not None:
            try:
                return _settled(session_id, known)
            except (TypeError, ValueError):
                pass  # not what was kept
        settled = settle()
        if settled is not None and self._state(path) == state:
            self._answers.remember(question, _told_settled(settled))
        return settled

    def _state(self, path: Path) -> str | None:
        """Return which state of a file this is; None where its times do not tell it from others."""
        status = path.stat()
        changed = max(status.st_mtime, status.st_ctime)
        if status.st_dev != self._answers.device or changed > self._answers.before:
            return None
        marks = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return ":".join(map(str, marks))


def _told_settled(settled: Settled) -> list[Any]:
    counts = settled.comparison.counts
    times = array("d", chain.from_iterable(settled.twins))
    numbers = [getattr(counts, name) for name in Counts.__slots__]
    return [numbers, settled.bad, b64encode(times.tobytes()).decode("ascii")]


def _settled(session_id: str, known: Any) -> Settled:
    numbers, bad, packed = known
    counts = Counts(*map(_number, numbers))
    times = array("d")
    times.frombytes(b64decode(packed, validate=True))
    places = tuple(
        BadLine(_number(offset), _number(length), str(reason)) for offset, length, reason in bad
    )
    twins = tuple(Twin(*pair) for pair in zip(times[::2], times[1::2], strict=True))
    return Settled(whole(session_id, counts), places, twins)
