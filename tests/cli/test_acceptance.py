"""``ack``: with a reason, by the beginning of a fingerprint, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.speaking import assert_document, say
from tests.homes.home import execute_all

Capture = pytest.CaptureFixture[str]


def findings(home: Path, capsys: Capture) -> dict[str, dict[str, Any]]:
    document = say(capsys, "doctor", "--json", "--home", home).document
    return {finding["id"]: finding for finding in document["findings"]}


def test_a_finding_is_accepted_for_a_reason(home: Path, capsys: Capture) -> None:
    name = findings(home, capsys)["LN001"]["fingerprint"]
    for words in ([], ["--reason", ""], ["--reason", " "], ["--remove", "--reason", "x"]):
        assert say(capsys, "ack", name, *words, "--home", home).code == 2
    assert not (home / "hermes-repair").exists()
    said = say(capsys, "ack", name[:6], "--reason", "known", "--home", home)
    assert (said.code, said.out.splitlines()[-1]) == (0, "LN001 orphan-child is accepted: known")
    assert findings(home, capsys)["LN001"]["acknowledged"] is True


def test_it_is_taken_back(home: Path, capsys: Capture) -> None:
    name = findings(home, capsys)["LN001"]["fingerprint"]
    other = findings(home, capsys)["MS002"]["fingerprint"]
    said = say(capsys, "ack", name, "--remove", "--home", home)
    assert said.code == 2 and f"Nothing was accepted that has the fingerprint '{name}'." in said.err
    for one in (name, other):
        assert say(capsys, "ack", one, "--reason", "known", "--home", home).code == 0
    said = say(capsys, "ack", name[:6], "--remove", "--home", home)
    assert (said.code, said.out.splitlines()[-1]) == (0, "LN001 orphan-child counts again.")
    found = findings(home, capsys)
    assert [found[id]["acknowledged"] for id in ("LN001", "MS002")] == [False, True]
    said = say(capsys, "ack", other, "--remove", "--json", "--home", home)
    assert_document("ack", said.document)
    assert said.document["taken_back"] == other
    assert said.document["acknowledged"]["acknowledged"] is False


def test_what_is_not_found_any_more_is_taken_back_too(home: Path, capsys: Capture) -> None:
    name = findings(home, capsys)["LK001"]["fingerprint"]
    assert say(capsys, "ack", name, "--reason", "known", "--home", home).code == 0
    execute_all(home, "DELETE FROM compression_locks")
    said = say(capsys, "ack", name, "--remove", "--json", "--home", home)
    assert_document("ack", said.document)
    assert said.document["acknowledged"] is None and said.document["taken_back"] == name


def test_a_beginning_names_one_finding(home: Path, capsys: Capture) -> None:
    name = findings(home, capsys)["LN001"]["fingerprint"]
    assert say(capsys, "ack", name[:3], "--reason", "x", "--home", home).code == 2
    assert say(capsys, "ack", "", "--reason", "x", "--home", home).code == 2
    assert say(capsys, "ack", "zzzzzz", "--reason", "x", "--home", home).code == 2


def test_the_only_copy_is_restored_without_its_name(home: Path, capsys: Capture) -> None:
    said = say(capsys, "restore", "--yes", "--home", home)
    assert said.code == 2 and "There is no copy" in said.err
    assert say(capsys, "backup", "--home", home).code == 0
    (copy,) = say(capsys, "backup", "list", "--json", "--home", home).document["backups"]
    execute_all(home, "DELETE FROM messages")
    said = say(capsys, "restore", "--yes", "--json", "--home", home)
    assert said.code == 0 and said.document["restored"] == copy["name"]
    assert "TR001" in findings(home, capsys)
    said = say(capsys, "restore", "--yes", "--home", home)
    assert said.code == 2 and "There are 2 copies, so name the one to restore." in said.err
    assert "backup list" in said.err
