"""Chats that the first open by 0.17.0 and 0.19.0 hides, and how they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes.content import rows
from tests.homes.home import copy_home
from tests.lineage.answers import INSIDE, ask, hermes_repair, shown
from tests.releases import run_release

PROVEN = {"two-questions", "from-telegram", "tui-branch", "continued"}
DELEGATES = {"helper-0", "helper-1", "helper-2", "at-limit", "no-parent"}
LISTED = {"titled", "talk", "resumed", "later", "later-alone"}
LATER = ("0.17.0", "0.18.2", "0.19.0")


def upgraded(before: str, after: str, home: Path) -> Path:
    """Let one release write the chats and another one open them."""
    home.mkdir()
    run_release(before, (INSIDE / "before_update.py").read_text(), home)
    run_release(after, (INSIDE / "after_update.py").read_text(), home)
    return home


@pytest.mark.parametrize(("before", "after"), [("0.15.2", "0.17.0"), ("0.16.0", "0.19.0")])
def test_hidden_chats_come_back_and_delegates_stay(before: str, after: str, tmp_path: Path) -> None:
    home = upgraded(before, after, tmp_path / "home")
    found = copy_home(home, tmp_path / "found")
    said = hermes_repair("doctor", "--json", "--select", "LN006", home=home, code=1).document
    findings = {f["subject"]["session_id"]: f for f in said["findings"]}
    assert findings.keys() == PROVEN | DELEGATES
    assert {name for name, f in findings.items() if f["severity"] == "error"} == PROVEN
    assert {name for name, f in findings.items() if f["repair"] == "safe"} == PROVEN
    step = "schema step 16 (an update to 0.17.0 or later)"
    since = f"since {step}, after 2026-05-28 and before 2026-06-09"
    assert all(since in finding["message"] for finding in findings.values())
    text = hermes_repair("doctor", "--select", "LN006", home=home, code=1).out
    assert "ERROR LN006 hidden-by-marker: 4 sessions" in text
    assert "INFO LN006 hidden-by-marker: 5 sessions" in text

    hermes_repair("repair", "--yes", home=home)
    homes = {"found": found, "repaired": home}
    for version in LATER:
        if version < after:
            continue  # a release does not open a database of a later one in real life
        answers = ask(version, homes, ["talk", "resumed"], ["Trip"], tmp_path / version)
        assert set(shown(answers["found"])) == LISTED
        assert set(shown(answers["repaired"])) == LISTED | PROVEN
        assert answers["repaired"]["resume"] == {"talk": "talk", "resumed": "resumed"}
        assert answers["repaired"]["titles"] == {"Trip": "resumed"}
    left = hermes_repair("doctor", "--json", "--select", "LN006", home=home).document["findings"]
    assert {f["subject"]["session_id"] for f in left} == DELEGATES
    assert {f["severity"] for f in left} == {"info"}

    original = rows(found / "state.db")
    named = copy_home(home, tmp_path / "named")
    hermes_repair("repair", "--yes", "--session", "no-parent", home=named)
    answers = ask("0.19.0", {"named": named}, [], [], tmp_path / "named asked")
    assert set(shown(answers["named"])) == LISTED | PROVEN | {"no-parent"}
    everything = copy_home(home, tmp_path / "unsafe")
    hermes_repair("repair", "--yes", "--unsafe", "--select", "LN006", home=everything)
    answers = ask("0.19.0", {"all": everything}, [], [], tmp_path / "all asked")
    assert set(shown(answers["all"])) == LISTED | PROVEN | DELEGATES
    hermes_repair("undo", "--yes", home=home)
    assert rows(home / "state.db") == original


def test_a_migration_of_ours_hides_none_of_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.16.0", (INSIDE / "before_update.py").read_text(), home)
    said = hermes_repair("doctor", "--json", "--select", "LN010", home=home).document
    (finding,) = said["findings"]
    # What lists show now; the branch and the continuation are in no list already (LN007).
    assert finding["data"]["hidden"].keys() == {"two-questions", "from-telegram", "no-parent"}
    assert finding["data"]["proven"] == 2
    coming = ("doctor", "--json", "--select", "LN010", "--for", "0.19.0")
    (named,) = hermes_repair(*coming, home=home, code=1).document["findings"]
    assert named["severity"] == "warning"
    hermes_repair("repair", "--yes", "--select", "LN007", home=home)
    hermes_repair("migrate", "--to", "16", "--yes", home=home)
    answers = ask("0.17.0", {"home": home}, [], [], tmp_path / "asked")
    expected = (LISTED - {"later", "later-alone"}) | PROVEN | {"no-parent"}
    assert set(shown(answers["home"])) == expected
