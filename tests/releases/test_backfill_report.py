"""``backfill --report``: how every file and its session stand, and what other files hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.by_releases import hurt_home
from tests.homes.content import fingerprint


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    home = tmp_path_factory.mktemp("report") / "home"
    return home, hurt_home(home, sessions=20, turns=3)


def test_every_session_is_in_one_class(built: tuple[Path, dict[str, list[str]]]) -> None:
    home, by_hurt = built
    before = fingerprint(home)
    said = run("backfill", "--report", "--json", home=home)
    assert said.code == 0, said.err
    assert fingerprint(home) == before
    verdicts = {e["session_id"]: e["verdict"] for e in said.document["sessions"]}
    for hurt, verdict in {
        "nothing": "equal",
        "torn": "equal",
        "front": "front-or-middle-missing",
        "middle": "front-or-middle-missing",
        "all_rows": "all-missing",
        "no_session": "only-in-file",
        "shorter": "file-shorter",
    }.items():
        assert {verdicts[session] for session in by_hurt[hurt]} == {verdict}
    assert sorted(said.document["only_in_database"]) == sorted(by_hurt["no_file"])
    assert sum(said.document["classification"].values()) == sum(map(len, by_hurt.values()))


def test_text_names_no_words(built: tuple[Path, dict[str, list[str]]]) -> None:
    home, by_hurt = built
    said = run("backfill", "--report", home=home)
    assert said.code == 0
    assert "[chat" not in said.out
    assert by_hurt["front"][0] in said.out
    assert by_hurt["nothing"][0] not in said.out
    assert by_hurt["nothing"][0] in run("backfill", "--report", "-v", home=home).out


def test_named_sessions_only(built: tuple[Path, dict[str, list[str]]]) -> None:
    home, by_hurt = built
    named = by_hurt["middle"][0]
    said = run("backfill", named, "--report", "--json", home=home).document
    assert [entry["session_id"] for entry in said["sessions"]] == [named]
    assert {auxiliary_file["session_id"] for auxiliary_file in said["witnesses"]} <= {named}


def test_what_only_a_log_has(built: tuple[Path, dict[str, list[str]]]) -> None:
    home, by_hurt = built
    session = by_hurt["nothing"][0]
    path = home / "sessions" / f"session_{session}.json"
    document = json.loads(path.read_bytes())
    document["messages"] += [
        {"role": "user", "content": "Only here."},
        {"role": "assistant", "content": "Yes."},
    ]
    path.write_text(json.dumps(document, indent=2))
    said = run("backfill", session, "--report", "--json", home=home).document["witnesses"]
    found = [w for w in said if w["kind"] == "log"]
    assert [(w["path"], w["only_here"], w["problem"]) for w in found] == [(path.name, 2, None)]
    assert found[0]["offered"] == 2
    assert f"`hermes-repair backfill --home {home} {session}` brings 2 of them back" in (
        run("backfill", session, "--report", home=home).out
    )
    assert found[0]["messages"] == len(document["messages"])
    path.write_bytes(path.read_bytes()[:-40])
    said = run("backfill", session, "--report", "--json", home=home).document["witnesses"]
    assert [w["problem"] for w in said] == ["parts of it are damaged"]
