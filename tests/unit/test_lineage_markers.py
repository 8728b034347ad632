"""Markers in ``model_config``: only the member itself changes, and titles that are given."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.lineage.column_changes import (
    BRANCHED_FROM,
    DELEGATE_FROM,
    ConfigUnusable,
    remove_marker,
    set_marker,
)
from hermes_repair.lineage.session_node import SessionNode, Titles
from hermes_repair.model.values import RawText, Value
from hermes_repair.schema.session_titles import base_title, continues, given_title

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # SQLite's JSON functions want text without lone surrogates; Python's dumps escapes them.
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
CONFIGS = st.dictionaries(st.text() | st.sampled_from([BRANCHED_FROM, DELEGATE_FROM]), JSON)


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (None, '{"_branched_from":"p"}'),
        ("{}", '{"_branched_from":"p"}'),
        (' { "a" : 1.50 , "a" : 1e5 } ', ' { "a" : 1.50 , "a" : 1e5,"_branched_from":"p"} '),
        ('{"a": "\\u00e9", "b": {"_branched_from": 1}}',
         '{"a": "\\u00e9", "b": {"_branched_from": 1},"_branched_from":"p"}'),
        ('{"_branched_from": "x", "a": 1}', '{"a": 1,"_branched_from":"p"}'),
        ('{"a": 1, "_branched_from": [1, 2]}', '{"a": 1,"_branched_from":"p"}'),
        ('{"_branched_from": 1, "_branched_from": 2}', '{"_branched_from":"p"}'),
        ('{"n": ' + "9" * 5000 + "}", '{"n": ' + "9" * 5000 + ',"_branched_from":"p"}'),
    ],
)  # fmt: skip
def test_setting_a_marker_keeps_every_other_byte(config: Value, after: str) -> None:
    assert set_marker(config, BRANCHED_FROM, "p") == after


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (None, None),
        ("{}", "{}"),
        ('{"_delegate_from":"__orphaned__"}', "{}"),
        ('{"a":1,"_delegate_from":"p"}', '{"a":1}'),
        ('{"_delegate_from":"p", "a": 1.0}', '{"a": 1.0}'),
        ('{"a": 1, "_delegate_from": "p" , "b": 2}', '{"a": 1, "b": 2}'),
        ('{"b": {"_delegate_from": "p"}}', '{"b": {"_delegate_from": "p"}}'),
    ],
)
def test_removing_a_marker_keeps_every_other_byte(config: Value, after: str | None) -> None:
    assert remove_marker(config, DELEGATE_FROM) == after


@pytest.mark.parametrize(
    "config",
    [
        *("", "{", "[]", "null", "3", '{"a": NaN}', '{"a": 1,}', "{} x"),
        *(RawText(b"{\xff}"), b"{}", 5, "{" + '"a":{' * 5000 + "}" * 5001),
    ],
)
def test_what_is_not_an_object_is_refused(config: Value) -> None:
    with pytest.raises(ConfigUnusable):
        set_marker(config, BRANCHED_FROM, "p")
    with pytest.raises(ConfigUnusable):
        remove_marker(config, BRANCHED_FROM)


@given(CONFIGS, st.text(min_size=1), st.sampled_from([None, 2]))
def test_the_rest_of_any_config_is_unchanged(
    config: dict[str, Any], value: str, indent: int | None
) -> None:
    text = json.dumps(config, indent=indent)
    rest = {key: held for key, held in config.items() if key != BRANCHED_FROM}
    changed = set_marker(text, BRANCHED_FROM, value)
    assert json.loads(changed) == {**rest, BRANCHED_FROM: value}
    removed = remove_marker(changed, BRANCHED_FROM)
    assert removed is not None
    assert json.loads(removed) == rest
    if BRANCHED_FROM not in config:
        assert "".join(removed.split()) == "".join(text.split())
        assert remove_marker(text, BRANCHED_FROM) == text


def test_sqlite_reads_the_marker_that_was_set() -> None:
    changed = set_marker('{"max_iterations": 90, "r": null}', BRANCHED_FROM, 'p "q" \\ é')
    connection = sqlite3.connect(":memory:")
    row = connection.execute("SELECT json_extract(?, '$._branched_from')", (changed,)).fetchone()
    assert row == ('p "q" \\ é',)


def test_given_titles_never_read_as_a_later_continuation() -> None:
    day = 1_779_969_600.0
    assert given_title("Trip", "other half", day, ()) == "Trip (other half, 2026-05-28)"
    assert given_title("Trip #2 #3", "older", day, ()) == "Trip (older, 2026-05-28)"
    taken = {"Trip (older, 2026-05-28)", "Trip (older 2, 2026-05-28)"}
    assert given_title("Trip", "older", day, taken) == "Trip (older 3, 2026-05-28)"
    assert given_title(None, "merged", None, ()) == "Untitled (merged)"
    assert given_title("Trip #4", "merged", 1e300, ()) == "Trip (merged)"
    long = given_title("x" * 300, "other half", day, ())
    assert len(long) == 100 and long.endswith(" (other half, 2026-05-28)")


@given(st.text(alphabet="ab #0123456789"), st.sampled_from(["other half", "older"]))
def test_no_given_title_ends_in_a_number(base: str, words: str) -> None:
    title = given_title(base, words, 1.0, ())
    assert base_title(title) == title
    assert not continues(title, base_title(base.strip()))


def hermes_resolve(nodes: list[SessionNode], title: str) -> str | None:
    """The two statements of ``resolve_session_by_title``, told again in SQL."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE s (id, title, started_at)")
    connection.executemany(
        "INSERT INTO s VALUES (?, ?, ?)", [(n.id, n.title, n.started_at) for n in nodes]
    )
    escaped = title.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    row = connection.execute(
        "SELECT id FROM s WHERE title LIKE ? ESCAPE '\\' ORDER BY started_at DESC",
        (f"{escaped} #%",),
    ).fetchone()
    row = row or connection.execute("SELECT id FROM s WHERE title = ?", (title,)).fetchone()
    return None if row is None else str(row[0])


@given(st.lists(st.tuples(st.text(alphabet="aA%_é #1", max_size=6), st.integers(0, 3))))
def test_titles_resolve_as_hermes_does(rows: list[tuple[str, int]]) -> None:
    nodes = [
        SessionNode(str(number), title=title, started_at=float(start))
        for number, (title, start) in enumerate(rows)
    ]
    titles = Titles.of(nodes)
    for title, _ in [*rows, ("a", 0)]:
        assert titles.resolve(title) == hermes_resolve(nodes, title)
        assert titles.resolve(base_title(title)) == hermes_resolve(nodes, base_title(title))
