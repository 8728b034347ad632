"""The rules of what a merge may show, each broken once, and keys of rows."""

from __future__ import annotations

import json

import pytest

from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.release_rules import RULES
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.merging.row_keys import history_key
from hermes_repair.model.values import RawText, Value
from tests.merging.displayed import Line, broken_rules, shown


def line(words: str) -> Line:
    return tuple(word.encode() for word in words.split())


HOME = {"x": line("a b h")}
SOURCE = {"x": line("a b s")}


@pytest.mark.parametrize(
    ("result", "broken"),
    [
        ({"x": line("a b h"), "fork": line("a b s")}, []),
        (
            {"x": line("a b"), "fork": line("a b s")},
            ["x no longer", "x shows what no input", "shown twice"],
        ),
        ({"x": line("a b h")}, ["accepted and is not shown"]),
        (
            {"x": line("a b h"), "one": line("a b s"), "two": line("a b s")},
            ["is shown 2 times", "shown twice", "shown twice"],
        ),
        (
            {"x": line("a b h s"), "fork": line("a b s")},
            ["x shows what no input showed"],
        ),
    ],
)
def test_a_rule_that_is_broken_is_named(result: dict[str, Line], broken: list[str]) -> None:
    found = list(broken_rules(HOME, [SOURCE], list(SOURCE.values()), result))
    assert len(found) == len(broken)
    assert all(words in sentence for words, sentence in zip(broken, found, strict=True))


def test_a_chat_that_went_on_in_its_source_may_show_what_it_shows_there() -> None:
    home, source = {"x": line("a b")}, {"x": line("a c")}
    assert not list(broken_rules(home, [source], [line("a c")], source, went_on=["x"]))


def test_a_line_shows_what_opening_it_gives() -> None:
    nodes = [
        SessionNode("p", started_at=1.0, ended_at=2.0, end_reason="compression", rows=1),
        SessionNode("c", parent_id="p", started_at=3.0, rows=1),
        SessionNode("empty", started_at=4.0),
    ]
    rows = {"p": [b"old"], "c": [b"new"], "empty": []}
    found = shown(Graph.build(nodes), RULES["0.19.0"], lambda name: rows[name])
    assert found == {"c": (b"new",)}


CALL = [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (("user", " hi\n", None, None), ("user", "hi", None, None), True),
        (("tool", " hi\n", None, None), ("tool", "hi", None, None), False),
        (("user", "hi", None, None), ("assistant", "hi", None, None), False),
        (("user", None, None, None), ("user", "", None, ""), True),
        (
            ("assistant", "", None, json.dumps(CALL)),
            ("assistant", "", None, json.dumps(CALL, indent=1)),
            True,
        ),
        (("assistant", "", None, json.dumps(CALL)), ("assistant", "", None, "[]"), False),
        (("tool", "x", "c1", None), ("tool", "x", "c2", None), False),
        (
            ("user", '\x00json:[{"type": "image_url", "image_url": "1"}]', None, None),
            ("user", '\x00json:[{"type": "image_url", "image_url": "2"}]', None, None),
            False,
        ),
        (("user", RawText(b"\xff"), None, None), ("user", RawText(b"\xfe"), None, None), False),
        (("user", b"hi", None, None), ("user", "hi", None, None), False),
        (("assistant", "", None, "not json"), ("assistant", "", None, "nor this"), False),
    ],
)
def test_a_key_is_what_the_loader_gives(
    one: tuple[Value, Value, Value, Value], other: tuple[Value, Value, Value, Value], equal: bool
) -> None:
    assert (history_key(*one) == history_key(*other)) is equal
