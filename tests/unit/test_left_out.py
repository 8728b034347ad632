"""A test that is left out is told of, and under CI the reason is one that is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.left_out import ALLOWED, allowed
from tests.support import ROOT

CONFTEST = """
from tests.left_out import LeftOut
def pytest_configure(config):
    config.pluginmanager.register(LeftOut())
"""
TESTS = """
import pytest
from tests.left_out import leave_out
def test_of_a_group():
    leave_out("shared", "no folder")
def test_of_the_group_too():
    leave_out("shared", "no folder")
def test_that_is_allowed():
    pytest.skip("lsof is not here")
def test_that_runs():
    pass
"""
FORGOTTEN = (
    TESTS
    + """
@pytest.mark.skip(reason="not today")
def test_forgotten():
    raise AssertionError
"""
)
LINE = "left out: 2 shared (no folder); with HERMES_REPAIR_SHARED=FOLDER"


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("tests", "ci", "code"), [(TESTS, True, 0), (FORGOTTEN, False, 0), (FORGOTTEN, True, 1)]
)
def test_a_run_that_skips(tests: str, ci: bool, code: int, workers: int, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(tests)
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    environ |= {"PYTHONPATH": str(ROOT)} | ({"CI": "true"} if ci else {})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--rootdir", ".", "."],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert LINE in done.stdout
    assert ("does not name: not today" in done.stdout) == (code == 1)


def test_every_line_of_the_list_says_why() -> None:
    lines = [line for line in ALLOWED.read_text().splitlines() if line and line[0] != "#"]
    assert lines
    for line in lines:
        reason, bar, why = line.partition("|")
        assert bar and why.strip() and allowed(reason.strip())
    assert not allowed("another reason")
