"""Lay a Hermes below a home whose Python has a SQLite of a version, with these words in it."""

import sys
from pathlib import Path

home, version, words = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
source = "2026-03-13 10:00:00 " + "0123456789abcdef" * 4
code, base = home / "hermes-agent", home / "python"
for folder in (code / "venv", base / "bin", base / "lib" / "python3.11" / "lib-dynload"):
    folder.mkdir(parents=True)
(code / "hermes_state.py").write_text("SCHEMA_VERSION = 14\n")
(code / "venv" / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\nversion = 3.11.7\n")
module = base / "lib" / "python3.11" / "lib-dynload" / "_sqlite3.cpython-311.so"
module.write_bytes(b"\0libsqlite3.so.0\0$ORIGIN/../..\0")
library = "\0".join(("", version, source, *words.split("|"), ""))
(base / "lib" / "libsqlite3.so.0").write_bytes(library.encode())
