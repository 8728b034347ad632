"""Every transcript file of a home compared with its session; bounded in memory.

The zone of the files' times is proven by turns that are in both sources, so the files
are gone through twice: once for those proofs and for all that is complete anyway, and once more for
the few that are not. What was read of those is kept for that, and for the plan, as far as there is
room: the line of an incomplete file is decoded once.

Then come the session logs (``session_<id>.json``). A home can have thousands of big ones, nearly
all complete or stale, so only the head of each is read. The messages of a log are read

* where a person named the session, and with ``--deep``;
* where the session has fewer messages from before the log was written than the log counts. Rows
  that came later say nothing about it; a row that was stored twice can hide one that is missing,
  until the session is named;
* where the session has no row and the log is of a surface that never wrote a JSONL file. The log of
  a gateway's chat without its JSONL file is what a delete leaves;
* where the head is not as Hermes writes it.

Never: the log of another session than its name says (the list of a background review carries its
parent's id), and while a transcript file still has what the session lacks, or says that it was
taken back. `repair` looks again after each round, so a log is compared with what the file brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from hermes_repair.evidence.database_history import IMPORTS_SINCE, HistoryEvidence, brought_lines
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.errors import UsageError
from hermes_repair.model.values import whole
from hermes_repair.transcripts.clock import SLACK, Clock, Twin, find_periods
from hermes_repair.transcripts.comparison import compare, compare_untimed
from hermes_repair.transcripts.log_comparison import compare_log
from hermes_repair.transcripts.matching import prepare, session_twins
from hermes_repair.transcripts.quick_comparison import Columns, Settled, settle
from hermes_repair.transcripts.sequences import (
    FileSequence,
    MessageRow,
    RowSequence,
    build_rows,
    read_sequence,
)
from hermes_repair.transcripts.session_files import (
    FileKind,
    LogHead,
    TranscriptFile,
    read_head,
    read_log,
)
from hermes_repair.transcripts.verdicts import Comparison, HomeFacts, SessionFacts, Verdict

KEPT_MESSAGES = 200_000
"""Messages of incomplete files whose keys, times and places stay in memory: 17 MB, measured."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One file's answer. ``bad`` damaged places; ``problem`` why the file could not be read.

    ``sequence`` is what was read of an incomplete file, None where there was no room to keep it.
    """

    file: TranscriptFile
    comparison: Comparison | None
    bad: int = 0
    changing: bool = False
    problem: str | None = None
    sequence: FileSequence | None = None

    def lines(self) -> FileSequence:
        """Return the messages of the file, read anew where they were not kept or it has changed.

        Raises ``OSError`` as reading does.
        """
        if self.sequence is not None and self.sequence.is_current():
            return self.sequence
        if self.file.kind in (FileKind.LOG, FileKind.SPOOL):
            return read_log(self.file.path).sequence
        return read_sequence(self.file.path)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All answers of a home, and the clock that they rest on."""

    answers: Mapping[str, Compared]
    clock: Clock


def compare_all(snapshot: HistoryEvidence) -> Comparisons:
    """Compare every JSONL transcript of the home with the database."""
    files = list(_transcripts(snapshot))
    machine = snapshot.zone
    named = _zone(snapshot.look_options.timezone)
    first = Clock(machine, (), named)
    answers: dict[str, Compared] = {}
    twins: list[Twin] = []
    incomplete: list[Compared] = []
    room = KEPT_MESSAGES
    for number, file in enumerate(files, 1):
        snapshot.tell(f"comparing transcript {number} of {len(files)}: {file.path.name}")
        if file.problem is not None:
            answers[file.session_id or ""] = Compared(file, None, problem=file.problem)
            continue
        answer = _one(snapshot, Compared(file, None), first, twins)
        decided = answer.comparison is not None or answer.problem is not None
        size = len(answer.sequence) if answer.sequence is not None else 0
        if decided or size > room:
            answer = replace(answer, sequence=None)
        answers[file.session_id or ""] = answer
        if not decided:
            incomplete.append(answer)
            room -= size if answer.sequence is not None else 0
    clock = Clock(machine, find_periods(twins), named)
    for number, read in enumerate(incomplete, 1):
        file = read.file
        snapshot.tell(f"comparing transcript {number} of {len(incomplete)} again: {file.path.name}")
        answer = _one(snapshot, read, clock, None)
        answers[file.session_id or ""] = replace(answer, sequence=read.sequence)
    return Comparisons(answers, clock)


