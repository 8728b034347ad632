"""What the schema lists twice: which releases open such a file, and what the doctor says of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import in_process
from tests.command import run
from tests.engine.kills import judge, pictures
from tests.engine.pages import Pages
from tests.homes.content import fingerprint, rows
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


def twice(home: Path, *names: str) -> None:
    """List objects of the schema a second time."""
    with opened(home) as db:
        db.execute("PRAGMA writable_schema = ON")
        for name in names:
            db.execute("INSERT INTO sqlite_master SELECT * FROM sqlite_master WHERE name=?", [name])


def everything(home: Path) -> tuple[list[Any], dict[str, Any]]:
    with opened(home) as db:
        db.execute("PRAGMA writable_schema = ON")
        listed = db.execute("SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master")
        return listed.fetchall(), rows(home / "state.db")


@pytest.mark.parametrize("release", ["0.13.0", pytest.param("0.16.0", marks=pytest.mark.long)])
def test_a_release_that_refused_the_file_opens_it_again(release: str, tmp_path: Path) -> None:
    run_release(release, WRITE, tmp_path)
    subprocess.run([sys.executable, BREAK, tmp_path], check=True)
    before = everything(tmp_path)
    repaired = run("repair", "--yes", home=tmp_path)
    assert repaired.code == 0, repaired.out + repaired.err
    after = everything(tmp_path)
    assert after[1] == before[1] and len(after[0]) == len(before[0]) - 2
    copy = shutil.copytree(tmp_path, tmp_path / "copy")
    assert run_release(release, OPEN, copy).strip().splitlines()[-1] == "2"
    assert run("doctor", "--deep", "--json", home=tmp_path).document["notes"] == []
    assert run("undo", "--yes", home=tmp_path).code == 0
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["messages", "idx_messages_session", "messages_fts_data"])
@pytest.mark.parametrize("layout", ["11", "30"])
def test_what_is_listed_twice_is_removed_in_every_layout(
    layout: str, name: str, tmp_path: Path
) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    whole = everything(home)
    twice(home, name)
    planned = run("repair", "--dry-run", "--plan-out", tmp_path / "plan.db", home=home)
    assert planned.code == 0 and "DB007 remove 1 entry" in planned.out, planned
    done = run("repair", "--plan", tmp_path / "plan.db", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert everything(home) == whole
    assert run("undo", "--yes", home=home).code == 0
    assert len(everything(home)[0]) == len(whole[0]) + 1


@pytest.mark.parametrize(
    ("name", "safe"), [("idx_messages_session", True), ("messages_fts_docsize", True)]
)
def test_pages_that_are_derived_may_be_others(name: str, safe: bool, tmp_path: Path) -> None:
    """Two processes made it at once: each entry has pages of its own."""
    home = a_home(tmp_path, LAYOUTS["11"])
    with opened(home) as db:
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchone()
        db.execute(sql.replace(name, "made_at_the_same_time").replace("'", ""))
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_master SET name = ?, sql = ?, tbl_name = CASE type WHEN 'table' THEN ?"
            " ELSE tbl_name END WHERE name = 'made_at_the_same_time'",
            [name, sql, name],
        )
    (finding,) = run("doctor", "--json", home=home).document["findings"]
    assert (finding["id"], finding["repair"] == "safe") == ("DB007", safe)
    assert run("repair", "--yes", home=home).code == 0
    said = run("doctor", "--deep", "--json", home=home).document["findings"]
    assert {one["severity"] for one in said} <= {"info"}, said


def test_nothing_is_removed_where_the_rest_is_damaged(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    pages = Pages(home)
    pages.tear(pages.roots["sessions"])
    pages.write()
    twice(home, "messages_fts")
    before = fingerprint(home)
    for words in (["repair", "--dry-run"], ["repair", "--yes"]):
        refused = run(*words, home=home)
        assert refused.code == 4 and "is not sound either" in refused.err, refused
    assert fingerprint(home) == before


def test_it_waits_where_something_else_is_asked_for(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    twice(home, "messages_fts")
    before = fingerprint(home)
    for words in (["repair", "--yes", "--select", "LN"], ["migrate", "--yes", "--to", "22"]):
        refused = run(*words, home=home)
        assert refused.code == 4 and "DB007: " in refused.err, refused
        assert "hermes-repair repair" in refused.err
    assert fingerprint(home) == before


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_step_it_is_settled(every: int, tmp_path: Path) -> None:
    environment = in_process.fixed_environment(tmp_path)
    home = a_home(tmp_path, LAYOUTS["11"])
    whole = everything(home)
    twice(home, "idx_messages_session", "messages_fts")
    taken, _ = pictures(home, lambda: in_process.repair(home, environment), tmp_path)
    assert len(taken) > 10

    def is_settled(left: Path) -> None:
        in_process.repair(left, environment)
        assert everything(left) == whole
        found = in_process.look(left, environment)
        assert not {"DB007", "RP001"} & set(in_process.ids(found))

    judge(taken[::every], is_settled)
    taken, _ = pictures(home, lambda: in_process.undo(home, environment), tmp_path)
    judge(taken[::every], is_settled)


@pytest.mark.parametrize(
    ("name", "kind", "changed"),
    [
        ("idx_messages_session", "index", "rootpage, replace(sql, 'timestamp', 'role')"),
        ("sessions", "table", "rootpage + 1, sql"),
    ],
)
def test_entries_that_differ_are_not_left_to_hermes(
    name: str, kind: str, changed: str, tmp_path: Path
) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    with opened(home) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            f"INSERT INTO sqlite_master SELECT type, name, tbl_name, {changed}"
            " FROM sqlite_master WHERE name = ?",
            [name],
        )
    before = fingerprint(home)
    said = run("doctor", "--json", home=home)
    (finding,) = said.document["findings"]
    assert finding["id"] == "DB007" and finding["data"]["objects"] == [
        {"type": kind, "name": name, "entries": 2, "alike": False}
    ]
    assert finding["repair"] == "manual" and "hermes-repair salvage" in finding["hint"]
    word = "and" if "cannot be read" in finding["message"] else "but"
    assert f", {word} the entries of {kind} {name} differ" in finding["message"]
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
