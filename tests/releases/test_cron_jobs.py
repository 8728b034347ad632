"""A torn list of jobs: what the real cron reads of it, before and after a repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.case import CASES, INSIDE
from tests.command import run
from tests.releases import run_release

PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"
ASK = PATHS + "import json\nfrom cron_jobs import prompts\nprint(json.dumps(prompts()))\n"


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
def test_whole_jobs_run_again(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, PATHS + (CASES / "HK001_torn" / "write.py").read_text("utf-8"), home)
    torn = (home / "cron" / "jobs.json").read_bytes()
    assert json.loads(run_release(version, ASK, home).splitlines()[-1]) is None

    done = run("repair", "--yes", "--select", "HK001", "--unsafe", home=home)
    assert done.code == 0, done.out + done.err
    assert json.loads(run_release(version, ASK, home).splitlines()[-1]) == ["water the plants"]

    assert run("undo", "--yes", home=home).code == 0
    assert (home / "cron" / "jobs.json").read_bytes() == torn


CLAIM = (
    PATHS
    + """
from cron import jobs
print(jobs.claim_job_for_fire(jobs.load_jobs()[0]["id"]))
"""
)


@pytest.mark.parametrize(
    ("version", "blocked"), [("0.17.0", True), ("0.18.2", True), ("0.19.0", False)]
)
def test_claim_of_the_future(version: str, blocked: bool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (CASES / "HK007_clock_was_ahead" / "write.py").read_text("utf-8")
    run_release(version, PATHS + script, home)
    before = (home / "cron" / "jobs.json").read_bytes()
    assert run_release(version, CLAIM, home).split() == [str(not blocked)]
    (home / "cron" / "jobs.json").write_bytes(before)

    done = run("repair", "--yes", "--select", "HK007", "--unsafe", home=home)
    assert done.code == 0, done.out + done.err
    assert run_release(version, CLAIM, home).split() == ["True"]
