"""The real releases search: they find each word of each message again, and only those."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.command import run
from tests.releases import run_release
from tests.search.damages import DAMAGES
from tests.search.test_search_index import TABLES, opened, said

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
