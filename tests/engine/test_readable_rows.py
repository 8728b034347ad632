"""What can be read of a damaged table: counted by reading, never claimed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.store.connections import open_immutable
from hermes_repair.store.look import Look, View
from hermes_repair.store.readable_rows import SECONDS, ReadableRows, readable_rows
from tests.command import run
from tests.engine.pages import Pages
from tests.homes.home import new_home, opened
from tests.homes.small import add_session

CHATS, TURNS = 30, 12
ROWS = CHATS * TURNS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home of 360 messages on many pages; each tenth has one of its own beside."""
    home = tmp_path / "home"
    with new_home(home, 14, wal=False) as db:
        for number in range(CHATS):
            words = [
                (("user", "assistant")[n % 2], f"{n} " * (6000 if n == 5 else 200), n / 100)
                for n in range(TURNS)
            ]
            add_session(db, f"chat-{number:03}", words)
    return home


def read(home: Path, table: str, clock: Iterator[float] | None = None) -> ReadableRows | None:
    with closing(open_immutable(home / "state.db")) as connection:
        look = Look(connection, View.MAIN, home / "state.db")
        return readable_rows(look, table, lambda: next(clock) if clock is not None else 0.0)


def leaves(pages: Pages, table: str) -> list[int]:
    """Return the pages of a table that hold rows, by what the root leads to."""
    root = pages[pages.roots[table]]
    assert root[0] == 5, "the table has one page only"
    cells = int.from_bytes(root[3:5], "big")
    places = (int.from_bytes(root[12 + 2 * n : 14 + 2 * n], "big") for n in range(cells))
    return [int.from_bytes(root[place : place + 4], "big") for place in places]


def rows_of(home: Path, page: int) -> int:
    data = Pages(home)[page]
    assert data[0] == 13, "no leaf"
    return int.from_bytes(data[3:5], "big")


@pytest.mark.parametrize("table", ["messages", "sessions"])
def test_of_a_sound_table_all_is_read(table: str, home: Path) -> None:
    rows = {"messages": ROWS, "sessions": CHATS}[table]
    found = read(home, table)
    assert found == ReadableRows(table, rows, rows, True)
    assert found.words() == f"all {rows} {table} can be read"


def test_what_lies_behind_a_torn_page_is_counted(home: Path) -> None:
    pages = Pages(home)
    torn = leaves(pages, "messages")[3:5]
    lost = sum(rows_of(home, page) for page in torn)
    for page in torn:
        pages.tear(page)
    pages.write()
    assert lost > 1
    assert read(home, "messages") == ReadableRows("messages", ROWS - lost, ROWS, True)
    (finding,) = run("doctor", "--json", "--select", "DB003", home=home).document["findings"]
    damaged = f"messages is damaged: SQLite reads {ROWS - lost} of {ROWS} messages."
    assert damaged in finding["message"]
    assert "A salvage also reads what SQLite cannot reach" in finding["message"]
    assert f"All {CHATS} sessions can be read." in finding["message"]
    assert finding["data"]["damaged"] == ["messages"]
    assert finding["data"]["readable"][0] == {
        "table": "messages",
        "read": ROWS - lost,
        "rows": ROWS,
        "tried": True,
    }


def test_a_text_of_which_a_page_is_gone_is_not_read(home: Path) -> None:
    """The row is there and so is its length: the page that the text goes on in is not."""
    pages = Pages(home)
    found = (overflow(pages[leaf]) for leaf in leaves(pages, "messages"))
    first = next(page for page in found if page is not None)
    pages[first] = (2**31).to_bytes(4, "big") + pages[first][4:]
    pages.write()
    assert read(home, "messages") == ReadableRows("messages", ROWS - 1, ROWS, True)


def overflow(leaf: bytes) -> int | None:
    """Return the first page that the first row of a leaf goes on in, where it is long."""
    place = int.from_bytes(leaf[8:10], "big")
    payload = (leaf[place] & 0x7F) << 7 | (leaf[place + 1] & 0x7F) if leaf[place] > 0x7F else 0
    if not 11_000 < payload < 13_000:
        return None
    local = 489 + (payload - 489) % (4096 - 4)
    start = place + 2 + (1 if leaf[place + 2] < 0x80 else 2)
    return int.from_bytes(leaf[start + local : start + local + 4], "big")


def test_without_any_index_nothing_says_of_how_many(home: Path) -> None:
    with opened(home) as db:
        names = [row[1] for row in db.execute("PRAGMA index_list(messages)")]
        for name in names:
            db.execute(f"DROP INDEX {name}")
    pages = Pages(home)
    torn = leaves(pages, "messages")[3]
    lost = rows_of(home, torn)
    pages.tear(torn)
    pages.write()
    found = read(home, "messages")
    assert found == ReadableRows("messages", ROWS - lost, None, True)
    assert found.words().endswith("messages; nothing says of how many")


def test_what_there_was_no_time_for_is_not_counted(home: Path) -> None:
    pages = Pages(home)
    pages.tear(leaves(pages, "messages")[3])
    pages.write()
    found = read(home, "messages", iter([0.0, 0.0, 0.0, *[SECONDS + 1] * 99]))
    assert found is not None and not found.tried and found.read < ROWS
    assert found.words() == f"SQLite reads at least {found.read} of {ROWS} messages"


def test_an_index_alone_is_not_the_messages(home: Path) -> None:
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts_data WHERE id = 10")
    document = run("doctor", "--json", home=home).document
    (finding,) = (one for one in document["findings"] if one["severity"] != "info")
    assert finding["id"] == "FT003"
    assert finding["message"].endswith(f"Only the index is: all {ROWS} messages can be read.")
