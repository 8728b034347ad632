"""After a migration every release from 0.13.0 on still works on the database (facts, section 4)."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.database import connect
from tests.homes.populated import populated
from tests.releases import RELEASES, run_release
from tests.unit.schema_support import check_search

USE = """
from hermes_state import SessionDB
db = SessionDB()
db.create_session("made", source="cli", model="m")
db.append_message("made", role="user", content="quokka one")
db.append_message("made", role="assistant", content="answer")
db.update_token_counts("made", input_tokens=3, output_tokens=4, model="m")
db.append_message("20260505_000003_cccccccc", role="user", content="and the quokka?")
listed = {row["id"] for row in db.list_sessions_rich(limit=99)}
found = {row["session_id"] for row in db.search_messages("quokka")}
old = {row["session_id"] for row in db.search_messages("weir", limit=500)}
read = [row["content"] for row in db.get_messages("20260505_000003_cccccccc")]
db.end_session("made", "done")
deleted = db.delete_session("made")
print("made" in listed, len(found), len(old) > 20, len(read), read[-1] == "and the quokka?",
      deleted, len(db.get_messages("made")))
db.close()
"""


@pytest.fixture(scope="module", params=[14, 22])
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that was migrated from 11; not to be written to."""
    home = populated(tmp_path_factory.mktemp("migrated") / "home")
    done = run("migrate", "--to", str(request.param), "--yes", home=home)
    assert done.code == 0, done.err
    return home


@pytest.mark.parametrize("version", RELEASES)
def test_open_create_append_search_list_delete(version: str, start: Path, tmp_path: Path) -> None:
    home = shutil.copytree(start, tmp_path / "home")
    said = run_release(version, USE, home)
    assert said.split() == ["True", "2", "True", "16", "True", "True", "0"]
    with closing(connect(home / "state.db")) as connection:
        check_search(connection)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