def _transcripts(snapshot: HistoryEvidence) -> Iterator[TranscriptFile]:
    listing = snapshot.session_files[snapshot.home.sessions_dir]
    if listing.problem is not None:
        snapshot.notes.append(
            f"{snapshot.home.sessions_dir} could not be listed: {listing.problem}."
        )
    meant = snapshot.look_options.sessions
    for file in listing.files:
        transcript = as_transcript(snapshot, file)
        if transcript is not None and (not meant or transcript.session_id in meant):
            yield transcript


def as_transcript(snapshot: HistoryEvidence, file: TranscriptFile) -> TranscriptFile | None:
    """Return a file as the transcript that it is, ``None`` for any other.

    One whose name looks like a copy's is a transcript where a session has just that name as its id.
    """
    if file.kind is FileKind.COPY and file.path.stem in snapshot.node:
        return replace(file, kind=FileKind.TRANSCRIPT, session_id=file.path.stem)
    return file if file.kind is FileKind.TRANSCRIPT else None


def _one(
    snapshot: HistoryEvidence, answer: Compared, clock: Clock, twins: list[Twin] | None
) -> Compared:
    """Compare the file of ``answer``.

    The first time ``twins`` gets what it says of the clock, and where that has to decide there is
    no comparison yet.
    """
    file = answer.file
    session_id = file.session_id or ""
    try:
        if twins is not None and session_id in snapshot.node:
            settled = _settled(snapshot, session_id, file.path)
            if settled is not None:
                twins += settled.twins
                return Compared(file, settled.comparison, bad=len(settled.bad))
        sequence = answer.lines()
    except OSError as error:
        return Compared(file, None, problem=error.strerror or type(error).__name__)
    sides = prepare(session_id, sequence, rows_of(snapshot, session_id), clock)
    if twins is not None and len(sides.table):
        twins += session_twins(sides)
    session = session_facts(snapshot, session_id)
    if twins is not None:
        comparison = compare_untimed(sides, session)
    else:
        comparison = compare(sides, session, home_facts(snapshot, file))
    return Compared(
        file,
        comparison,
        bad=len(sequence.bad),
        changing=sequence.grew or sequence.changed,
        sequence=sequence,
    )


def _settled(snapshot: HistoryEvidence, session_id: str, path: Path) -> Settled | None:
    def read() -> Settled | None:
        return settle(session_id, path, _taking_part(snapshot, session_id))

    known = snapshot.known_comparisons
    return read() if known is None else known.settled(session_id, path, read)


def rows_of(snapshot: HistoryEvidence, session_id: str) -> RowSequence:
    """Return all rows of a session by id, those that our repairs wrote or took out marked."""
    receipt_history = snapshot.receipt_history
    return build_rows(
        (MessageRow(whole(id), *rest) for id, *rest in _rows(snapshot, session_id)),
        ours=receipt_history.written,
        dropped=receipt_history.deactivated,
    )


def _taking_part(snapshot: HistoryEvidence, session_id: str) -> Iterator[Columns]:
    """Yield the rows of a session less the copies that a repair of ours took out."""
    rows, left_out = _rows(snapshot, session_id), snapshot.receipt_history.deactivated
    return (row for row in rows if whole(row[0]) not in left_out) if left_out else rows


def _rows(snapshot: HistoryEvidence, session_id: str) -> Iterator[Columns]:
    columns = snapshot.look.columns("messages")
    flags = "".join(
        f", m.{name}" if name in columns else ", NULL" for name in ("active", "compacted")
    )
    # The ids are sorted alone and the rows joined: sorting whole rows would copy every text.
    # Without the LIMIT, SQLite drops the ORDER BY and takes the order of an index: by active.
    return snapshot.look.rows(
        "SELECT m.id, m.role, m.content, m.tool_calls, m.tool_call_id, m.timestamp"
        f"{flags} FROM (SELECT id FROM messages WHERE session_id = ? ORDER BY id LIMIT -1) k"
        " CROSS JOIN messages m ON m.id = k.id",
        [session_id],
    )


def session_facts(snapshot: HistoryEvidence, session_id: str) -> SessionFacts | None:
    """Return the columns of the session that a comparison needs, None where it has no row."""
    node = snapshot.node.get(session_id)
    if node is None:
        return None
    return SessionFacts(node.started_at, node.rewind_count)


