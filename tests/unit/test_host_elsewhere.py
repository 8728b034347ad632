"""host.elsewhere: what lsof and handle print, as recorded text; and lsof itself if it is here."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.host import openers, probe
from tests.unit.host_helpers import child, make_database

LSOF = """p501
f12
p7311
f8
f9
"""
HANDLE = r"""hermes.exe         pid: 5472   type: File           2A4: C:\Users\ann\.hermes\state.db
python.exe         pid: 9012   type: File           PC-1\ann  1C8: c:\users\ann\.hermes\state.db-wal
my app.exe         pid: 77     type: File           PC-1\ann  1CC: C:\Users\ann\.hermes\state.db.bak
explorer.exe       pid: 80     type: Section        1D0: C:\Users\ann\.hermes\state.db
"""
FILES = ["C:\\Users\\ann\\.hermes\\state.db", "C:\\Users\\ann\\.hermes\\state.db-wal"]


def test_lsof_fields() -> None:
    assert openers.parse_lsof(LSOF) == {501, 7311}
    assert openers.parse_lsof("") == frozenset()
    assert openers.parse_lsof("lsof: status error on x\npython\n") == frozenset()


def test_handle_lines() -> None:
    assert openers.parse_handle(HANDLE, FILES) == {5472, 9012}
    assert openers.parse_handle("No matching handles found.\n", FILES) == frozenset()


def test_lsof_finds_who_has_it_open(tmp_path: Path) -> None:
    if shutil.which("lsof") is None:
        pytest.skip("lsof is not here")
    path = make_database(tmp_path / "state.db")
    assert openers.list_openers(probe(path)).pids == frozenset()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM t").fetchone()
        code = """
        import os, sys
        from pathlib import Path
        from hermes_repair.host import openers, probe
        print(sorted(openers.list_openers(probe(Path(sys.argv[1]))).pids), os.getppid())
        """
        pids, parent = child(code, str(path)).split()
        assert pids == f"[{parent}]"


def test_without_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_database(tmp_path / "state.db")
    facts = probe(path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(sys, "platform", "win32")
    found = openers.list_openers(facts)
    assert found.pids == frozenset() and "Windows does not say" in found.doubts[0]
