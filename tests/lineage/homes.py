"""Homes whose lineage real releases hurt, and what six releases make of a home."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True, slots=True)
class Raced:
    """A fork that two agents of 0.15.2 raced into; all ids of sessions.

    ``said`` has what each half's agent held at the end, as (role, content).
    """

    home: Path
    parent: str
    live: str
    other: str
    review: str | None
    said: Mapping[str, Sequence[tuple[str, str]]]

    @property
    def sessions(self) -> list[str]:
        found = [self.parent, self.live, self.other, self.review]
        return [session for session in found if session is not None]


def raced(folder: Path, *, review: bool = False) -> Raced:
    """Return the raced fork in a home of its own below ``folder``; raced once per process."""
    built, told = _raced(review)
    home = folder / "home"
    shutil.copytree(built, home)
    said = {
        session: [(role, content) for role, content in messages]
        for session, messages in told["said"].items()
    }
    return Raced(home, told["parent"], told["live"], told["other"], told["review"], said)


@cache
def _raced(review: bool) -> tuple[Path, Any]:
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="hermes-raced-"))
    home = Path(_FOLDERS[-1].name) / "home"
    home.mkdir()
    script = "\n".join((INSIDE / name).read_text() for name in ("stand_ins.py", "race.py"))
    out = run_release("0.15.2", script, home, *(["review"] if review else []))
    return home, json.loads(out.splitlines()[-1])


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


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


def sql(home: Path, *statements: str) -> None:
    """Run statements on the database of a home at rest, foreign keys off."""
    with closing(sqlite3.connect(home / "state.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def select(home: Path, statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Return rows of the database of a home at rest."""
    uri = f"file:{home / 'state.db'}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        return connection.execute(statement, values).fetchall()


def copy(home: Path, target: Path) -> Path:
    """Copy a home at rest."""
    shutil.copytree(home, target)
    return target
