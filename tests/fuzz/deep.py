"""A database whose trees are three levels deep, and damage to any one of its pages.

Pages of 512 bytes that hold one row each make trees deep that have few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.engine.pages import Pages
from tests.homes.home import new_home, opened
from tests.homes.small import DAY, GONE, NOW, SECRET

NUMBER = 16
PAGE = 512
SESSIONS = 80
TURNS = 1  # of each session: a question and an answer
WAYS = ("zeros", "random", "another's")
DEEP = ("sessions", "messages", "idx_messages_session")


@dataclass(frozen=True)
class Damage:
    """A page and what is written over it; ``owner`` is the tree that it is of."""

    page: int
    way: str
    owner: str
    level: int


def deep_home(root: Path) -> Path:
    """Make a home of schema 16, at rest, in which counts and a parent are to be mended."""
    with new_home(root, NUMBER, page_size=PAGE) as db:
        start = NOW - 20 * DAY
        for number in range(SESSIONS):
            session = f"20260601_080000_{number:048x}"
            parent = GONE if number % 20 == 2 else None
            counted = 99 if number % 20 == 1 else 2 * TURNS
            db.execute(
                "INSERT INTO sessions (id, source, user_id, parent_session_id, started_at,"
                " message_count, title, api_call_count) VALUES (?, 'telegram', ?, ?, ?, ?, ?, 1)",
                (session, "u" * 250, parent, start + number * 60, counted, f"{SECRET}, {number}"),
            )
            db.executemany(
                "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
                [
                    (session, role, f"{number} {turn} {SECRET} " * 8, start + number * 60 + turn)
                    for turn in range(TURNS)
                    for role in ("user", "assistant")
                ],
            )
    with opened(root) as db:
        db.execute("VACUUM")
    pages = Pages(root)
    for name in DEEP:
        assert len(pages.tree(pages.roots[name])) >= 3, name
    return root


def damages(home: Path) -> list[Damage]:
    """Return all damage to every page, in the order of the pages."""
    pages = Pages(home)
    owners = {1: ("the schema", 0)}
    for name, root in [("the schema", 1), *pages.roots.items()]:
        for level, found in enumerate(pages.tree(root) if root else []):
            owners |= dict.fromkeys(found, (name, level))
    return [
        Damage(page, way, *owners.get(page, ("overflow", 0)))
        for page in range(1, len(pages.data) // PAGE + 1)
        for way in WAYS
    ]


def do_damage(home: Path, damage: Damage) -> None:
    """Write over a page."""
    random = Random(f"{damage.page} {damage.way}")
    pages = Pages(home)
    before = pages[damage.page]
    while pages[damage.page] == before:
        other = random.randrange(1, len(pages.data) // PAGE + 1)
        pages[damage.page] = {
            "zeros": bytes(PAGE),
            "random": random.randbytes(PAGE),
            "another's": pages[other],
        }[damage.way]
    pages.write()
