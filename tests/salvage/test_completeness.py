"""A ledger is complete only where it is certain that nothing is missing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.app.salvage_work import salvage_of
from hermes_repair.model.salvage_ledger import Ledger
from hermes_repair.salvage import Bundle
from tests.homes.database import connect
from tests.salvage.faults import Original, original
from tests.salvage.stores import Store, life
from tests.salvage.test_side_stores import filled

EARLY = Store(shapes=("06",), sessions=40, longest=2000)
"""All of sqlite_master is on page 1 of it, and no index can tell what was there."""


def ledger_of(data: bytes, folder: Path, expected: int | None = None) -> Ledger:
    path = folder / "state.db"
    path.write_bytes(data)
    with salvage_of(Bundle(path), 0.0, lambda _: None, (), expected) as salvage:
        return salvage.ledger


def without(made: Original, *pages: int) -> bytes:
    """Return a file in which pages are zeros."""
    data, size = bytearray(made.data), made.page_size
    for page in pages:
        data[(page - 1) * size : page * size] = bytes(size)
    return bytes(data)


@pytest.mark.parametrize("table", ["messages", "sessions"])
@pytest.mark.parametrize("page_size", [4096, 65536])
def test_a_leaf_that_nothing_names_may_have_had_rows(
    table: str, page_size: int, tmp_path: Path
) -> None:
    made = original(life(Store(("06",), page_size, sessions=40, longest=2000)).newer)
    leaves = made.of(table, "leaf")
    ledger = ledger_of(without(made, 1, leaves[len(leaves) // 2]), tmp_path)
    assert ledger.unread_pages == 2 and not ledger.tables_known and not ledger.complete


def test_what_sessions_count_is_a_sign_of_loss(tmp_path: Path) -> None:
    made = original(life(EARLY).newer)
    leaf = made.of("messages", "leaf")[3]
    copies = [one.number for one in made.pages.values() if one.tree.startswith("messages_fts")]
    gone = sum(place.leaf == leaf for place in made.places["messages"].values())
    messages = ledger_of(without(made, 1, leaf, *copies), tmp_path).table("messages")
    assert messages.read == len(made.rows["messages"]) - gone
    assert not messages.lost
    assert gone == messages.ids_open == messages.lost_unnamed == messages.lost_rows


def test_page_1_alone_leaves_a_doubt(tmp_path: Path) -> None:
    made = original(life(EARLY).newer)
    ledger = ledger_of(without(made, 1), tmp_path)
    messages = ledger.table("messages")
    assert messages.read == len(made.rows["messages"]) and messages.lost_rows == 0
    assert not ledger.complete


@pytest.mark.parametrize("secure", ["ON", "OFF"])
@pytest.mark.parametrize("auto_vacuum", [0, 1, 2])
def test_what_was_deleted_is_not_missing(auto_vacuum: int, secure: str, tmp_path: Path) -> None:
    path = tmp_path / "before.db"
    path.write_bytes(life(Store(auto_vacuum=auto_vacuum, sessions=20, longest=9000)).newer)
    with closing(connect(path)) as db:
        db.execute(f"PRAGMA secure_delete={secure}")
        db.execute("DELETE FROM messages WHERE id BETWEEN 20 AND 200")
    ledger = ledger_of(path.read_bytes(), tmp_path)
    assert ledger.complete and ledger.unread_pages == 0


def test_text_of_nothing_but_nul_is_no_lost_page(tmp_path: Path) -> None:
    path = tmp_path / "before.db"
    path.write_bytes(life(Store(sessions=8)).newer)
    with closing(connect(path)) as db:
        db.execute("CREATE TABLE mine (a, b BLOB)")
        db.execute("INSERT INTO mine VALUES (1, zeroblob(20000))")
    ledger = ledger_of(path.read_bytes(), tmp_path)
    assert ledger.complete and ledger.table("mine").read == 1


@pytest.mark.parametrize("expected", [None, 22, 30, 6])
def test_a_number_that_is_not_read_is_chosen(expected: int | None, tmp_path: Path) -> None:
    """That of the installed Hermes if the rows fit it, else the lowest: a release upgrades that."""
    data = life(Store(("22",), sessions=40, longest=2000)).newer
    ledger = ledger_of(bytes(1 << 17) + data[1 << 17 :], tmp_path, expected)
    if expected in (22, 30):
        assert (ledger.schema, ledger.schema_by) == (expected, "installed")
    else:
        assert 6 < ledger.schema <= 22 and ledger.schema_by == "lowest"
    assert not ledger.complete


def test_a_file_without_its_number_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "before.db"
    path.write_bytes(life(Store(sessions=8)).newer)
    with closing(connect(path)) as db:
        db.execute("DELETE FROM schema_version")
    assert not ledger_of(path.read_bytes(), tmp_path).complete


def test_a_role_that_hermes_never_wrote_is_kept_in_the_tree(tmp_path: Path) -> None:
    path = tmp_path / "before.db"
    path.write_bytes(life(Store(sessions=8)).newer)
    with closing(connect(path)) as db:
        db.execute("UPDATE messages SET role = 'critic' WHERE id % 5 = 0")
        (count,) = db.execute("SELECT COUNT(*) FROM messages").fetchone()
    ledger = ledger_of(path.read_bytes(), tmp_path)
    assert ledger.table("messages").read == count and ledger.complete


def in_place_of(made: Original, here: int, other: int) -> bytes:
    """Return a file as a write leaves it that went to the wrong place: every page is sound."""
    data, size = bytearray(made.data), made.page_size
    data[(here - 1) * size : here * size] = made.page(other)
    return bytes(data)


def rowids_on(made: Original, table: str, leaf: int) -> list[int]:
    return sorted(rowid for rowid, at in made.places[table].items() if at.leaf == leaf)


def test_a_page_in_the_place_of_another_is_no_whole_tree(tmp_path: Path) -> None:
    """Rows are gone, and where they lay is told."""
    made = original(life(EARLY).newer)
    leaves = made.of("messages", "leaf")
    ledger = ledger_of(in_place_of(made, leaves[2], leaves[5]), tmp_path)
    messages, gone = ledger.table("messages"), rowids_on(made, "messages", leaves[2])
    assert not messages.tree_whole and not ledger.complete and messages.pages_lost == 1
    assert messages.places_lost == ((gone[0], gone[-1]),)


def test_a_page_of_another_table_is_no_page_of_this_one(tmp_path: Path) -> None:
    """Its rowids belong there: only its rows tell that it is of another table."""
    made = original(life(EARLY).newer)
    here, other = made.of("messages", "leaf")[0], made.of("sessions", "leaf")[0]
    gone = rowids_on(made, "messages", here)
    assert rowids_on(made, "sessions", other)[-1] <= gone[-1]
    ledger = ledger_of(in_place_of(made, here, other), tmp_path)
    messages = ledger.table("messages")
    assert not messages.tree_whole and not ledger.complete
    assert messages.places_lost == ((1, gone[-1]),)


@pytest.mark.parametrize("tree", ["idx_messages_session", "sqlite_autoindex_sessions_1"])
def test_an_index_with_a_page_twice_does_not_have_every_row(tree: str, tmp_path: Path) -> None:
    made = original(life(Store(sessions=300, longest=300)).newer)
    table = "sessions" if "sessions" in tree else "messages"
    others = [
        page.number
        for page in made.pages.values()
        if page.tree != tree and page.tree.startswith((f"idx_{table}", f"sqlite_autoindex_{table}"))
    ]
    data, size = bytearray(without(made, *others)), made.page_size
    assert ledger_of(bytes(data), tmp_path).table(table).witnessed
    first, second = made.of(tree, "leaf")[:2]
    data[(first - 1) * size : first * size] = made.page(second)
    assert not ledger_of(bytes(data), tmp_path).table(table).witnessed


@pytest.mark.parametrize("auto", ["sqlite_autoindex_projects_1", "sqlite_autoindex_projects_2"])
def test_an_index_that_sqlite_makes_itself_names_what_is_lost(auto: str, tmp_path: Path) -> None:
    """The one of the key, or that of a UNIQUE: the other is gone with the page of the table."""
    made = original(filled("projects.db", 4096).newer)
    here, other = made.of("projects", "leaf")[3], made.of("project_folders", "leaf")[0]
    gone = rowids_on(made, "projects", here)
    both = ("sqlite_autoindex_projects_1", "sqlite_autoindex_projects_2")
    [spared] = [one for one in both if one != auto]
    data = bytearray(without(made, *made.of(spared, "leaf")))
    data[(here - 1) * 4096 : here * 4096] = made.page(other)
    path = tmp_path / "projects.db"
    path.write_bytes(data)
    with salvage_of(Bundle(path), 0.0, lambda _: None, store="projects.db") as salvage:
        projects = salvage.ledger.table("projects")
    assert projects.lost == projects.places_lost == ((gone[0], gone[-1]),)
    assert projects.witnessed and not projects.tree_whole
