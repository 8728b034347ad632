"""Randomly hurt lineages, with values that no release writes: every repair of the two families.

What must hold whatever the damage: nothing raises, one run mends all that it may, nothing that a
list showed vanishes but what is put away as a copy or a ghost, and undo gives everything back.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.app.environment import Environment, Run, real_environment
from hermes_repair.app.open_scene import open_scene
from hermes_repair.app.proposal import Request
from hermes_repair.app.repair import repair
from hermes_repair.app.undo import undo
from hermes_repair.home.layout import Home, open_home
from hermes_repair.lineage.person_proof import NEVER_A_PERSON
from hermes_repair.lineage.release_rules import RULES, picker
from hermes_repair.lineage.session_node import DelegateMark
from hermes_repair.model.choices import LookOptions, Selection
from tests.homes.content import fingerprint, rows, sound
from tests.homes.database import columns_of
from tests.homes.home import copy_home
from tests.releases import run_release

SEEDS = range(10)
IDS = ("a", "b", "c", "d", "e", "f", "g", "h", "ü", "nul\0", "x" * 300, "7")
ODD = (None, b"\xff\x00", float("inf"), -1, "", "text", "\x00json:[1]", 1e300)
CONFIGS = (
    None,
    "{}",
    '{"a": 1.50}',
    '{"_delegate_from":"__orphaned__"}',
    '{"x":1,"_delegate_from":"a"}',
    '{"x": 1, "_delegate_from": "a"}',
    '{"_branched_from": "b"}',
)
WORDS = (
    "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted",
    "Review the conversation above and update the skill library. Now.",
    "one",
    "two",
    "three",
    "four",
    None,
    b"\xff",
)
SELECTED = Selection(select=("LN", "SE002", "SE003", "SE004"), unsafe=True)
NUMBERED = re.compile(r" #\d+$")


@pytest.fixture(scope="module", params=["0.15.2", "0.19.0"])
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("any") / "home"
    home.mkdir()
    script = "from hermes_state import SessionDB\nSessionDB().close()\n"
    run_release(request.param, script, home)
    return home


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_lineage(seed: int, empty: Path, tmp_path: Path) -> None:
    folder = copy_home(empty, tmp_path / "home")
    hurt(folder / "state.db", random.Random(seed))
    home, environment = open_home(folder), real_environment(lambda _: None)
    original, files = rows(folder / "state.db"), fingerprint(folder)
    listed, titles, delegates, runs = seen(home, environment)
    assert fingerprint(folder) == files

    # What a person names may list a run: that it may be one is what makes it a judgement.
    safe = repair(
        Run(home, environment),
        Request(LookOptions(), replace(SELECTED, unsafe=False)),
        lambda _: True,
    )
    assert not safe.refused
    assert not delegates & seen(home, environment)[0].keys()

    done = repair(Run(home, environment), Request(LookOptions(), SELECTED), lambda _: True)
    assert not done.refused
    assert done.after is not None
    kinds = ("safe", "unsafe")
    left = [f for f in done.after.findings if f.remedy.value in kinds]
    assert [f.id for f in left if SELECTED.wants_id(f.id)] == []
    sound(folder / "state.db")
    now_listed, now_titles, _, _ = seen(home, environment)
    gone = listed.keys() - now_listed.keys() - archived(folder)
    # From 0.18 on a list shows an unmarked run in the place of the chat that it was made for. Only
    # such a run may leave it, and the chat stays, as another of its own sessions.
    assert gone <= runs, "what was listed is listed or put away"
    assert {listed[name] for name in gone} <= {*now_listed.values(), *archived(folder)}
    given = {title for name, title in now_titles.items() if titles.get(name) != title}
    assert not [title for title in given if NUMBERED.search(title)]
    assert rows(folder / "state.db")["messages"] == original["messages"]

    for made in (done, safe):
        if made.receipt is not None:
            undo(Run(home, environment), None, lambda _: True)
    assert rows(folder / "state.db") == original


def hurt(database: Path, rand: random.Random) -> None:
    """Write sessions and messages that hang together at random."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP INDEX idx_sessions_title_unique")
        columns = columns_of(connection, "sessions")
        names = rand.sample(IDS, 9)
        for name in names:
            row = {k: v for k, v in session(rand, name, names) if k in columns}
            marks = ", ".join("?" for _ in row)
            connection.execute(
                f"INSERT INTO sessions ({', '.join(row)}) VALUES ({marks})", list(row.values())
            )
            for number in range(rand.choice([0, 0, 1, 2, 4])):
                role = ("user", "assistant")[number % 2]
                at = rand.choice([1.78e9 + rand.random() * 900, 1.78e9])
                connection.execute(
                    "INSERT INTO messages (session_id, role, content, timestamp)"
                    " VALUES (?, ?, ?, ?)",
                    (name, rand.choice([role, role, "tool"]), rand.choice(WORDS), at),
                )
        connection.execute(
            "UPDATE sessions SET message_count ="
            " (SELECT COUNT(*) FROM messages WHERE session_id = sessions.id)"
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def session(rand: random.Random, name: str, names: list[str]) -> Iterator[tuple[str, Any]]:
    def odd(value: Any) -> Any:
        return rand.choice(ODD) if rand.random() < 0.1 else value

    start = 1.78e9 + rand.random() * 1000
    reason = rand.choice(["compression"] * 4 + ["branched", "session_reset", "cli_close", None])
    yield "id", name
    yield "source", rand.choice(["cli", "telegram", "telegram", "cron", "subagent", "tool"])
    yield "parent_session_id", odd(rand.choice([*names, None, None, "gone"]))
    yield "started_at", odd(start) or start
    yield "ended_at", odd(start + rand.random() * 100 if reason else None)
    yield "end_reason", reason
    yield "model_config", rand.choice(CONFIGS)
    yield "title", odd(rand.choice([None, "Trip", "Trip #2", "trip #3", f"T {name}"]))
    yield "api_call_count", rand.choice([0, 1, 3])
    yield "archived", rand.choice([0, 0, 0, 1])
    yield "session_key", odd(rand.choice([None, None, "k1", "k2"]))
    yield "chat_type", rand.choice([None, "dm"])


def seen(
    home: Home, environment: Environment
) -> tuple[dict[str, str], dict[str, str], set[str], set[str]]:
    """Return what a list of 0.19.0 shows, each with the session that it stands for, all titles, the
    delegates' runs that it does not show, and what is or may be a run of the program's own: also
    children that it takes for continuations and that are none."""
    with open_scene(Run(home, environment), LookOptions()) as scene:
        shown = {line.shown: line.root for line in picker(scene.graph, RULES["0.19.0"])}
        titles = {node.id: node.title for node in scene.nodes if node.title}
        delegates = {
            node.id
            for node in scene.nodes
            if node.delegate_mark is DelegateMark.DELEGATE or node.source == "subagent"
        }
        of_the_program = {node.id for node in scene.nodes if node.source in NEVER_A_PERSON}
        runs = {*delegates, *of_the_program, *scene.early}
        return shown, titles, {name for name in delegates if name not in shown}, runs


def archived(folder: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{folder / 'state.db'}?mode=ro", uri=True)) as connection:
        columns = columns_of(connection, "sessions")
        if "archived" not in columns:
            return set()
        return {row[0] for row in connection.execute("SELECT id FROM sessions WHERE archived")}
