"""The real releases search: they find each word of each message again, and only those."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.command import run
from tests.engine.pages import Pages
from tests.releases import run_release
from tests.search.damages import DAMAGES
from tests.search.test_search_index import TABLES, opened, said
from tests.support import ROOT

EMPTY = ROOT / "tests/cases/inside/empty_index.py"
TWICE = ROOT / "tests/cases/DB007_index_twice/break.py"

WRITE = """
import json

from hermes_state import SessionDB

db = SessionDB()
for number in range(6):
    chat = f"chat{number}"
    db.create_session(chat, source="cli")
    for turn in range(12):
        db.append_message(chat, "user", f"Where is marker{number}x{turn} kept in 北京市场 today?")
        call = [{"id": "c", "function": {"name": "find", "arguments": f"argument{number}x{turn}"}}]
        db.append_message(chat, "assistant", "", tool_calls=call)
        result = f"result{number}x{turn}"
        db.append_message(chat, "tool", result, tool_name="find", tool_call_id="c")
        db.append_message(chat, "assistant", f"On shelf{number}x{turn}, \\u00e4u\\u00dferst links.")
db.close()
"""
SEARCH = """
import json
import sys

from hermes_state import SessionDB

found = {}
for home in sys.argv[1:]:
    try:
        from pathlib import Path

        db = SessionDB(Path(home) / "state.db")
        found[home] = {
            word: sorted(row["id"] for row in db.search_messages(f'"{word}"', limit=500))
            for kind in ("marker", "argument", "result", "shelf")
            for word in (f"{kind}{chat}x{turn}" for chat in range(6) for turn in (0, 7, 11))
        }
        found[home]["北京市场"] = sorted(
            row["id"] for row in db.search_messages("北京市场", limit=500)
        )
        db.close()
    except Exception as error:
        found[home] = {"error": [str(error)]}
print(json.dumps(found))
"""
MORE = """
from hermes_state import SessionDB

db = SessionDB()
db.create_session("later", source="cli")
for turn in range(5):
    db.append_message("later", "user", f"What came after later{turn}?")
db.close()
"""
SHOWN = ("it lost entries", "it was emptied", "its structure record is lost", "a leaf is lost")


@pytest.mark.parametrize("release", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
def test_a_release_finds_every_word_again(release: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    run_release(release, WRITE, whole)
    homes = [whole]
    for number, damage in enumerate(SHOWN):
        home = tmp_path / f"damaged{number}"
        shutil.copytree(whole, home)
        harm, finding = DAMAGES[damage]
        with opened(home) as db:
            for table in TABLES:
                harm(db, table)
        assert said(run("doctor", "--json", home=home)).get(finding) == "safe"
        repaired = run("repair", "--yes", "--select", "FT", home=home)
        assert repaired.code == 0, repaired.out + repaired.err
        homes.append(home)
    found = json.loads(run_release(release, SEARCH, tmp_path, *map(str, homes)))
    expected = found[str(whole)]
    assert len(expected) == 73 and all(expected.values()), expected
    assert len(expected["北京市场"]) == 72
    for home in homes[1:]:
        assert found[str(home)] == expected


def _every_third_entry(home: Path) -> None:
    with opened(home) as db:
        for table in TABLES:
            db.execute(f"DELETE FROM {table} WHERE rowid % 3 = 0")


def _insert_triggers(home: Path) -> None:
    """What is stored while they are gone is not found: 0.13.0 does not put them back."""
    with opened(home) as db:
        for table in TABLES:
            db.execute(f"DROP TRIGGER {table}_insert")
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES ('chat0', 'user', 'markerless', 1779000000.0)"
        )


def _runs(home: Path, sql: str) -> None:
    with opened(home) as db:
        db.execute(sql)


def _emptied(home: Path, index: str) -> None:
    subprocess.run([sys.executable, EMPTY, home, index], check=True)


def _older_page(home: Path, pages: dict[int, bytes]) -> None:
    """Put pages of an index back as they were before the last messages came."""
    with opened(home) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    now = Pages(home)
    for page, data in pages.items():
        now[page] = data
    now.write()


def _twice(home: Path) -> None:
    subprocess.run([sys.executable, TWICE, home], check=True)


REPRODUCED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "structure record": (
        "FT003",
        partial(_runs, sql="DELETE FROM messages_fts_data WHERE id = 10"),
    ),
    "every third entry": ("FT001", _every_third_entry),
    "insert triggers": ("FT004", _insert_triggers),
    "table dropped": ("FT003", partial(_runs, sql="DROP TABLE messages_fts")),
    "index emptied": ("DB006", partial(_emptied, index="idx_messages_session")),
    "active index emptied": ("DB006", partial(_emptied, index="idx_messages_session_active")),
    "schema row twice": ("DB007", _twice),
}
"""What befalls a home, and the finding that names it; the index with an older page comes beside."""


@pytest.mark.long
@pytest.mark.parametrize(
    "release", ["0.13.0", "0.14.0", "0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0"]
)
def test_what_a_person_does_about_each_damage(release: str, tmp_path: Path) -> None:
    """doctor names it, repair mends it, and the release finds what it found before, all of it."""
    whole = tmp_path / "whole"
    whole.mkdir()
    run_release(release, WRITE, whole)
    with opened(whole) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    early = Pages(whole)
    root = early[early.roots["idx_messages_session"]]
    last = int.from_bytes(root[8:12], "big")
    assert root[0] == 2 and early[last][0] == 10, "an inner page, and the leaf that grows"
    old = {last: early[last]}
    run_release(release, MORE, whole)
    damages = dict(REPRODUCED)
    damages["older page"] = ("DB006", partial(_older_page, pages=old))
    if "idx_messages_session_active" not in names:
        del damages["active index emptied"]
    homes = {}
    for number, (damage, (finding, harm)) in enumerate(damages.items()):
        home = homes[damage] = tmp_path / f"damaged{number}"
        shutil.copytree(whole, home)
        harm(home)
        found = run("doctor", "--json", home=home).document["findings"]
        assert {one["id"]: one["repair"] for one in found}.get(finding) == "safe", (damage, found)
        repaired = run("repair", "--yes", home=home)
        assert repaired.code == 0, (damage, repaired)
        left = run("doctor", "--deep", "--json", home=home).document["findings"]
        assert {one["severity"] for one in left} <= {"info"}, (damage, left)
    assert said(run("doctor", "--deep", "--json", home=whole)) == {}
    found = json.loads(run_release(release, SEARCH, tmp_path, *map(str, (whole, *homes.values()))))
    for damage, home in homes.items():
        assert found[str(home)] == found[str(whole)], damage
