"""SC008: a running Hermes that is older than its code, told by real processes and files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.command import run
from tests.homes.content import fingerprint
from tests.homes.home import of_schema
from tests.migrations.running import environment, gateway


def found(home: Path) -> list[dict[str, object]]:
    document = run("doctor", "--json", "--select", "SC008", home=home).document
    findings: list[dict[str, object]] = document["findings"]
    return findings


def test_a_gateway_that_was_started_before_the_update(tmp_path: Path) -> None:
    home = of_schema("0.19.0", tmp_path / "home")
    python = environment(tmp_path / "venv", "0.19.0")
    site = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    with gateway(python, home) as process:
        assert found(home) == []
        later = time.time() + 60
        os.utime(site / "hermes_state.py", (later, later))
        (finding,) = found(home)
        assert finding["severity"] == "warning"
        assert finding["repair"] == "manual"
        assert finding["subject"] == {"kind": "process", "pid": process.pid}
        assert "started before its code was changed" in str(finding["message"])
        assert "gateway restart" in str(finding["hint"])
    assert found(home) == [], "who is gone is not out of date"


def test_an_install_of_uv_keeps_old_times_but_for_its_record(tmp_path: Path) -> None:
    home = of_schema("0.19.0", tmp_path / "home")
    python = environment(tmp_path / "venv", "0.19.0")
    site = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    for path in site.rglob("*"):
        os.utime(path, (1.0, 1.0))
    with gateway(python, home):
        assert found(home) == []
        record = site / "hermes_agent-0.19.0.dist-info"
        record.mkdir()
        later = time.time() + 60
        os.utime(record, (later, later))
        assert len(found(home)) == 1


def test_a_release_that_would_hurt_is_told_beforehand(tmp_path: Path) -> None:
    home = of_schema("v25last", tmp_path / "home")
    before = fingerprint(home)
    assert found(home) == []
    words = ("--json", "--select", "SC008", "--for", "0.18.2")
    document = run("doctor", *words, home=home).document
    assert [(f["id"], f["data"]["code"]) for f in document["findings"]] == [("SC008", 19)]
    assert "finds no system prompts" in document["findings"][0]["message"]
    assert fingerprint(home) == before
