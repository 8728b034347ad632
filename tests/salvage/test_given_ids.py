"""How far ids had gone: a mark that no page proves is passed off as a lower bound alone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.model.salvage_ledger import TableLedger
from hermes_repair.store.look import Look, View
from hermes_repair.store.sequence_marks import known_mark
from tests.command import run
from tests.homes.database import connect
from tests.homes.small import small_home
from tests.salvage.faults import Damage, original
from tests.salvage.stores import Store, life
from tests.salvage.test_completeness import without
from tests.salvage.test_salvaged_database import Made, mark_of, salvaged

STORE = Store(sessions=8, longest=600)
LAST = 5
"""So many of the newest messages were deleted, as a chat is."""


def after_deleting(path: Path, last: int = LAST, secure: str = "ON") -> bytes:
    """Return a database whose newest messages were deleted, so that only the mark knows of them."""
    with closing(connect(path)) as db:
        db.execute(f"PRAGMA secure_delete={secure}")
        newest = "id > (SELECT MAX(id) FROM messages) - ?"
        db.execute(f"DELETE FROM messages WHERE {newest}", (last,))
    return path.read_bytes()


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.db"
    path.write_bytes(life(STORE).newer)
    return after_deleting(path)


def marks_page(data: bytes) -> int:
    return original(data).of("sqlite_sequence", "leaf")[0]


def made_of(data: bytes, *gone: int, folder: Path, wal: bytes | None = None) -> Made:
    made = original(data)
    return salvaged(Damage(without(made, *gone), frozenset(gone), wal, original=made), folder)


def mark_in(made: Made) -> int | None:
    with closing(connect(made.folder / "state.db")) as db:
        return known_mark(Look(db, View.MAIN, made.folder / "state.db"))


def told(made: Made) -> TableLedger:
    """Return what the ledger says of the messages, and see that the database says the same."""
    messages = made.ledger.table("messages")
    assert mark_in(made) == (messages.highest_id if messages.highest_id_known else None)
    with closing(connect(made.folder / "state.db")) as db:
        db.execute("INSERT INTO messages (session_id, role, timestamp) VALUES ('s', 'user', 1.0)")
        (given,) = db.execute("SELECT MAX(id) FROM messages").fetchone()
    assert given == (messages.highest_id or 0) + 1
    return messages


def test_a_mark_that_is_lost_is_not_passed_off_as_known(data: bytes, tmp_path: Path) -> None:
    made = original(data)
    result = made_of(data, marks_page(data), folder=tmp_path)
    messages = told(result)
    assert not messages.highest_id_known and not result.ledger.complete
    assert messages.highest_id == max(made.rows["messages"]) == mark_of(made, "messages") - LAST


def test_what_was_deleted_tells_how_far_ids_had_gone(tmp_path: Path) -> None:
    path = tmp_path / "whole.db"
    path.write_bytes(life(STORE).newer)
    data = after_deleting(path, last=60, secure="OFF")
    made = original(data)
    messages = told(made_of(data, marks_page(data), folder=tmp_path))
    assert max(made.rows["messages"]) < (messages.highest_id or 0) <= mark_of(made, "messages")
    assert not messages.highest_id_known, "others may be gone without a trace"


@pytest.mark.parametrize("auto_vacuum", [0, 1])
def test_without_page_1_the_only_page_of_marks_is_theirs(auto_vacuum: int, tmp_path: Path) -> None:
    """But for auto-vacuum, which moves roots: an old one may be left where it was."""
    path = tmp_path / "whole.db"
    path.write_bytes(life(Store(sessions=8, longest=600, auto_vacuum=auto_vacuum)).newer)
    data = after_deleting(path)
    schema = [page.number for page in original(data).pages.values() if page.tree == "sqlite_schema"]
    messages = told(made_of(data, *schema, folder=tmp_path))
    assert messages.highest_id_known == (auto_vacuum == 0)
    assert messages.highest_id == mark_of(original(data), "messages")


def test_a_mark_without_any_message_is_kept(data: bytes, tmp_path: Path) -> None:
    made = original(data)
    pages = [page.number for page in made.pages.values() if "messages" in page.tree]
    messages = told(made_of(data, *pages, folder=tmp_path))
    assert (messages.read, messages.highest_id_known) == (0, True)
    assert messages.highest_id == mark_of(made, "messages")


def test_a_wal_that_cannot_be_read_may_have_had_a_later_mark(data: bytes, tmp_path: Path) -> None:
    result = made_of(data, folder=tmp_path, wal=bytes(9000))
    assert not told(result).highest_id_known and not result.ledger.complete


@pytest.mark.parametrize("first_page", [True, False])
def test_a_lower_bound_stays_one_in_the_next_salvage(
    first_page: bool, data: bytes, tmp_path: Path
) -> None:
    for folder in ("once", "again"):
        (tmp_path / folder).mkdir()
    once = made_of(data, marks_page(data), folder=tmp_path / "once")
    second = (once.folder / "state.db").read_bytes()
    again = made_of(second, *([] if first_page else [1]), folder=tmp_path / "again")
    assert not told(again).highest_id_known
    assert again.ledger.table("messages").highest_id == once.ledger.table("messages").highest_id


def test_the_command_says_it(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    data = (home / "state.db").read_bytes()
    (home / "state.db").write_bytes(without(original(data), marks_page(data)))
    done = run("salvage", "--out", tmp_path / "new.db", home=home)
    assert done.code == 4 and "Everything" not in done.out
    assert "The highest id that messages ever gave is not known" in done.out
