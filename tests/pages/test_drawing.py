"""Where things stand in the drawings of a page."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.evidence.chat_timelines import Day
from hermes_repair.evidence.message_places import Stretch
from hermes_repair.gateway_routing import build_routing
from hermes_repair.lineage.family_tree import Tree, grow
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.report.page_drawing import (
    MOST_BINS,
    MOST_LANES,
    MOST_PIECES,
    NARROWEST,
    Row,
    chart,
    rows,
    strip,
)

STRETCHES = st.lists(
    st.builds(
        Stretch,
        st.integers(1, 10**6),
        st.booleans(),
        st.sampled_from([True, False, None]),
        copies=st.sampled_from([True, False, None]),
    ),
    min_size=1,
    max_size=600,
)


@given(STRETCHES)
def test_a_strip_has_every_message_and_shows_every_loss(stretches: list[Stretch]) -> None:
    drawn = strip(stretches)
    assert bool(drawn.copies) == any(stretch.copies for stretch in stretches)
    for lane in (drawn.database, drawn.file, *([drawn.copies] if drawn.copies else [])):
        assert sum(piece.messages for piece in lane) == sum(s.messages for s in stretches)
        assert sum(piece.wide for piece in lane) == pytest.approx(1)
        assert len(lane) <= MOST_PIECES
        assert all(a.there != b.there for a, b in pairwise(lane))
        assert min(piece.wide for piece in lane) > NARROWEST / (1 + MOST_PIECES * NARROWEST) / 1.01
    lost = any(not stretch.database for stretch in stretches)
    assert any(not piece.there for piece in drawn.database) == lost


def test_neighbours_that_are_alike_in_a_lane_are_one_piece() -> None:
    parts = [Stretch(2, True, True), Stretch(1, True, False), Stretch(3, False, True)]
    drawn = strip(parts)
    assert [(p.messages, p.there) for p in drawn.database] == [(3, True), (3, False)]
    assert [(p.messages, p.there) for p in drawn.file] == [(2, True), (1, False), (3, True)]
    assert [p.at for p in drawn.database] == [0.0, 0.5]


@pytest.mark.parametrize(
    ("span", "per_bar"), [(1, 1), (92, 1), (93, 7), (644, 7), (645, 28), (2576, 28), (9200, 100)]
)
def test_bars_are_few_and_have_every_message(span: int, per_bar: int) -> None:
    first = date(2020, 1, 1)
    drawn = chart([Day(first, 3, 0), Day(first + timedelta(days=span - 1), 1, 4)])
    assert drawn is not None
    assert drawn.days_per_bar == per_bar
    assert (sum(b.stored for b in drawn.bars), sum(b.missing for b in drawn.bars)) == (4, 4)
    assert len(drawn.bars) <= MOST_BINS
    assert max(bar.stored_high + bar.missing_high for bar in drawn.bars) == pytest.approx(1)
    assert all(0 <= bar.at <= bar.at + bar.wide <= 1.000001 for bar in drawn.bars)
    assert drawn.ticks[0] == (0.0, first)
    assert all(0 <= at <= 1 for at, _ in drawn.ticks)


def test_no_day_has_no_chart() -> None:
    assert chart([]) is None


def node(
    id: str, parent: str | None = None, at: float = 0.0, *, over: bool = False, source: str = "cli"
) -> SessionNode:
    return SessionNode(
        id,
        source=source,
        parent_id=parent,
        started_at=at,
        ended_at=at + 9 if over else None,
        end_reason="compression" if over else None,
    )


def families(*nodes: SessionNode) -> list[Tree]:
    routing = build_routing(
        sessions_json=None, gateway_rows=(), topic_rows=(), row_keys={}, scope=""
    )
    return list(grow(Graph.build(nodes), routing))


def lanes(drawn: list[Row]) -> list[tuple[str, int, int | None]]:
    return [(row.leaf.node.id, row.lane, row.enters) for row in drawn]


def test_what_continues_goes_straight_on_and_the_other_half_turns_off() -> None:
    fork = [node("a", over=True), node("b", "a", 20), node("c", "a", 21, source="cli")]
    (family,) = families(*fork)
    drawn = rows(family.leaves, {"b": "c"})
    assert lanes(drawn) == [("a", 0, None), ("b", 1, 0), ("c", 0, 0)]
    assert [row.passing for row in drawn] == [(), ((0, "continuation"),), ()]
    assert [row.goes_on for row in drawn] == ["continuation", "", ""]


def test_a_run_turns_off_and_the_chat_goes_on_below_it() -> None:
    (family,) = families(
        node("a", over=True), node("run", "a", 5, source="tool"), node("b", "a", 20)
    )
    assert lanes(rows(family.leaves, {})) == [("a", 0, None), ("run", 1, 0), ("b", 0, 0)]


def test_a_long_chain_is_one_lane_and_a_deep_one_few() -> None:
    chain = [node("0", over=True)]
    chain += [node(str(n), str(n - 1), 20.0 * n, over=True) for n in range(1, 3000)]
    (family,) = families(*chain)
    assert {row.lane for row in rows(family.leaves, {})} == {0}
    deep = [node("0"), *(node(str(n), str(n - 1), float(n), source="tool") for n in range(1, 3000))]
    (family,) = families(*deep)
    drawn = rows(family.leaves, {})
    assert len(drawn) == 3000
    assert max(row.lane for row in drawn) == MOST_LANES - 1
    assert max(len(row.passing) for row in drawn) <= MOST_LANES


def test_a_cycle_ends() -> None:
    (family,) = families(node("a", "c"), node("b", "a"), node("c", "b"))
    assert sorted(row.leaf.node.id for row in rows(family.leaves, {})) == ["a", "b", "c"]
