"""Lines that repeat others, and a person who says the same twice."""

from __future__ import annotations

from hermes_repair.transcripts.repeats import find_copies
from tests.unit.transcripts_model import START, Said, as_file, as_rows, talk, turn


def copies(said: list[Said], rows: list[Said], timed: bool = True) -> dict[int, int]:
    return find_copies(as_file(said, timed), as_rows(rows).keys)


def test_a_double_writer() -> None:
    (question, answer) = turn(0, "hello", "hi")
    doubled = [question, question, answer, answer, answer]
    assert copies(doubled, [question, answer]) == {1: 0, 3: 2, 4: 2}


def test_the_same_text_in_two_turns_is_no_copy() -> None:
    said = talk(("ok", "done"), ("ok", "done"), ("thanks", "bye"))
    assert copies(said, said[2:]) == {}
    assert copies(said, []) == {}


def test_a_question_that_failed_and_was_asked_again() -> None:
    at = [START + minute * 60 for minute in range(3)]
    failed = [Said("user", "hello?", moment, moment - 1) for moment in at]
    answered = turn(9, "hello?", "here I am")
    assert copies([*failed, *answered], answered) == {1: 0, 2: 0, 3: 0}
    between = [failed[0], *turn(1, "else", "yes"), failed[2]]
    assert copies(between, []) == {}


def test_a_list_that_was_written_again_under_one_time() -> None:
    """0.13 and 0.14 after a rotation in mid-turn: the whole list again, all at the turn's time."""
    first = talk(("one", "1"), ("two", "2"))
    again = [Said(one.role, one.text, START + 9000, START + 8990) for one in first]
    new = turn(15, "three", "3", at=START + 9000)
    assert copies([*first, *again, *new], [*first, *new]) == {4: 0, 5: 1, 6: 2, 7: 3}
    # Where the rows hold it twice, or not at all, it is no copy.
    assert copies([*first, *again, *new], [*first, *again, *new]) == {}
    assert copies([*first, *again, *new], new) == {}


def test_a_line_without_a_time_is_no_copy() -> None:
    """/undo of 0.13 and 0.14 rewrites files without times: "ok" six times was said six times."""
    said = talk(("one", "1"), ("two", "2"), ("one", "1"), ("three", "3"))
    rows = talk(("one", "1"), ("two", "2"), ("three", "3"))
    assert copies(said, rows, timed=False) == {}
    assert copies(said, rows) == {}


def test_a_block_copied_with_its_old_times_counts_once() -> None:
    said = talk(("one", "1"), ("two", "2"), ("three", "3"))
    assert copies([*said[:4], *said[:4], *said[4:]], said) == {4: 0, 5: 1, 6: 2, 7: 3}
