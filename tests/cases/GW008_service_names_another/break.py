"""Lay a second home into the usual place, and let the gateway's service name the first."""

import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

home, *ago = sys.argv[1:]
user = Path(home).parent / "user"
usual = user / ".hermes"
usual.mkdir(parents=True)
shutil.copy(Path(home) / "state.db", usual / "state.db")
for place, days in ((Path(home), 1), (usual, 365 if ago else 2)):
    with closing(sqlite3.connect(place / "state.db")) as db:
        at = time.time() - days * 86400
        db.execute("UPDATE sessions SET started_at = ?", [at])
        db.execute("UPDATE messages SET timestamp = ? + id", [at])
        db.commit()
units = user / ".config" / "systemd" / "user"
units.mkdir(parents=True)
(units / "hermes-gateway.service").write_text(
    "[Service]\nExecStart=/opt/hermes/venv/bin/python -m hermes_cli.main gateway run\n"
    f'Environment="HERMES_HOME={home}"\n'
)
