"""Whatever was lost or rewritten: a SAFE fill gives back the conversation and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_repair.transcripts.repeats import find_copies
from hermes_repair.transcripts.verdicts import HomeFacts, Verdict
from tests.unit.transcripts_model import START, Said, as_file, as_rows, facts, judge, result, turn

FLIP: st.SearchStrategy[bool] = st.booleans()
# Few texts, so that a person and a model often say the same again.
TEXTS = st.sampled_from(["ok", "thanks", "and now?", "done", ""])


@st.composite
def turns(draw: st.DrawFn, first: int = 0, most: int = 7) -> list[list[Said]]:
    """Turns with repeated and unique texts, tool calls and failed attempts, in order of time."""
    found = []
    for number in range(first, first + draw(st.integers(1, most))):
        ended = START + number * 600.0
        user = draw(TEXTS) if draw(st.booleans()) else f"question {number}"
        answer = draw(TEXTS) if draw(st.booleans()) else f"answer {number}"
        said = [Said("user", user, ended, ended - 30)]
        if draw(st.integers(0, 3)) == 0:
            said += [
                Said("assistant", f"calls a tool {number}", ended, ended - 20),
                Said("tool", draw(TEXTS), ended, ended - 15, f"call {number}"),
            ]
        if draw(st.integers(0, 7)):
            said.append(Said("assistant", answer, ended, ended - 10))
        found.append(said)
    return found


def flat(groups: list[list[Said]]) -> list[Said]:
    return [said for group in groups for said in group]


def keep(draw: st.DrawFn, said: list[Said], label: str) -> list[int]:
    """Choose what survives: all, a part without front, middle or tail, or any part."""
    size = len(said)
    kind = draw(st.sampled_from(["all", "front", "middle", "tail", "any", "none"]), label=label)
    low = draw(st.integers(0, size))
    high = draw(st.integers(low, size))
    match kind:
        case "front":
            return list(range(low, size))
        case "middle":
            return [*range(low), *range(high, size)]
        case "tail":
            return list(range(low))
        case "any":
            chosen: set[int] = draw(st.sets(st.integers(0, max(size - 1, 0)), max_size=size))
            return sorted(chosen)
        case "none":
            return []
    return list(range(size))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_losses_are_filled_exactly_or_not_at_all(data: st.DataObject) -> None:
    draw: st.DrawFn = data.draw  # type: ignore[assignment]
    old = flat(draw(turns()))
    later = flat(draw(turns(first=20, most=2))) if draw(st.booleans()) else []
    in_file = keep(draw, old, "file")
    in_rows = keep(draw, old, "rows")
    repeated = [*in_file]
    if draw(st.booleans()) and in_file:
        at = draw(st.integers(0, len(in_file) - 1))
        repeated.insert(at, in_file[at])  # a double writer
    file = as_file(old[index] for index in repeated)
    rows = as_rows([*(old[index] for index in in_rows), *later])
    comparison = judge(file, rows)

    both = sorted(set(in_file) | set(in_rows))
    everything = [
        *as_rows(old[index] for index in both).keys,
        *as_rows(later).keys,
    ]
    if comparison.verdict in (Verdict.EQUAL, Verdict.FILE_SHORTER):
        copies = find_copies(file, rows.keys)
        wanted = iter(rows.keys)
        repeats = copies.keys() | set(copies.values())
        needed = [key for line, key in enumerate(file.keys) if line not in repeats]
        assert all(key in wanted for key in needed), "something was missing after all"
    if comparison.safe:
        after = result(comparison, file, rows)
        # Copies (a question asked again before an answer) may be left out, nothing else.
        left = iter(everything)
        assert all(key in left for key in after), "order broken or a message twice"
        copied = Counter(file.keys[line] for line in find_copies(file, rows.keys))
        assert Counter(everything) - Counter(after) <= copied, "a message was left out"
        again = judge_again(comparison, file, after, old, later)
        assert again in (Verdict.EQUAL, Verdict.FILE_SHORTER)


def judge_again(
    comparison: object, file: object, after: list[bytes], old: list[Said], later: list[Said]
) -> Verdict:
    """Compare once more after the fill."""
    by_key = dict(zip(as_rows([*old, *later]).keys, [*old, *later], strict=True))
    rows = as_rows(by_key[key] for key in after)
    return judge(file, rows).verdict  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_was_undone_never_comes_back_by_itself(data: st.DataObject) -> None:
    """/undo and /retry of 0.15 and 0.16: every row that is kept gets a new time and id."""
    draw: st.DrawFn = data.draw  # type: ignore[assignment]
    groups = draw(turns())
    old = flat(groups)
    lost = draw(st.integers(0, len(groups) - 1)) if draw(st.booleans()) else 0
    in_rows = flat(groups[lost:])
    # One undo takes the last user message and what follows; several do it again.
    users = [index for index, said in enumerate(in_rows) if said.role == "user"]
    cut = draw(st.sampled_from(users))
    at = START + 20 * 600.0
    kept = [replace(said, stamped=at + index * 1e-6) for index, said in enumerate(in_rows[:cut])]
    asked_again = draw(st.sampled_from(["nothing", "another", "same question", "same turn"]))
    more: list[Said] = []
    if asked_again == "another":
        more = turn(21, "something else", "of course")
    elif asked_again == "same question":
        more = turn(21, in_rows[cut].text, "another answer")
    elif asked_again == "same turn":
        answer = in_rows[cut + 1].text if cut + 1 < len(in_rows) else "answer"
        more = turn(21, in_rows[cut].text, answer)
    rows = as_rows([*kept, *more], ids=range(100, 100 + len(kept) + len(more)))
    file = as_file(old)
    session = facts(started_at=draw(st.sampled_from([START, at])))
    comparison = judge(file, rows, session, HomeFacts(first_missing_id=1))
    assert not comparison.safe
    assert comparison.verdict is not Verdict.FRONT_OR_MIDDLE_MISSING


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_rewrite_that_keeps_the_times_never_comes_back(data: st.DataObject) -> None:
    """/retry of 0.17 and later: new ids in one block, the old times, the last turn gone."""
    draw: st.DrawFn = data.draw  # type: ignore[assignment]
    groups = draw(turns())
    old = flat(groups)
    users = [index for index, said in enumerate(old) if said.role == "user"]
    kept = old[: draw(st.sampled_from(users))]
    more = turn(21, old[len(kept)].text, "another answer") if draw(st.booleans()) else []
    rows = as_rows([*kept, *more], ids=range(100, 100 + len(kept) + len(more)))
    assert not judge(as_file(old), rows, home=HomeFacts(first_missing_id=1)).safe


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_deleted_sessions_stay_deleted(data: st.DataObject) -> None:
    """A delete leaves the file; the next turn makes a row that starts later and counts right."""
    draw: st.DrawFn = data.draw  # type: ignore[assignment]
    old = flat(draw(turns()))
    later = flat(draw(turns(first=20, most=2)))
    file = as_file(old)
    rows = as_rows(later)
    young = HomeFacts(database_birth=START - 5000)
    remade = facts(started_at=START + 19 * 600.0)
    assert not judge(file, rows, remade, young).safe
