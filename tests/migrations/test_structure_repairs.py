"""``repair`` of what Hermes' own migrations left undone, with other repairs and with kills."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.model.errors import Refused
from tests.command import run
from tests.engine.kills import judge, pictures
from tests.homes.content import Content, content, without_sequence
from tests.homes.database import connect
from tests.homes.home import of_schema
from tests.homes.populated import chat_id, populated
from tests.in_process import fixed_environment, ids, look, repair, undo
from tests.migrations.running import environment, gateway

LOST_INDEX = ("DROP INDEX idx_messages_session",)
FLAGS = (
    "DROP INDEX idx_messages_session_active",
    "ALTER TABLE messages DROP COLUMN active",
    "ALTER TABLE messages ADD COLUMN active INTEGER",
    "CREATE INDEX idx_messages_session_active ON messages(session_id, active, timestamp)",
)
LEFTOVER = (
    "CREATE TABLE gateway_routing_legacy_pk (session_key TEXT PRIMARY KEY, entry_json TEXT NOT"
    " NULL, updated_at REAL NOT NULL)",
    "INSERT INTO gateway_routing_legacy_pk VALUES ('k', '{}', 1.0)",
)
TITLES = "UPDATE sessions SET title = title || rowid WHERE title = 'Plans'"
TITLE_INDEX = (
    "CREATE UNIQUE INDEX idx_sessions_title_unique ON sessions(title) WHERE title IS NOT NULL"
)


def damaged(root: Path, number: int, *statements: str) -> Path:
    """Make the populated home with its title index, and with damage."""
    home = populated(root, number)
    with closing(connect(home / "state.db")) as connection:
        for sql in (TITLES, TITLE_INDEX, *statements):
            connection.execute(sql)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home


def test_structure_and_rows_have_receipts_of_their_own(tmp_path: Path) -> None:
    count = f"UPDATE sessions SET message_count = 99 WHERE id = '{chat_id(3)}'"
    home = damaged(tmp_path / "home", 14, *LOST_INDEX, count)
    before = without_sequence(content(home))
    shown = run("repair", "--dry-run", "--json", home=home).document["plan"]
    assert [step["findings"] for step in shown["actions"]] == [["SC006"]]
    assert [step["findings"] for step in shown["waiting"]] == [["MS002"]]

    done = run("repair", "--yes", "--json", home=home)
    assert done.code == 0, done.out
    receipts = done.document["receipt"]["all"]
    assert len(receipts) == 2
    assert not {"SC006", "MS002"} & {finding["id"] for finding in done.document["findings"]}
    again = run("repair", "--dry-run", "--json", home=home).document["plan"]
    assert (again["actions"], again["waiting"]) == ([], [])

    assert run("undo", "--yes", home=home).code == 0
    both = ("--select", "MS002", "--select", "SC006")
    (back,) = run("doctor", "--json", *both, home=home).document["findings"]
    assert back["id"] == "MS002"
    assert run("repair", "--yes", home=home).code == 0
    assert run("undo", "--yes", receipts[0], home=home).code == 0
    assert without_sequence(content(home)) == before


def test_both_are_named_for_undo(tmp_path: Path) -> None:
    count = f"UPDATE sessions SET message_count = 99 WHERE id = '{chat_id(3)}'"
    home = damaged(tmp_path / "home", 14, *LOST_INDEX, count)
    said = run("repair", "--yes", home=home).out
    first, second = (entry["id"] for entry in reversed(
        run("history", "--json", home=home).document["history"]))  # fmt: skip
    assert f"Receipts {first}, {second}." in said
    assert f"hermes-repair undo --home {home} {first}\n" in said


def test_undo_names_what_is_still_done(tmp_path: Path) -> None:
    """Whoever takes a repair back with one ``undo`` must not believe that all of it is gone."""
    count = f"UPDATE sessions SET message_count = 99 WHERE id = '{chat_id(3)}'"
    home = damaged(tmp_path / "home", 14, *LOST_INDEX, count)
    before = without_sequence(content(home))
    first, second = run("repair", "--yes", "--json", home=home).document["receipt"]["all"]
    said = run("undo", "--yes", home=home).out
    assert f"Undone: {second}" in said
    assert f"Still done: {first} " in said
    assert f"`hermes-repair undo --home {home}` reverts that." in said
    undone = run("undo", "--yes", "--json", home=home).document
    assert (undone["undone"], undone["next_to_undo"]) == ([first], None)
    assert without_sequence(content(home)) == before
    assert run("repair", "--yes", home=home).code == 0
    assert "Still done" not in run("undo", "--yes", first.replace("0001", "0003"), home=home).out


def test_older_schemas_are_migrated_first(tmp_path: Path) -> None:
    home = of_schema("v10", tmp_path / "home")
    with closing(connect(home / "state.db")) as connection:
        connection.execute("DROP INDEX idx_messages_session")
    found = run("doctor", "--json", "--select", "SC006", home=home).document["findings"]
    assert [(f["repair"], f["hint"]) for f in found] == [
        ("migrate", "hermes-repair migrate --dry-run")
    ]
    assert run("repair", "--dry-run", "--json", home=home).document["plan"]["actions"] == []
    assert run("migrate", "--to", "11", "--yes", home=home).code == 0
    assert run("doctor", "--json", "--select", "SC006", home=home).document["findings"] == []


def test_missing_columns_come_first(tmp_path: Path) -> None:
    home = damaged(tmp_path / "home", 13, *LOST_INDEX, "UPDATE schema_version SET version = 14")
    found = run("doctor", "--json", "--select", "SC", home=home).document["findings"]
    assert {f["id"]: f["repair"] for f in found} == {"SC002": "migrate", "SC006": "migrate"}
    assert run("migrate", "--yes", home=home).code == 0
    assert run("doctor", "--json", "--select", "SC", home=home).document["findings"] == []


def test_beside_a_running_gateway_it_waits(tmp_path: Path) -> None:
    home = damaged(tmp_path / "home", 14, *LOST_INDEX)
    with gateway(environment(tmp_path / "venv", "0.16.0"), home) as process:
        done = run("repair", "--yes", "--json", home=home)
        assert done.code == 4
        (waiting,) = done.document["waiting"]
        assert "create 1 missing index" in waiting["unit"]
        assert f"pid {process.pid}" in waiting["message"]
    assert run("repair", "--yes", home=home).code == 0


def test_a_leftover_of_later_schemas_is_only_told(tmp_path: Path) -> None:
    home = of_schema("v25last", tmp_path / "home")
    with closing(connect(home / "state.db")) as connection:
        for sql in LEFTOVER:
            connection.execute(sql)
    found = run("doctor", "--json", "--select", "SC004", home=home).document["findings"]
    assert [(f["repair"], f["data"]["rows"]) for f in found] == [("manual", 1)]
    assert run("repair", "--dry-run", "--json", home=home).document["plan"]["actions"] == []


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("number", "statements", "finding"),
    [(14, LOST_INDEX, "SC006"), (14, FLAGS, "SC007"), (22, LEFTOVER, "SC004")],
    ids=["index", "flags", "leftover"],
)
def test_killed_at_every_moment(
    number: int, statements: tuple[str, ...], finding: str, every: int, place: Path
) -> None:
    """What became of a step without images of its rows is told by its backup, or its first row."""
    home = damaged(place / "home", min(number, 15), *(() if number == 22 else statements))
    environment = fixed_environment(place)
    if number == 22:
        assert run("migrate", "--to", "22", "--yes", home=home).code == 0
        shutil.rmtree(home / "hermes-repair")
        with closing(connect(home / "state.db")) as connection:
            for sql in statements:
                connection.execute(sql)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = without_sequence(content(home))
    taken, _ = pictures(home, lambda: repaired(home, environment), place)
    after = without_sequence(content(home))
    assert len(taken) > 8
    chosen = taken[::-every]  # the last, in which all is done, and back from it
    judge(chosen, lambda shot: assert_finished(shot, place, before, after, finding))


def repaired(home: Path, environment: Environment) -> None:
    assert repair(home, environment).units == 1


def assert_finished(shot: Path, place: Path, before: Content, after: Content, finding: str) -> None:
    environment = fixed_environment(place)
    now = without_sequence(content(shot))
    assert now in (before, after)
    assert (finding in ids(look(shot, environment))) == (now == before)
    backward = Path(shutil.copytree(shot, place / "backward"))
    repair(shot, environment)
    assert without_sequence(content(shot)) == after
    assert not {finding, "RP001"} & set(ids(look(shot, environment)))
    take_back(shot, place)
    assert without_sequence(content(shot)) == before
    take_back(backward, place)
    assert without_sequence(content(backward)) == before
    shutil.rmtree(backward)


def take_back(home: Path, place: Path) -> None:
    for _ in range(3):
        try:
            undo(home, fixed_environment(place))
        except Refused as refused:
            assert refused.message == "There is nothing to undo."
            return
    raise AssertionError("undo finds something to take back for ever")
