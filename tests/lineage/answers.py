"""What six releases make of a home, and what our commands say of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.command import Ran, run
from tests.releases import run_release

SIX = ("0.13.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0")
INSIDE = Path(__file__).parent / "inside"

ASK = """
import json, pathlib, shutil, sys
from hermes_state import SessionDB
plan = json.loads(sys.argv[1])
work = pathlib.Path(sys.argv[2])
answers = {}
for name, home in plan["homes"].items():
    shutil.copytree(home, work / name)
    for _ in range(2):  # a second open must find nothing new to hide
        db = SessionDB(work / name / "state.db")
        rows = db.list_sessions_rich(limit=100000)
        answers[name] = {
            "list": sorted([row.get("_lineage_root_id") or row["id"], row["id"]] for row in rows),
            "resume": {sid: db.resolve_resume_session_id(sid) for sid in plan["sessions"]},
            "tip": {sid: db.get_compression_tip(sid) for sid in plan["sessions"]},
            "titles": {title: db.resolve_session_by_title(title) for title in plan["titles"]},
            "said": {
                sid: [[m["role"], m.get("content")] for m in db.get_messages_as_conversation(sid)]
                for sid in plan["sessions"]
            },
        }
        db.close()
print(json.dumps(answers))
"""


def ask(
    version: str,
    homes: Mapping[str, Path],
    sessions: Iterable[str],
    titles: Iterable[str],
    work: Path,
) -> Any:
    """Return by name of home what ``version`` lists, resumes and reads, asked on copies.

    Each copy is opened twice, because an open can hide what the one before still listed.
    """
    plan = {
        "homes": {name: str(home) for name, home in homes.items()},
        "sessions": list(sessions),
        "titles": list(titles),
    }
    work.mkdir(parents=True)
    return json.loads(run_release(version, ASK, work, json.dumps(plan), str(work / "copies")))


def shown(answer: Any) -> list[str]:
    """Return the sessions that a list shows."""
    return sorted(session for _, session in answer["list"])


def hermes_repair(*words: str, home: Path, code: int = 0) -> Ran:
    """Run one command on a home and see that it ends with ``code``."""
    done = run(*words, home=home)
    assert done.code == code, done.out + done.err
    return done
