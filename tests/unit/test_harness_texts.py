"""What counts as the program's own text, and that every opening is one that a release writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hermes_repair.lineage.queries import facts_query
from hermes_repair.program_texts import (
    Kind,
    default_harness,
    is_compaction_summary,
    is_harness,
    is_todo_snapshot,
    load_harness,
)

SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into what follows."
REVIEW = "Review the conversation above and update the skill library. Be quick."
TODO = "[Your active task list was preserved across context compression]\n- [ ] water the plants"
LIMIT = "You've reached the maximum number of tool-calling iterations allowed. Please stop."


def test_each_kind_is_told_apart() -> None:
    assert is_compaction_summary(SUMMARY) and not is_harness(SUMMARY)
    assert is_todo_snapshot(TODO) and not is_harness(TODO)
    assert default_harness().kind(REVIEW) is Kind.REVIEW and is_harness(REVIEW)
    assert default_harness().kind(LIMIT) is Kind.LIMIT and is_harness(LIMIT)
    assert default_harness().kind("[CONTEXT SUMMARY]: older form") is Kind.SUMMARY


@pytest.mark.parametrize(
    "words",
    [
        "",
        "   ",
        "hello",
        "Please review the conversation above and update the skill library",
        "[Note: model was just switched from a to b.]\n\nwhat is the weather?",
        "[System note: The previous turn was interrupted by a restart.]\n\ngo on please",
        '[IMPORTANT: The user has invoked the "cook" skill, indicating they want soup.]',
        "[CONTEXT",
        None,
        7,
        b"[CONTEXT COMPACTION",
    ],
)
def test_a_persons_words_are_never_harness(words: object) -> None:
    assert default_harness().kind(words) is None


def test_leading_white_space_does_not_hide_a_text() -> None:
    assert default_harness().kind("\n\t " + REVIEW) is Kind.REVIEW


def test_the_longest_opening_is_within_any_text_that_it_opens() -> None:
    openings = default_harness().openings()
    assert len(openings) == len(set(openings)) > 20
    for one in openings:
        assert not any(other != one and other.startswith(one) for other in openings)


def test_a_broken_data_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_harness(tmp_path)
    (tmp_path / "harness.toml").write_text('[[text]]\nkind = "song"\nopening = "la"\n')
    with pytest.raises(ValueError, match="song"):
        load_harness(tmp_path)


def test_sql_and_python_agree_on_what_a_person_wrote() -> None:
    openings = default_harness().openings()
    texts = [*(opening + " and so on" for opening in openings)]
    texts += ["\n " + openings[0], "hello", "héllo [CONTEXT COMPACTION", " \t ", "", "\x00json:[]"]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE messages (session_id, role, content, timestamp)")
    for number, text in enumerate(texts):
        row = (f"s{number}", "user", text, 1.0)
        connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", row)
    ids = "[" + ",".join(f'"s{number}"' for number in range(len(texts))) + "]"
    found = connection.execute(facts_query({"id"}, openings), (*openings, ids)).fetchall()
    in_sql = {session_id: bool(users) for session_id, users, *_ in found}
    harness = default_harness()
    in_python = {
        f"s{number}": harness.kind(text) is None and text.strip() != ""
        for number, text in enumerate(texts)
    }
    assert in_sql == in_python
    assert sum(in_sql.values()) == 3
