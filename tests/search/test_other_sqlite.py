"""Another SQLite than the one that wrote the index: nothing is wrong with it, and repair works."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.command import run
from tests.other_sqlite import NEWER, run_over
from tests.search.damages import CHANGED, DAMAGES
from tests.search.test_search_index import LAYOUTS, TABLES, a_home, everything, opened, said

REPAIRED = [
    name if name in ("11", "30") else pytest.param(name, marks=pytest.mark.long)
    for name in LAYOUTS
    if not name.startswith("10")
]
other = partial(run_over, "pysqlite3")


def findings(home: Path) -> dict[str, str]:
    """Return what the other SQLite says of the search index, all of it looked at."""
    document = other("doctor", "--deep", "--json", home=home).document
    assert "search-index" not in {one["what"] for one in document["looked_at"]["left_out"]}
    return {
        one["id"]: one["repair"]
        for one in document["findings"]
        if one["id"].startswith(("FT", "DB"))
    }


@pytest.mark.parametrize("_library", [NEWER])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_undamaged_index_of_another_sqlite(layout: str, _library: str, tmp_path: Path) -> None:
    """A message with a picture has a NUL: SQLite 3.40 stops there, 3.51 passes over it."""
    home = a_home(tmp_path, LAYOUTS[layout])
    with opened(home) as db:
        assert db.execute("SELECT SUM(instr(content, char(0))) FROM messages").fetchone()[0]
    assert findings(home) == {}


@pytest.mark.parametrize("_library", [NEWER])
@pytest.mark.parametrize("layout", REPAIRED)
def test_it_is_made_anew_there_and_right_here(layout: str, _library: str, tmp_path: Path) -> None:
    """The message with the picture is indexed by the newer SQLite then, and read by the older."""
    home = a_home(tmp_path, LAYOUTS[layout])
    harms = [DAMAGES["its structure record is lost"][0], DAMAGES["it lost entries"][0]]
    with opened(home) as db:
        for harm, table in zip(harms, TABLES, strict=True):
            harm(db, table)
    before = everything(home)
    assert findings(home) == {"FT001": "safe", "FT003": "safe"}
    repaired = other("repair", "--yes", "--select", "FT", home=home)
    assert repaired.code == 0, repaired.out + repaired.err
    assert findings(home) == {}
    assert said(run("doctor", "--deep", "--json", home=home)) == {}
    assert other("undo", "--yes", home=home).code == 0
    assert everything(home) == before
    assert run("repair", "--yes", "--select", "FT", home=home).code == 0
    assert findings(home) == {}


@pytest.mark.parametrize("_library", [NEWER])
def test_another_text_is_found_by_both(_library: str, tmp_path: Path) -> None:
    """Also in an index that both have written, each a message with a NUL."""
    home = a_home(tmp_path, LAYOUTS["30"])
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts_trigram_data WHERE id = 10")
    assert other("repair", "--yes", "--select", "FT", home=home).code == 0
    with opened(home) as db:
        db.execute(
            "INSERT INTO messages(session_id, role, content, timestamp)"
            " VALUES ('s1', 'user', 'a sparrow' || char(0) || 'and a wren', 1779000999.0)"
        )
    assert findings(home) == {}
    assert said(run("doctor", "--deep", "--json", "--select", "FT", home=home)) == {}
    with opened(home) as db:
        changed = "UPDATE messages SET content = content || 's' WHERE content LIKE '%heron%'"
        partial(CHANGED, sql=changed)(db, TABLES[0])
    assert findings(home) == {"FT002": "safe"}
    assert said(run("doctor", "--deep", "--json", "--select", "FT", home=home)) == {"FT002": "safe"}


@pytest.mark.parametrize("_library", [NEWER])
@pytest.mark.parametrize("newer_first", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_migration_is_undone_by_another(newer_first: bool, _library: str, tmp_path: Path) -> None:
    """Done again on a copy, it counts other lengths of the text with a NUL, and nobody wrote."""
    home = a_home(tmp_path, LAYOUTS["10"])
    before = everything(home)
    first, then = (other, run) if newer_first else (run, other)
    migrated = first("migrate", "--to", "13", "--yes", home=home)
    assert migrated.code == 0, migrated
    undone = then("undo", "--yes", home=home)
    assert undone.code == 0, undone
    assert everything(home) == before
