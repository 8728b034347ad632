"""The rules of ``lineage.tips`` against the real releases, over randomly made lineages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.lineage.release_rules import (
    RULES,
    compression_tip,
    picker,
    resume_target,
)
from tests.releases import run_release
from tests.releases.forks import read_graph

LINEAGES = 150

ASK = """
import json, pathlib, sqlite3, sys
from hermes_state import SessionDB
home = pathlib.Path(sys.argv[1])
spec = json.loads((home / "spec.json").read_text())
SessionDB(home / "state.db").close()
raw = sqlite3.connect(home / "state.db")
raw.execute("PRAGMA foreign_keys=OFF")
have = {row[1] for row in raw.execute("PRAGMA table_info(sessions)")}
for row in spec["sessions"]:
    row = {key: value for key, value in row.items() if key in have}
    raw.execute(
        "INSERT INTO sessions (%s) VALUES (%s)" % (",".join(row), ",".join("?" * len(row))),
        list(row.values()),
    )
raw.executemany(
    "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
    spec["messages"],
)
raw.commit()
raw.close()
db = SessionDB(home / "state.db")
answer = {"tip": {}, "resume": {}, "list": []}
for row in spec["sessions"]:
    sid = row["id"]
    answer["tip"][sid] = db.get_compression_tip(sid)
    answer["resume"][sid] = db.resolve_resume_session_id(sid)
for line in db.list_sessions_rich(limit=100000):
    answer["list"].append([line.get("_lineage_root_id") or line["id"], line["id"]])
print(json.dumps(answer))
"""


def random_home(seed: int, digits: int) -> dict[str, Any]:
    """Return sessions and messages of many small lineages, with every oddity that tips meet.

    ``digits`` rounds the times of sessions: -1 gives many equal ones.
    """
    rand = random.Random(seed)
    sessions: list[dict[str, Any]] = []
    messages: list[tuple[str, str, str, float]] = []
    clock = 1_780_000_000.0
    for lineage in range(LINEAGES):
        names = [f"L{lineage:03d}_{number}" for number in range(rand.randint(1, 7))]
        for number, name in enumerate(names):
            parent = None
            if number and rand.random() < 0.8:
                parent = rand.choice(names[:number])
            elif rand.random() < 0.2:
                parent = rand.choice([*names, f"L{lineage:03d}_gone"])
            clock += rand.choice([0.25, 1.0, 30.0])
            started = clock + rand.uniform(-10.0, 10.0)
            ended = rand.choice([None, started + rand.uniform(-5.0, 20.0)])
            reason = (
                rand.choice(["compression"] * 4 + ["branched", "agent_close", "cli_close"])
                if ended is not None or rand.random() < 0.05
                else None
            )
            config = rand.choice(
                [
                    None,
                    None,
                    "{}",
                    '{"a": 1.50}',
                    json.dumps({"_branched_from": parent}),
                    json.dumps({"x": 1, "_delegate_from": parent}),
                    '{"_branched_from": null}',
                    '{"_delegate_from":"__orphaned__"}',
                ]
            )
            sessions.append(
                {
                    "id": name,
                    "source": rand.choice(["telegram", "cli", "cli", "tool", "cron", "tui"]),
                    "parent_session_id": parent,
                    "started_at": round(started, digits),
                    "ended_at": None if ended is None else round(ended, digits),
                    "end_reason": reason,
                    "model_config": config,
                    "archived": rand.choice([0, 0, 0, 1]),
                }
            )
            for row in range(rand.choice([0, 0, 1, 2])):
                at = started + rand.uniform(0.0, 90.0)
                messages.append((name, rand.choice(["user", "tool"]), f"m{row}", at))
    return {"sessions": sessions, "messages": messages}


@pytest.mark.parametrize("digits", [3, -1], ids=["distinct-times", "equal-times"])
@pytest.mark.parametrize("version", list(RULES))
def test_tips_resume_and_picker_are_those_of_the_release(
    version: str, digits: int, tmp_path: Path
) -> None:
    spec = random_home(20260528, digits)
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    answer = json.loads(run_release(version, ASK, tmp_path, str(tmp_path)))
    graph = read_graph(tmp_path / "state.db")
    rules = RULES[version]

    assert len(answer["tip"]) == len(spec["sessions"]) > 400
    assert {sid: compression_tip(graph, sid, rules) for sid in graph.nodes} == answer["tip"]
    assert {sid: resume_target(graph, sid, rules) for sid in graph.nodes} == answer["resume"]
    assert [[line.root, line.shown] for line in picker(graph, rules)] == answer["list"]
    # The generator must reach what the rules differ in, or equality would prove little.
    assert sum(shown != root for root, shown in answer["list"]) > 10
    assert sum(answer["resume"][sid] != sid for sid in answer["resume"]) > 10
