"""One session at a time: what is said, why, and what a fill would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hermes_repair.model.findings import Severity
from hermes_repair.transcripts.clock import Clock
from hermes_repair.transcripts.comparison import compare
from hermes_repair.transcripts.matching import prepare
from hermes_repair.transcripts.reader import Line
from hermes_repair.transcripts.sequences import (
    RECALLED_TEXT,
    FileSequence,
    MessageRow,
    build_rows,
)
from hermes_repair.transcripts.verdicts import (
    Comparison,
    Doubt,
    Fill,
    HomeFacts,
    SessionFacts,
    Verdict,
)
from tests.unit.transcripts_model import (
    OFFSET,
    START,
    Said,
    as_file,
    as_rows,
    clock,
    facts,
    judge,
    key_of,
    numbered,
    result,
    turn,
)

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this."
OLD = numbered(6)
LATER = turn(40, "a later question", "a later answer")


def outcome(found: Comparison) -> tuple[Verdict, str | None, bool]:
    return found.verdict, found.finding, found.safe


def texts(found: Comparison, said: list[Said], rows: list[Said]) -> list[str]:
    """Return the texts of the session after the fill."""
    assert found.fill is not None
    numbers = list(as_rows(rows).ids)
    return [
        said[step.line].text
        if step.line is not None
        else rows[numbers.index(step.row_id or 0)].text
        for step in found.fill.steps
    ]


# What is whole stays alone


def test_equal() -> None:
    found = judge(as_file(OLD), as_rows(OLD))
    assert outcome(found) == (Verdict.EQUAL, None, False)
    assert (found.counts.file, found.counts.database, found.counts.missing) == (12, 12, 0)
    assert found.fill is None


def test_equal_counts_are_not_equality() -> None:
    other = [replace(one, text=one.text + "!") for one in OLD[6:]]
    found = judge(as_file(OLD), as_rows([*OLD[:6], *other]))
    assert found.verdict is Verdict.UNION
    assert not found.safe


def test_the_file_may_be_shorter() -> None:
    found = judge(as_file(OLD[:4]), as_rows([*OLD, *LATER]))
    assert outcome(found) == (Verdict.FILE_SHORTER, None, False)
    assert found.counts.extra == 10


def test_a_file_without_messages() -> None:
    assert judge(as_file([]), as_rows(OLD)).verdict is Verdict.NOTHING_IN_FILE
    assert judge(as_file([None, None]), as_rows([])).counts.bad == 2


def test_a_file_that_repeats_itself() -> None:
    found = judge(as_file([*OLD[:2], OLD[1], *OLD[2:]]), as_rows(OLD))
    assert outcome(found) == (Verdict.EQUAL, "TR005", False)
    assert found.counts.copies == 1


# Front and middle


@pytest.mark.parametrize("kept", [[*range(10, 12)], [*range(4), *range(8, 12)], [0, 5, 10, 11]])
@pytest.mark.parametrize("later", [[], LATER])
def test_front_or_middle_missing(kept: list[int], later: list[Said]) -> None:
    file, rows = as_file(OLD), [*(OLD[index] for index in kept), *later]
    found = judge(file, as_rows(rows))
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", True)
    assert found.severity is Severity.ERROR
    assert texts(found, OLD, rows) == [one.text for one in [*OLD, *later]]
    assert found.fill is not None
    assert not found.fill.guessed_zone
    result(found, file, as_rows(rows))
    # Rows before the first insertion keep their ids; new times are those of the lines.
    prefix = next((n for n, index in enumerate(kept) if n != index), len(kept))
    assert found.fill.kept == prefix
    for step in found.fill.steps:
        if step.line is not None:
            line = OLD[step.line]
            assert line.stamped - 1 <= (step.timestamp or 0) <= line.ended + 1


def moved(fill: Fill) -> list[int]:
    """Return the ids of existing rows that get another id."""
    return [step.row_id for step in fill.steps[fill.kept :] if step.row_id is not None]


def front(**changes: Any) -> tuple[FileSequence, Any, SessionFacts]:
    rows = as_rows(OLD[8:])
    return as_file(OLD), rows, facts(**changes)


def test_not_safe_without_a_proven_zone() -> None:
    file, rows, session = front()
    found = judge(file, rows, session, proven=False)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", False)
    assert "--timezone" in found.reason
    named = Clock(UTC, (), timezone(timedelta(seconds=OFFSET)))
    assert compare(prepare("s", file, rows, named), session, HomeFacts()).safe


def test_not_safe_in_the_wrong_zone() -> None:
    """In a zone further west, rows that were rewritten hours later would pass for twins."""
    file, rows, session = front()
    east = Clock(UTC, (), timezone(timedelta(hours=6)))
    assert not compare(prepare("s", file, rows, east), session, HomeFacts()).safe


@pytest.mark.parametrize(
    ("session", "word"),
    [({"rewind_count": 1}, "undone"), ({"started_at": START + 50_000}, "younger")],
)
def test_not_safe_by_the_session_row(session: dict[str, Any], word: str) -> None:
    file, rows, row = front(**session)
    found = judge(file, rows, row)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", False)
    assert word in found.reason


def test_a_young_session_row_may_have_been_made_again() -> None:
    file, rows, row = front(started_at=START + 4 * 600)
    assert judge(file, rows, row).doubt is Doubt.MADE_AGAIN
    # Older than the database, nobody took them out of it: said, and asked all the same.
    born = judge(file, rows, row, HomeFacts(database_birth=START + 4 * 600))
    assert (born.doubt, born.before_database) == (Doubt.BEFORE_DATABASE, True)
    still = judge(file, rows, row, HomeFacts(database_birth=START + 2 * 600))
    assert (still.doubt, still.before_database) == (Doubt.MADE_AGAIN, False)
    # A row that was stamped before the gap and stands apart shows that no delete came after it.
    middle = as_rows([*OLD[:2], *OLD[8:]])
    assert judge(file, middle, facts(started_at=START + 4 * 600)).safe


@pytest.mark.parametrize("younger", [0.001, 50_000])
def test_a_session_row_younger_than_the_first_line_is_young(younger: float) -> None:
    file, rows, _ = front()
    assert judge(file, rows, facts(started_at=OLD[0].ended)).safe
    made = facts(started_at=OLD[0].ended + younger)
    assert judge(file, rows, made).doubt is Doubt.MADE_AGAIN


def test_a_session_row_older_than_its_id_was_made_under_a_wrong_clock() -> None:
    file, rows, _ = front()
    session_id = "20260424_050640_ab12cd34"  # START, in the operator's zone
    session = facts(started_at=START - 30)
    assert compare(prepare(session_id, file, rows, clock()), session, HomeFacts()).safe
    odd = replace(session, started_at=START - 90)
    found = compare(prepare(session_id, file, rows, clock()), odd, HomeFacts())
    assert found.doubt is Doubt.MADE_AGAIN


def test_first_lines_without_a_time_prove_no_age() -> None:
    file = as_file(OLD[:4], timed=False)
    for one in OLD[4:]:
        file.add(Line(1000, 10, one.message()))
    assert judge(file, as_rows(OLD[10:])).doubt is Doubt.NO_TIME


# What was taken out leaves ids that nobody has


def test_a_missing_id_below_the_rows_that_stand_apart() -> None:
    file = as_file(OLD)
    rows = as_rows(OLD[8:], ids=[20, 21, 30, 31])
    for missing, safe in [(5, False), (25, False), (30, True), (40, True), (None, True)]:
        found = judge(file, rows, home=HomeFacts(first_missing_id=missing))
        assert found.safe is safe, missing
        assert found.doubt is (None if safe else Doubt.IDS_MISSING)


def test_rows_in_one_block_may_be_a_rewrite_wherever_the_missing_id_is() -> None:
    file, rows = as_file(OLD), as_rows(OLD[8:], ids=range(20, 24))
    assert judge(file, rows, home=HomeFacts(first_missing_id=99)).doubt is Doubt.IDS_MISSING
    assert judge(file, rows).safe


def test_what_came_after_a_row_that_stands_apart_was_never_taken_out() -> None:
    """Neither missing ids nor an import nor a young session row speak against it."""
    file = as_file(OLD)
    rows = as_rows([*OLD[:4], *OLD[8:]], ids=[20, 21, 23, 24, 30, 31, 32, 33])
    home = HomeFacts(first_missing_id=1, perhaps_imported=True)
    assert judge(file, rows, facts(started_at=START + 9999), home).safe
    # A row of ours stands where we put it.
    rows = as_rows(OLD[:4], ids=[20, 21, 23, 24], ours=[23, 24])
    assert judge(file, rows, home=home).doubt is Doubt.IMPORTED


def test_a_row_that_could_be_of_two_lines_proves_nothing() -> None:
    for before, safe in [(1, False), (10, True)]:
        again = [turn(3, "ok", "done", at=START + 1800 + seconds) for seconds in (0, 3)]
        quick = [replace(one, stamped=one.ended - before) for said in again for one in said]
        said = [*OLD[:2], *quick, *OLD[8:]]
        rows = as_rows(said[:4], ids=[20, 21, 23, 24])
        found = judge(as_file(said), rows, home=HomeFacts(first_missing_id=1))
        assert found.doubt is (None if safe else Doubt.IDS_MISSING)


def test_an_import_leaves_no_trace_of_what_was_undone_before_it() -> None:
    rows = as_rows(OLD[:8], ids=range(1, 9))
    assert judge(as_file(OLD), rows).safe
    found = judge(as_file(OLD), rows, home=HomeFacts(perhaps_imported=True))
    assert found.doubt is Doubt.IMPORTED


def test_ids_that_an_undo_of_ours_freed_are_no_evidence_about_what_was_said_before() -> None:
    file, rows = as_file(OLD), as_rows(OLD[:8], ids=range(1, 9))
    assert judge(file, rows, home=HomeFacts(explained_since=START + 90_000)).safe
    found = judge(file, rows, home=HomeFacts(explained_since=START + 2000))
    assert found.doubt is Doubt.IDS_MISSING


def test_what_we_brought_back_and_somebody_took_out_stays_out() -> None:
    file, rows = as_file(OLD), as_rows(OLD[:8])
    assert judge(file, rows, home=HomeFacts(brought=frozenset({0, 11}))).safe
    for brought in (frozenset({file.offsets[9]}), None):
        found = judge(file, rows, home=HomeFacts(brought=brought))
        assert (found.doubt, found.finding) == (Doubt.BROUGHT_BACK, "TR007")
        assert found.fill is not None, "it can still be asked for"


def test_a_row_that_seems_later_than_its_own_line_is_not_doubled() -> None:
    """The clock was set back after the row and before the line."""
    said = [*OLD, Said("user", "still there?", START + 3600, START + 3607)]
    found = judge(as_file(said), as_rows(said))
    assert found.verdict is Verdict.EQUAL
    found = judge(as_file(said), as_rows([*OLD[:4], said[-1]]))
    assert found.doubt is Doubt.NOT_OF_THEIR_TIME


def test_not_safe_where_the_last_line_has_no_time() -> None:
    rows = as_rows(OLD[8:])
    found = judge(as_file(OLD, timed=False), rows)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", False)
    assert "no time" in found.reason


def test_not_safe_where_a_row_is_later_than_its_line() -> None:
    """A row that was stamped after its line was rewritten by a release that reads no file."""
    rows = [replace(OLD[4], stamped=OLD[4].ended + 60), *OLD[6:]]
    found = judge(as_file(OLD), as_rows(rows))
    assert not found.safe
    last = [*OLD[6:11], replace(OLD[11], stamped=OLD[11].ended + 6)]
    assert not judge(as_file(OLD), as_rows(last)).safe


def test_not_safe_where_a_row_is_another_message_of_the_same_words() -> None:
    """The file lost the line of the row, and has the same words in a later turn."""
    said = [*turn(0, "ok", "done"), *OLD[2:8], *turn(4, "ok", "fine"), *OLD[10:]]
    found = judge(as_file(said[2:]), as_rows([said[0], *said[10:]]))
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", False)
    assert found.doubt is Doubt.NOT_OF_THEIR_TIME


def test_a_time_twin_lies_between_the_turn_before_and_its_own() -> None:
    last = OLD[-1]
    before = OLD[-3].ended
    for stamped, is_close in [
        (last.ended + 6, False),
        (last.ended + 4, True),
        (before - 4, True),
        (before - 6, False),
    ]:
        file, row = as_file(OLD), as_rows([replace(last, stamped=stamped)])
        assert prepare("s", file, row, clock()).is_twin(len(OLD) - 1, 0) is is_close
        assert not prepare("s", file, row, clock(proven=False)).is_twin(len(OLD) - 1, 0)
    early = as_rows([*OLD[8:11], replace(last, stamped=before - 6)])
    found = judge(as_file(OLD), early)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", False)


def test_equal_messages_are_told_apart_by_time() -> None:
    """The same turn twice: the rows say which of the two was lost."""
    said = [*turn(0, "ok", "done"), *turn(1, "more", "more"), *turn(2, "ok", "done")]
    file = as_file(said)
    lost_front = judge(file, as_rows(said[2:]))
    lost_tail = judge(file, as_rows(said[:4]))
    assert outcome(lost_front) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", True)
    assert outcome(lost_tail) == (Verdict.TAIL_MISSING, "TR001", True)
    only_first = judge(file, as_rows(said[:2]))
    only_last = judge(file, as_rows(said[4:]))
    assert only_first.verdict is Verdict.TAIL_MISSING
    assert only_last.verdict is Verdict.FRONT_OR_MIDDLE_MISSING


def test_not_safe_while_the_file_is_written() -> None:
    file, rows, row = front()
    file.grew = True
    assert not judge(file, rows, row).safe


def test_a_damaged_place_may_be_a_row() -> None:
    """The torn last line is a message that the database has (0.14 killed while it wrote)."""
    lines: list[Said | None] = [*OLD[:5], None, *OLD[6:11], None]
    found = judge(as_file(lines), as_rows([OLD[5], *OLD[8:]]))
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", True)
    order = result(found, as_file(lines), as_rows([OLD[5], *OLD[8:]]))
    assert order == as_rows(OLD).keys
    # One damaged place is not two rows.
    foreign = turn(5, "not in the file", "nor this", at=OLD[11].ended)
    assert judge(as_file(lines), as_rows([*OLD[8:], *foreign])).verdict is Verdict.UNION


# Tail


def test_tail_lost() -> None:
    rows = as_rows(OLD[:8])
    found = judge(as_file(OLD), rows)
    assert outcome(found) == (Verdict.TAIL_MISSING, "TR001", True)
    assert found.fill is not None
    assert (found.fill.kept, moved(found.fill)) == (8, [])


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"ids": range(50, 58)}, Doubt.IDS_MISSING),
        ({"ours": range(1, 16)}, Doubt.IDS_MISSING),
        ({"inactive": [2]}, Doubt.TAKEN_BACK),
    ],
)
def test_tail_perhaps_undone(change: dict[str, Any], doubt: Doubt) -> None:
    rows = as_rows(OLD[:8], **change)
    found = judge(as_file(OLD), rows, home=HomeFacts(first_missing_id=2))
    assert outcome(found) == (Verdict.TAIL_MISSING, "TR007", False)
    assert (found.severity, found.doubt) == (Severity.INFO, doubt)
    assert found.fill is not None


def test_tail_lost_where_the_chat_went_on() -> None:
    """Rows that stand apart were never rewritten, whatever was said later."""
    rows = [*OLD[:8], *LATER]
    found = judge(as_file(OLD), as_rows(rows), home=HomeFacts(first_missing_id=2))
    assert outcome(found) == (Verdict.TAIL_MISSING, "TR001", True)
    assert found.counts.later == 2
    assert texts(found, OLD, rows) == [one.text for one in [*OLD, *LATER]]
    block = as_rows(rows, ids=range(30, 40))
    found = judge(as_file(OLD), block, home=HomeFacts(first_missing_id=2))
    assert outcome(found) == (Verdict.TAIL_MISSING, "TR007", False)


# Rewritten, compacted, recalled


def rewritten(said: list[Said], at: float = START + 90_000) -> list[Said]:
    return [replace(one, stamped=at + number * 1e-6) for number, one in enumerate(said)]


@pytest.mark.parametrize("more", [[], LATER, [*OLD[8:10]], [OLD[8], LATER[1]]])
def test_undone_by_0_15(more: list[Said]) -> None:
    rows = [*rewritten(OLD[:8]), *rewritten(more, START + 95_000)]
    found = judge(as_file(OLD), as_rows(rows, ids=range(30, 30 + len(rows))))
    assert outcome(found) == (Verdict.TAIL_MISSING, "TR007", False)
    assert found.severity is Severity.INFO
    assert "rewritten" in found.reason


def test_undone_rows_that_are_still_there() -> None:
    found = judge(as_file(OLD), as_rows(OLD, inactive=range(8, 12)), SessionFacts(0, 1))
    assert outcome(found) == (Verdict.SUPERSEDED, "TR005", False)
    assert (found.counts.inactive, found.fill) == (4, None)


def test_compacted_in_place_by_a_rewrite() -> None:
    summary = Said("user", SUMMARY, START + 90_000, START + 90_000)
    rows = as_rows([*rewritten(OLD[:2]), summary, *rewritten(OLD[10:])])
    found = judge(as_file(OLD), rows)
    assert outcome(found) == (Verdict.SUPERSEDED, "TR005", False)
    assert "compact" in found.reason


def test_a_summary_that_the_file_has_too_is_no_obstacle() -> None:
    summary = Said("user", SUMMARY, OLD[0].ended, OLD[0].stamped)
    said = [summary, *OLD]
    file, rows = as_file(said), as_rows([summary, *OLD[6:]])
    found = judge(file, rows)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", True)
    assert result(found, file, rows) == as_rows(said).keys


def test_lost_before_a_compaction_that_keeps_its_rows() -> None:
    """0.18 and 0.19 archive what they compact: what is not there was lost before."""
    summary = Said("user", SUMMARY, START + 90_000, START + 90_000)
    said = [*OLD[8:], summary, *rewritten(OLD[10:])]
    rows = build_rows(
        MessageRow(n, one.role, one.text, None, None, one.stamped, int(n > 5), int(n <= 5))
        for n, one in enumerate(said, 2)
    )
    found = judge(as_file(OLD), rows)
    assert found.verdict is Verdict.FRONT_OR_MIDDLE_MISSING
    assert not found.safe


def test_recalled_by_its_sender() -> None:
    gone = replace(OLD[4], text=RECALLED_TEXT)
    found = judge(as_file(OLD), as_rows([*OLD[:4], gone, *OLD[5:]]))
    assert outcome(found) == (Verdict.SUPERSEDED, "TR005", False)
    assert found.counts.recalled == 1
    # The rest may come back, the recalled text may not.
    rows = as_rows([*OLD[:2], gone, *OLD[5:6], *OLD[8:]])
    found = judge(as_file([*OLD[:2], *OLD[4:]]), rows)
    assert outcome(found) == (Verdict.FRONT_OR_MIDDLE_MISSING, "TR001", True)
    assert OLD[4].text not in texts_of_lines(found, [*OLD[:2], *OLD[4:]])


def texts_of_lines(found: Comparison, said: list[Said]) -> list[str]:
    assert found.fill is not None
    return [said[line].text for line in found.fill.lines]


def test_a_recall_of_a_message_that_the_database_lacked() -> None:
    file = as_file([])
    for number, one in enumerate(OLD):
        file.add(Line(number * 11, 10, {**one.message(), "message_id": f"m{number}"}))
    note = '[recall] message_id="m2" has been recalled; do not quote or reference it.'
    rows = build_rows(
        [
            *(
                MessageRow(n, one.role, one.text, None, None, one.stamped)
                for n, one in enumerate(OLD[8:], 5)
            ),
            MessageRow(90, "system", note, None, None, START + 90_000),
        ]
    )
    found = judge(file, rows)
    assert found.safe
    assert texts_of_lines(found, OLD) == [one.text for one in OLD[:8] if one.text != OLD[2].text]


# All missing, and no session row


def test_all_missing() -> None:
    rows = as_rows([])
    found = judge(as_file(OLD), rows, facts())
    assert outcome(found) == (Verdict.ALL_MISSING, "TR001", True)


@pytest.mark.parametrize(
    ("session", "home", "doubt"),
    [
        ({}, {"first_missing_id": 1}, Doubt.IDS_MISSING),
        ({}, {"perhaps_imported": True}, Doubt.IMPORTED),
        ({"started_at": START + 60}, {}, Doubt.MADE_AGAIN),
        ({"started_at": None}, {}, Doubt.MADE_AGAIN),
        ({"started_at": None}, {"database_birth": START + 9999}, Doubt.BEFORE_DATABASE),
    ],
)
def test_all_missing_perhaps_deleted(
    session: dict[str, Any], home: dict[str, Any], doubt: Doubt
) -> None:
    rows = as_rows([])
    found = judge(as_file(OLD), rows, facts(**session), HomeFacts(**home))
    assert outcome(found) == (Verdict.ALL_MISSING, "TR001", False)
    assert (found.severity, found.doubt) == (Severity.INFO, doubt)
    assert found.fill is not None


def test_all_missing_and_the_chat_went_on() -> None:
    rows = as_rows(LATER)
    found = judge(as_file(OLD), rows, facts())
    assert outcome(found) == (Verdict.ALL_MISSING, "TR001", True)
    assert result(found, as_file(OLD), rows) == [*as_rows(OLD).keys, *rows.keys]
    assert found.fill is not None
    assert moved(found.fill) == list(rows.ids)
    # Without a zone, later rows could be the file's own: nothing is inserted beside them.
    unproven = judge(as_file(OLD), rows, facts(), proven=False)
    assert not unproven.safe


@pytest.mark.parametrize("kept", [2, 4, 12])
def test_a_wrong_guess_of_the_zone_never_doubles_a_message(kept: int) -> None:
    """Without proof, the machine's zone may take the file's own rows for later ones."""
    rows = as_rows(OLD[-kept:])
    west = Clock(timezone(timedelta(hours=11)))
    found = compare(prepare("s", as_file(OLD), rows, west), facts(), HomeFacts())
    assert not found.safe
    if kept < 12:
        assert found.verdict is Verdict.FRONT_OR_MIDDLE_MISSING
        assert result(found, as_file(OLD), rows) == as_rows(OLD).keys
    last = as_rows(OLD[-1:])
    found = compare(prepare("s", as_file(OLD), last, west), facts(), HomeFacts())
    assert not found.safe
    assert result(found, as_file(OLD), last) == as_rows(OLD).keys


def test_later_turns_of_a_file_without_times_stay_last() -> None:
    rows = [*OLD[4:8], *LATER]
    found = judge(as_file(OLD, timed=False), as_rows(rows))
    assert not found.safe
    assert texts(found, OLD, rows) == [one.text for one in [*OLD, *LATER]]


def alone(home: HomeFacts, file: FileSequence | None = None) -> Comparison:
    return compare(prepare("s", file or as_file(OLD), as_rows([]), clock()), None, home)


def test_only_in_file_is_always_asked() -> None:
    found = alone(HomeFacts())
    assert outcome(found) == (Verdict.ONLY_IN_FILE, "TR002", False)
    assert (found.severity, found.counts.missing) == (Severity.INFO, 12)
    assert (found.doubt, found.before_database) == (Doubt.NO_SESSION, False)
    older = alone(HomeFacts(database_birth=START + 9999))
    assert (older.safe, older.doubt, older.before_database) == (False, Doubt.BEFORE_DATABASE, True)
    assert not alone(HomeFacts(database_birth=START)).before_database
    routed = alone(HomeFacts(routed=True))
    assert not routed.safe
    assert "routing" in routed.reason
    untimed = alone(HomeFacts(START + 99_999), as_file(OLD, timed=False))
    assert not untimed.before_database


def test_a_birth_close_to_the_end_needs_a_proven_zone() -> None:
    file, home = as_file(OLD), HomeFacts(database_birth=START + 9999)
    anywhere = Clock(UTC)
    assert not compare(prepare("s", file, as_rows([]), anywhere), None, home).before_database
    day_later = HomeFacts(database_birth=START + 86_400 + 9999)
    assert compare(prepare("s", file, as_rows([]), anywhere), None, day_later).before_database


def test_messages_without_a_session_row_are_not_doubled() -> None:
    rows = as_rows(OLD[8:])
    found = compare(prepare("s", as_file(OLD), rows, clock()), None, HomeFacts(START + 99_999))
    assert outcome(found) == (Verdict.ONLY_IN_FILE, "TR002", False)
    assert result(found, as_file(OLD), rows) == as_rows(OLD).keys


def test_times_of_a_file_without_any_rest_on_the_session() -> None:
    rows = as_rows([])
    found = judge(as_file(OLD, timed=False), rows, facts())
    assert not found.safe
    assert found.fill is not None
    times = [step.timestamp or 0 for step in found.fill.steps]
    assert times == sorted(times)
    assert START - 61 < times[0] <= times[-1] < START - 59


# Both have their own


def test_union_keeps_everything_in_order_of_time() -> None:
    file = [*OLD[:4], *OLD[6:]]
    rows = [*OLD[:2], *OLD[4:10]]
    found = judge(as_file(file), as_rows(rows))
    assert outcome(found) == (Verdict.UNION, "TR001", False)
    assert texts(found, file, rows) == [one.text for one in OLD]


def test_diverged_never_inserts_what_is_there() -> None:
    turned = [*OLD[4:8], *OLD[:4], *OLD[8:]]
    found = judge(as_file(turned), as_rows(OLD))
    assert outcome(found) == (Verdict.DIVERGED, "TR003", False)
    assert found.severity is Severity.WARNING
    assert found.fill is not None
    assert found.fill.lines == []


def test_two_different_conversations_of_any_size_end_in_time() -> None:
    import random

    numbers = random.Random(3)
    words = ["ok", "yes", "no"]
    file = [Said("user", numbers.choice(words), START + n, START + n) for n in range(20_000)]
    rows = [Said("user", numbers.choice(words), START + n, START + n) for n in range(20_000)]
    found = judge(as_file(file), as_rows(rows))
    assert found.verdict in (Verdict.DIVERGED, Verdict.EQUAL, Verdict.FILE_SHORTER)
    assert not found.safe


# Rows of the program's own


def test_other_rows_stay_where_they_were() -> None:
    """``session_meta`` follows the first turn in the database; harness turns follow theirs."""
    meta = MessageRow(9, "session_meta", None, None, None, OLD[1].ended)
    review = "Review the conversation above and update the skill library"
    rows = build_rows(
        [
            MessageRow(1, "user", OLD[0].text, None, None, OLD[0].stamped),
            MessageRow(3, "assistant", OLD[1].text, None, None, OLD[1].stamped),
            meta,
            MessageRow(11, "user", review, None, None, OLD[5].ended + 2),
            *(
                MessageRow(n, one.role, one.text, None, None, one.stamped)
                for n, one in enumerate(OLD[8:], 20)
            ),
        ]
    )
    found = judge(as_file(OLD), rows)
    assert found.safe
    assert found.fill is not None
    order = [step.row_id if step.line is None else f"line {step.line}" for step in found.fill.steps]
    wanted = [1, 3, 9, "line 2", "line 3", "line 4", "line 5", 11, "line 6", "line 7"]
    assert order == [*wanted, 20, 21, 22, 23]


def test_rows_that_we_deactivated_take_no_part() -> None:
    rows = build_rows(
        [
            MessageRow(n, one.role, one.text, None, None, one.stamped, int(n != 4))
            for n, one in enumerate([*OLD[8:], OLD[11]])
        ],
        dropped={4},
    )
    assert judge(as_file(OLD), rows).safe


def test_in_the_double_hour_of_autumn_a_row_must_fit_the_earlier_reading() -> None:
    """02:30 on 2026-10-25 in Berlin is two moments an hour apart; a rewrite lies between them."""
    end = 1_792_888_200.0  # 02:30 of summer time
    said = [*OLD, *turn(0, "last question", "last answer", at=end)]
    rows = [*OLD[6:], *(replace(one, stamped=end + 1800) for one in said[-2:])]
    berlin = Clock(UTC, (), ZoneInfo("Europe/Berlin"))
    file, table = as_file(said), as_rows(rows)
    found = compare(prepare("s", file, table, berlin), facts(), HomeFacts())
    assert not found.safe
    close = as_rows([*OLD[6:], *said[-2:]])
    assert compare(prepare("s", file, close, berlin), facts(), HomeFacts()).safe


def test_a_question_comes_before_the_answer_that_only_the_rows_have() -> None:
    """A line has the time of its turn's end, so it seems later than an answer in that turn."""
    said = numbered(4)
    file = as_file([*said[:3], *said[4:]])
    rows = as_rows([*said[:2], *said[3:]])
    found = judge(file, rows)
    assert found.verdict is Verdict.UNION
    assert result(found, file, rows) == [key_of(one.message()) for one in said]


def test_a_later_question_does_not_come_before_an_answer_whose_question_is_there() -> None:
    said = numbered(4)
    file = as_file([*said[:2], *said[4:]])
    rows = as_rows([*said[:4], *said[6:]])
    found = judge(file, rows)
    assert found.verdict is Verdict.UNION
    assert result(found, file, rows) == [key_of(one.message()) for one in said]
