"""The merge of two siblings: whole turns, by time, and nothing illegal."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.lineage.compared_messages import Message, Nature
from hermes_repair.lineage.merge import LeftOut, MergedTurns, merge_turns


def turn(name: str, at: float, tools: int = 0, first: int = 1) -> list[Message]:
    """Make one complete turn: a question, ``tools`` calls with their answers, an answer."""
    calls = tuple(f"{name}-c{number}" for number in range(tools))
    rows = [Message(0, "user", f"u-{name}", at)]
    if calls:
        rows.append(Message(0, "assistant", f"call-{name}", at, calls=calls))
        rows += [Message(0, "tool", f"t-{call}", at, answers=call) for call in calls]
    rows.append(Message(0, "assistant", f"a-{name}", at))
    return [replace(row, id=first + number) for number, row in enumerate(rows)]


def numbered(*turns: list[Message]) -> list[Message]:
    rows = [message for rows in turns for message in rows]
    return [replace(row, id=number + 1) for number, row in enumerate(rows)]


SUMMARY = [Message(1, "user", "summary", 0.0, Nature.CARRIED)]
HEAD = [*SUMMARY, Message(2, "assistant", "tail", 0.0)]


def told(result: MergedTurns) -> list[str]:
    return [
        ("+" if placed.merged_in else "") + str(placed.message.key) for placed in result.sequence
    ]


def test_turns_go_between_turns_by_time() -> None:
    kept = numbered(HEAD, turn("k1", 10.0), turn("k2", 30.0))
    other = numbered(HEAD, turn("o1", 5.0), turn("o2", 20.0, tools=2), turn("o3", 40.0))
    result = merge_turns(kept, 2, other, 2)
    assert told(result) == [
        *("summary", "tail", "+u-o1", "+a-o1", "u-k1", "a-k1"),
        *("+u-o2", "+call-o2", "+t-o2-c0", "+t-o2-c1", "+a-o2", "u-k2", "a-k2", "+u-o3", "+a-o3"),
    ]
    assert result.left_out == ()
    assert [placed.at for placed in result.sequence] == sorted(
        placed.at or 0.0 for placed in result.sequence
    )


def test_what_stays_out_is_named_with_its_reason() -> None:
    open_call = turn("o1", 5.0, tools=1)[:-2]
    unanswered = turn("o2", 6.0)[:1]
    review = [Message(0, "user", "review", 7.0, Nature.REVIEW), Message(0, "assistant", "x", 7.0)]
    rows_before = [Message(0, "assistant", "going on", 4.0)]
    other = numbered(
        HEAD, rows_before, open_call, unanswered, review, turn("k1", 10.0), turn("o3", 9.0)
    )
    kept = numbered(HEAD, turn("k1", 10.0))
    result = merge_turns(kept, 2, other, 2)
    assert [reason for reason, _ in result.left_out] == [
        LeftOut.NOT_A_PERSONS,
        LeftOut.INCOMPLETE,
        LeftOut.INCOMPLETE,
        LeftOut.NOT_A_PERSONS,
        LeftOut.ALREADY_THERE,
    ]
    assert [message.key for message in result.merged_in] == ["u-o3", "a-o3"]
    named = {row for _, ids in result.left_out for row in ids}
    assert named | {m.id for m in result.merged_in} == {m.id for m in other[2:]}


def test_prompts_within_a_turn_stay_in_it() -> None:
    rows = [
        Message(0, "user", "u", 5.0),
        Message(0, "assistant", "half", 5.0),
        Message(0, "user", "continue", 5.0, Nature.PROMPT),
        Message(0, "assistant", "rest", 5.0),
    ]
    result = merge_turns(numbered(HEAD, turn("k", 9.0)), 2, numbered(HEAD, rows), 2)
    assert [message.key for message in result.merged_in] == ["u", "half", "continue", "rest"]


def test_nothing_goes_after_an_unfinished_end_or_before_the_shared_rows() -> None:
    unfinished = [*turn("k", 1.0), Message(0, "user", "and?", 2.0)]
    result = merge_turns(numbered(SUMMARY, unfinished), 1, numbered(SUMMARY, turn("o", 9.0)), 1)
    # After the summary a question would be the second message of role user in a row.
    assert told(result)[:3] == ["summary", "u-k", "a-k"]
    assert told(result)[3:] == ["+u-o", "+a-o", "and?"]
    lone = merge_turns(SUMMARY, 1, numbered(SUMMARY, turn("o", 9.0)), 1)
    assert lone.merged_in == ()
    assert lone.left_out == ((LeftOut.NO_PLACE, (2, 3)),)


def test_times_are_moved_between_their_neighbours() -> None:
    kept = numbered(HEAD, turn("k1", 50.0), turn("k2", 60.0))
    other = numbered(HEAD, [replace(row, at=None) for row in turn("o1", 0.0)], turn("o2", 1.0))
    result = merge_turns(kept, 2, other, 2)
    times = [placed.at for placed in result.sequence]
    assert None not in times
    assert times == sorted(time for time in times if time is not None)


MOMENTS = st.floats(0.0, 100.0)
TURNS = st.lists(st.tuples(MOMENTS, st.integers(0, 2), st.booleans()), max_size=6)


@given(TURNS, TURNS)
def test_any_merge_keeps_both_orders_pairs_and_alternation(
    mine: list[tuple[float, int, bool]], theirs: list[tuple[float, int, bool]]
) -> None:
    def rows(side: str, shape: list[tuple[float, int, bool]]) -> list[Message]:
        turns = []
        for number, (at, tools, whole) in enumerate(shape):
            one = turn(f"{side}{number}", at, tools)
            turns.append(one if whole or side == "k" else one[:-1])
        return numbered(HEAD, *turns)

    kept, other = rows("k", mine), rows("o", theirs)
    result = merge_turns(kept, 2, other, 2)
    merged = [placed.message for placed in result.sequence]

    assert [p.message.id for p in result.sequence if not p.merged_in] == [m.id for m in kept]
    merged_in = [message.id for message in result.merged_in]
    assert merged_in == sorted(merged_in)
    left = [row for _, ids in result.left_out for row in ids]
    assert sorted(merged_in + left) == [message.id for message in other[2:]]
    pending: set[str] = set()
    previous = "user"
    for message in merged[1:]:
        if message.role == "tool":
            assert message.answers in pending
        else:
            assert not pending
            assert message.role != previous
        pending = (pending | set(message.calls)) - {message.answers or ""}
        previous = message.role
    assert not pending
