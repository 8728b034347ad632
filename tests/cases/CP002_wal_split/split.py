"""A second process deletes the -wal under a writer, who keeps what he still holds, as releases
after 0.19.0 do: the -wal, the main file and a manifest in a folder."""

import json
import os
import shutil
from pathlib import Path

from chats import Chats

home = Path(os.environ["HERMES_HOME"])
chats = Chats("2026-04-20 18:10", first=20)
chats.turn("telegram ada", "Which train to Ghent?", "The 9:14.")
(home / "state.db-wal").unlink()
(home / "state.db-shm").unlink()
chats.turn("telegram ada", "And back?", "The 17:40.")

place = home / "state.db.retired-wal-20260420-161500-4711"
place.mkdir()
(wal, *_) = (
    held
    for held in Path("/proc/self/fd").iterdir()
    if held.is_symlink() and str(held.readlink()).endswith("-wal (deleted)")
)
shutil.copyfile(wal, place / "state.db-wal")
shutil.copyfile(home / "state.db", place / "state.db")
manifest = {"version": 1, "database": str(home / "state.db"), "main": {"mode": "copied"}}
(place / "manifest.json").write_text(json.dumps(manifest))
chats.killed()
