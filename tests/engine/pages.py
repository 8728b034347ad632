"""Damage to single pages of a database at rest, as lost and misplaced writes leave it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.homes.home import opened

LEAF_OF_AN_INDEX = b"\x0a\x00\x00\x00\x00"
INNER_PAGES = (2, 5)
FILE_HEADER = 100
GARBAGE = b"Not a page. "
TRUNK, FREE_PAGES = 32, 36
"""Where the header of a file has its first trunk of free pages, and how many are free."""


def settle(root: Path) -> None:
    """Bring everything into the main file."""
    with opened(root) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


class Pages:
    """The pages of a main file; :meth:`write` puts them back."""

    def __init__(self, root: Path) -> None:
        settle(root)
        self.path = root / "state.db"
        with closing(sqlite3.connect(f"file:{self.path}?immutable=1", uri=True)) as db:
            self.roots = dict(db.execute("SELECT name, rootpage FROM sqlite_master"))
            (self.size,) = db.execute("PRAGMA page_size").fetchone()
        self.data = bytearray(self.path.read_bytes())

    def __getitem__(self, page: int) -> bytes:
        return bytes(self.data[(page - 1) * self.size : page * self.size])

    def __setitem__(self, page: int, content: bytes) -> None:
        assert len(content) == self.size
        self.data[(page - 1) * self.size : page * self.size] = content

    def leaf(self, name: str, number: int = 0) -> int:
        """Return a leaf of a tree: that below the n-th cell of every inner page on the way."""
        page = self.roots[name]
        while self[page][0] in INNER_PAGES:
            at = 12 + 2 * number
            cell = int.from_bytes(self[page][at : at + 2], "big")
            page = int.from_bytes(self[page][cell : cell + 4], "big")
        return int(page)

    def tree(self, page: int) -> list[list[int]]:
        """Return the pages of a tree by level, from its root down; overflow pages aside."""
        levels = [[page]]
        while self._kind(levels[-1][0]) in INNER_PAGES:
            levels.append([child for one in levels[-1] for child in self._children(one)])
        return levels

    def _kind(self, page: int) -> int:
        return self[page][FILE_HEADER if page == 1 else 0]

    def _children(self, page: int) -> list[int]:
        content, start = self[page], FILE_HEADER if page == 1 else 0
        cells = [
            int.from_bytes(content[at : at + 2], "big")
            for at in range(
                start + 12,
                start + 12 + 2 * int.from_bytes(content[start + 3 : start + 5], "big"),
                2,
            )
        ]
        places = [*cells, start + 8]
        return [int.from_bytes(content[at : at + 4], "big") for at in places]

    def empty(self, name: str) -> None:
        """Let the root of an index be a leaf without entries."""
        head = LEAF_OF_AN_INDEX + self.size.to_bytes(2, "big")
        self[self.roots[name]] = head + bytes(self.size - len(head))

    def tear(self, page: int) -> None:
        """Write over a page what is none."""
        self[page] = (GARBAGE * self.size)[: self.size]

    def free(self, page: int) -> None:
        """Let the list of free pages claim a page that a tree has."""
        trunk = int.from_bytes(self.data[TRUNK : TRUNK + 4], "big")
        assert trunk, "there is no free page"
        content = bytearray(self[trunk])
        assert int.from_bytes(content[4:8], "big"), "there is one free page only"
        content[8:12] = page.to_bytes(4, "big")
        self[trunk] = bytes(content)

    def forget_free(self) -> None:
        """Let the file know of no free page: those that there are belong to nothing."""
        assert self.data[FREE_PAGES : FREE_PAGES + 4] != bytes(4), "there is no free page"
        self.data[TRUNK : FREE_PAGES + 4] = bytes(8)

    def write(self) -> None:
        """Put the pages back into the file."""
        self.path.write_bytes(self.data)
