"""What a comparison of one session says: values only.

A :class:`Doubt` is why a fill is not SAFE, one of a closed set, with the sentence that a person
reads. Its value is what reports carry as ``data.doubt``, and is never reused, so that scripts and
other checks can gather findings of one kind and ask about all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from hermes_repair.model.findings import Severity


class Doubt(Enum):
    """What keeps a fill from being done unasked."""

    BEFORE_DATABASE = "before-this-database"
    MADE_AGAIN = "made-again"
    NO_SESSION = "no-session"
    ORPHANED_ROWS = "rows-without-session"
    IDS_MISSING = "ids-missing"
    IMPORTED = "perhaps-imported"
    REWRITTEN = "rewritten"
    NOT_OF_THEIR_TIME = "rows-not-of-their-lines"
    TAKEN_BACK = "undone-or-compacted"
    BROUGHT_BACK = "brought-back-before"
    RECORD_UNREADABLE = "record-unreadable"
    NO_TIME = "no-time"
    NO_ZONE = "zone-unproven"
    BOTH_SIDES = "both-have-their-own"
    ORDER = "order-differs"
    FILE_CHANGING = "file-changing"
    SESSION_LOG = "session-log"

    @property
    def sentence(self) -> str:
        """One plain sentence, without text of the conversation."""
        return _SENTENCES[self]


_SENTENCES = {
    Doubt.BEFORE_DATABASE: (
        "They are older than this database, so nobody removed them from it; but the database before"
        " it may have been removed on purpose."
    ),
    Doubt.MADE_AGAIN: (
        "The session's row is younger than the missing messages: the session may have been deleted"
        " and created again."
    ),
    Doubt.NO_SESSION: (
        "The session may have been deleted on purpose: nothing proves that it was not."
    ),
    Doubt.ORPHANED_ROWS: (
        "The database has messages of this session, but no row for the session itself."
    ),
    Doubt.IDS_MISSING: (
        "Rows were removed from this database where these messages would have been, as by an undo"
        " or a delete."
    ),
    Doubt.IMPORTED: (
        "This database may have been filled by an import, which leaves no trace of what was undone"
        " before."
    ),
    Doubt.REWRITTEN: (
        "The chat was rewritten after these messages (as /undo and /retry do), so they may have"
        " been undone."
    ),
    Doubt.NOT_OF_THEIR_TIME: (
        "Rows of the chat do not have the times of their lines: the chat was rewritten since (as"
        " /undo and /retry do), or they are other messages with the same words."
    ),
    Doubt.TAKEN_BACK: (
        "The session has undone or compacted messages, and the missing ones may be among them."
    ),
    Doubt.BROUGHT_BACK: (
        "hermes-repair brought some of them back before, and somebody removed them again."
    ),
    Doubt.RECORD_UNREADABLE: (
        "A receipt of hermes-repair cannot be read (RP002): it may have brought them back before,"
        " and somebody removed them again."
    ),
    Doubt.NO_TIME: (
        "Messages in the file have no time (0.13 and 0.14 rewrite files so), "
        "so it cannot be proven that they were not undone."
    ),
    Doubt.NO_ZONE: (
        "The time zone of the file is not proven: fewer than three turns of this home are in both"
        " sources. Give it with --timezone."
    ),
    Doubt.BOTH_SIDES: "The file and the database each have messages that the other lacks.",
    Doubt.ORDER: "The file and the database have the same messages in different order.",
    Doubt.FILE_CHANGING: "The file changed while it was being read.",
    Doubt.SESSION_LOG: "A session log has no times, is often stale and survives every delete.",
}


class Verdict(Enum):
    """How the file and the rows of one session stand to each other.

    A session that has no file at all is ``ONLY_IN_DATABASE``: its caller says so, there is nothing
    to compare.
    """

    EQUAL = "equal"
    FILE_SHORTER = "file-shorter"
    FRONT_OR_MIDDLE_MISSING = "front-or-middle-missing"
    TAIL_MISSING = "tail-missing"
    ALL_MISSING = "all-missing"
    UNION = "union"
    DIVERGED = "diverged"
    SUPERSEDED = "superseded"
    ONLY_IN_FILE = "only-in-file"
    ONLY_IN_DATABASE = "only-in-database"
    NOTHING_IN_FILE = "nothing-in-file"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The columns of one row of ``sessions`` that a comparison needs (``None``: NULL or absent)."""

    started_at: float | None
    rewind_count: int | None = None


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """What the rest of the home says about one session.

    ``database_birth`` is the earliest time of anything that the database ever held (epoch seconds),
    ``None`` where that is not known. ``first_missing_id`` is the smallest message id that was given
    out and that no row has, ids aside that our own runs freed; ``None`` where none is missing.
    ``explained_since``: the earliest of the runs that freed such ids and were undone.
    ``perhaps_imported``: a release that can import chats has had the database open. ``routed``: a
    routing entry names the session now. ``brought`` are the offsets of lines of its transcript that
    a repair of ours brought back; ``None`` where it cannot be told which. ``records_whole``:
    every receipt of ours could be read.
    """

    database_birth: float | None = None
    first_missing_id: int | None = None
    explained_since: float | None = None
    perhaps_imported: bool = False
    routed: bool = False
    brought: frozenset[int] | None = frozenset()
    records_whole: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages on each side; ``file`` and ``database`` count genuine ones.

    ``missing`` genuine messages are only in the file, ``extra`` genuine rows are only in the
    database, ``later`` rows were written after the file's end, ``copies`` are lines that repeat
    others, ``bad`` damaged places, ``inactive`` messages of the file whose row is inactive,
    ``recalled`` ones whose text their sender took back.
    """

    file: int = 0
    database: int = 0
    missing: int = 0
    extra: int = 0
    later: int = 0
    copies: int = 0
    bad: int = 0
    inactive: int = 0
    recalled: int = 0


class Step(NamedTuple):
    """One place in the final order: an existing row, or a line of the file as a new row.

    Exactly one of ``row_id`` and ``line`` is set; ``line`` indexes the file sequence and
    ``timestamp`` is the epoch of the new row.
    """

    row_id: int | None
    line: int | None
    timestamp: float | None


@dataclass(frozen=True, slots=True)
class Fill:
    """The rows of a session as they are to be, in order.

    The first ``kept`` steps keep their ids; every later step, existing or new, gets the next ids
    above the largest that the table ever gave out. Existing rows keep every other value.
    ``guessed_zone``: some times rest on the zone of this machine alone. ``in_file`` are the ids of
    the existing rows that the file has too.
    """

    steps: Sequence[Step]
    kept: int
    guessed_zone: bool
    in_file: frozenset[int] = frozenset()

    @property
    def lines(self) -> list[int]:
        """The lines that become rows."""
        return [step.line for step in self.steps if step.line is not None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer for one session: verdict, finding (if any), why, and what a repair would do.

    ``finding`` is the id of a check or ``None``; ``safe`` says whether ``fill`` may be applied
    without being asked for; ``reason`` is one plain sentence without message text. ``doubt`` is why
    a fill is not safe, ``None`` where it is or where there is none. ``before_database``: all that
    is missing is older than anything that this database ever held, so nobody took it out of it.
    ``ended`` is the latest time of the file's last line with one (epoch seconds), for a fill.
    """

    session_id: str
    verdict: Verdict
    finding: str | None
    severity: Severity
    safe: bool
    reason: str
    counts: Counts
    fill: Fill | None = None
    doubt: Doubt | None = None
    before_database: bool = False
    ended: float | None = None


_UNDONE = "Everything in the file is in the database, partly as undone or compacted messages."
_RECALLED = "Their sender withdrew messages of the file."
_COPIES = "The file repeats some of its lines; the database has each of them once."
_WHOLE = "The database has everything in the file."


def whole(session_id: str, counts: Counts) -> Comparison:
    """Return the answer for a file whose every message is in the database."""
    verdict = Verdict.FILE_SHORTER if counts.extra else Verdict.EQUAL
    if counts.inactive or counts.recalled:
        verdict, reason = Verdict.SUPERSEDED, _RECALLED if counts.recalled else _UNDONE
    else:
        reason = _COPIES if counts.copies else _WHOLE
    finding = None if reason is _WHOLE else "TR005"
    return Comparison(session_id, verdict, finding, Severity.INFO, False, reason, counts)
