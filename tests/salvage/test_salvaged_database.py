"""The database that salvage makes has what lay on whole pages, and its ledger says the rest."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from hermes_repair.app.salvage_work import salvage_of
from hermes_repair.model.salvage_ledger import Ledger, as_document, from_document, in_ranges
from hermes_repair.model.values import Value, same_value, whole
from hermes_repair.salvage import Bundle
from hermes_repair.store.look import Look, View
from hermes_repair.store.sequence_marks import known_mark
from tests.cli.speaking import assert_document
from tests.homes.content import content
from tests.homes.database import connect
from tests.salvage.faults import (
    EXACT,
    FAULTS,
    Damage,
    Fault,
    Original,
    original,
    undamaged,
    untouched,
)
from tests.salvage.stores import PATHS, Store, life

NOW = 1_790_000_000.0
SMALL = Store(page_size=1024, sessions=12, longest=8000)
STORES = [
    SMALL,
    *(Store(shapes=(name,), sessions=20) for name in ("06", "10", "10b", "13", "22", "25", "30")),
    *(Store(shapes=path, sessions=20) for path in PATHS),
    Store(page_size=512, sessions=20),
    Store(page_size=65536),
    Store(encoding="UTF-16le", auto_vacuum=1),
    Store(shapes=("25-upgraded",), encoding="UTF-16be", auto_vacuum=2),
    Store(deleted=True),
    Store(("16",), 2048, "UTF-16be", auto_vacuum=1, sessions=20, deleted=True),
]


@dataclass(frozen=True)
class Made:
    """What salvage made of a damage."""

    folder: Path
    ledger: Ledger

    def rows(self, table: str) -> dict[int, dict[str, Value]]:
        """Return the rows of a table by rowid."""
        with closing(connect(self.folder / "state.db")) as db:
            rows = db.execute(f'SELECT rowid AS "the rowid", * FROM "{table}"')
            columns = [name for name, *_ in rows.description[1:]]
            return {rowid: dict(zip(columns, row, strict=True)) for rowid, *row in rows}


def salvaged(damage: Damage, folder: Path) -> Made:
    """Salvage a damage into a folder; that the result is sound is a part of it."""
    source, made = folder / "source", folder / "made"
    source.mkdir()
    made.mkdir()
    before = damage.write(source)
    data = {path.name: path.read_bytes() for path in source.iterdir()}
    with salvage_of(Bundle.beside(before), NOW, lambda _: None) as salvage:
        found = salvage.ledger
        ledger = salvage.write(made, deleted=True)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == data
    assert found.table("messages").read == ledger.table("messages").read
    return Made(made, ledger)


def mark_of(made: Original, table: str) -> int:
    """Return the highest id that a table of a sound database ever gave."""
    rows = made.rows["sqlite_sequence"].values()
    return next((whole(row["seq"]) for row in rows if row["name"] == table), 0)


def tables(damage: Damage) -> list[str]:
    """Return the tables that are not derived of others."""
    derived = ("messages_fts", "sqlite_")
    return [table for table in damage.original.rows if not table.startswith(derived)]


def check(damage: Damage, made: Made, *, exact: bool) -> None:
    """Hold a new database and its ledger against the rows that there were."""
    ledger = made.ledger
    assert from_document(as_document(ledger)) == ledger
    written = json.loads((made.folder / "ledger.json").read_text(encoding="utf-8"))
    assert_document("salvage-ledger", written)
    assert from_document(written) == ledger
    for name in tables(damage):
        truth, said, rows = damage.original.rows[name], ledger.table(name), made.rows(name)
        made_anew = ledger.changed.get("sessions_made", 0) if name == "sessions" else 0
        assert len(rows) == said.read + made_anew, name
        assert untouched(damage, name) <= rows.keys(), f"rows of {name} on whole pages are gone"
        wrong = {
            rowid
            for rowid, row in rows.items()
            if rowid not in truth
            or any(not same_value(truth[rowid][column], row[column]) for column in truth[rowid])
        }
        if exact and not said.unknown_columns:
            filled = said.by_origin.get("search-copy", 0)
            assert len(wrong) <= filled + made_anew, f"{name}: {wrong}"
    messages, rows = ledger.table("messages"), made.rows("messages")
    lost = {id_ for first, last in messages.lost for id_ in range(first, last + 1)}
    assert not lost & rows.keys()
    assert lost <= damage.original.rows["messages"].keys(), "no id is called lost that never was"
    assert sum(in_ranges(one.lost) for one in ledger.sessions) <= len(lost)
    with closing(connect(made.folder / "state.db")) as db:
        (given_out,) = db.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'messages'"
        ).fetchone()
        assert given_out >= max([*rows, *lost])
        look = Look(db, View.MAIN, made.folder / "state.db")
        if messages.highest_id_known:
            assert given_out == known_mark(look) == mark_of(damage.original, "messages")
        else:
            assert known_mark(look) is None and given_out == messages.highest_id
        hits = db.execute("SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'harbour'")
        found = {rowid for (rowid,) in hits}
    words = {rowid for rowid, row in rows.items() if "harbour" in str(row["content"]).split()}
    assert words <= found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
def test_after_every_fault(fault: Fault, tmp_path: Path) -> None:
    damage = fault(Random(5), life(SMALL))
    check(damage, salvaged(damage, tmp_path), exact=fault in EXACT)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("store", STORES, ids=repr)
def test_after_every_fault_in_every_store(
    store: Store, fault: Fault, seed: int, tmp_path: Path
) -> None:
    damage = fault(Random(seed), life(replace(store, seed=seed + 1)))
    check(damage, salvaged(damage, tmp_path), exact=fault in EXACT)


@pytest.mark.parametrize("store", [SMALL, Store(shapes=("11", "22"), sessions=8)], ids=repr)
def test_of_a_sound_file_it_makes_the_same_again(store: Store, tmp_path: Path) -> None:
    made = salvaged(undamaged(Random(1), life(store)), tmp_path)
    before, after = content(tmp_path / "source"), content(made.folder)
    # SQLite's own text of a search table is as it was typed; what it says is the same.
    same = before.keys() - {"structure"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    named, now = ({(name, kind) for name, kind, _ in of["structure"]} for of in (before, after))
    assert named <= now
    assert {kind for _, kind in now - named} <= {"index"}, "an upgrade of ours lacks those"
    assert made.ledger.complete and not made.ledger.changed
    assert {path.name for path in made.folder.iterdir()} <= {
        "state.db", "ledger.json", "deleted.db",
    }  # fmt: skip


def test_what_has_no_session_left_gets_one(tmp_path: Path) -> None:
    store = Store(page_size=1024, sessions=12)
    made = original(life(store).newer)
    leaf = made.of("sessions", "leaf")[1]
    data = bytearray(made.data)
    data[(leaf - 1) * 1024 : leaf * 1024] = bytes(1024)
    result = salvaged(Damage(bytes(data), frozenset({leaf}), original=made), tmp_path)
    gone = {
        str(row["id"])
        for rowid, row in made.rows["sessions"].items()
        if made.places["sessions"][rowid].leaf == leaf
    }
    told = {one.session_id for one in result.ledger.sessions if one.made}
    spoken = {str(row["session_id"]) for row in made.rows["messages"].values()}
    assert told == gone & spoken != set()
    sessions = {row["id"]: row for row in result.rows("sessions").values()}
    for session_id in told:
        row = sessions[session_id]
        assert row["source"] == "recovered" and "(recovered, " in str(row["title"])
        assert row["ended_at"] is None
        said = [r for r in made.rows["messages"].values() if r["session_id"] == session_id]
        assert row["message_count"] == sum(r["active"] == 1 for r in said)
    assert not result.ledger.complete


def test_two_states_of_a_title_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    """Chats swapped their titles; one page is of before, one of after."""
    path = tmp_path / "state.db"
    path.write_bytes(life(SMALL).newer)
    made = original(life(SMALL).newer)
    first, second = made.of("sessions", "leaf")[:2]
    ids = {
        leaf: next(made.rows["sessions"][r]["id"] for r, at in made.places["sessions"].items()
                   if at.leaf == leaf)
        for leaf in (first, second)
    }  # fmt: skip
    with closing(connect(path)) as db:
        db.execute("UPDATE sessions SET title = 'A1' WHERE id = ?", (ids[first],))
        db.execute("UPDATE sessions SET title = 'B1' WHERE id = ?", (ids[second],))
        before = path.read_bytes()
        db.execute("UPDATE sessions SET title = 'C1' WHERE id = ?", (ids[second],))
        db.execute("UPDATE sessions SET title = 'B1' WHERE id = ?", (ids[first],))
    data = bytearray(path.read_bytes())
    data[(second - 1) * 1024 : second * 1024] = before[(second - 1) * 1024 : second * 1024]
    result = salvaged(Damage(bytes(data), frozenset({second}), original=made), tmp_path)
    titles = sorted(str(row["title"]) for row in result.rows("sessions").values())
    assert "B1" in titles and any(title.startswith("B1 (recovered, ") for title in titles)
    assert result.ledger.changed["titles_made_unique"] == 1
