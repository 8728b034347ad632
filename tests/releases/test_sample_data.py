"""Real releases read the homes of sample_data."""

from __future__ import annotations

import json
import time
from pathlib import Path

from sample_data.build import build
from tests.releases import run_release

LISTED = """
import json
from hermes_state import SessionDB
db = SessionDB()
rows = [row["id"] for row in db.list_sessions_rich(limit=1000)]
said = {row: len(db.get_messages_as_conversation(row)) for row in rows}
print(json.dumps(said))
"""


def test_real_release_reads_the_healthy_home(tmp_path: Path) -> None:
    home = build("healthy", tmp_path / "healthy", time.time())
    said = json.loads(run_release("0.16.0", LISTED, home))
    assert said == {
        "20260519_121500_5d0a77e1": 9,
        "20260521_220500_e6b58de7": 7,
        "20260524_083000_ab15c2f0": 5,
        "20260614_191500_0fa1b2c3": 5,
        "20260614_193000_0fb2c3": 6,
        "20260615_090000_e59a01": 4,
        "20260616_203000_5e11a7": 10,
        "20260617_213000_9c3d51f4": 5,
        "cron_77fe10aa21bc_20260616_063000": 2,
    }


LOADED = """
import json, sys
from pathlib import Path
from hermes_constants import get_hermes_home
from gateway.config import GatewayConfig
from gateway.session import SessionStore
folder = get_hermes_home() / "sessions"
store = SessionStore(folder, GatewayConfig(sessions_dir=folder))
print(json.dumps([len(store.load_transcript(session)) for session in sys.argv[1:]]))
print(len(store.list_sessions()))
"""


def test_real_releases_read_the_damaged_home(tmp_path: Path) -> None:
    home = build("damaged", tmp_path / "damaged", time.time())
    chats = ("20260503_190412_3fa81c77", "20260518_093320_5ad0c6b4", "20260502_110300_b7d40e19")
    new = run_release("0.15.2", LOADED, home, *chats).splitlines()
    old = run_release("0.14.0", LOADED, home, *chats).splitlines()
    assert json.loads(new[0]) == [4, 11, 0]  # what is left since the update
    assert json.loads(old[0]) == [13, 13, 11]  # what 0.14.0 showed from the files
    assert new[1] == old[1] == "7"  # chats of sessions.json
