"""A database is recognised by what it is, then by what it says."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.recognise import (
    Family,
    Recognition,
    VersionProblem,
    newest_number,
    recognise,
)
from hermes_repair.schema.structure_difference import diff
from tests.homes.database import (
    LATER_FIXTURES,
    OLD_FIXTURES,
    STRUCTURES,
    Unpack,
    build_database,
    connect,
    structured,
)
from tests.unit.schema_support import interrupted, structure_of


def made(name: str, *statements: str, version: object = None) -> Recognition:
    """Recognise the structure file ``name`` after some statements; ``version`` is stamped first."""
    connection = structured(name, *statements, version=version)
    return recognise(structure_of(connection))


@pytest.mark.parametrize(("fixture", "number"), (OLD_FIXTURES | LATER_FIXTURES).items())
def test_every_shape_is_sound(fixture: str, number: int, tmp_path: Path, unpack: Unpack) -> None:
    found = recognise(structure_of(connect(unpack(fixture, tmp_path / "state.db"))))
    families = [(10, Family.OLD), (22, Family.REPAIRED), (30, Family.LATER)]
    assert found.number == number
    assert found.stamp.problem is None
    assert found.family is next(family for most, family in families if number <= most)
    assert found.missing == found.extra == ()
    assert found.indexes_missing == found.indexes_elsewhere == ()
    assert found.leftovers == ()
    assert found.search.whole and not found.search.outdated
    assert interrupted(found) == (fixture == "v20first")
    assert not found.active_nullable


@pytest.mark.parametrize(
    ("fixture", "shape"),
    [("v7", "07"), ("v7m", "07"), ("v7alt", "07b"), ("v10", "10"), ("v10b", "10b"),
     ("v20first", "20a"), ("v20b", "20"), ("v14first", "14")],
)  # fmt: skip
def test_shapes_under_one_number_are_told_apart(fixture: str, shape: str, tmp_path: Path) -> None:
    structure = structure_of(connect(build_database(fixture, tmp_path / "state.db")))
    found = recognise(structure)
    shapes = default_catalogue().versions[found.number].shapes
    assert found.differences == diff(shapes[shape], structure)


def test_early_builds_are_not_damage(tmp_path: Path) -> None:
    found = recognise(structure_of(connect(build_database("v14first", tmp_path / "state.db"))))
    assert found.missing == ()
    assert "column messages.active" in found.differences.missing


def test_number_ahead_of_the_columns() -> None:
    found = made("11", version=13)
    assert found.number == 13
    assert found.missing == ("messages.observed", "messages.platform_message_id")
    assert found.indexes_missing == ("idx_messages_platform_msg_id",)


def test_columns_ahead_of_the_number() -> None:
    found = made("14", version=13)
    assert found.number == 13
    assert found.missing == ()
    assert found.extra == ()


def test_extra_columns_of_unreleased_builds_are_known_and_others_are_named() -> None:
    found = made(
        "14",
        "ALTER TABLE sessions ADD COLUMN icon TEXT",
        "ALTER TABLE messages ADD COLUMN mood TEXT",
        "CREATE TABLE notes (a)",
        version=14,
    )
    assert found.extra == ("messages.mood", "notes", "notes.a")


def test_side_tables_are_no_extras() -> None:
    side = (STRUCTURES / "side.sql").read_text(encoding="utf-8")
    connection = connect(":memory:")
    connection.executescript((STRUCTURES / "22.sql").read_text(encoding="utf-8") + side)
    connection.execute("INSERT INTO schema_version VALUES (22)")
    assert recognise(structure_of(connection)).extra == ()


@pytest.mark.parametrize(
    ("statements", "problem", "number"),
    [
        (["DROP TABLE schema_version"], VersionProblem.NO_TABLE, 13),
        ([], VersionProblem.NO_ROW, 13),
        (["INSERT INTO schema_version VALUES (6), (99)"], VersionProblem.SEVERAL, 6),
        (["INSERT INTO schema_version VALUES (99), (6)"], VersionProblem.SEVERAL, 6),
        (["INSERT INTO schema_version VALUES (99), (98)"], VersionProblem.SEVERAL, 13),
        (["INSERT INTO schema_version VALUES ('six')"], VersionProblem.NOT_A_NUMBER, 13),
        (["INSERT INTO schema_version VALUES (6.5)"], VersionProblem.NOT_A_NUMBER, 13),
        (["INSERT INTO schema_version VALUES (x'00')"], VersionProblem.NOT_A_NUMBER, 13),
        (["INSERT INTO schema_version VALUES (0)"], VersionProblem.IMPOSSIBLE, 13),
        (["INSERT INTO schema_version VALUES (-3)"], VersionProblem.IMPOSSIBLE, 13),
        (
            ["DROP TABLE schema_version", "CREATE TABLE schema_version (version INTEGER)",
             "INSERT INTO schema_version VALUES (NULL)"],
            VersionProblem.NULL, 13,
        ),
    ],
)  # fmt: skip
def test_a_bad_version_row(statements: list[str], problem: VersionProblem, number: int) -> None:
    found = made("13", *statements)
    assert found.stamp.problem is problem
    assert found.number == number


def test_the_structure_alone_tells_a_number() -> None:
    connection = structured("13")
    assert newest_number(structure_of(connection)) == 13


def test_text_that_is_a_number_is_one_by_affinity() -> None:
    assert made("13", "INSERT INTO schema_version VALUES ('13')").stamp.number == 13


@pytest.mark.parametrize(
    ("name", "version", "statements", "family"),
    [
        ("30", 30, [], Family.LATER),
        ("30", 31, ["ALTER TABLE sessions ADD COLUMN auto_archived INTEGER"], Family.NEWER),
        ("30", 30, ["CREATE TABLE runtime_epoch (a)"], Family.NEWER),
        ("22", 31, [], Family.NEWER),
        ("22", 99, [], Family.NEWER),
        ("22", 23, [], Family.LATER),
        ("23", 6, [], Family.LATER),
        ("25-upgraded", 25, [], Family.LATER),
    ],
)
def test_what_is_newer_is_never_taken_for_older(
    name: str, version: int, statements: list[str], family: Family
) -> None:
    assert made(name, *statements, version=version).family is family


def test_a_store_with_only_delegations_is_empty() -> None:
    connection = connect(":memory:")
    connection.execute("CREATE TABLE async_delegations (delegation_id TEXT PRIMARY KEY)")
    assert recognise(structure_of(connection)).family is Family.EMPTY
    assert recognise(structure_of(connect(":memory:"))).family is Family.EMPTY


def test_leftovers_and_their_indexes() -> None:
    found = made(
        "22",
        "DROP INDEX idx_session_model_usage_model",
        "CREATE TABLE session_model_usage_v21 (session_id TEXT, model TEXT)",
        "CREATE INDEX idx_session_model_usage_model ON session_model_usage_v21(model)",
        version=22,
    )
    (leftover,) = found.leftovers
    assert (leftover.table, leftover.owner) == ("session_model_usage_v21", "session_model_usage")
    assert leftover.indexes == ("idx_session_model_usage_model",)
    assert found.indexes_elsewhere == ("idx_session_model_usage_model",)
    assert found.extra == ()
    assert interrupted(found)


def test_search_of_another_generation() -> None:
    """0.19.0 opens a schema 6 database that lost its version row: 22, search tables of schema 1."""
    connection = connect(":memory:")
    script = (STRUCTURES / "22.sql").read_text(encoding="utf-8")
    connection.executescript(script[: script.index("CREATE VIRTUAL TABLE")])
    old = (STRUCTURES / "01.sql").read_text(encoding="utf-8")
    connection.executescript(old[old.index("CREATE VIRTUAL TABLE") :])
    connection.execute("INSERT INTO schema_version VALUES (22)")
    found = recognise(structure_of(connection))
    assert (found.number, found.search.layout) == (22, "01")
    assert found.search.outdated and interrupted(found)


def test_a_missing_trigger_is_not_another_generation() -> None:
    found = made("13", "DROP TRIGGER messages_fts_update", version=13)
    assert found.search.layout == "11"
    assert found.search.missing == ("trigger messages_fts_update",)
    assert not found.search.outdated and not interrupted(found)


def test_usage_table_whose_key_was_never_rebuilt() -> None:
    usage = (STRUCTURES / "21.sql").read_text(encoding="utf-8")
    table = next(sql for sql in usage.split(";") if "CREATE TABLE session_model_usage" in sql)
    found = made(
        "22",
        "DROP TABLE session_model_usage",
        table,
        "ALTER TABLE session_model_usage ADD COLUMN task TEXT NOT NULL DEFAULT ''",
        version=22,
    )
    assert found.wrong_keys == ("session_model_usage",)
    assert interrupted(found)


def test_nullable_active_column() -> None:
    found = made("13", "ALTER TABLE messages ADD COLUMN active INTEGER", version=13)
    assert found.active_nullable


def test_odd_names_and_virtual_tables_do_no_harm() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "a ""b;-- \n" ("x y" TEXT)')
    connection.execute("CREATE VIEW v AS SELECT * FROM nowhere")
    assert recognise(structure_of(connection)).family is Family.EMPTY
