"""Other processes that have a database open while a command runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python script that talks over stdin and stdout; the caller ends it."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


@contextmanager
def neighbour(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script that says "ready" and goes on until its stdin is closed."""
    process = child(script, *arguments)
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


READER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("SELECT COUNT(*) FROM messages").fetchall()
print("ready")
sys.stdin.read()
"""
