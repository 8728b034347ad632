"""Forked conversations: what is whose own, what each sibling holds, which one is live."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.gateway_routing import Routing, build_routing
from hermes_repair.lineage.compared_messages import (
    Message,
    Nature,
    begins_with,
    copied_rows,
    nature_of,
    origin_of,
)
from hermes_repair.lineage.forks import Decision, Fork, Holds, find_fork
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.program_texts import Kind
from tests.support import NO_ROUTING

NATURES = {"S": Nature.CARRIED, "R": Nature.REVIEW, "L": Nature.PROMPT, "M": Nature.META}


def talk(words: str, start: float = 0.0) -> list[Message]:
    """Make messages of a line like ``u1 a1 u2``: u user, a assistant, t tool, and the program's.

    S is a summary, R a review instruction, L a limit prompt, M session_meta. Equal words are equal
    messages; the tool answer ``t1!`` is ``t1`` with its text cut by compression.
    """
    messages = []
    for number, word in enumerate(words.split()):
        letter = word[0]
        role = {"u": "user", "a": "assistant", "t": "tool", "M": "session_meta"}.get(letter, "user")
        messages.append(
            Message(
                id=number + 1,
                role=role,
                key=word,
                at=start + number,
                nature=NATURES.get(letter, Nature.GENUINE),
                answers=word.rstrip("!") if letter == "t" else None,
            )
        )
    return messages


def routes(**keys: str) -> Routing:
    return build_routing(json.dumps({k: {"session_id": v} for k, v in keys.items()}).encode())


def fork(
    rows: Mapping[str, Sequence[Message]],
    routing: Routing = NO_ROUTING,
    closed: Sequence[str] = (),
    extra: Sequence[SessionNode] = (),
    parent_key: str | None = None,
) -> Fork:
    """Build the fork of parent P whose siblings are the other names, started in that order."""
    nodes = [
        SessionNode("P", ended_at=9.0, end_reason="compression", session_key=parent_key),
        *extra,
    ]
    there = {node.id for node in extra}
    for number, name in enumerate(name for name in rows if name != "P" and name not in there):
        end = 90.0 if name in closed else None
        nodes.append(SessionNode(name, parent_id="P", started_at=10.0 + number, ended_at=end))
    return find_fork(Graph.build(nodes), "P", rows, routing)


PARENT = "u1 a1 u2 t2 a2 u3 a3"


@pytest.mark.parametrize(
    ("child", "copied"),
    [
        ("", 0),
        ("u1 S u3 a3 u4 a4", 4),
        ("M u1 S t2! a2 u3 a3 S", 8),
        ("u9 a9", 0),
        ("S u4 a4", 1),
        # A person may say again what was said before the part that was copied.
        ("u1 S u3 a3 u1 a9", 4),
        (PARENT, 7),
    ],
)
def test_copied_rows(child: str, copied: int) -> None:
    assert copied_rows(talk(PARENT), talk(child)) == copied


def test_the_origin_of_a_session_is_named_only_where_one_is_proven() -> None:
    child = talk("u1 S u3 a3 u8")
    assert begins_with(talk(PARENT), child) == 3
    assert begins_with(talk("u1 a9"), child) == 0  # a greeting that many chats begin with
    assert begins_with(talk("a1 a3"), talk("a1 S a3 u8")) == 0
    chats = {"parent": talk(PARENT), "other": talk("u1 a9"), "empty": []}
    assert origin_of(child, chats) == "parent"
    assert origin_of(child, {**chats, "grown": talk("u1 u3 a3 u8")}) == "grown"
    assert origin_of(child, {**chats, "twin": talk(PARENT)}) is None
    assert origin_of(child, {}) is None
    assert origin_of([], chats) is None


def test_own_messages_begin_after_what_parent_and_siblings_share() -> None:
    found = fork(
        {
            "P": talk("u1 a1 u2 a2"),
            # 0.15.2 never wrote the parent's last turn (u3 a3) to the parent itself.
            "A": talk("u1 S1 u2 a2 u3 a3 u4 a4", 100.0),
            "B": talk("u1 S2 u2 a2 u3 a3 u5 a5 u6", 200.0),
        }
    )
    first, second = found.siblings
    assert (first.shared, [m.key for m in first.own]) == (6, ["u4", "a4"])
    assert (second.shared, [m.key for m in second.own]) == (6, ["u5", "a5", "u6"])
    assert (first.diverges_at, first.latest) == (106.0, 107.0)
    assert first.holds is second.holds is Holds.WORDS
    assert found.live.session_id is None and found.live.by is Decision.UNDECIDED
    assert found.live.suggestion == "B"


def test_what_siblings_hold_is_told_apart() -> None:
    found = fork(
        {
            "P": talk(PARENT),
            "words": talk("u1 S u3 a3 u4 a4"),
            "nothing": [],
            "copies": talk("u1 S u3 a3"),
            "review": talk("u1 S u3 a3 R t9 a9"),
            "spoken-after-review": talk("u1 S u3 a3 R a9 u7 a7"),
            "limit-only": talk("u1 S u3 a3 L a9"),
        }
    )
    assert {sibling.session_id: sibling.holds for sibling in found.siblings} == {
        "words": Holds.WORDS,
        "nothing": Holds.NOTHING,
        "copies": Holds.COPIES,
        "review": Holds.REVIEW,
        "spoken-after-review": Holds.WORDS,
        "limit-only": Holds.WORDS,
    }


def test_of_equal_siblings_one_keeps_the_words() -> None:
    rows = {"P": talk("u1 a1"), "A": talk("u1 S u4 a4"), "B": talk("u1 S u4 a4")}
    held = [sibling.holds for sibling in fork(rows).siblings]
    assert held == [Holds.WORDS, Holds.COPIES]
    held = [sibling.holds for sibling in fork(rows, routes(k="B")).siblings]
    assert held == [Holds.COPIES, Holds.WORDS]


def test_a_review_that_alone_has_a_last_turn_is_not_hidden() -> None:
    reviews = {"A": talk("u1 S u9 R a3"), "B": talk("u1 S u9 R a4")}
    held = [sibling.holds for sibling in fork({"P": talk("u1 a1"), **reviews}).siblings]
    assert held == [Holds.WORDS, Holds.REVIEW]
    rows = {"P": talk("u1 a1"), **reviews, "L": talk("u1 S u9 a9")}
    held = [sibling.holds for sibling in fork(rows, routes(k="L")).siblings]
    assert held == [Holds.REVIEW, Holds.REVIEW, Holds.WORDS]


WORDS = st.lists(st.sampled_from(["u1", "u2", "a1", "a2", "R", "S", "L"]), max_size=6)


@given(WORDS, st.lists(WORDS, min_size=2, max_size=4), st.sampled_from([None, "c0", "c1"]))
def test_no_word_of_a_persons_is_only_in_what_would_be_hidden(
    parent: list[str], children: list[list[str]], routed: str | None
) -> None:
    rows = {"P": talk(" ".join(parent))}
    rows |= {f"c{number}": talk(" ".join(words)) for number, words in enumerate(children)}
    found = fork(rows, NO_ROUTING if routed is None else routes(k=routed))
    shown = {message.key for message in rows["P"]}
    for sibling in found.siblings:
        assert sibling.own == tuple(rows[sibling.session_id][sibling.shared :])
        if sibling.holds is Holds.WORDS or sibling.session_id == found.live.session_id:
            shown |= {message.key for message in rows[sibling.session_id]}
    for sibling in found.siblings:
        said = {message.key for message in rows[sibling.session_id] if message.is_person}
        assert said <= shown


def test_a_sibling_that_is_the_beginning_of_another_only_copies() -> None:
    rows = {"P": talk("u1 a1"), "A": talk("u1 S u4 a4"), "B": talk("u1 S u4 a4 u5 a5")}
    found = fork(rows)
    assert [sibling.holds for sibling in found.siblings] == [Holds.COPIES, Holds.WORDS]
    assert [message.key for message in found.siblings[1].own] == ["u5", "a5"]


TWO = {"P": talk("u1 a1"), "A": talk("u1 S u4 a4", 50.0), "B": talk("u1 S u5 a5")}


def test_routing_decides_first() -> None:
    live = fork(TWO, routes(k="A"), closed=["A"]).live
    assert (live.session_id, live.by) == ("A", Decision.ROUTING)
    assert live.routed == frozenset("A")


def test_a_route_into_the_chain_of_a_sibling_counts_for_it() -> None:
    extra = [
        SessionNode("A", parent_id="P", started_at=10.0, ended_at=50.0, end_reason="compression"),
        SessionNode("A2", parent_id="A", started_at=51.0),
    ]
    found = fork(TWO, routes(k="A2"), extra=extra)
    assert found.live.session_id == "A"
    assert found.siblings[0].chain == ("A", "A2") and found.siblings[0].continued
    # Without a route both are open: the chain of A by its tip.
    assert fork(TWO, extra=extra).live.by is Decision.UNDECIDED


def test_the_only_open_one_decides_next() -> None:
    live = fork(TWO, closed=["A"]).live
    assert (live.session_id, live.by) == ("B", Decision.ONLY_OPEN)
    assert live.suggestion == "A"  # it has the later message; the proof still wins


def test_an_open_sibling_without_words_is_no_rival_but_one_with_copies_is() -> None:
    empty = fork({**TWO, "E": []}, closed=["A"]).live
    assert (empty.session_id, empty.by) == ("B", Decision.ONLY_OPEN)
    review = fork({**TWO, "R": talk("u1 S R a9")}, closed=["A"]).live
    assert review.session_id == "B"
    copies = fork({**TWO, "C": talk("u1 S")}, closed=["A"]).live
    assert copies.by is Decision.UNDECIDED
    assert fork(TWO, closed=["A", "B"]).live.by is Decision.UNDECIDED


def test_two_routes_need_the_parents_key_to_decide() -> None:
    both = routes(k1="A", k2="B")
    assert fork(TWO, both).live.by is Decision.UNDECIDED
    live = fork(TWO, both, parent_key="k2").live
    assert (live.session_id, live.by) == ("B", Decision.ROUTING)
    assert live.routed == frozenset("AB")


def test_forks_of_forks_are_found_one_by_one() -> None:
    nodes = [
        SessionNode("P", ended_at=1.0, end_reason="compression"),
        SessionNode("A", parent_id="P", ended_at=2.0, end_reason="compression"),
        SessionNode("B", parent_id="P"),
        SessionNode("A1", parent_id="A"),
        SessionNode("A2", parent_id="A"),
        SessionNode("branch", parent_id="P", branched_from="P"),
        SessionNode("tool", parent_id="P", source="tool"),
    ]
    graph = Graph.build(nodes)
    assert graph.forked_parents == ("P", "A")
    outer = find_fork(graph, "P", {}, routes(k="A2"))
    inner = find_fork(graph, "A", {}, routes(k="A2"))
    assert (outer.live.session_id, inner.live.session_id) == ("A", "A2")
    assert [sibling.session_id for sibling in outer.siblings] == ["A", "B"]


@pytest.mark.parametrize(
    ("role", "kind", "nature"),
    [
        ("user", None, Nature.GENUINE),
        ("user", "summary", Nature.CARRIED),
        ("assistant", "summary", Nature.CARRIED),
        ("assistant", "review", Nature.GENUINE),
        ("tool", "summary", Nature.GENUINE),
        ("user", "todo", Nature.CARRIED),
        ("user", "review", Nature.REVIEW),
        ("user", "limit", Nature.PROMPT),
        ("session_meta", None, Nature.META),
        ("system", None, Nature.META),
    ],
)
def test_the_nature_of_a_message(role: str, kind: str | None, nature: Nature) -> None:
    assert nature_of(role, None if kind is None else Kind(kind)) is nature
