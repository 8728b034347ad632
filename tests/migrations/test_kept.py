"""What somebody made otherwise than every release: said beforehand, kept, and no reason to fail."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.app import migrate as app
from hermes_repair.app.environment import Run
from hermes_repair.home.layout import open_home
from hermes_repair.schema.data_steps import Decisions
from hermes_repair.schema.route import Route, read_facts, route
from hermes_repair.schema.route_parts import RouteFacts
from hermes_repair.schema.structure import Structure
from tests.cli.speaking import assert_document
from tests.command import run
from tests.homes.content import content
from tests.homes.database import OLD_FIXTURES, Unpack, connect
from tests.homes.home import of_schema, opened
from tests.in_process import fixed_environment
from tests.unit.schema_support import asking, structure_of

OTHERWISE = {
    "a column of another type": (
        "ALTER TABLE sessions ADD COLUMN cwd VARCHAR(20)",
        "differs: column sessions.cwd: expected TEXT; found VARCHAR(20)",
    ),
    "a version table of another declaration": (
        "DROP TABLE schema_version; CREATE TABLE schema_version (version INT);"
        "INSERT INTO schema_version VALUES (13)",
        "differs: column schema_version.version: expected INTEGER NOT NULL; found INT",
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_was_otherwise_before_is_said_and_stays(name: str, tmp_path: Path) -> None:
    home = of_schema("v13", tmp_path / "home")
    sql, line = OTHERWISE[name]
    with opened(home) as db:
        db.executescript(sql)
    words = ("migrate", "--to", "14")
    assert line in run(*words, "--dry-run", home=home).out
    done = run(*words, "--yes", home=home)
    assert (done.code, line in done.out) == (0, True), done
    with opened(home) as db:
        assert db.execute("SELECT version FROM schema_version").fetchall() == [(14,)]
    again = run(*words, "--yes", "--json", home=home)
    assert (again.code, again.document["plan"]["kept"]) == (0, [line])
    assert again.document["plan"]["actions"] == [] and again.document["receipt"] is None
    assert_document("migrate", again.document)


@pytest.mark.parametrize("name", OLD_FIXTURES)
def test_nothing_is_otherwise_where_releases_made_it(
    name: str, tmp_path: Path, unpack: Unpack
) -> None:
    with closing(connect(unpack(name, tmp_path / "state.db"))) as db:
        structure = structure_of(db)
        for target in {14, 22} | {OLD_FIXTURES[name]}:
            if target < OLD_FIXTURES[name]:
                continue

            facts = read_facts(asking(db), structure, target, Decisions(), {})
            assert route(structure, target, facts).kept == ()


def test_what_the_run_itself_leaves_out_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that does not do its work is found before COMMIT, so exit 3 means what it says."""
    home = of_schema("v13", tmp_path / "home")
    before = content(home)

    def without_a_column(structure: Structure, target: int, facts: RouteFacts) -> Route:
        made = route(structure, target, facts)
        return replace(made, parts=tuple(p for p in made.parts if p.what != "column sessions.cwd"))

    monkeypatch.setattr(app, "route", without_a_column)
    result = app.migrate(
        Run(open_home(home), fixed_environment(tmp_path)), 14, False, lambda _way: True
    )
    assert result.problem is not None and result.problem.exit_code == 3
    assert "missing: column sessions.cwd" in result.problem.message
    assert "nothing was changed" in str(result.problem.hint)
    assert content(home) == before
    assert "nothing done" in run("history", home=home).out
    monkeypatch.undo()
    assert run("migrate", "--to", "14", "--yes", home=home).code == 0
