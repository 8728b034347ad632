"""Which sessions step 16 of the real releases marks as delegates."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.schema.data_steps import (
    would_tag,
)
from tests.homes.database import connect
from tests.releases import run_release
from tests.unit.test_schema_delegates import candidates, decided, filled, tagged_ids

OPEN = """
import sys
from pathlib import Path
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize(("version", "target"), [("0.17.0", 16), ("0.18.2", 19), ("0.19.0", 22)])
def test_we_know_what_the_release_would_mark(version: str, target: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ours = filled(home / "state.db")
    before = dict(ours.execute("SELECT id, model_config FROM sessions").fetchall())
    expected = {c.id for c in candidates(ours) if would_tag(c, target)}
    decisions = decided(ours, target)
    ours.close()
    run_release(version, OPEN, home, str(home / "state.db"))

    after = dict(connect(home / "state.db").execute("SELECT id, model_config FROM sessions"))
    changed = {name for name in after if after[name] != before[name]}
    # json_set on an array changes nothing but the spaces
    assert expected - {"not-object"} == changed - {"not-object"}
    assert {name for name, _ in decisions.left_alone} | tagged_ids(decisions) == expected
    for update in decisions.tag:
        assert update.before == {"model_config": before[str(update.key["id"])]}
        assert update.after == {"model_config": after[str(update.key["id"])]}
