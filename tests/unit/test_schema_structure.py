"""The catalogue says what the releases make, and a live structure is read as SQLite has it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import (
    NEWEST_TARGET,
    WRITTEN_STRUCTURES,
    default_catalogue,
    load_catalogue,
    read_script,
    read_scripts,
)
from hermes_repair.schema.search import layouts
from hermes_repair.schema.sql_text import kind_of, normal, statements
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.schema.structure_difference import compare, diff, normalised
from hermes_repair.schema.structure_document import from_document
from hermes_repair.schema.target_objects import objects_by_step
from tests.homes.database import (
    NEVER_FOUND,
    SHAPES,
    STRUCTURES,
    build_database,
    connect,
    unpack_fixture,
)
from tests.structures import written
from tests.support import ROOT
from tests.unit.schema_support import known, structure_of

FACTS = {
    "01": "git-440c244ca-schema01", "02": "git-b33ed9176-schema02",
    "04": "git-v2026.3.12-schema04", "05": "git-v2026.3.23-schema05",
    "06": "git-v2026.4.13-schema06", "07": "git-b8663813b-schema07",
    "07b": "git-42aeb4eca-schema07", "08": "git-v2026.4.23-schema08",
    "09": "git-81e01f6ee-schema09", "10": "git-1fa76607c-schema10",
    "10b": "git-cfcad80ee-schema10", "11": "0.14.0-schema11", "12": "git-31a010010-schema12",
    "13": "0.15.2-schema13", "14": "0.16.0-schema14", "15": "git-ed81cfe3d-schema15",
    "16": "0.17.0-schema16", "17": "0.18.0-schema17", "18": "git-747386ecf-schema18",
    "19": "0.18.2-schema19", "20": "git-0d63c23f3-schema20", "21": "git-d0e9a42ce-schema21",
    "22": "0.19.0-schema22", "23": "git-cc4cab2f5-0.19.1-schema23",
    "24": "git-53a5983af-schema24", "25": "git-2a7ced990-schema25",
    "25-upgraded": "upgraded-0.19.0-to-v25last", "30": "reconstructed-main-00704d08-schema30",
}  # fmt: skip
FILES = sorted(path.stem for path in STRUCTURES.glob("*.sql"))


def script(name: str) -> str:
    return (STRUCTURES / f"{name}.sql").read_text(encoding="utf-8")


def from_facts(data: dict[str, Any]) -> dict[str, str]:
    """Put a facts file into the words of ``normalised``: columns, references, indexes, views."""
    virtual = data["virtual_tables"]
    found: dict[str, str] = {}
    for table, parts in data["tables"].items():
        if table in (*virtual, *data["views"], "sqlite_sequence"):
            continue
        if any(table.startswith(f"{name}_") for name in virtual):
            found[f"shadow table {table}"] = ""
            continue
        for column in parts["columns"]:
            words = [column["type"]]
            words += ["NOT NULL"] if column["notnull"] else []
            words += [f"DEFAULT {column['dflt']}"] if column["dflt"] is not None else []
            words += [f"key {column['pk']}"] if column["pk"] else []
            found[f"column {table}.{column['name']}"] = " ".join(words)
        for _, _, parent, source, target, _, on_delete, _ in parts["foreign_keys"]:
            found[f"reference {table}({source})"] = (
                f"{parent}({target}) on update no action on delete {on_delete.lower()}"
            )
    for name, index in data["indexes"].items():
        unique = "unique " if index["unique"] else ""
        found[f"index {name}"] = unique + normal(index["on"])
    found |= {f"trigger {name}": parts["event"] for name, parts in data["triggers"].items()}
    found |= {f"view {name}": "" for name in data["views"]}
    return found


@pytest.mark.parametrize("name", sorted(FACTS))
def test_files_agree_with_the_facts(name: str, shared: Path) -> None:
    path = shared / "facts" / "schema" / f"{FACTS[name]}.json"
    expected = from_facts(json.loads(path.read_text(encoding="utf-8")))
    ours = {
        key: text
        for key, text in normalised(read_script(script(name))).items()
        if not key.startswith(("table ", "key index ", "virtual table "))
    }
    for key, text in list(expected.items()):
        if key.startswith("trigger "):  # the facts hold the beginning of the event only
            assert f" {normal(text)} "[:60] in ours[key]
            expected[key] = ours[key]
        if key.startswith("view "):
            expected[key] = ours[key]
    assert compare(expected, ours).lines() == []


@pytest.mark.parametrize("name", FILES)
def test_files_are_read_as_sqlite_runs_them(name: str) -> None:
    connection = connect(":memory:")
    connection.executescript(script(name))
    assert diff(read_script(script(name)), structure_of(connection)).lines() == []


@pytest.mark.parametrize("name", sorted(SHAPES.keys() - set(NEVER_FOUND)))
def test_built_databases_have_the_structure_of_real_ones(
    name: str, tmp_path: Path, shared: Path
) -> None:
    real = structure_of(connect(unpack_fixture(shared, name, tmp_path / "real.db")))
    built = structure_of(connect(build_database(name, tmp_path / "built.db")))
    assert diff(real, built).lines() == []


def test_every_file_is_built_from() -> None:
    assert {shape.file for shape in SHAPES.values()} == {*FILES} - {"side"}


@pytest.mark.parametrize("number", [n for n in default_catalogue().known_numbers() if n <= 22])
def test_steps_add_up_to_each_structure(number: int) -> None:
    connection = connect(":memory:")
    for wanted in objects_by_step(number):
        for sql in wanted.tables.values():
            connection.execute(sql)
    columns = [
        item
        for step in default_catalogue().steps.values()
        if step.number <= number
        for item in step.objects
        if item.kind == "column"
    ]
    for item in columns:
        connection.execute(item.sql)
    for wanted in objects_by_step(number):
        for sql in [
            *wanted.indexes.values(),
            *(s for made in wanted.search.values() for s in made),
        ]:
            connection.execute(sql)
    assert diff(known(number), structure_of(connection)).lines() == []


def test_every_number_has_its_step_and_every_step_its_header() -> None:
    catalogue = default_catalogue()
    assert list(catalogue.steps) == list(catalogue.versions)
    for step, version in catalogue.rows():
        assert step.title and step.since and step.date and step.touches
        ours = step.number <= NEWEST_TARGET
        assert bool(step.objects or step.data) == ours
        assert bool(version.shapes) or not ours


def test_column_order_layout_and_quotes_mean_nothing() -> None:
    left, right = connect(":memory:"), connect(":memory:")
    left.execute("CREATE TABLE t (a TEXT NOT NULL DEFAULT 'x', b INTEGER REFERENCES u(id))")
    right.execute('CREATE TABLE "t" ( b integer /* n */ references u (id) )')
    right.execute("ALTER TABLE t ADD COLUMN \"a\" TEXT NOT NULL DEFAULT 'x'")
    assert not diff(structure_of(left), structure_of(right))


def test_differences_are_readable() -> None:
    left, right = connect(":memory:"), connect(":memory:")
    left.execute("CREATE TABLE t (a TEXT NOT NULL, b INTEGER)")
    left.execute("CREATE UNIQUE INDEX i ON t(a)")
    right.execute("CREATE TABLE t (a TEXT, c)")
    right.execute("CREATE INDEX i ON t(a)")
    assert diff(structure_of(left), structure_of(right)).lines() == [
        "missing: column t.b",
        "extra: column t.c",
        "differs: column t.a: expected TEXT NOT NULL; found TEXT",
        "differs: index i: expected unique on t ( a ); found on t ( a )",
    ]


def test_search_tables_whose_tokenizer_is_missing_are_read_all_the_same(tmp_path: Path) -> None:
    path = build_database("v25last", tmp_path / "state.db")
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIRTUAL TABLE messages_fts_cjk USING fts5(content)")
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'content)', 'content, tokenize=''cjk'')')"
        " WHERE name = 'messages_fts_cjk'"
    )
    connection.commit()
    connection.close()
    structure = structure_of(connect(path))
    assert structure.virtual_tables["messages_fts_cjk"].arguments[1] == "tokenize = 'cjk'"
    with pytest.raises(sqlite3.OperationalError):
        connect(path).execute("PRAGMA table_info(messages_fts_cjk)").fetchall()


def test_version_rows_are_kept_raw() -> None:
    connection = connect(":memory:")
    connection.execute("CREATE TABLE schema_version (version)")
    values = ["six", None, 6.5, b"\x00", 7]
    connection.executemany("INSERT INTO schema_version VALUES (?)", [(v,) for v in values])
    assert [row.value for row in structure_of(connection).version_rows] == values


def test_an_empty_database_has_an_empty_structure() -> None:
    assert structure_of(connect(":memory:")) == Structure()


def test_reading_asks_little_of_a_large_database() -> None:
    connection = connect(":memory:")
    connection.executescript(script("22"))
    asked: list[str] = []

    def query(sql: str, parameters: Any) -> list[Any]:
        asked.append(sql)
        return connection.execute(sql, tuple(parameters)).fetchall()

    read_structure(query)
    assert len(asked) < 40
    assert not any("FROM messages" in sql or "FROM sessions" in sql for sql in asked)


def test_data_is_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hermes_repair.schema as room

    assert catalogue_root() == ROOT / "schema"
    package = tmp_path / "site-packages" / "hermes_repair"
    (package / "schema").mkdir(parents=True)
    monkeypatch.setattr(room, "__file__", str(package / "schema" / "__init__.py"))
    with pytest.raises(FileNotFoundError):
        catalogue_root()
    (package / "_schema").symlink_to(ROOT / "schema")
    assert catalogue_root() == package / "_schema"
    assert load_catalogue(catalogue_root()).known_numbers() == (default_catalogue().known_numbers())


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a TEXT",
        "CREATE TABLE t (a TEXT, a TEXT)",
        "CREATE TABLE t (a TEXT); CREATE INDEX i ON t(b)",
        "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('a')",
        "DROP TABLE t",
        "INSERT INTO t VALUES (1)",
        "CREATE VIRTUAL TABLE t USING rtree(a, b, c)",
    ],
)
def test_a_mistake_in_a_structure_file_is_seen(sql: str) -> None:
    with pytest.raises(ValueError):
        read_script(sql)


def test_the_catalogue_needs_no_fts5(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite without FTS5 refuses to make its tables; a home is looked at all the same."""

    class WithoutVirtualTables(sqlite3.Connection):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.set_authorizer(
                lambda action, *_: (
                    sqlite3.SQLITE_DENY
                    if action == sqlite3.SQLITE_CREATE_VTABLE
                    else sqlite3.SQLITE_OK
                )
            )

    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **named: WithoutVirtualTables(path, **named)
    )
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE t USING fts5(content)")
    made, known = load_catalogue(catalogue_root()), default_catalogue()
    for part in fields(made):
        assert getattr(made, part.name) == getattr(known, part.name)


def test_structures_are_written_down_as_the_scripts_make_them() -> None:
    """After a change of a script: ``python -m tests.structures``."""
    text = (ROOT / "schema" / "db" / WRITTEN_STRUCTURES).read_text(encoding="utf-8")
    assert text == written()
    made, known = read_scripts(ROOT / "schema"), from_document(json.loads(text))
    assert made == known and list(made) == list(known)
    for name, structure in made.items():
        for part in ("tables", "indexes", "triggers", "views", "virtual_tables"):
            assert list(getattr(structure, part)) == list(getattr(known[name], part))


def test_the_structure_file_of_a_search_layout_has_its_sql() -> None:
    for name, objects in layouts().items():
        script = (STRUCTURES / f"{name}.sql").read_text(encoding="utf-8")
        named = [" ".join(kind_of(sql)) for sql in statements(script)]
        assert {one for one in named if " messages_fts" in one} == objects.keys()
