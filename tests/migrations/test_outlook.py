"""``doctor --for RELEASE``: what an update would hide, crash on, erase or stop reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonlines
import pytest

from tests.command import run
from tests.homes.content import fingerprint
from tests.homes.home import changing, of_schema
from tests.homes.populated import populated
from tests.homes.rows import SESSIONS
from tests.migrations.running import checkout


def forecast(home: Path, release: str) -> dict[str, Any]:
    document = run("doctor", "--json", "--for", release, home=home).document
    found: dict[str, Any] = document["outlook"]
    return found


def kinds(home: Path, release: str) -> dict[str, list[str]]:
    """Return the findings that each kind of consequence names."""
    made: dict[str, list[str]] = {}
    for one in forecast(home, release)["consequences"]:
        made.setdefault(one["kind"], []).extend(one["findings"])
    return made


def severities(home: Path, *words: str) -> dict[str, str]:
    document = run("doctor", "--json", *words, home=home).document
    return {finding["id"]: finding["severity"] for finding in document["findings"]}


def test_what_each_release_does_to_shared_titles_and_untitled_chats(tmp_path: Path) -> None:
    home = populated(tmp_path / "home")
    before = fingerprint(home)
    assert kinds(home, "0.16.0") == {"crashes": ["SE002"]}
    assert kinds(home, "0.18.2") == {"crashes": ["SE002"], "hides": ["LN010"]}
    assert kinds(home, "v0.19.0") == {"erases": ["SE002"], "hides": ["LN010"]}
    assert severities(home)["LN010"] == "info"
    assert severities(home, "--for", "0.16.0")["LN010"] == "info"
    assert severities(home, "--for", "0.17.0")["LN010"] == "warning"
    hidden = forecast(home, "0.19.0")["consequences"][1]
    assert (hidden["kind"], hidden["sessions"], hidden["messages"]) == ("hides", 1, 15)
    assert fingerprint(home) == before
    shown = run("doctor", "--for", "0.19.0", home=home)
    assert shown.code == 1
    assert "What Hermes 0.19.0 would do here (it expects schema 22; this is 11):" in shown.out
    assert "it clears the title of every session that shares one, but the newest" in shown.out


def test_files_that_the_next_release_no_longer_reads(tmp_path: Path) -> None:
    """A chat without a row may have been deleted: a note, until a release is about to forget it."""
    home = of_schema("0.13.0", tmp_path / "home")
    said = (("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four"))
    lines = [{"role": role, "content": text} for role, text in said]
    path = home / "sessions" / "20300101_100000_abcdabcd.jsonl"
    with jsonlines.open(path, "w", dumps=json.dumps) as file:
        file.write_all(line | {"timestamp": "2030-01-01T10:00:00"} for line in lines)
    now = severities(home)
    (id,) = (found for found in now if found.startswith("TR"))
    assert kinds(home, "0.14.0").get("unread") is None
    assert kinds(home, "0.16.0")["unread"] == [id]
    assert now[id] == "info"
    assert severities(home, "--for", "0.16.0")[id] == "warning"
    checkout(home, "0.16.0")
    told = forecast(home, "0.19.0")["consequences"]
    assert [one["new"] for one in told if one["kind"] == "unread"] == [False]
    assert severities(home, "--for", "0.19.0")[id] == "info"


def test_the_first_shape_of_schema_20(tmp_path: Path) -> None:
    home = of_schema("v20first", tmp_path / "home")
    assert kinds(home, "0.19.0") == {"crashes": ["SC004"]}
    other = of_schema("v20b", tmp_path / "other")
    assert kinds(other, "0.19.0") == {}


def test_a_way_back_shows_what_was_put_away(tmp_path: Path) -> None:
    home = of_schema("0.18.2", tmp_path / "home")
    with changing(home) as connection:
        connection.execute("UPDATE messages SET active = 1, compacted = 0")
        connection.execute("UPDATE sessions SET archived = 0, rewind_count = 0")
    assert kinds(home, "0.15.2") == {}
    with changing(home) as connection:
        connection.execute("UPDATE messages SET active = 0 WHERE id = 1")
        connection.execute("UPDATE sessions SET archived = 1, rewind_count = 1")
    told = forecast(home, "0.15.2")["consequences"]
    assert [(one["kind"], one["rows"]) for one in told] == [("shows", 1), ("shows", len(SESSIONS))]
    assert forecast(home, "0.16.0")["consequences"] == []


@pytest.mark.parametrize("release", ["latest", "1", "0.19.0; rm"])
def test_what_is_no_release(release: str, tmp_path: Path) -> None:
    done = run("doctor", "--for", release, home=of_schema("0.13.0", tmp_path / "home"))
    assert (done.code, done.out) == (2, "")
    assert "is not a release of Hermes" in done.err


def test_a_release_that_nobody_knows_yet(tmp_path: Path) -> None:
    home = of_schema("0.13.0", tmp_path / "home")
    found = forecast(home, "0.99.0")
    assert (found["release"], found["number"]) == ("0.99.0", None)
    assert "does not know" in run("doctor", "--for", "0.99.0", home=home).out


def test_a_build_whose_name_is_no_release(tmp_path: Path) -> None:
    home = populated(tmp_path / "home")
    code = checkout(home, "0.16.0")
    (code / "hermes_cli" / "__init__.py").write_text('__version__ = "0.16.0+git.5"\n')
    assert kinds(home, "0.18.2") == {"crashes": ["SE002"], "hides": ["LN010"]}
