"""What the whole database says about one chat: what was ever taken out of it, and how old it is.

Message ids are given out once (AUTOINCREMENT, in every schema), so one that nobody has was a row's.
Each question is asked once per look, however many chats there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from hermes_repair.evidence.recalled import KnownComparisons
from hermes_repair.evidence.snapshot import Snapshot
from hermes_repair.model.receipt_history import Freed
from hermes_repair.model.values import number, row_digest, whole
from hermes_repair.store.sequence_marks import known_mark
from hermes_repair.transcripts.clock import MAX_EPOCH, SLACK
from hermes_repair.transcripts.session_files import TranscriptFile
from hermes_repair.transcripts.source_bytes import prefix_digest

IMPORTS_SINCE = 20
"""The schema number from which on a release may have imported chats: 0.19.0 (22) is the first."""


@dataclass(frozen=True, slots=True)
class MissingId:
    """The smallest message id that was given out and that no row has, None where there is none.

    ``explained_since``: since when some of those below it are known to be free, by a run of ours
    that was undone or that replaced a file which had lost them (epoch seconds).
    """

    first: int | None
    explained_since: float | None = None


@dataclass
class HistoryEvidence(Snapshot):
    """A snapshot with what the database ever held, each question asked once."""

    @cached_property
    def known_comparisons(self) -> KnownComparisons | None:
        """What an earlier look compared; None where this one may not take anything from it."""
        answers, left_out = self.look.answers, self.receipt_history.deactivated
        return None if answers is None else KnownComparisons(answers, left_out)

    @cached_property
    def birth(self) -> float | None:
        """The earliest time of anything that this database ever held."""
        return database_birth(self)

    @cached_property
    def first_missing(self) -> MissingId:
        """The smallest message id that no row has; see :func:`.first_missing_id`."""
        return first_missing_id(self)


def database_birth(snapshot: HistoryEvidence) -> float | None:
    """Return the earliest time of anything that this database ever held; None where not known.

    It is known while no message id is missing: then nothing was ever taken out. Else it is known
    while message id 1 is there and nothing is older than it, or where a run of ours moved that row:
    an import comes newest first and a clock may have run ahead, and then what was taken out may be
    older than all that is left. What repairs of ours brought back says nothing. A database that
    never held a message is as old as its oldest session.
    """
    look = snapshot.look
    ours = json.dumps(sorted(snapshot.receipt_history.inserted))
    brought = _brought_back(snapshot, ours)
    # Not of the nodes, which count the messages of every session: a migration asks for no more.
    has_times = "started_at" in look.columns("sessions")
    sessions = look.rows("SELECT id, started_at FROM sessions") if has_times else ()
    began = [
        at for id, value in sessions if (at := number(value)) is not None and id not in brought
    ]
    if not last_message_id(snapshot):
        return min(began, default=snapshot.now)
    first = look.one("SELECT timestamp FROM messages WHERE id = 1")
    freed = snapshot.receipt_history.freed
    moved = any(1 in one.ids and one.proof_rows and not one.lost for one in freed)
    if (first is None or 1 in snapshot.receipt_history.written) and not moved:
        return None
    # For SQLite every text and every blob is larger than any number.
    plausible = (
        f"timestamp BETWEEN 1 AND {MAX_EPOCH} AND id NOT IN (SELECT value FROM json_each(?))"
    )
    times = [
        time
        for (earliest,) in look.totals("MIN(timestamp)", "messages", plausible, [ours])
        if (time := number(earliest)) is not None
    ]
    if moved and snapshot.receipt_history.birth is not None:
        times.append(snapshot.receipt_history.birth)
    elif times and first is not None and _some_missing(snapshot):
        started = first[0]
        if not isinstance(started, int | float) or started > min(times) + SLACK:
            return None
    return min([*times, *began]) if times else None


def _some_missing(snapshot: HistoryEvidence) -> bool:
    """Whether messages were taken out of the database, or lost with a file that it replaced."""
    lost = any(one.lost for one in snapshot.receipt_history.freed)
    return lost or snapshot.first_missing.first is not None


def _brought_back(snapshot: HistoryEvidence, ours: str) -> frozenset[str]:
    """Return the sessions whose messages were all brought back by repairs of ours."""
    if not snapshot.receipt_history.inserted:
        return frozenset()
    rows = snapshot.look.rows(
        "SELECT session_id FROM messages GROUP BY session_id"
        " HAVING MIN(id IN (SELECT value FROM json_each(?)))",
        [ours],
    )
    return frozenset(name for (name,) in rows if isinstance(name, str))


def last_message_id(snapshot: HistoryEvidence) -> int | None:
    """Return the largest id that ``messages`` ever gave out, 0 for none; None where not known."""
    return known_mark(snapshot.look)


def ids_without_row(snapshot: HistoryEvidence) -> int | None:
    """Return how many message ids were given out that no row has; None where not known.

    No more messages than that were ever taken out of the database.
    """
    last = last_message_id(snapshot)
    return None if last is None else last - _rows(snapshot)


def _rows(snapshot: HistoryEvidence) -> int:
    """Return how many messages have an id that SQLite gives out; those below 1 it never does."""
    look = snapshot.look  # all but a few, for an index counts those without reading the rows
    every = sum(whole(count) for (count,) in look.totals("COUNT(*)", "messages"))
    return every - sum(whole(count) for (count,) in look.totals("COUNT(*)", "messages", "id < 1"))


def first_missing_id(snapshot: HistoryEvidence) -> MissingId:
    """Return the smallest message id that was given out and that no row has.

    An id that our own runs freed is no evidence, and no more is one that was lost with a damaged
    file. That a run freed it here, and not in a database that this one replaced, shows in a row
    that the run left; one that was undone leaves none.
    """
    look = snapshot.look
    last = last_message_id(snapshot)
    if last is None:
        return MissingId(1)  # ids may have been given out twice, or more of them than is known
    if _rows(snapshot) == last:
        return MissingId(None)
    freed = [one for one in snapshot.receipt_history.freed if _is_of_this_database(snapshot, one)]
    since: list[float] = []
    expected = 1
    for (id,) in look.scan("id", "messages", "id > 0", tail="ORDER BY id"):
        if not isinstance(id, int):
            continue
        expected = _past_ours(freed, since, expected, id)
        if expected < id:
            return MissingId(expected, min(since, default=None))
        expected += 1
    expected = _past_ours(freed, since, expected, last + 1)
    return MissingId(None if expected > last else expected, min(since, default=None))


def _past_ours(freed: list[Freed], since: list[float], low: int, high: int) -> int:
    """Return the first id from ``low`` on, below ``high``, that no run of ours freed."""
    while low < high:
        by = [one for one in freed if low in one.ids]
        if not by:
            break
        since += [one.at for one in by if one.earlier]
        low += 1
    return low


def _is_of_this_database(snapshot: HistoryEvidence, freed: Freed) -> bool:
    """Whether what a run left is there, where it left something (see :class:`Freed`)."""
    if not freed.proof_rows:
        return True
    held = set(snapshot.look.columns("messages"))
    for proof_row in freed.proof_rows:
        if not held.issuperset(proof_row.columns):
            continue
        for row in snapshot.look.rows_of("messages", "id = ?", [proof_row.id]):
            if row_digest(row, proof_row.columns) == proof_row.digest:
                return True
    return False


def brought_lines(snapshot: HistoryEvidence, file: TranscriptFile) -> frozenset[int] | None:
    """Return the offsets of lines of a transcript that a repair of ours brought back.

    None where some were and the file is another since, so that it cannot be told which. Raises
    ``OSError`` where the file cannot be read.
    """
    offsets: set[int] = set()
    for brought in snapshot.receipt_history.brought.get(file.session_id or "", ()):
        if not brought.source.endswith(file.path.name):
            continue
        if file.size < brought.size or prefix_digest(file.path, brought.size) != brought.sha256:
            return None
        offsets.update(brought.offsets)
    return frozenset(offsets)
