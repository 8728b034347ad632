"""Real releases open a database whose shared titles were told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes.database import STRUCTURES, connect
from tests.releases import run_release
from tests.unit.schema_support import migrate

RESOLVE = """
import sys
from pathlib import Path
from hermes_state import SessionDB
db = SessionDB(Path(sys.argv[1]))
print(db.resolve_session_by_title("Plans"), len(db.list_sessions_rich(limit=99)))
db.close()
"""


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
