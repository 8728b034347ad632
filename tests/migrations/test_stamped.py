"""A number that was stamped ahead of its columns: the steps in between run all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import Content, content
from tests.homes.home import opened, query
from tests.homes.populated import populated


def stamped(root: Path, number: int, *, start: int) -> Path:
    """Make the populated home of schema ``start`` and let it say ``number``."""
    home = populated(root, start)
    with opened(home) as db:
        db.execute("UPDATE schema_version SET version = ?", (number,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home


def rows_but_marks(home: Path) -> Content:
    """Return all rows, without the marks of step 16, which come by the number alone."""
    found = content(home)
    with opened(home) as db:
        marked = db.execute("SELECT COUNT(*) FROM sessions WHERE model_config LIKE '%_delegate%'")
        assert marked.fetchone()[0] in (0, 10)
    return {name: rows for name, rows in found.items() if not name.startswith("sessions")}


@pytest.mark.parametrize("start", [13, 15])
@pytest.mark.parametrize("number", [18, 20, 22])
def test_what_the_skipped_steps_do_to_rows_is_done(start: int, number: int, tmp_path: Path) -> None:
    right = populated(tmp_path / "right", start)
    assert run("migrate", "--to", "22", "--yes", home=right).code == 0
    home = stamped(tmp_path / "home", number, start=start)
    done = run("migrate", "--to", "22", "--yes", "--json", home=home)
    assert done.code == 0, done
    assert {p["finding"] for p in done.document["plan"]["actions"] if p["rows"]} >= {"SC002"}
    assert rows_but_marks(home) == rows_but_marks(right)
    routed = "SELECT id, chat_id, chat_type, session_key, expiry_finalized FROM sessions ORDER BY 1"
    assert query(home, routed) == query(right, routed)
    usage = query(home, "SELECT session_id, input_tokens FROM session_model_usage")
    assert len(usage) > 20 and usage == query(right, "SELECT session_id, input_tokens FROM"
                                                   " session_model_usage")  # fmt: skip
    again = run("migrate", "--to", "22", "--yes", "--json", home=home)
    assert (again.code, again.document["plan"]["actions"]) == (0, [])
