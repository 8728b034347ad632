"""Commands over another SQLite than this Python's: pysqlite3, where it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.command import Ran, run

NEWER = pytest.param(
    "pysqlite3",
    marks=[
        pytest.mark.newer_sqlite,
        pytest.mark.skipif(
            importlib.util.find_spec("pysqlite3") is None,
            reason="pysqlite3, a newer SQLite, is not installed",
        ),
    ],
)
LIBRARIES = ["this SQLite", NEWER]

_INSTEAD = """
import sys, pysqlite3
sys.modules["sqlite3"] = pysqlite3
class Connection(pysqlite3.Connection):
    def setlimit(self, category, limit):
        return limit

connect = pysqlite3.connect
pysqlite3.Connection = Connection
pysqlite3.connect = lambda *args, factory=Connection, **options: connect(
    *args, factory=factory, **options
)
pysqlite3.SQLITE_LIMIT_ATTACHED = 7
"""
"""Python 3.11 can set limits of a connection, and pysqlite3 cannot."""


def run_over(library: str, *words: str, home: Path) -> Ran:
    """Run a command line over one of ``LIBRARIES``."""
    return run(*words, home=home, before=_INSTEAD if library == "pysqlite3" else "")
