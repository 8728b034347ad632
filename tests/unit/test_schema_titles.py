"""Shared titles: every session keeps one, the newest row keeps its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hermes_repair.model.values import RawText
from hermes_repair.schema.title_step import read_title_updates, title_updates
from tests.releases import run_release
from tests.unit.schema_support import STRUCTURES, asking, connect, migrate, structure_of

RESOLVE = """
import sys
from pathlib import Path
from hermes_state import SessionDB
db = SessionDB(Path(sys.argv[1]))
print(db.resolve_session_by_title("Plans"), len(db.list_sessions_rich(limit=99)))
db.close()
"""


def test_names_are_unique_and_never_look_like_a_continuation() -> None:
    rows = [
        (5, "e", "Plans #2", 1_777_000_000.0),
        (4, "d", "Plans #2", 1_777_000_000.0),
        (3, "c", "Plans #2", 1_777_000_000.0),
        (2, "b", "", None),
        (1, "a", "", "never"),
    ]
    taken = {"Plans #2", "Plans (older, 2026-04-24)", ""}
    updates = title_updates(rows, taken)
    given = [str(update.after["title"]) for update in updates]
    assert [update.key for update in updates] == [{"id": "d"}, {"id": "c"}, {"id": "a"}]
    assert given[0].startswith("Plans (older")
    assert len({*given, "Plans (older, 2026-04-24)"}) == 4
    assert not any(re.search(r" #\d+$", name) for name in given)
    assert all(update.before["title"] in ("Plans #2", "") for update in updates)


def test_bytes_that_are_no_text_are_kept_in_the_before_image() -> None:
    title = RawText(b"caf\xe9")
    (update,) = title_updates([(2, "b", title, 1.0), (1, None, title, 1.0)], {"x"})
    assert update.key == {"rowid": 1}
    assert update.before == {"title": title}
    assert update.after["title"] == "caf\ufffd (older, 1970-01-01)"


def test_only_sharers_are_read_and_only_where_the_index_is_missing() -> None:
    connection = connect(":memory:")
    connection.executescript((STRUCTURES / "13.sql").read_text(encoding="utf-8"))
    asked: list[str] = []
    query = asking(connection)

    def watched(sql: str, parameters: object) -> object:
        asked.append(sql)
        return query(sql, ())

    assert read_title_updates(watched, structure_of(connection)) == ()  # type: ignore[arg-type]
    assert asked == []
    old = connect(":memory:")
    old.executescript((STRUCTURES / "01.sql").read_text(encoding="utf-8"))
    assert read_title_updates(asking(old), structure_of(old)) == ()


@pytest.mark.parametrize("version", ["0.15.2", "0.16.0", "0.19.0"])
def test_releases_open_it_and_find_the_newest_by_its_title(version: str, tmp_path: Path) -> None:
    target = {"0.15.2": 13, "0.16.0": 14, "0.19.0": 22}[version]
    connection = connect(tmp_path / "state.db")
    script = (STRUCTURES / "13.sql").read_text(encoding="utf-8")
    connection.executescript(script.replace("CREATE UNIQUE INDEX idx_sessions_title_unique", "--"))
    connection.execute("INSERT INTO schema_version VALUES (13)")
    connection.execute(
        "INSERT INTO sessions (id, source, started_at, title, message_count) VALUES"
        " ('old', 'cli', 1777000000.0, 'Plans', 1), ('new', 'cli', 1778000000.0, 'Plans', 1)"
    )
    connection.execute(
        "INSERT INTO messages (session_id, role, timestamp, content) VALUES"
        " ('old', 'user', 1777000000.0, 'hi'), ('new', 'user', 1778000000.0, 'ho')"
    )
    migrate(connection, target)
    connection.close()
    shown = run_release(version, RESOLVE, tmp_path, str(tmp_path / "state.db"))
    assert shown.split() == ["new", "2"]
