"""Step 16: marked is what is a delegate run, and what we mark reads as the release's own mark."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.schema.data_steps import (
    Candidate,
    Decisions,
    LeftAlone,
    delegates_to_tag,
    read_candidates,
)
from hermes_repair.schema.model_config import read_config, set_as_sqlite_does
from tests.homes.database import build_database, connect, structured
from tests.unit.schema_support import asking, structure_of

T = 1_777_000_000.0

# id, source, parent, started, ended, end_reason, title, model_config, rows of role tool
SESSIONS = [
    ("parent", "telegram", None, T, None, None, "Talk", None, 0),
    (
        "delegate",
        "telegram",
        "parent",
        T + 5,
        T + 9,
        None,
        None,
        ' {"a": 1.50, "é": "\\u00e9"} ',
        1,
    ),
    ("delegate-null", "cli", "parent", T + 6, None, None, None, None, 1),
    ("person-child", "cli", "parent", T + 7, None, None, None, "{}", 1),
    ("branch", "cli", "parent", T + 8, None, None, "B", '{"_branched_from": "parent"}', 0),
    ("unmarked-branch", "cli", "parent", T + 8, None, None, "U", "{}", 0),
    ("tagged", "cli", "parent", T + 8, None, None, None, '{"_delegate_from": "parent"}', 1),
    ("compressed", "cli", None, T, T + 50, "compression", "C", None, 0),
    ("continuation", "cli", "compressed", T + 50, None, None, "C #2", None, 1),
    ("early-continuation", "cli", "compressed", T + 40, None, None, "C #3", None, 1),
    ("reset", "telegram", None, T, T + 60, "session_reset", "R", None, 0),
    ("after-reset", "telegram", "reset", T + 61, None, None, None, None, 1),
    ("before-reset", "telegram", "reset", T + 20, T + 30, None, None, None, 1),
    ("branched", "cli", None, T, T + 70, "branched", "BB", None, 0),
    ("by-reason", "cli", "branched", T + 71, None, None, None, None, 1),
    ("orphan", "cli", "gone", T, None, None, None, None, 1),
    ("short-run", "cli", None, T, None, None, None, '{"model":"x"}', 2),
    ("short-subagent", "subagent", None, T, None, None, None, None, 2),
    ("titled-run", "cli", None, T, None, None, "Named", None, 2),
    ("no-tool", "cli", None, T, None, None, None, None, 0),
    ("not-object", "cli", "parent", T + 9, None, None, None, "[1]", 1),
    ("null-mark", "cli", "parent", T + 9, None, None, None, '{"_delegate_from": null}', 1),
]
PERSONS = {"person-child", "after-reset"}
COPIES = {"unmarked-branch", "early-continuation"}


def filled(path: Path | str) -> sqlite3.Connection:
    connection = structured("13", version=13, path=path)
    for session_id, source, parent, started, ended, reason, title, config, tools in SESSIONS:
        connection.execute(
            "INSERT INTO sessions (id, source, parent_session_id, started_at, ended_at, end_reason,"
            " title, model_config, message_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 3)",
            (session_id, source, parent, started, ended, reason, title, config),
        )
        for _ in range(tools):
            connection.execute(
                "INSERT INTO messages (session_id, role, timestamp) VALUES (?, 'tool', 1.0)",
                (session_id,),
            )
    return connection


def candidates(connection: sqlite3.Connection) -> list[Candidate]:
    return list(read_candidates(asking(connection), structure_of(connection)))


def decided(connection: sqlite3.Connection, target: int) -> Decisions:
    return delegates_to_tag(candidates(connection), target, PERSONS, COPIES)


def tagged_ids(decisions: Decisions) -> set[object]:
    return {update.key["id"] for update in decisions.tag}


def test_what_is_marked_and_what_is_left_alone(tmp_path: Path) -> None:
    decisions = decided(filled(tmp_path / "state.db"), 22)
    assert tagged_ids(decisions) == {
        "delegate", "delegate-null", "before-reset", "short-subagent"
    }  # fmt: skip
    assert dict(decisions.left_alone) == {
        "person-child": LeftAlone.PERSON,
        "after-reset": LeftAlone.PERSON,
        "unmarked-branch": LeftAlone.COPY,
        "orphan": LeftAlone.UNPROVEN,
        "short-run": LeftAlone.UNPROVEN,
        "not-object": LeftAlone.CONFIG,
        "null-mark": LeftAlone.CONFIG,
    }


def test_a_successor_of_an_ended_session_is_no_delegate(tmp_path: Path) -> None:
    found = delegates_to_tag(candidates(filled(tmp_path / "s.db")), 22, set(), set())
    assert dict(found.left_alone)["after-reset"] is LeftAlone.SUCCESSOR


def test_the_oldest_schema_has_no_titles_and_all_its_short_runs_are_at_stake(
    tmp_path: Path,
) -> None:
    connection = connect(build_database("v1", tmp_path / "state.db"))
    found = candidates(connection)
    assert any(c.untitled_tool_run for c in found)


def test_damaged_rows_are_no_crash() -> None:
    connection = structured("13")
    connection.execute("PRAGMA foreign_keys=OFF")
    rows = [
        (None, "p", 1.0, "{"),
        (b"\x00", "p", "soon", "{}"),
        ("a", b"p", 1.0, None),
        ("b", "b", 1.0, "{" * 5000),
        ("c", "b", "soon", '{"x": NaN}'),
        ("d", "b", 2.0, b"\xff"),
    ]
    connection.executemany(
        "INSERT INTO sessions (id, source, parent_session_id, started_at, model_config)"
        " VALUES (?, 'cli', ?, ?, ?)",
        rows,
    )
    found = delegates_to_tag(candidates(connection), 22, set(), set())
    assert found.tag == ()
    assert dict(found.left_alone) == dict.fromkeys("bcd", LeftAlone.CONFIG)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)  # fmt: skip


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values),
    st.booleans(),
    st.sampled_from([None, 0, 2]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_the_mark_is_written_as_sqlite_writes_it(
    config: dict[str, object], ascii_only: bool, indent: int | None, mark: str
) -> None:
    config.pop("_delegate_from", None)
    text = json.dumps(config, ensure_ascii=ascii_only, indent=indent)
    ours = set_as_sqlite_does(text, "_delegate_from", mark)
    assert read_config(ours) == {**config, "_delegate_from": mark}
    if "\x00" not in text + mark:
        theirs = sqlite3.connect(":memory:").execute(
            "SELECT json_set(?, '$._delegate_from', ?)", (text, mark)
        )
        assert theirs.fetchone() == (ours,)


def test_equal_starts_give_equal_decisions(tmp_path: Path) -> None:
    filled(tmp_path / "a.db").close()
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    assert decided(connect(tmp_path / "a.db"), 22) == decided(connect(tmp_path / "b.db"), 22)
