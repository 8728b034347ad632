"""What the units of one receipt left in the messages of the database, as the receipt tells it."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from hermes_repair.model.actions import FileCopy
from hermes_repair.model.plans import Header, UnitState
from hermes_repair.model.receipt_history import Brought, Freed, ProofRow
from hermes_repair.model.values import text
from hermes_repair.records.action_rows import file_copy, plain
from hermes_repair.records.plan_file import PlanFile


@dataclass(frozen=True, slots=True)
class Traces:
    """The fields of :class:`~hermes_repair.model.receipt_history.ReceiptHistory`, of one receipt.

    ``brought`` are pairs of a session and its lines, ``copies`` of files are not taken back by an
    undo. ``merged`` are fingerprints of what came from another database, ``withdrawn`` the ids of
    messages that came so and were undone, ``undone`` those with what the messages were, as far as
    they had other ids there. ``counted``: by session, how many messages it counted
    before that was set to those that there are (MS002).
    """

    written: frozenset[int]
    inserted: frozenset[int]
    deactivated: frozenset[int]
    freed: tuple[Freed, ...]
    brought: tuple[tuple[str, Brought], ...]
    copies: tuple[FileCopy, ...]
    merged: frozenset[bytes]
    withdrawn: frozenset[int]
    undone: frozenset[tuple[int, bytes]]
    counted: Mapping[str, int]


def lost_text(ids: Collection[int], proof_rows: Sequence[ProofRow]) -> str:
    """Return how a receipt keeps ids of messages that are proven lost: in runs of (first, last).

    ``proof_rows`` are some messages that its run put in the place.
    """
    runs: list[list[int]] = []
    for id in sorted(ids):
        if runs and id == runs[-1][1] + 1:
            runs[-1][1] = id
        else:
            runs.append([id, id])
    rows = [[row.id, row.digest, list(row.columns)] for row in proof_rows]
    return json.dumps({"ids": runs, "rows": rows})


def _lost(header: Header) -> Iterator[Freed]:
    """Yield the message ids that were lost with a file that was replaced, unless it is back."""
    if header.lost is None or header.closed is None or header.undone is not None:
        return
    kept = json.loads(header.lost)
    ids = frozenset(chain.from_iterable(range(first, last + 1) for first, last in kept["ids"]))
    rows = tuple(ProofRow(int(id), str(d), tuple(map(str, c))) for id, d, c in kept["rows"])
    yield Freed(ids, rows, header.created, lost=True)


def traces(receipt: PlanFile) -> Traces:
    """Return what a receipt says. Raises :class:`BadRecord` where any of it cannot be read."""
    with receipt.reading():
        header = receipt.header()
        given = list(_given(receipt, UnitState.DONE))
        return Traces(
            written=frozenset(id for id, _ in given),
            inserted=frozenset(id for id, kind in given if kind == "RowInsert"),
            deactivated=frozenset(_deactivated(receipt)),
            freed=(*_freed(receipt, header.created), *_lost(header)),
            brought=tuple(_brought(receipt)),
            copies=tuple(_copies(receipt)),
            merged=frozenset(_merged(receipt)),
            withdrawn=frozenset(id for id, *_ in _withdrawn(receipt)),
            undone=frozenset(_undone(receipt)),
            counted=dict(_counted(receipt)),
        )


def _given(receipt: PlanFile, state: UnitState) -> Iterator[tuple[int, str]]:
    """Yield the ids that units of this state gave to messages, each with the kind of its action."""
    for id, kind in receipt.rows(
        "SELECT COALESCE(a.new_id, i.value), a.kind FROM actions a"
        " JOIN units u ON u.number = a.unit"
        " LEFT JOIN images i ON i.unit = a.unit AND i.position = a.position"
        "  AND i.image = 'key' AND i.column_name = 'id'"
        " WHERE a.tbl = 'messages' AND a.kind IN ('RowInsert', 'RowMove') AND u.state = ?",
        (state.value,),
    ):
        yield int(id), str(kind)


def _deactivated(receipt: PlanFile) -> Iterator[int]:
    """Yield ids of messages that done units made inactive (MS001, MS005)."""
    for (id,) in receipt.rows(
        "SELECT k.value FROM actions a JOIN units u ON u.number = a.unit"
        " JOIN images k ON k.unit = a.unit AND k.position = a.position"
        "  AND k.image = 'key' AND k.column_name = 'id'"
        " JOIN images f ON f.unit = a.unit AND f.position = a.position"
        "  AND f.image = 'after' AND f.column_name = 'active' AND f.value = 0"
        " WHERE a.tbl = 'messages' AND a.kind = 'RowUpdate' AND u.state = 'done'"
    ):
        yield int(id)


def _freed(receipt: PlanFile, at: float) -> Iterator[Freed]:
    """Yield, per unit, the message ids that it left without a row, and rows that it left.

    A done unit frees the ids that it moved rows away from; of the rows in their new places the
    first, the middle and the last are witnesses. Those that were undone free the ids that they had
    given out.
    """
    moves: dict[int, list[tuple[int, int, str, int]]] = {}
    for unit, old, new, digest, columns in receipt.rows(
        "SELECT a.unit, a.old_id, a.new_id, a.digest, a.column_set FROM actions a"
        " JOIN units u ON u.number = a.unit"
        " WHERE a.tbl = 'messages' AND a.kind = 'RowMove' AND u.state = 'done'"
        " ORDER BY a.unit, a.position"
    ):
        moves.setdefault(unit, []).append((old, new, str(digest), columns))
    sets = receipt.column_sets()
    for moved in moves.values():
        chosen = sorted({0, len(moved) // 2, len(moved) - 1})
        rows = (moved[place] for place in chosen)
        proof_rows = tuple(ProofRow(new, digest, sets[columns]) for _, new, digest, columns in rows)
        yield Freed(frozenset(old for old, *_ in moved), proof_rows, at)
    given = frozenset(id for id, _ in _given(receipt, UnitState.UNDONE))
    if given:
        yield Freed(given, (), at)


def _brought(receipt: PlanFile) -> Iterator[tuple[str, Brought]]:
    """Yield (session, lines) of the transcripts that done units filled from."""
    offsets: dict[tuple[int, str], array[int]] = {}
    for unit, source, offset in receipt.rows(
        "SELECT a.unit, a.source, a.offset FROM actions a JOIN units u ON u.number = a.unit"
        " WHERE a.tbl = 'messages' AND a.kind = 'RowInsert' AND a.offset IS NOT NULL"
        " AND u.state = 'done'"
    ):
        offsets.setdefault((unit, text(plain(source)) or ""), array("q")).append(offset)
    for unit, subject, source, size, sha256 in receipt.rows(
        "SELECT u.number, u.subject, a.source, a.size, a.sha256 FROM actions a"
        " JOIN units u ON u.number = a.unit WHERE a.kind = 'FileCopy' AND u.state = 'done'"
    ):
        named = text(plain(source)) or ""
        if (unit, named) in offsets:
            lines = Brought(named, int(size), str(sha256), offsets[unit, named])
            yield text(subject) or "", lines


def _merged(receipt: PlanFile) -> Iterator[bytes]:
    """Yield the fingerprints of rows that done units took from another database."""
    for (content,) in receipt.rows(
        "SELECT a.sha256 FROM actions a JOIN units u ON u.number = a.unit"
        " WHERE a.kind = 'RowInsert' AND a.old_id IS NOT NULL AND a.sha256 <> ''"
        " AND u.state = 'done'"
    ):
        yield bytes.fromhex(str(content))


def _withdrawn(receipt: PlanFile) -> Iterator[tuple[int, int, str]]:
    """Yield the messages that units took from another database and that were undone: the id that
    each had here, its id there, and its fingerprint.
    """
    for id, there, content in receipt.rows(
        "SELECT i.value, a.old_id, a.sha256 FROM actions a JOIN units u ON u.number = a.unit"
        " JOIN images i ON i.unit = a.unit AND i.position = a.position"
        "  AND i.image = 'key' AND i.column_name = 'id'"
        " WHERE a.tbl = 'messages' AND a.kind = 'RowInsert' AND a.old_id IS NOT NULL"
        " AND u.state = 'undone'"
    ):
        yield int(id), int(there), str(content)


def _undone(receipt: PlanFile) -> Iterator[tuple[int, bytes]]:
    """Yield ids and fingerprints of those that only a copy of this home has under these ids."""
    for id, there, content in _withdrawn(receipt):
        if id != there:
            yield id, bytes.fromhex(content)


def _counted(receipt: PlanFile) -> Iterator[tuple[str, int]]:
    """Yield the sessions of which a repair of ours lowered the count, and what they counted."""
    for session_id, number in receipt.rows(
        "SELECT k.value, b.value FROM actions a JOIN units u ON u.number = a.unit"
        " JOIN images k ON k.unit = a.unit AND k.position = a.position"
        "  AND k.image = 'key' AND k.column_name = 'id'"
        " JOIN images b ON b.unit = a.unit AND b.position = a.position"
        "  AND b.image = 'before' AND b.column_name = 'message_count'"
        " JOIN images f ON f.unit = a.unit AND f.position = a.position"
        "  AND f.image = 'after' AND f.column_name = 'message_count'"
        " WHERE a.tbl = 'sessions' AND a.kind = 'RowUpdate' AND u.state = 'done'"
        " AND u.finding_ids LIKE '%\"MS002\"%' AND typeof(b.value) = 'integer'"
        " AND b.value > f.value"
    ):
        yield text(plain(session_id)) or "", int(number)


def _copies(receipt: PlanFile) -> Iterator[FileCopy]:
    """Yield the copies of files that units made."""
    for row in receipt.rows(
        "SELECT a.source, a.target, a.size, a.sha256 FROM actions a JOIN units u"
        " ON u.number = a.unit WHERE a.kind = 'FileCopy' AND u.state IN ('done', 'undone')"
    ):
        yield file_copy(*map(plain, row))
