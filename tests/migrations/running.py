"""Hermes as it is installed and as it runs, in miniature: an environment, its Python, a gateway.

The gateway is two lines that open the database and wait; its command line and its files are those
of a real one, which is all that hermes-repair looks at.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.releases import release

GATEWAY = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[3])
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("SELECT COUNT(*) FROM sessions").fetchall()
print("open", flush=True)
time.sleep(600)
"""


def install(code: Path, version: str) -> Path:
    """Lay the state module of a release into ``code``, as every kind of install has it."""
    package = code / "hermes_cli"
    package.mkdir(parents=True, exist_ok=True)
    shutil.copy(release(version) / "hermes_state.py", code)
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n', encoding="utf-8")
    (package / "main.py").write_text(GATEWAY, encoding="utf-8")
    return code


def checkout(home: Path, version: str) -> Path:
    """Install a release as a checkout below the home."""
    return install(home / "hermes-agent", version)


def environment(prefix: Path, version: str) -> Path:
    """Install a release into an environment; return its Python."""
    python = prefix / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    install(prefix / "lib" / "python3.11" / "site-packages", version)
    return python


@contextmanager
def gateway(python: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a gateway of this environment that has the home's database open."""
    site = python.parent.parent / "lib" / "python3.11" / "site-packages"
    process = subprocess.Popen(
        [str(python), "-m", "hermes_cli.main", "gateway", "run", str(home / "state.db")],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(site), "HERMES_HOME": str(home), "PATH": ""},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()
