"""Every damage of a search table, in every layout: named, made anew exactly, taken back exactly."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ran, run
from tests.engine.neighbours import READER, neighbour
from tests.engine.pages import Pages
from tests.homes.database import build_database
from tests.search.damages import CHANGED, DAMAGES

LAYOUTS = {
    "10": "v10",
    "10b": "v10b",
    "11": "0.16.0",
    "23": "v24",
    "25": "v25last",
    "25-upgraded": "v25upgraded",
    "30": "r30",
}
TABLES = ("messages_fts", "messages_fts_trigram")


@contextmanager
def opened(home: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(home / "state.db")) as connection, connection:
        yield connection


def a_home(folder: Path, name: str) -> Path:
    home = folder / "home"
    home.mkdir()
    build_database(name, home / "state.db")
    return home


def said(ran: Ran) -> dict[str, str]:
    """Return what is said of the search index, by id, with who mends it."""
    findings = ran.document["findings"]
    return {one["id"]: one["repair"] for one in findings if one["id"].startswith("FT")}


def words(home: Path) -> dict[str, list[Any]]:
    """Return every word of the index with its place, and which messages have an entry."""
    kept: dict[str, list[Any]] = {}
    with opened(home) as db:
        for table in TABLES:
            db.execute(
                f"CREATE VIRTUAL TABLE temp.of_{table} USING fts5vocab(main, {table}, instance)"
            )
            kept[table] = [
                *db.execute(f"SELECT * FROM of_{table} ORDER BY term, doc, col, offset"),
                *db.execute(f"SELECT id FROM {table}_docsize ORDER BY id"),
            ]
    return kept


def everything(home: Path) -> dict[str, Any]:
    """Return the structure, and every row of every ordinary table, those of FTS5 included."""
    with opened(home) as db:
        listed = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        kept: dict[str, Any] = {"sqlite_master": listed.fetchall()}
        for kind, name, sql in kept["sqlite_master"]:
            if kind == "table" and not str(sql).upper().startswith("CREATE VIRTUAL"):
                kept[name] = db.execute(f'SELECT * FROM "{name}"').fetchall()
    return kept


def every_layout_once() -> Iterator[Any]:
    """Yield each damage in two layouts: every layout has several, and each table its turn."""
    layouts = [name for name in LAYOUTS if not name.startswith("10")]
    for number, damage in enumerate(DAMAGES):
        for place in (number, number + 2):
            layout = layouts[place % len(layouts)]
            table = TABLES[(number + place) % 2]
            yield pytest.param(layout, table, damage, id=f"{layout} {table}: {damage}")


def every_combination() -> Iterator[Any]:
    for layout in LAYOUTS:
        for table in TABLES:
            for damage in DAMAGES:
                if not layout.startswith("10"):
                    yield pytest.param(layout, table, damage, id=f"{layout} {table}: {damage}")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_said_of_an_undamaged_index(layout: str, tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    assert said(run("doctor", "--deep", "--json", home=home)) == {}


@pytest.mark.parametrize(("layout", "table", "damage"), list(every_layout_once()))
def test_it_is_made_anew_as_it_was(layout: str, table: str, damage: str, tmp_path: Path) -> None:
    is_made_anew(layout, table, damage, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("layout", "table", "damage"), list(every_combination()))
def test_it_is_made_anew_in_every_layout(
    layout: str, table: str, damage: str, tmp_path: Path
) -> None:
    is_made_anew(layout, table, damage, tmp_path)


def is_made_anew(layout: str, table: str, damage: str, tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    harm, finding = DAMAGES[damage]
    undamaged = words(home)
    with opened(home) as db:
        harm(db, table)
    before = everything(home)
    named = said(run("doctor", "--json", home=home))
    assert named[finding] == "safe" and set(named) <= {finding, "FT004"}, named
    repaired = run("repair", "--yes", "--select", "FT", home=home)
    assert repaired.code == 0, repaired.out + repaired.err
    assert said(run("doctor", "--deep", "--json", home=home)) == {}
    if finding != "FT002":
        assert words(home) == undamaged
    with opened(home) as db:
        for name in TABLES:
            db.execute(f"INSERT INTO {name}({name}, rank) VALUES ('integrity-check', 1)")
    assert run("undo", "--yes", home=home).code == 0
    assert everything(home) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_text_is_found_with_deep(layout: str, tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    undamaged = (home / "state.db").read_bytes()
    with opened(home) as db:
        CHANGED(db, TABLES[0])
    before = everything(home)
    damaged = (home / "state.db").read_bytes()
    assert damaged != undamaged
    assert said(run("doctor", "--json", home=home)) == {}
    deep = run("doctor", "--deep", "--json", home=home)
    assert [path.name for path in home.iterdir()] == ["state.db"]
    assert (home / "state.db").read_bytes() == damaged, "looking changes nothing"
    if layout.startswith("10"):
        assert said(deep) == {"FT002": "migrate"}
        return
    assert said(deep) == {"FT002": "safe"}
    tables = {one["subject"]["table"] for one in deep.document["findings"] if one["id"] == "FT002"}
    assert tables == {*TABLES}
    repaired = run("repair", "--yes", "--deep", "--select", "FT", home=home)
    assert repaired.code == 0, repaired.out + repaired.err
    assert said(run("doctor", "--deep", "--json", home=home)) == {}
    assert run("undo", "--yes", home=home).code == 0
    assert everything(home) == before


@pytest.mark.parametrize("part", ["content", "data", "docsize"])
def test_a_torn_page_of_the_index_is_no_damage_of_the_messages(part: str, tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    pages = Pages(home)
    pages.tear(pages.roots[f"messages_fts_{part}"])
    pages.write()
    for deep in ([], ["--deep"]):
        document = run("doctor", *deep, "--json", home=home).document
        named = {one["id"] for one in document["findings"] if one["severity"] != "info"}
        assert named == {"FT003"}, document
        assert document["notes"] == []


def test_a_place_of_a_word_counts(tmp_path: Path) -> None:
    """The index has the same words and as many of each, but at other places."""
    home = a_home(tmp_path, LAYOUTS["30"])
    with opened(home) as db:
        db.execute("UPDATE messages SET content = 'one two three' WHERE id = 1")
        assert said(run("doctor", "--deep", "--json", home=home)) == {}
        turned = "UPDATE messages SET content = 'three two one' WHERE id = 1"
        partial(CHANGED, sql=turned)(db, TABLES[0])
    assert said(run("doctor", "--deep", "--json", home=home)) == {"FT002": "safe"}


def test_chats_of_equal_length_that_exchange_their_source(tmp_path: Path) -> None:
    """The entries are as many as the messages to index, and are of others."""
    home = a_home(tmp_path, LAYOUTS["30"])
    with opened(home) as db:
        db.execute("CREATE TEMP TABLE pair AS SELECT s.id, s.source FROM sessions s")
        shown, left_out = (
            db.execute(
                "SELECT m.session_id FROM messages m JOIN sessions s ON s.id = m.session_id"
                f" WHERE {which} GROUP BY m.session_id HAVING COUNT(*) = 2"
                " AND SUM(m.role = 'tool') = 0"
            ).fetchone()
            for which in ("s.source NOT IN ('cron', 'subagent')", "s.source IN ('cron')")
        )
        counted = f"SELECT COUNT(*) FROM {TABLES[1]}_src"
        before = db.execute(counted).fetchone()
        for one, other in ((shown, left_out), (left_out, shown)):
            db.execute(
                "UPDATE sessions SET source = (SELECT source FROM pair WHERE id = ?) WHERE id = ?",
                [*other, *one],
            )
        assert db.execute(counted).fetchone() == before
    named = said(run("doctor", "--json", "--select", "FT", home=home))
    assert named == {"FT001": "safe", "FT002": "safe"}
    assert run("repair", "--yes", "--select", "FT", home=home).code == 0
    assert said(run("doctor", "--deep", "--json", home=home)) == {}


def test_beside_a_live_hermes_the_words_are_left_out(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["30"])
    with neighbour(READER, home / "state.db"):
        deep = run("doctor", "--deep", "--json", home=home)
    why = {one["what"]: one["why"] for one in deep.document["looked_at"]["left_out"]}
    assert said(deep) == {}
    assert why["search-index"].startswith("whether the search index has the words of each message")
    assert "Hermes has the file open" in why["search-index"]


def test_a_migration_makes_a_damaged_index_anew_on_its_way(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["10"])
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts_data WHERE id = 10")
    assert said(run("doctor", "--json", home=home)) == {"FT003": "migrate"}
    assert run("migrate", "--to", "13", "--yes", home=home).code == 0
    assert said(run("doctor", "--deep", "--json", home=home)) == {}


def test_what_no_hermes_could_open_is_not_called_migrated(tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS["11"])
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts_data WHERE id = 10")
    before = everything(home)
    refused = run("migrate", "--to", "22", "--yes", home=home)
    assert refused.code == 4 and "vtable constructor failed: messages_fts" in refused.err
    assert everything(home) == before
    assert run("repair", "--yes", "--select", "FT003", home=home).code == 0
    assert run("migrate", "--to", "22", "--yes", home=home).code == 0


@pytest.mark.parametrize("layout", ["23", "30"])
def test_the_index_of_hermes_own_tokenizer_is_named_as_not_looked_at(
    layout: str, tmp_path: Path
) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    with opened(home) as db:
        db.execute("CREATE VIRTUAL TABLE messages_fts_cjk USING fts5(content, content=messages)")
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'messages)', 'messages,"
            " tokenize=''cjk_bigram'')') WHERE name = 'messages_fts_cjk'"
        )
    document = run("doctor", "--deep", "--json", home=home).document
    assert said(run("doctor", "--json", home=home)) == {}
    (why,) = (
        one["why"] for one in document["looked_at"]["left_out"] if one["what"] == "search-index"
    )
    assert why == "whether messages_fts_cjk has every message (only Hermes has its tokenizer)"
