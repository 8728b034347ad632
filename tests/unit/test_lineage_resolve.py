"""The exact columns that each lineage repair changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from hermes_repair.gateway_routing import Routing, build_routing
from hermes_repair.lineage.column_changes import Resolution, changes_of
from hermes_repair.lineage.compared_messages import Message, Nature
from hermes_repair.lineage.fork_resolution import (
    Basis,
    archive,
    archive_merged,
    branch,
    sessions_of,
)
from hermes_repair.lineage.forks import Fork, find_fork
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.links import (
    LinkedSession,
    attach,
    cut_cycle,
    cut_empty,
    cut_orphan,
    mark_branch,
    reopen_parent,
    unhide,
)
from hermes_repair.lineage.session_node import SessionNode, Titles, node_from_row
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import RawText, Row, Value
from tests.support import NO_ROUTING

PROOF = "a person wrote 4 different messages in it"
NEWER = {"session_key": None, "chat_type": None, "chat_id": "7", "archived": 0}


def row(session_id: str, **values: Value) -> dict[str, Value]:
    """Return a row of ``sessions`` as schema 19 has it; ``old=True`` in the name is schema 13."""
    base: dict[str, Value] = {
        "id": session_id,
        "source": "telegram",
        "user_id": "u7",
        "parent_session_id": None,
        "started_at": 1_779_969_600.0,
        "ended_at": None,
        "end_reason": None,
        "title": None,
        "model_config": None,
        "message_count": 4,
        "api_call_count": 0,
    }
    return base | values


def node(values: Mapping[str, Value], rows: int = 3) -> SessionNode:
    """Return the node of a row as the node query would give it."""
    config = values["model_config"]
    parsed: Any = None
    if isinstance(config, str):
        with suppress(ValueError):
            parsed = json.loads(config)
    markers = parsed if isinstance(parsed, dict) else {}
    full = {**row("x"), "session_key": None, "chat_type": None, "chat_id": None, "archived": 0}
    return node_from_row(
        {
            **full,
            **values,
            "rewind_count": 0,
            "config_valid": 1,
            "config_minified": config is not None and " " not in str(config),
            "branched_from": markers.get("_branched_from"),
            "delegate_from": markers.get("_delegate_from"),
            "row_count": rows,
            "active_count": rows,
            "last_message_at": 1_779_969_700.0,
        }
    )


def after(resolution: Resolution) -> dict[str, dict[str, Value]]:
    return {change.session_id: dict(change.after) for change in resolution.changes}


def words(*keys: str) -> list[Message]:
    return [
        Message(
            number + 1,
            "user" if key[0] in "uR" else "assistant",
            key,
            float(number),
            Nature.REVIEW if key[0] == "R" else Nature.GENUINE,
        )
        for number, key in enumerate(keys)
    ]


def forked(
    rows: Sequence[Mapping[str, Value]],
    messages: Mapping[str, Sequence[Message]] | None = None,
    routing: Routing = NO_ROUTING,
) -> tuple[Basis, Fork]:
    """Return the fork below P of these rows, each sibling with words of its own unless said."""
    names = [str(one["id"]) for one in rows]
    said = {name: words("u1", "a1", f"u-{name}", "a9") for name in names}
    said |= {"P": words("u1", "a1")}
    said |= {name: list(given) for name, given in (messages or {}).items()}
    nodes = [node(one, len(said[name])) for name, one in zip(names, rows, strict=True)]
    graph = Graph.build(nodes)
    fork = find_fork(graph, "P", said, routing)
    by_id = {str(one["id"]): one for one in rows}
    titles = Titles.of(nodes)
    rows_of_fork = {name: by_id[name] for name in sessions_of(fork)}
    return Basis(graph, rows_of_fork, titles, taken=titles.exact), fork


PARENT = row("P", title="Trip", ended_at=1_779_969_590.0, end_reason="compression", **NEWER)
LIVE = row("L", parent_session_id="P", title="Trip #2", **NEWER)
ROUTE = build_routing(b'{"k": {"session_id": "L"}}')


def test_branch_changes_only_the_other_sibling() -> None:
    other = row(
        "O",
        parent_session_id="P",
        title="Trip #3",
        model_config='{"max_iterations": 90, "x": 1.50}',
        **{**NEWER, "session_key": "k", "chat_type": "dm"},
    )
    other["started_at"] = 1_779_969_650.0
    basis, fork = forked([PARENT, LIVE, other], routing=ROUTE)
    resolved = branch(basis, fork, "L")
    assert resolved.safety is Safety.SAFE
    assert after(resolved) == {
        "O": {
            "parent_session_id": None,
            "model_config": '{"max_iterations": 90, "x": 1.50,"_branched_from":"P"}',
            "session_key": None,
            "chat_type": None,
            "title": "Trip (other half, 2026-05-28)",
        }
    }
    assert resolved.changes[0].before == {name: other[name] for name in after(resolved)["O"]}


def test_a_lower_or_an_unrelated_title_stays() -> None:
    lower = row("O", parent_session_id="P", title="Trip #1", started_at=1.0)
    basis, fork = forked([PARENT, LIVE, lower], routing=ROUTE)
    assert "title" not in after(branch(basis, fork, "L"))["O"]
    own = row("O", parent_session_id="P", title="Another thing #4", started_at=2e9)
    basis, fork = forked([PARENT, LIVE, own], routing=ROUTE)
    assert "title" not in after(branch(basis, fork, "L"))["O"]


def test_an_untitled_sibling_gets_a_title_and_two_get_different_ones() -> None:
    others = [row(name, parent_session_id="P", title=None) for name in ("O1", "O2")]
    basis, fork = forked([PARENT, LIVE, *others], routing=ROUTE)
    titles = [values["title"] for values in after(branch(basis, fork, "L")).values()]
    assert titles == ["Trip (other half, 2026-05-28)", "Trip (other half 2, 2026-05-28)"]
    later = replace(basis, taken={*basis.taken, *map(str, titles)})
    again = [values["title"] for values in after(branch(later, fork, "L")).values()]
    assert set(again).isdisjoint(titles)


def test_columns_that_the_schema_lacks_are_left_out() -> None:
    rows = [
        row("P", ended_at=1.0, end_reason="compression"),
        row("L", parent_session_id="P"),
        row("O", parent_session_id="P", title=RawText(b"\xff")),
    ]
    basis, fork = forked(rows, routing=ROUTE)
    assert after(branch(basis, fork, "L")) == {
        "O": {"parent_session_id": None, "model_config": '{"_branched_from":"P"}'}
    }


def test_a_sibling_that_another_chat_leads_to_is_only_unlinked() -> None:
    other = row("O", parent_session_id="P", title="Own", **{**NEWER, "session_key": "k2"})
    routing = build_routing(b'{"k": {"session_id": "L"}, "k2": {"session_id": "O"}}')
    parent = {**PARENT, "session_key": "k"}
    basis, fork = forked([parent, LIVE, other], routing=routing)
    assert after(branch(basis, fork, "L")) == {
        "O": {"parent_session_id": None, "model_config": '{"_branched_from":"P"}'}
    }


def test_a_judgement_is_unsafe() -> None:
    basis, fork = forked([PARENT, LIVE, row("O", parent_session_id="P", title="x")])
    assert fork.live.session_id is None
    assert branch(basis, fork, "L").safety is Safety.UNSAFE


def test_nothing_copies_and_reviews_are_not_made_chats() -> None:
    rows = [PARENT, LIVE]
    rows += [row(name, parent_session_id="P", **NEWER) for name in ("E", "C", "R")]
    said = {"E": [], "C": words("u1", "a1"), "R": words("u1", "a1", "R", "a3")}
    basis, fork = forked(rows, said, ROUTE)
    archived = {
        "parent_session_id": None,
        "model_config": '{"_branched_from":"P"}',
        "archived": 1,
    }
    expected = {"E": {"parent_session_id": None}, "C": archived, "R": archived}
    assert after(branch(basis, fork, "L")) == expected
    assert after(archive(basis, fork, "L")) == expected


def test_without_the_column_a_review_says_what_it_is() -> None:
    rows = [
        row("P", ended_at=1.0, end_reason="compression", title="Trip"),
        row("L", parent_session_id="P"),
        row("R", parent_session_id="P"),
    ]
    basis, fork = forked(rows, {"R": words("u1", "a1", "R", "a3")}, ROUTE)
    title = after(branch(basis, fork, "L"))["R"]["title"]
    assert title == "Trip (background review, 2026-05-28)"


def test_archive_refuses_what_holds_a_persons_words() -> None:
    basis, fork = forked([PARENT, LIVE, row("O", parent_session_id="P")], routing=ROUTE)
    refused = archive(basis, fork, "L")
    assert refused.changes == ()
    assert "O has 2 messages" in str(refused.reason)


def test_a_merged_sibling_is_archived_and_points_to_where_its_turns_are() -> None:
    other = row("O", parent_session_id="P", title="Trip #3", **NEWER)
    other["started_at"] = 1_779_969_650.0
    basis, fork = forked([PARENT, LIVE, other], routing=ROUTE)
    resolved = archive_merged(basis, fork, "L", {"O"})
    assert resolved.safety is Safety.UNSAFE
    assert after(resolved)["O"] == {
        "parent_session_id": None,
        "model_config": '{"_branched_from":"L"}',
        "archived": 1,
        "title": "Trip (merged, 2026-05-28)",
    }


def test_the_chain_of_a_continued_sibling_follows_it() -> None:
    first = row("O", parent_session_id="P", title="Trip #3", end_reason="compression", ended_at=2.0)
    first |= NEWER
    second = row(
        "O2",
        parent_session_id="O",
        title="Trip #4",
        **{**NEWER, "session_key": "k", "chat_type": "dm"},
    )
    second["started_at"] = 1_779_999_999.0
    basis, fork = forked([PARENT, LIVE, first, second], routing=ROUTE)
    changed = after(branch(basis, fork, "L"))
    assert changed["O"]["parent_session_id"] is None
    # Resume by title would have opened the tip of the rescued chain, /new would have taken its key.
    assert changed["O2"] == {
        "session_key": None,
        "chat_type": None,
        "title": "Trip (other half, 2026-05-28)",
    }
    assert archive_merged(basis, fork, "L", {"O"}).changes == ()


@pytest.mark.parametrize("config", ["{", "[]", RawText(b"{\xff}"), b"{}"])
def test_a_config_that_takes_no_marker_stops_the_whole_family(config: Value) -> None:
    rows = [PARENT, LIVE, row("O", parent_session_id="P", model_config=config)]
    basis, fork = forked(rows, routing=ROUTE)
    refused = branch(basis, fork, "L")
    assert refused.changes == ()
    assert ("repair --select SE001 --session O" in str(refused.reason)) is (config != "[]")


def test_an_orphan_of_a_persons_keeps_the_id_of_its_parent() -> None:
    lost = row("O", parent_session_id="gone", **NEWER)
    resolved = cut_orphan(linked(lost, alone(lost)), PROOF)
    assert resolved.safety is Safety.SAFE
    assert after(resolved)["O"] == {
        "parent_session_id": None,
        "model_config": '{"_branched_from":"gone"}',
    }
    unproven = cut_orphan(linked(lost, alone(lost)), None)
    assert (unproven.safety, after(unproven)["O"]) == (Safety.UNSAFE, {"parent_session_id": None})
    broken = {**lost, "model_config": "{"}
    assert cut_orphan(linked(broken, alone(broken)), PROOF).changes == ()


@pytest.mark.parametrize(
    ("route", "kept"),
    [
        ("{}", True),  # nothing else is known of that chat: this is what it would lead to
        ('{"k": {"session_id": "O"}}', True),
        ('{"k": {"session_id": "L"}}', False),
        ('{"other": {"session_id": "X"}}', False),  # the same chat under another key
    ],
)
def test_a_rescued_chat_does_not_take_the_place_of_the_live_one(route: str, kept: bool) -> None:
    lost = row("O", parent_session_id="gone", **{**NEWER, "session_key": "k", "chat_type": "dm"})
    live = row("L", **{**NEWER, "chat_id": "8", "chat_type": "dm"})
    same = row("X", **{**NEWER, "chat_type": "dm"})
    graph = alone(lost, live, same)
    routing = build_routing(route.encode())
    resolved = cut_orphan(LinkedSession(graph, graph.nodes["O"], lost, routing), PROOF)
    assert ("session_key" not in after(resolved)["O"]) is kept
    marked = mark_branch(
        LinkedSession(alone(lost, live, same, row("gone")), graph.nodes["O"], lost, routing),
        PROOF,
        copied=True,
    )
    assert ("chat_type" not in after(marked)["O"]) is kept
    root = {**lost, "parent_session_id": None, "model_config": '{"_delegate_from":"__orphaned__"}'}
    shown = unhide(linked(root, alone(root, live, same), routing), PROOF)
    assert ("chat_type" not in after(shown)["O"]) is kept


def test_a_delegates_orphan_keeps_its_mark() -> None:
    lost = row("O", parent_session_id="gone", model_config='{"a": 1, "_delegate_from": "gone"}')
    resolved = cut_orphan(linked(lost, alone(lost)), None)
    assert (resolved.safety, after(resolved)["O"]) == (Safety.SAFE, {"parent_session_id": None})


def test_an_orphan_goes_to_the_session_that_it_copies() -> None:
    lost = row("O", parent_session_id="gone", **NEWER)
    waiting = Graph.build([node(PARENT), node(lost)])
    resolved = attach(linked(lost, waiting), "P")
    assert after(resolved)["O"] == {"parent_session_id": "P", "api_call_count": 1}
    taken = Graph.build([node(PARENT), node(LIVE), node(lost)])
    assert attach(linked(lost, taken), "P").changes == ()
    elsewhere = row("O", parent_session_id="gone", source="cli", **NEWER)
    assert attach(linked(elsewhere, waiting), "P").changes == ()
    earlier = {**lost, "started_at": 1_779_969_000.0}
    assert attach(linked(earlier, waiting), "P").changes == ()
    branch_of = cut_orphan(linked(lost, taken), PROOF, "P")
    assert after(branch_of)["O"]["model_config"] == '{"_branched_from":"P"}'


def test_cycles_are_cut_at_the_earliest() -> None:
    own = row("S", parent_session_id="S")
    assert cut_cycle(linked(own, alone()), PROOF, ("S",)).safety is Safety.SAFE
    assert cut_cycle(linked(own, alone()), None, ("S",)).safety is Safety.UNSAFE
    first = row("A", parent_session_id="B")
    resolved = cut_cycle(linked(first, alone()), PROOF, ("A", "B"))
    assert (resolved.safety, after(resolved)) == (Safety.UNSAFE, {"A": {"parent_session_id": None}})


def test_a_closed_parent_opens_and_keeps_its_key_only_if_routed() -> None:
    keyed = {**PARENT, "session_key": "k", "chat_type": "dm"}
    graph = Graph.build([node(keyed)])
    resolved = reopen_parent(linked(keyed, graph))
    assert resolved.safety is Safety.UNSAFE  # a deleted continuation leaves the same
    assert after(resolved)["P"] == {
        "ended_at": None,
        "end_reason": None,
        "session_key": None,
        "chat_type": None,
    }
    routed = reopen_parent(
        LinkedSession(graph, node(keyed), keyed, build_routing(b'{"k":{"session_id":"P"}}'))
    )
    assert after(routed)["P"] == {"ended_at": None, "end_reason": None}
    assert routed.safety is Safety.SAFE


def test_a_parent_that_something_continues_is_not_opened() -> None:
    closed = {**PARENT, "parent_session_id": "G"}
    graph = Graph.build([node(row("G", end_reason="compression")), node(closed), node(LIVE)])
    assert reopen_parent(linked(closed, graph)).changes == ()
    with_cut = reopen_parent(linked(closed, graph), without={"L"}, unwritten=True)
    assert with_cut.safety is Safety.SAFE
    # It is a continuation itself, so Hermes would close it again after 7 days.
    assert after(with_cut)["P"] == {"ended_at": None, "end_reason": None, "api_call_count": 1}
    ended = row("X", ended_at=1.0, end_reason="cli_close")
    assert reopen_parent(linked(ended, graph)).changes == ()


def test_an_empty_continuation_is_only_unlinked() -> None:
    empty = row("E", parent_session_id="P", title="Trip #2")
    graph = Graph.build([node(PARENT), node(empty, rows=0)])
    titles = Titles.of(graph.nodes.values())
    resolved = cut_empty(LinkedSession(graph, graph.nodes["E"], empty, NO_ROUTING), titles)
    assert resolved.safety is Safety.UNSAFE  # all its turns may have been undone
    unwritten = cut_empty(
        LinkedSession(graph, graph.nodes["E"], empty, NO_ROUTING), titles, unwritten=True
    )
    assert (unwritten.safety, unwritten.changes) == (Safety.SAFE, resolved.changes)
    assert after(resolved)["E"] == {
        "parent_session_id": None,
        "title": "Trip (empty, 2026-05-28)",
    }
    routed = build_routing(b'{"k":{"session_id":"E"}}')
    assert cut_empty(LinkedSession(graph, graph.nodes["E"], empty, routed), titles).changes == ()
    assert (
        cut_empty(LinkedSession(graph, node(empty, rows=1), empty, NO_ROUTING), titles).changes
        == ()
    )


def linked(stored: Row, graph: Graph, routing: Routing = NO_ROUTING) -> LinkedSession:
    return LinkedSession(graph, node(stored), stored, routing)


def alone(*values: Mapping[str, Value]) -> Graph:
    return Graph.build([node(one) for one in values])


def test_the_tag_of_step_16_comes_off() -> None:
    root = row("O", model_config='{"a":1,"_delegate_from":"__orphaned__"}', **NEWER)
    graph = alone(root)
    resolved = unhide(linked(root, graph), PROOF)
    assert (resolved.safety, after(resolved)["O"]) == (Safety.SAFE, {"model_config": '{"a":1}'})
    assert unhide(linked(root, graph), None).safety is Safety.UNSAFE
    child = row("O", parent_session_id="P", model_config='{"_delegate_from":"P"}', **NEWER)
    child["session_key"] = "k"
    resolved = unhide(linked(child, alone(child)), PROOF)
    assert after(resolved)["O"] == {
        "parent_session_id": None,
        "model_config": '{"_branched_from":"P"}',
        "session_key": None,
    }
    live = build_routing(b'{"k":{"session_id":"O"}}')
    assert "session_key" not in after(unhide(linked(child, graph, live), PROOF))["O"]


def test_a_hidden_continuation_continues_again_where_every_release_takes_it_for_one() -> None:
    child = row("O", parent_session_id="P", model_config='{"_delegate_from":"P"}', **NEWER)
    graph = alone(PARENT, child)
    resolved = unhide(LinkedSession(graph, graph.nodes["O"], child, NO_ROUTING), PROOF)
    assert after(resolved)["O"] == {"model_config": "{}"}
    # 0.17.0 takes a child that began before its parent's end for no continuation.
    early = {**child, "started_at": 1_779_969_580.0}
    graph = alone(PARENT, early)
    resolved = unhide(LinkedSession(graph, graph.nodes["O"], early, NO_ROUTING), PROOF)
    assert after(resolved)["O"]["parent_session_id"] is None


def test_the_tag_of_a_release_comes_off_only_where_a_chat_leads_to_it() -> None:
    real = row("O", parent_session_id="P", model_config='{"a": 1, "_delegate_from": "P"}')
    graph = alone(real)
    assert unhide(linked(real, graph), PROOF).changes == ()
    live = build_routing(b'{"k":{"session_id":"O"}}')
    resolved = unhide(linked(real, graph, live), PROOF)
    assert (resolved.safety, after(resolved)["O"]["parent_session_id"]) == (Safety.UNSAFE, None)
    plain = row("O")
    assert unhide(linked(plain, alone(plain), live), PROOF).changes == ()


@pytest.mark.parametrize(
    ("end", "ended", "proof", "copied", "safety"),
    [
        # A delegate's run begins while its parent is open, or in a turn that a /new cuts off.
        ("branched", 1_779_969_590.0, None, False, Safety.UNSAFE),
        ("session_reset", 1_779_969_590.0, None, False, Safety.UNSAFE),
        ("session_reset", 1_779_969_650.0, None, False, Safety.UNSAFE),
        ("session_reset", 1_779_969_590.0, PROOF, False, Safety.SAFE),
        ("session_reset", 1_779_969_650.0, PROOF, False, Safety.SAFE),
        ("cli_close", 1_779_969_590.0, PROOF, True, Safety.SAFE),
        ("cli_close", 1_779_969_590.0, PROOF, False, Safety.UNSAFE),
        (None, None, PROOF, False, Safety.UNSAFE),
    ],
)
def test_a_branch_gets_its_marker(
    end: str | None, ended: float | None, proof: str | None, copied: bool, safety: Safety
) -> None:
    child = row("B", parent_session_id="P", **NEWER)
    graph = alone(row("P", end_reason=end, ended_at=ended), child)
    resolved = mark_branch(linked(child, graph), proof, copied=copied)
    assert resolved.safety is safety
    assert after(resolved)["B"] == {"model_config": '{"_branched_from":"P"}'}


def test_below_schema_14_a_branch_is_also_unlinked() -> None:
    child: Row = row("B", parent_session_id="P")
    graph = Graph.build([node(row("P", end_reason="branched")), node(child)])
    resolved = mark_branch(linked(child, graph), None, copied=True)
    assert after(resolved)["B"]["parent_session_id"] is None


def test_equal_values_are_no_change() -> None:
    assert changes_of("s", {"archived": 1}, {"archived": 1, "absent": 2}) is None
    change = changes_of("s", {"archived": 1.0}, {"archived": 1})
    assert change is not None and change.before == {"archived": 1.0}
