"""What the tests of the host room share: databases, real processes that hold them, other users."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

NOBODY = 65534


def make_database(path: Path, mode: str = "wal", pages: int = 4) -> Path:
    """Write a small SQLite database that nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0] == mode
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,)] * pages)
        connection.commit()
    return path


def child(code: str, *args: str, prefix: tuple[str, ...] = ()) -> str:
    """Run Python code of ours in another process and return what it prints."""
    done = subprocess.run(
        [*prefix, sys.executable, "-c", textwrap.dedent(code), *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_nobody(code: str, *args: str) -> str:
    """Run code of ours as a user without any rights; skips where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    # What it needs is imported before the rights go: the checkout may be closed to that user.
    drop = f"""
import os, sys, pwd, grp
from pathlib import Path
from hermes_repair import host, leases
from hermes_repair.host import byte_reader
sys.executable = {python_for_nobody()!r}
byte_reader.WORKER = Path({str(worker_for_nobody())!r})
"x".encode("unicode_escape")
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
"""
    return child(drop + textwrap.dedent(code), *args)


@cache
def python_for_nobody() -> str:
    """Return a Python that a user without any rights may run; skips where there is none."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run(
                [candidate, "-I", "-S", "-c", check],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 here that an unprivileged user may run")


@cache
def worker_for_nobody() -> Path:
    """Return a copy of the worker that everybody may read, below the same folder names."""
    import tempfile

    from hermes_repair.host.byte_reader import WORKER

    folder = Path(tempfile.mkdtemp(prefix="worker-")) / "hermes_repair" / "host"
    folder.mkdir(parents=True)
    for part in (folder.parent.parent, folder.parent, folder):
        part.chmod(0o755)
    target = folder / "byte_worker.py"
    shutil.copyfile(WORKER, target)
    target.chmod(0o644)
    return target
