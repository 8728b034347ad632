"""What the real step 18 takes from sessions.json."""

from __future__ import annotations

import json
from pathlib import Path

from tests.homes.database import connect
from tests.releases import run_release
from tests.unit.schema_support import apply, plan
from tests.unit.test_schema_gateway import ENTRIES, filled

OPEN = """
import sys
from pathlib import Path
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""


def test_same_rows_as_the_real_release(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "sessions").mkdir(parents=True)
    (home / "sessions" / "sessions.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    filled(home / "state.db").close()
    run_release("0.18.2", OPEN, home, str(home / "state.db"))

    ours = filled(tmp_path / "ours.db")
    way, _ = plan(ours, 19, entries=ENTRIES)
    apply(ours, way.actions)
    columns = (
        "id, session_key, chat_id, chat_type, thread_id, display_name, origin_json,"
        " expiry_finalized"
    )
    sql = f"SELECT {columns} FROM sessions ORDER BY id"
    real = connect(home / "state.db").execute(sql).fetchall()
    assert ours.execute(sql).fetchall() == real
    assert real[0][3:5] == ("dm", "7")
    assert real[1][1:4] == ("key-only", "42", "kept")
