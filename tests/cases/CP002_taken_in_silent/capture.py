"""The -wal is set aside, and what is in it comes into state.db all the same."""

import os
import shutil
from pathlib import Path

from chats import Chats

home = Path(os.environ["HERMES_HOME"])
with Chats("2026-04-20 18:10", first=20) as chats:
    chats.turn("telegram ada", "Which train to Ghent?", "The 9:14.")
    place = home / "state.db.retired-wal-20260420-161500-4711"
    place.mkdir()
    for name in ("state.db", "state.db-wal"):
        shutil.copyfile(home / name, place / name)
    chats.turn("telegram ada", "And back?", "The 17:40.")
