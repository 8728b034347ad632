"""Homes whose pages are looked at, and what looks at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sample_data.build import build
from tests.cli.conftest import alone
from tests.homes.home import copy_home, execute, new_home
from tests.homes.small import NOW, add_session
from tests.left_out import leave_out
from tests.pages.chromium import Page, browsing, find_chromium

__all__ = ["alone"]

SCRIPT = "<script>document.title='taken'</script>"
HOSTILE = f"\"'><img src=x onerror=alert(1)>{SCRIPT}</style></title><svg onload=alert(2)>&amp;"
"""Breaks out of a text, an attribute, a style and a title where one of them is not escaped."""
TURNED = "\u202efdp.exe\x1b[31m\x00\u2028"
"""Turns what is read around, and would colour a terminal."""


@pytest.fixture(scope="session")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the damaged sample home; nobody changes it."""
    return build("damaged", tmp_path_factory.mktemp("sample") / "home", NOW)


LOST = "20260607_201500_069052"
MOVED = "20260524_091000_6fa459ea"


@pytest.fixture
def with_copy(damaged: Path, tmp_path: Path) -> Path:
    """Return that home with a copy of its database, since which a chat lost five messages."""
    root = copy_home(damaged, tmp_path / "with-copy")
    shutil.copy2(root / "state.db", root / "state.db.bak-20260610")
    middle = "SELECT id FROM messages WHERE session_id = ? ORDER BY id LIMIT 5 OFFSET 3"
    execute(root, f"DELETE FROM messages WHERE id IN ({middle})", LOST)
    return root


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a home whose path, ids, titles, sources and file names would break out of a page."""
    root = tmp_path / f"{HOSTILE.replace('/', '')}" / "home"
    with new_home(root, 16) as db:
        for number, id in enumerate(
            (HOSTILE, TURNED, "{{ 7 * 7 }}{% raw %}", "javascript:alert(3)")
        ):
            said = [("user", SCRIPT, number + 1.0), ("assistant", HOSTILE, number + 1.1)]
            add_session(db, id, said, parent=f"gone {id}", counted=9)
        db.execute(
            "UPDATE sessions SET title = ? || rowid, source = ?, end_reason = ?",
            (HOSTILE, HOSTILE[:40], HOSTILE),
        )
    lines = '{"role": "user", "content": "x", "timestamp": "2026-06-01T08:00:00"}\n'
    (root / "sessions" / "20260520_080000_'><b onclick=x>.jsonl").write_text(lines)
    return root


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give one page of a real browser."""
    program = find_chromium()
    if program is None:
        leave_out("chromium", "no chromium-headless-shell, chromium or google-chrome is here")
    with browsing(program, tmp_path_factory.mktemp("chromium")) as page:
        yield page
