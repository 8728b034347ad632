"""A session log against the rows: what it may fill, and what it never speaks against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from hermes_repair.model.findings import Severity
from hermes_repair.transcripts.log_comparison import compare_log
from hermes_repair.transcripts.matching import prepare
from hermes_repair.transcripts.sequences import FileSequence, RowSequence
from hermes_repair.transcripts.verdicts import Comparison, HomeFacts, SessionFacts, Verdict
from tests.unit.transcripts_model import (
    OFFSET,
    START,
    Said,
    as_file,
    as_rows,
    clock,
    facts,
    key_of,
    numbered,
    result,
    turn,
)

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted: a trip."
REVIEW = "Review the conversation above and update the skill library."


def as_log(said: Iterable[Said], began: float = START - 60) -> FileSequence:
    """Return a log of these messages: only the first and the last have a time."""
    messages = list(said)
    log = as_file(messages, timed=False)
    log.times[-1] = messages[-1].ended + OFFSET
    if len(log) > 1:
        log.times[0] = began + OFFSET
    return log


def look(
    log: FileSequence,
    rows: RowSequence,
    *,
    session: SessionFacts | None = None,
    row: bool = True,
    ended: bool = False,
    named: bool = False,
) -> Comparison:
    found = compare_log(
        prepare("s", log, rows, clock()),
        (session or facts()) if row else None,
        HomeFacts(),
        ended=ended,
        named=named,
    )
    assert not found.safe, "nothing from a log is safe"
    assert found.severity is Severity.INFO
    assert (found.finding is None) == (found.fill is None)
    return found


def keys(said: Iterable[Said]) -> list[bytes]:
    return [key_of(one.message()) for one in said]


@pytest.mark.parametrize(
    ("gone", "verdict", "finding"),
    [
        (range(4), Verdict.FRONT_OR_MIDDLE_MISSING, "TR001"),
        (range(4, 8), Verdict.FRONT_OR_MIDDLE_MISSING, "TR001"),
        (range(12), Verdict.ALL_MISSING, "TR001"),
        (range(10, 12), Verdict.TAIL_MISSING, "TR007"),
    ],
)
def test_what_nobody_else_has_comes_back(gone: range, verdict: Verdict, finding: str) -> None:
    said = numbered(6)
    log, rows = as_log(said), as_rows([one for n, one in enumerate(said) if n not in gone])
    found = look(log, rows)
    assert (found.verdict, found.finding) == (verdict, finding)
    assert found.counts.missing == len(gone)
    assert result(found, log, rows) == keys(said)


def test_a_later_turn_that_no_log_has_stays_last() -> None:
    said, later = numbered(4), numbered(2, start=8)
    log, rows = as_log(said), as_rows([*said[4:], *later])
    found = look(log, rows)
    assert (found.verdict, found.counts.later) == (Verdict.FRONT_OR_MIDDLE_MISSING, 4)
    assert result(found, log, rows) == keys([*said, *later])


def test_a_log_that_was_cut_to_its_end_fills_between_its_messages() -> None:
    said = numbered(6)
    log, rows = as_log(said[4:]), as_rows([*said[:6], *said[8:]])
    found = look(log, rows)
    assert found.counts.missing == 2
    assert result(found, log, rows) == keys(said)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(numbered(6), id="complete"),
        pytest.param(numbered(6)[-4:], id="cut to its end"),
        pytest.param(numbered(3), id="older"),
    ],
)
def test_a_log_with_nothing_more_says_nothing(log: list[Said]) -> None:
    assert look(as_log(log), as_rows(numbered(6)), named=True).finding is None


def test_where_both_have_something_of_their_own_the_rows_are_right() -> None:
    """0.15 and later redact secrets in a log: that is no message that the database lacks."""
    said = numbered(5)
    log = [*said]
    log[3] = replace(said[3], text="[REDACTED]")
    rows = as_rows([*said[:6], *said[8:]])
    sequence = as_log(log)
    found = look(sequence, rows, named=True)
    assert found.counts.missing == 2
    assert result(found, sequence, rows) == keys(said)
    assert look(as_log(log), as_rows(said), named=True).fill is None


def test_what_the_rows_have_in_another_place_is_not_doubled() -> None:
    said = numbered(3)
    rows = as_rows([said[1], said[0], *said[2:]])
    assert look(as_log(said), rows, named=True).fill is None


@pytest.mark.parametrize("named", [False, True])
def test_what_was_undone_does_not_come_back(named: bool) -> None:
    said = numbered(4)
    inactive = as_rows(said, inactive=(6, 7))
    assert look(as_log(said), inactive, named=named).fill is None
    again = as_rows([*said[:6], *turn(3, "another question", "another answer")])
    assert look(as_log(said), again, named=named).fill is None
    summary = as_rows([*turn(9, SUMMARY)[:1], *said[6:]])
    assert look(as_log(said), summary, named=named).fill is None
    rewritten = as_rows(
        [replace(one, stamped=START + 90_000 + n) for n, one in enumerate(said[:6])]
    )
    assert look(as_log(said), rewritten, named=named).fill is None


def test_an_end_that_may_have_been_undone_is_asked_for_by_name() -> None:
    said = numbered(4)
    block = as_rows(said[:6], ids=range(1, 7))
    rewound = facts(rewind_count=1)
    for rows, session, ended in (
        (block, None, False),
        (as_rows(said[:6]), rewound, False),
        (as_rows(said[:6]), None, True),
    ):
        log = as_log(said)
        assert look(log, rows, session=session, ended=ended).fill is None
        found = look(log, rows, session=session, ended=ended, named=True)
        assert found.finding == "TR007"
        assert result(found, log, rows) == keys(said)


def test_a_log_alone_may_have_been_deleted() -> None:
    said = [*numbered(2), *turn(2, REVIEW, "Nothing to note.")]
    log, rows = as_log(said), as_rows([])
    found = look(log, rows, row=False)
    assert (found.verdict, found.finding) == (Verdict.ONLY_IN_FILE, "TR002")
    assert "deleted" in found.reason
    assert result(found, log, rows) == keys([*said[:4], said[5]]), "no prompt of the program's own"


def test_a_log_without_a_person_or_an_answer_says_nothing() -> None:
    assert look(as_log(turn(0, REVIEW)), as_rows([]), row=False).finding is None
    assert look(as_file([]), as_rows([]), row=False).finding is None


def test_new_rows_lie_between_the_times_of_their_neighbours() -> None:
    said = numbered(5)
    rows = as_rows([*said[:4], *said[6:]])
    found = look(as_log(said), rows)
    assert found.fill is not None
    new = [step.timestamp for step in found.fill.steps if step.timestamp is not None]
    assert said[3].stamped <= new[0] < new[1] <= said[6].stamped
