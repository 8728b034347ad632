"""One case: a folder that says how a damage comes about, what the doctor says, what repair leaves.

    tests/cases/LN001_orphan_child/
        case.toml       the text below
        write.py        what a real release does (runs inside it; HERMES_HOME is the home)
        damage.sql      what no release does: statements on state.db, foreign keys off
        break.py        what happens to the file itself (runs outside; argv[1] is the home)
        sessions/       files that are laid into the home's sessions folder

    says = "a chat whose parent row was deleted by another program"
    [[step]]
    release = "0.15.2"
    script = "write.py"               # or that of another case: "../LN001_cut/write.py"
    [[step]]
    sql = "damage.sql"
    [[step]]
    run = "../inside/empty_index.py"  # or a break.py of its own
    args = ["idx_messages_session"]   # after the home

    [[beside]]                     # a release that has the home open until the undo: its script
    release = "0.19.0"             # says "ready" and reads a line
    script = "hold.py"

    [environ]                      # of the doctor; {home} is the home
    HOME = "{home}/../user"

    [doctor]                       # what doctor must say, all of it; info that is everywhere aside
    exit = 1
    findings = [{ id = "LN001", session = "child", severity = "error", repair = "safe" }]
                                   # and data = {...}, where some of that matters

    [repair]                       # left out: nothing to repair
    command = "repair"             # or another that writes: "migrate"
    options = []                   # beside --yes
    exit = 0
    changes = ["child"]            # sessions whose rows may change, no other row of the database;
                                   # left out: those of the findings; []: no file of the home
    files = ["sessions/x.json"]    # files that it writes anew, and undo gives back
    undo = true                    # whether one undo gives back what was there
    leaves = []                    # findings that stay, in the same form

    [[after]]                      # what the database must hold after the repair
    sql = "SELECT parent_session_id FROM sessions WHERE id = 'child'"
    rows = [[""]]                  # NULL is written ""

A folder whose name ends in ``_silent`` is one that must not fire: ``findings`` is empty there, or
names what it is instead.

Scripts may import ``chats`` (``inside/chats.py``), a gateway whose chats they write as dialogues.
``rows`` stores sessions and messages as they come, ``equal_words`` a chat full of equal words.
They run where the operator lives (central Europe), whatever the machine's zone is.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.releases import hear, run_release, start_release

CASES = Path(__file__).parent
INSIDE = (CASES / "inside", CASES.parent / "scenario")
OPERATOR = {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}
_PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"
EVERYWHERE = frozenset({"SC001", "FT006"})
"""Notes that say only how old the schema of the case is, and which SQLite this machine has; a case
about one names it itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """One folder, read."""

    folder: Path
    says: str
    steps: tuple[dict[str, Any], ...]
    beside: tuple[dict[str, Any], ...]
    environ: dict[str, str]
    doctor: dict[str, Any]
    repair: dict[str, Any] | None
    after: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def finding(self) -> str:
        """The id that the folder is named after."""
        return self.name.split("_")[0]

    @property
    def silent(self) -> bool:
        return self.name.endswith("_silent")

    @property
    def of_an_index(self) -> bool:
        """Whether an index is what is repaired: the search index then has messages of no session,
        or nobody can ask through the damaged index whose they are."""
        return self.name.startswith(("FT", "DB006"))

    @property
    def rewrites(self) -> frozenset[str]:
        """The files of the home that the repair writes anew, relative to it."""
        return frozenset((self.repair or {}).get("files", ()))

    @property
    def changes(self) -> frozenset[str]:
        """The sessions whose rows the repair may change; empty: nothing of the home at all."""
        listed = (finding.get("session") for finding in self.doctor["findings"])
        wanted = (self.repair or {}).get("changes", [session for session in listed if session])
        return frozenset(wanted)

    def surroundings(self, home: Path) -> dict[str, str]:
        """Return the variables that the doctor is run with."""
        return {name: value.replace("{home}", str(home)) for name, value in self.environ.items()}

    def build(self, home: Path) -> None:
        """Make the damaged home."""
        home.mkdir()
        if (self.folder / "sessions").is_dir():
            shutil.copytree(self.folder / "sessions", home / "sessions")
        for step in self.steps:
            if "release" in step:
                script = (self.folder / step["script"]).read_text(encoding="utf-8")
                run_release(step["release"], _PATHS + script, home, env=OPERATOR)
            elif "sql" in step:
                script = (self.folder / step["sql"]).read_text(encoding="utf-8")
                connection = sqlite3.connect(home / "state.db", isolation_level=None)
                connection.executescript(script)
                connection.close()
            else:
                script = self.folder / step["run"]
                subprocess.run([sys.executable, script, home, *step.get("args", ())], check=True)

    @contextmanager
    def company(self, home: Path) -> Iterator[None]:
        """Let the releases of ``[[beside]]`` have the home open; they are killed at the end."""
        with ExitStack() as stack:
            for step in self.beside:
                script = (self.folder / step["script"]).read_text(encoding="utf-8")
                process = start_release(step["release"], _PATHS + script, home, env=OPERATOR)
                stack.callback(process.communicate)
                stack.callback(process.kill)
                hear(process, "ready")
            yield


def load(folder: Path) -> Case:
    """Read one case folder."""
    data = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    return Case(
        folder=folder,
        says=data["says"],
        steps=tuple(data.get("step", ())),
        beside=tuple(data.get("beside", ())),
        environ=data.get("environ", {}),
        doctor=data["doctor"],
        repair=data.get("repair"),
        after=tuple(data.get("after", ())),
    )


def all_cases() -> list[Case]:
    """Return every case, by name."""
    return [load(path.parent) for path in sorted(CASES.glob("*/case.toml"))]
