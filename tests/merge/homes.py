"""Homes that went apart: what releases write on both sides, and what they show of the result."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.command import Ran, run
from tests.homes.content import Content, content, without_sequence
from tests.releases import hear, run_release, start_release

RELEASES = ("0.14.0", "0.16.0", "0.18.2", "0.19.0")

# What a script below begins with. `say` adds a turn; the acts are the calls that Hermes makes.
BEGIN = """
import json, sys
from hermes_state import SessionDB
db = SessionDB()
def say(chat, *words, source="cli"):
    if db.get_session(chat) is None:
        db.create_session(chat, source=source, model="m")
    for word in words:
        db.append_message(chat, "user", word)
        db.append_message(chat, "assistant", "re: " + word)
"""

BASE = """
say("choir", "who sings alto?", "and bass?")
say("garden", "which roses?", source="telegram")
db.set_session_title("choir", "Choir")
"""

# Lines of the list, each with what is shown of it; and which chat a title leads to.
VIEW = """
lines = {}
for line in db.list_sessions_rich(limit=1000):
    shown = db.resolve_resume_session_id(line["id"])
    said = db.get_messages_as_conversation(shown)
    lines[line["id"]] = [[m["role"], m["content"]] for m in said if m["role"] != "session_meta"]
titles = [r[0] for r in db._conn.execute("SELECT title FROM sessions WHERE title IS NOT NULL")]
print(json.dumps([lines, {title: db.resolve_session_by_title(title) for title in titles}]))
"""


def play(version: str, home: Path, acts: str) -> Path:
    """Let a release do something in a home, which is made where it is not there."""
    home.mkdir(exist_ok=True)
    run_release(version, f"{BEGIN}{acts}\ndb.close()\n", home)
    return home


def base(version: str, folder: Path) -> tuple[Path, Path]:
    """Return a home and a copy of it, as they were when they went apart."""
    home = play(version, folder / "home", BASE)
    other = folder / "other"
    shutil.copytree(home, other)
    return home, other


def view(version: str, home: Path) -> dict[str, list[list[str]]]:
    """Return what a release lists of a home, and what it shows of each; asked of a copy."""
    return viewed(version, home)[0]


def viewed(version: str, home: Path) -> tuple[dict[str, list[list[str]]], dict[str, str]]:
    """Return :func:`view`, and which chat each title leads to."""
    copy = home.with_name(f"{home.name}-viewed")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copyfile(home / "state.db", copy / "state.db")
    lines, titles = json.loads(run_release(version, BEGIN + VIEW, copy))
    return lines, titles


def merge(home: Path, *sources: str | Path, **more: Any) -> Ran:
    """Merge as it is typed, with --yes and --json."""
    return run("merge", *sources, "--yes", "--json", home=home, **more)


def rows(home: Path) -> Content:
    """Return every row of a home, without the marks of AUTOINCREMENT, which no undo lowers."""
    return without_sequence(content(home))


SPLIT = """
import time
db._conn.execute("PRAGMA wal_autocheckpoint=0")
{acts}
print("ready", flush=True)
time.sleep(600)
"""


def captured(version: str, home: Path, acts: str, name: str, *, main: bool = True) -> Path:
    """Delete the -wal under a release at work, keep what it had of it, and kill the release.

    Returns the folder as Hermes 0.20 and later make it (#110054): the -wal that the process still
    had open, with state.db as it lies there then or without it.
    """
    process = start_release(version, BEGIN + SPLIT.format(acts=acts), home)
    try:
        hear(process, "ready")
        wal = home / "state.db-wal"
        place = home / f"state.db.retired-wal-20260901-080000-{name}"
        place.mkdir()
        inode = wal.stat().st_ino
        wal.unlink()
        (home / "state.db-shm").unlink()
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            if descriptor.stat().st_ino == inode:
                shutil.copyfile(descriptor, place / "state.db-wal")
        if main:
            shutil.copyfile(home / "state.db", place / "state.db")
        (place / "manifest.json").write_text("{}", encoding="utf-8")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return place