def home_facts(snapshot: HistoryEvidence, file: TranscriptFile) -> HomeFacts:
    """Return what the rest of the home says about the session of one file.

    Raises ``OSError`` where a repair of ours took lines from the file and it cannot be read now.
    """
    session_id = file.session_id or ""
    number = snapshot.recognition.number
    return HomeFacts(
        database_birth=snapshot.birth,
        first_missing_id=snapshot.first_missing.first,
        explained_since=snapshot.first_missing.explained_since,
        perhaps_imported=number is None or number >= IMPORTS_SINCE,
        routed=snapshot.routing.is_live(session_id),
        brought=brought_lines(snapshot, file),
        records_whole=snapshot.receipt_history.complete,
    )


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # here: few name a zone

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{name!r} is not a time zone.", "Use a name like Europe/Berlin or America/New_York."
        ) from error


WITHOUT_FILE = frozenset({"cli", "tui", "acp"})
"""Surfaces of a person that never wrote a JSONL transcript (0.13.0, 0.14.0)."""

TOLD = frozenset({Verdict.EQUAL, Verdict.FILE_SHORTER, Verdict.NOTHING_IN_FILE})
"""What a transcript file says where it leaves nothing to ask of it."""


def compare_logs(snapshot: HistoryEvidence, comparisons: Comparisons) -> dict[str, Compared]:
    """Return the logs that have messages which nobody else has, by session; each has a fill."""
    answers: dict[str, Compared] = {}
    for log in _logs(snapshot):
        session_id = log.session_id or ""
        try:
            answer = _compared(snapshot, comparisons, log, session_id)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            snapshot.notes.append(f"{log.path.name} could not be read: {reason}.")
            continue
        if answer is not None:
            answers[session_id] = answer
    return answers


def _logs(snapshot: HistoryEvidence) -> Iterator[TranscriptFile]:
    meant = snapshot.look_options.sessions
    for file in snapshot.session_files[snapshot.home.logs_dir].files:
        if file.kind is not FileKind.LOG or (meant and file.session_id not in meant):
            continue
        if file.problem is None:
            yield file


def _compared(
    snapshot: HistoryEvidence, comparisons: Comparisons, log: TranscriptFile, session_id: str
) -> Compared | None:
    other = comparisons.answers.get(session_id)
    transcript = other.comparison if other is not None else None
    if transcript is not None and transcript.verdict not in TOLD:
        return None
    named = session_id in snapshot.look_options.sessions | snapshot.look_options.named
    if (
        not named
        and not snapshot.look_options.deep
        and not _may_have_more(snapshot, comparisons.clock, log, session_id)
    ):
        return None
    head = read_head(log.path)
    if head is not None and head.session_id != session_id:
        return None
    answer = Compared(log, None)
    rows = rows_of(snapshot, session_id)
    comparison = compare_log(
        prepare(session_id, answer.lines(), rows, comparisons.clock),
        session_facts(snapshot, session_id),
        home_facts(snapshot, log),
        ended=transcript is not None and transcript.verdict is not Verdict.NOTHING_IN_FILE,
        named=named,
    )
    return Compared(log, comparison) if comparison.fill is not None else None


def _may_have_more(
    snapshot: HistoryEvidence, clock: Clock, log: TranscriptFile, session_id: str
) -> bool:
    head = read_head(log.path)
    if head is None:
        return True
    if head.session_id != session_id or not head.messages:
        return False
    node = snapshot.node.get(session_id)
    if node is None:
        return head.platform in WITHOUT_FILE
    end = _end(log, head, clock)
    stored = node.rows
    if (node.last_message_at or 0.0) > end:
        stored = _count(snapshot, node, "timestamp <= ?", end)
    if head.messages != stored or head.platform in WITHOUT_FILE:
        return head.messages > stored
    # As many rows: one of them may be the gateway's session_meta, of which a chat has one.
    return _count(snapshot, node, "timestamp <= ? AND role = 'session_meta'", end) > 0


def _end(log: TranscriptFile, head: LogHead, clock: Clock) -> float:
    """Return the latest time at which a log can have been written; a copy is younger than it."""
    end = log.mtime_ns / 1e9
    if head.updated is not None:
        seconds, aware = head.updated
        end = min(end, seconds if aware else clock.latest(seconds))
    return end + SLACK


def _count(snapshot: HistoryEvidence, node: SessionNode, where: str, end: float) -> int:
    row = snapshot.look.one(
        f"SELECT COUNT(*) FROM messages WHERE session_id = ? AND {where}", [node.id, end]
    )
    return whole(row[0]) if row else 0
