"""``doctor --ahead``: what it foretells is what the release deletes, no more and no less."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.home.hermes_config import sessions_dir
from tests.command import run
from tests.homes import home as homes
from tests.homes.home import copy_home
from tests.releases import RELEASES, run_release

WRITE = """
import sys, time
from pathlib import Path
from hermes_state import SessionDB

home, now = Path(sys.argv[1]), time.time()
db = SessionDB()
DAY = 86400.0


def add(name, began, ended=None, source="telegram", said=2, reason="session_reset", **columns):
    db.create_session(name, source=source, parent_session_id=columns.pop("parent", None))
    for number in range(said):
        db.append_message(name, "assistant" if number % 2 else "user", f"{name} {number}")
    columns |= {"started_at": now - began * DAY}
    if ended is not None:
        columns |= {"ended_at": now - ended * DAY, "end_reason": reason}
    sets = ", ".join(f"{column} = ?" for column in columns)
    db._conn.execute(f"UPDATE sessions SET {sets} WHERE id = ?", [*columns.values(), name])
    db._conn.commit()


add("old", 200, 150)
add("kept_by_its_child", 120, 110, reason="compression")
add("unused_part", 119, parent="kept_by_its_child")
add("used_part", 118, parent="old", api_call_count=3)
add("open", 300)
add("soon", 85, 80)
add("week", 40, 30)
add("young", 3, 2)
add("young_part", 2, parent="young")
add("ghost", 5, 5, source="tui", said=0)
add("ghost_today", 0.5, 0.4, source="tui", said=0)
add("ghost_named", 9, 8, source="tui", said=0, title="Named")
add("ghost_elsewhere", 9, 8, source="telegram", said=0)
add("cron_1", 95, 95, source="cron", reason="cron_complete")
if "a child" in sys.argv:
    add("of_the_ghost", 1, parent="ghost")
for key in sys.argv[2:]:
    if "=" in key:
        db.set_meta(*key.split("="))
db.close()
sessions = home / "sessions"
sessions.mkdir(exist_ok=True)
for name in ("old.jsonl", "old.json", "request_dump_old_1.json", "request_dump_older_1.json",
             "soon.jsonl", "open.jsonl", "ghost.json", "session_old.json", "week.jsonl"):
    (sessions / name).write_text("{}")
"""

START = """
import ast, json, logging, sys, time
from pathlib import Path

home, ahead = Path(sys.argv[1]), float(sys.argv[2])
real = time.time
time.time = lambda: real() + ahead * 86400.0
import hermes_state
from hermes_state import SessionDB

# The terminal needs packages that are not there; this one function of its start does not.
source = Path(hermes_state.__file__).with_name("cli.py").read_text(encoding="utf-8")
meant = [one for one in ast.parse(source).body
         if getattr(one, "name", "") == "_run_state_db_auto_maintenance"]
names = {"logger": logging.getLogger("cli")}
exec(compile(ast.Module(meant, []), "cli.py", "exec"), names)

db = SessionDB()
names["_run_state_db_auto_maintenance"](db)
print(json.dumps([row[0] for row in db._conn.execute("SELECT id FROM sessions")]))
db.close()
"""

SETTINGS = {
    "not_set": "",
    "on": "sessions:\n  auto_prune: true\n",
    "off": "sessions:\n  auto_prune: false\n  retention_days: 1\n",
    "thirty": "sessions: {auto_prune: yes, retention_days: 30}\n",
    "text": "sessions:\n  auto_prune: 'no'\n  retention_days: '10'\n",
    "no_number": "sessions:\n  auto_prune: true\n  retention_days: soon\n",
    "beside": "checkpoints:\n  auto_prune: true\n  retention_days: 1\n",
}


def home_of(version: str, folder: Path, *marks: str, config: str = "") -> Path:
    home = folder / "home"
    home.mkdir()
    if config:
        (home / "config.yaml").write_text(config)
    run_release(version, WRITE, home, str(home), *marks)
    return home


def foretold(home: Path, version: str, days: float) -> dict[str, Any]:
    words = ("--ahead", str(days), "--for", version)
    found: dict[str, Any] = run("doctor", "--json", *words, home=home).document["ahead"]
    return found


def files(home: Path) -> set[str]:
    return {f"sessions/{place.name}" for place in (home / "sessions").iterdir()}


def require_true(version: str, home: Path, folder: Path, days: float) -> list[str]:
    """Assert that a start of the release deletes just what was foretold, and return that."""
    said = foretold(home, version, days)
    before = {id for (id,) in homes.query(home, "SELECT id FROM sessions")}
    there = files(home)
    copy_home(home, folder / "kept")
    out = run_release(version, START, home, str(home), str(days))
    left, left_files = set(json.loads(out.splitlines()[-1])), files(home)
    shutil.rmtree(home)
    copy_home(folder / "kept", home)
    shutil.rmtree(folder / "kept")
    taken = {one["session_id"]: one for one in said["sessions"]}
    assert taken.keys() == before - left
    assert {file for one in taken.values() for file in one["files"]} == there - left_files
    return sorted(taken)


@pytest.mark.parametrize("version", RELEASES)
def test_release_deletes_what_was_foretold(version: str, tmp_path: Path) -> None:
    home = home_of(version, tmp_path, config=SETTINGS["on"])
    now = ["cron_1", "ghost", "kept_by_its_child", "old", "unused_part"]
    assert require_true(version, home, tmp_path, 0) == now
    assert require_true(version, home, tmp_path, 10) == sorted([*now, "ghost_today", "soon"])
    assert "week" in require_true(version, home, tmp_path, 60)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_that_deletes(setting: str, tmp_path: Path) -> None:
    home = home_of("0.19.0", tmp_path, config=SETTINGS[setting])
    for days in (0, 25):
        taken = require_true("0.19.0", home, tmp_path, days)
        assert ("old" in taken) is (setting in ("on", "thirty", "text"))


@pytest.mark.parametrize(
    "marks",
    [
        ("ghost_session_prune_v1=1",),
        ("orphaned_compression_finalize_v1=1",),
        ("ghost_session_prune_v1=1", "orphaned_compression_finalize_v1=1"),
        ("last_auto_prune=junk",),
        ("a child",),
    ],
)
def test_what_happens_once(marks: tuple[str, ...], tmp_path: Path) -> None:
    home = home_of("0.18.2", tmp_path, *marks, config=SETTINGS["on"])
    require_true("0.18.2", home, tmp_path, 0)
    require_true("0.18.2", home, tmp_path, 12)


def test_once_a_day(tmp_path: Path) -> None:
    import time

    mark = f"last_auto_prune={time.time() - 3600}"
    home = home_of("0.19.0", tmp_path, mark, config=SETTINGS["on"])
    assert require_true("0.19.0", home, tmp_path, 0) == ["ghost"]
    assert "old" in require_true("0.19.0", home, tmp_path, 2)


def test_in_words(tmp_path: Path) -> None:
    home = home_of("0.19.0", tmp_path)
    shown = run("doctor", "--ahead", "30", "--for", "0.21.6", "-v", home=home)
    published = "by what is published of it (it could not be tried):"
    assert f"What Hermes 0.21.6 will delete here within 30 days, {published}" in shown.out
    assert shown.out.count(published) == 2  # also what it would do at its first open
    newer = run("doctor", "--for", "0.21.6", "--json", home=home).document
    assert newer["ahead"]["tried"] is newer["outlook"]["tried"] is False
    tried = run("doctor", "--for", "0.19.0", "--json", home=home).document
    assert tried["ahead"]["tried"] is tried["outlook"]["tried"] is True
    assert "ended, and older than 90 days" in shown.out
    assert "soon: in 5.0 days, 2 messages, with sessions/soon.jsonl" in shown.out
    quiet = run("doctor", "--ahead", "0", "--for", "0.19.0", home=home).out
    assert "nothing was said in it" in quiet
    assert "old:" not in quiet
    assert run("doctor", "--ahead", "-1", home=home).code == 2


GATEWAY = """
import sys, types

class StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})

for client in ("requests", "httpx"):  # imported by the config's module, and never called here
    sys.modules[client] = StandIn(client)

from gateway.config import load_gateway_config
from hermes_cli.config import load_config
from hermes_state import SessionDB

# As GatewayRunner does when it starts.
asked = load_config()["sessions"]
db = SessionDB()
if asked.get("auto_prune", False):
    db.maybe_auto_prune_and_vacuum(
        retention_days=int(asked.get("retention_days", 90)),
        min_interval_hours=int(asked.get("min_interval_hours", 24)),
        vacuum=bool(asked.get("vacuum_after_prune", True)),
        sessions_dir=load_gateway_config().sessions_dir,
    )
db.close()
"""


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
@pytest.mark.parametrize("starts", ["terminal", "gateway"])
def test_gateway_with_a_folder_of_its_own(version: str, starts: str, tmp_path: Path) -> None:
    chats = tmp_path / "chats"
    home = home_of(version, tmp_path, config=SETTINGS["on"])
    (home / "gateway.json").write_text(json.dumps({"sessions_dir": str(chats)}))
    shutil.copytree(home / "sessions", chats)
    said = foretold(home, version, 0)["sessions"]
    field = "files" if starts == "terminal" else "gateway_files"
    told = {Path(home, file) for one in said for file in one[field]}
    folders = (home / "sessions", chats)
    before = {place for folder in folders for place in folder.iterdir()}
    script, words = (START, (str(home), "0")) if starts == "terminal" else (GATEWAY, ())
    run_release(version, script, home, *words)
    left = {place for folder in folders for place in folder.iterdir() if place.suffix != ".tmp"}
    assert before - left == told
    assert {place.name for place in told} >= {"old.jsonl", "old.json", "request_dump_old_1.json"}


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
def test_no_release_reads_the_folder_from_config_yaml(version: str, tmp_path: Path) -> None:
    """So it is followed only where a gateway has written, and has not written elsewhere since."""
    home = home_of(version, tmp_path)
    (home / "config.yaml").write_text("gateway:\n  sessions_dir: chats\n")
    script = GATEWAY.partition("# As")[0] + "print(load_gateway_config().sessions_dir)\n"
    assert run_release(version, script, home).splitlines()[-1] == str(home / "sessions")
    assert sessions_dir(home) == home / "sessions"
    (home / "chats").mkdir()
    (home / "chats" / "sessions.json").write_text("{}")
    assert sessions_dir(home) == home / "chats"
    usual = home / "sessions" / "sessions.json"
    usual.write_text("{}")
    os.utime(usual, (2e9, 2e9))
    assert sessions_dir(home) == home / "sessions"
    os.utime(usual, (1e9, 1e9))
    assert sessions_dir(home) == home / "chats"
    (home / "gateway.json").write_text(json.dumps({"sessions_dir": str(tmp_path / "gateway")}))
    (home / "chats" / "sessions.json").unlink()
    assert run_release(version, script, home).splitlines()[-1] == str(tmp_path / "gateway")
    assert sessions_dir(home) == tmp_path / "gateway"
