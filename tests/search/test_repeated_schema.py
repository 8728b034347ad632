"""What the schema lists twice: which releases open such a file, and what the doctor says of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import fingerprint
from tests.releases import run_release
from tests.search.test_search_index import LAYOUTS, a_home, opened
from tests.support import ROOT

WRITE = (ROOT / "tests/cases/DB001_empty/write.py").read_text()
BREAK = ROOT / "tests/cases/DB007_index_twice/break.py"
OPEN = """
from hermes_state import SessionDB

try:
    db = SessionDB()
    print(len(db.get_messages("walk")))
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("release", "opens"),
    [
        ("0.13.0", False),
        pytest.param("0.14.0", False, marks=pytest.mark.long),
        pytest.param("0.15.2", False, marks=pytest.mark.long),
        ("0.16.0", False),
        ("0.17.0", True),
        pytest.param("0.18.2", True, marks=pytest.mark.long),
        ("0.19.0", True),
    ],
)
def test_what_releases_do_with_it(release: str, opens: bool, tmp_path: Path) -> None:
    run_release(release, WRITE, tmp_path)
    subprocess.run([sys.executable, BREAK, tmp_path], check=True)
    assert {one["id"] for one in run("doctor", "--json", home=tmp_path).document["findings"]} == {
        "DB007"
    }
    answer = run_release(release, OPEN, tmp_path).strip().splitlines()[-1]
    assert (answer == "2") is opens, answer
    left = {one["id"] for one in run("doctor", "--json", home=tmp_path).document["findings"]}
    assert ("DB007" in left) is not opens


def test_entries_that_differ_are_not_left_to_hermes(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    with opened(home) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "INSERT INTO sqlite_master SELECT type, name, tbl_name, rootpage + 1, sql"
            " FROM sqlite_master WHERE name = 'idx_messages_session'"
        )
    before = fingerprint(home)
    said = run("doctor", "--json", home=home)
    (finding,) = said.document["findings"]
    assert finding["id"] == "DB007" and finding["data"]["objects"] == [
        {"type": "index", "name": "idx_messages_session", "entries": 2, "alike": False}
    ]
    assert "Hermes 0.17.0" not in finding["hint"] and "backup list" in finding["hint"]
    for command in ("repair", "migrate"):
        refused = run(command, "--yes", home=home)
        assert refused.code == 4 and "DB007" in refused.err, refused
    assert fingerprint(home) == before


def test_a_schema_that_is_malformed_otherwise_is_unreadable(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    with opened(home) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE' WHERE name = 'messages'")
    said = run("doctor", "--json", home=home)
    assert [one["id"] for one in said.document["findings"]] == ["DB001"]
