"""Hermes' prune takes files with the rows that it knows: what they held is in our copies."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

from tests.command import run
from tests.homes.by_releases import hurt_home
from tests.homes.content import RECORDS
from tests.homes.home import changing
from tests.releases import release, run_release

PRUNE = """
from pathlib import Path
from hermes_constants import get_hermes_home
from hermes_state import SessionDB

db = SessionDB()
for row in db.list_sessions_rich(limit=1000):
    db.end_session(row["id"], "session_reset")
print(db.prune_sessions(older_than_days=0.0001, sessions_dir=get_hermes_home() / "sessions"))
db.close()
"""
ENDED = """
from hermes_state import SessionDB

db = SessionDB()
for row in db.list_sessions_rich(limit=1000):
    db.end_session(row["id"], "session_reset")
db.close()
"""


def lines(home: Path) -> set[bytes]:
    """Return every line of every transcript file of the home."""
    files = (home / "sessions").glob("*.jsonl")
    return {line for file in files for line in file.read_bytes().splitlines()}


def kept(home: Path) -> set[bytes]:
    """Return every line of our copies."""
    copies = (home / RECORDS / "sources").rglob("*.gz")
    return {line for copy in copies for line in gzip.decompress(copy.read_bytes()).splitlines()}


def test_what_was_imported_is_in_our_copy_after_a_prune(tmp_path: Path) -> None:
    release("0.19.0")
    home = tmp_path / "home"
    by_hurt = hurt_home(home, sessions=20, turns=3)
    imported = {
        line
        for hurt in ("front", "middle", "all_rows")
        for session in by_hurt[hurt]
        for line in (home / "sessions" / f"{session}.jsonl").read_bytes().splitlines()
    }
    assert imported
    assert run("backfill", "--yes", home=home).code == 0
    assert imported <= kept(home)
    pruned = int(run_release("0.19.0", PRUNE, home).split()[-1])
    assert pruned > 10
    assert not imported & lines(home), "the real prune deletes the files of rows that it knows"
    assert imported <= kept(home)


def unproven(home: Path) -> str:
    """Make a home of ended chats; return the one whose last row nothing proves its last line's."""
    session = hurt_home(home, sessions=10, turns=3)["front"][0]
    with changing(home) as db:
        db.execute(
            "UPDATE messages SET timestamp = timestamp - 9e6 WHERE session_id = ?", [session]
        )
    run_release("0.19.0", ENDED, home)
    return session


def test_a_file_that_only_a_person_may_import_is_copied_before_a_prune(tmp_path: Path) -> None:
    release("0.19.0")
    home = tmp_path / "home"
    session = unproven(home)
    found = run("doctor", "--json", home=home).document["findings"]
    at_risk = [f for f in found if f["id"] == "TR006"]
    assert session in {f["subject"]["session_id"] for f in at_risk}
    assert {f["repair"] for f in at_risk} == {"safe"}
    said = set((home / "sessions" / f"{session}.jsonl").read_bytes().splitlines())
    assert run("repair", "--yes", home=home).code == 0
    assert said <= kept(home)
    left = run("doctor", "--json", home=home).document["findings"]
    assert [f for f in left if f["id"] == "TR006"] == []
    run_release("0.19.0", PRUNE, home)
    assert not (home / "sessions" / f"{session}.jsonl").exists()
    assert said <= kept(home)


def test_a_file_that_grew_is_copied_again(tmp_path: Path) -> None:
    release("0.19.0")
    home = tmp_path / "home"
    session = unproven(home)
    assert run("repair", "--yes", home=home).code == 0
    file = home / "sessions" / f"{session}.jsonl"
    with file.open("a", encoding="utf-8") as stream:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        stream.write(f'{{"role": "user", "content": "late", "timestamp": "{when}"}}\n')
    found = run("doctor", "--json", home=home).document["findings"]
    again = [f for f in found if f["id"] == "TR006"]
    assert session in {f["subject"]["session_id"] for f in again}
