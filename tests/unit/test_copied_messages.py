"""What copies have of a chat: each message once, known again whatever its id is there."""

from __future__ import annotations

from hermes_repair.evidence.copied_messages import CopiedMessages, Message
from hermes_repair.evidence.message_places import Stretch
from hermes_repair.transcripts.verdicts import Fill, Step


def said(*words: str, first: int = 1) -> dict[int, Message]:
    """Return messages a minute apart, under ids from ``first`` on."""
    return {
        first + n: Message(("user", len(word), word), 60.0 * int(word.strip("ab")))
        for n, word in enumerate(words)
    }


def held(*copies: dict[int, Message]) -> CopiedMessages:
    found = CopiedMessages()
    for copy in copies:
        found.add({"s": copy})
    return found


def test_what_two_copies_have_counts_once() -> None:
    """Three states of one chat; the second has the same words twice, as a person may say them."""
    copies = held(said("a1", "a2"), said("a2", "a2", "a3", first=7), said("a1"))
    account = copies.account("s", said("a1", first=90), None)
    assert account is not None and (account.messages, account.missing) == (4, 3)
    assert account.stretches == (
        Stretch(1, True, None, 60.0, 60.0, copies=True),
        Stretch(3, False, False, 120.0, 180.0, copies=True),
    )


def test_a_gap_in_the_middle_stays_in_the_middle() -> None:
    account = held(said("a1", "a2", "a3")).account("s", said("a1", "a3", "a4"), None)
    assert account is not None
    assert [(p.messages, p.database, p.copies) for p in account.stretches] == [
        (1, True, True),
        (1, False, True),
        (1, True, True),
        (1, True, False),
    ]


def test_a_line_of_the_file_is_known_by_its_time() -> None:
    """The copy has the first of two lines that the database lacks; nothing is in it alone."""
    steps = [Step(None, 0, 62.0), Step(None, 1, 122.0), Step(3, None, None)]
    fill = Fill(steps, 0, False, frozenset({3}))
    account = held(said("a1", "a3")).account("s", {3: said("a3")[1]}, fill)
    assert account is not None and (account.messages, account.missing) == (2, 0)
    assert [(p.database, p.file, p.copies) for p in account.stretches] == [
        (False, True, True),
        (False, True, False),
        (True, True, True),
    ]


def test_of_other_chats_nothing_is_known() -> None:
    assert held(said("a1")).account("other", said("a1"), None) is None
    assert held().account("s", {}, None) is None
