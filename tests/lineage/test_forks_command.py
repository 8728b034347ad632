"""``forks`` as a user types it, on forks that a release wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.homes.content import fingerprint, rows, sound
from tests.homes.home import copy_home, query_at_rest
from tests.lineage.answers import ask, hermes_repair, shown
from tests.releases import hear, run_release, say, start_release

BUILD = """
import sys
now = 1780000000.0
import time
def tick():
    global now
    now += 5.0
    return now
time.time = tick
from hermes_state import SessionDB
db = SessionDB()
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
def say(name, *words):
    for word in words:
        if word.startswith("use "):
            calls = [{"id": f"call {name} {word}", "function": {"name": "ls", "arguments": "{}"}}]
            db.append_message(name, "assistant", "", tool_calls=calls)
            db.append_message(name, "tool", "secret files", tool_call_id=calls[0]["id"])
        else:
            db.append_message(name, "user" if word.endswith("?") else "assistant", word)
def half(name, parent="P"):
    db.create_session(name, source="telegram", parent_session_id=parent)
    db.set_session_title(name, db.get_next_title_in_lineage("Secret trip"))
    say(name, "Where to?", SUMMARY, "Far.")
    db.update_token_counts(name, input_tokens=9, output_tokens=6, api_call_count=1)
db.create_session("P", source="telegram")
db.set_session_title("P", "Secret trip")
say("P", "Where to?", "Far.", "How?", "By train.")
db.end_session("P", "compression")
"""

THREE = """
for name in ("A", "B", "C"):
    half(name)
say("A", "a1?", "a1.")
say("B", "b1?", "use b1", "b1.")
say("C", "c1?", "c1.")
say("A", "a2?", "use a2", "a2.")
say("B", "b2?")
say("C", "c2?", "c2.")
db.close()
"""

CONTINUED = """
half("A")
half("B")
say("A", "a1?", "a1.")
say("B", "b1?", "b1.")
db.end_session("B", "compression")
db.create_session("B2", source="telegram", parent_session_id="B")
say("B2", "Where to?", SUMMARY, "b2?", "b2.")
db.update_token_counts("B2", input_tokens=9, output_tokens=6, api_call_count=1)
db.close()
"""

REWOUND = """
half("A")
half("B")
say("A", "a1?", "a1.", "undone?", "undone.")
first = [row["id"] for row in db.get_messages("A") if row["content"] == "undone?"][0]
db.rewind_to_message("A", first)
say("B", "b1?", "b1.")
say("A", "a2?", "a2.")
db.close()
"""


def build(folder: Path, siblings: str, version: str = "0.16.0") -> Path:
    home = folder / "home"
    home.mkdir(parents=True)
    run_release(version, BUILD + siblings, home)
    return home


def words(home: Path, session: str, folder: Path, version: str = "0.19.0") -> list[str]:
    """Return what a release reads of a session, as the texts after its first three rows."""
    said = ask(version, {"home": home}, [session], [], folder)["home"]["said"][session]
    return [content or "(tool)" for _, content in said[3:]]


def test_the_user_says_which_half_goes_on(tmp_path: Path) -> None:
    home = build(tmp_path, THREE)
    before = fingerprint(home)
    seen = hermes_repair("forks", "--json", home=home).document["forks"]
    assert [fork["parent"] for fork in seen] == ["P"]
    assert (seen[0]["live"], seen[0]["by"], seen[0]["suggestion"]) == (None, "undecided", "C")
    refused = hermes_repair("forks", "--resolve", "branch", "--yes", home=home, code=4)
    assert "--keep C" in refused.err
    dry = hermes_repair("forks", "--resolve", "branch", "--keep", "A", "--dry-run", home=home)
    assert "keep A as the continuation of P" in dry.out
    hermes_repair("forks", "--resolve", "branch", "--keep", "A", home=home, code=4)  # no --yes
    assert fingerprint(home) == before, "looking and refusing change nothing"
    hermes_repair("forks", "--resolve", "branch", "--keep", "A", "--yes", home=home)
    for version in ("0.15.2", "0.17.0", "0.19.0"):
        answer = ask(version, {"home": home}, ["P"], ["Secret trip"], tmp_path / version)["home"]
        assert shown(answer) == ["A", "B", "C"]
        assert answer["tip"]["P"] == answer["titles"]["Secret trip"] == "A"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["nobody"], 2),
        (["--keep", "A"], 2),
        (["--resolve", "branch", "--keep", "P", "--yes"], 2),
        (["--resolve", "elsewhere"], 2),
        (["--resolve", "archive", "--keep", "A", "--yes"], 4),  # the others have words
    ],
)
def test_what_is_not_done(given: list[str], code: int, tmp_path: Path) -> None:
    home = build(tmp_path, THREE)
    before = fingerprint(home)
    said = hermes_repair("forks", *given, home=home, code=code)
    assert said.err.strip()
    told = hermes_repair("forks", *given, "--json", home=home, code=code).document
    assert told["error"]["exit_code"] == code
    assert fingerprint(home) == before


def test_three_halves_are_woven_into_one(tmp_path: Path) -> None:
    home = build(tmp_path, THREE)
    original = rows(home / "state.db")
    given = ("forks", "P", "--resolve", "merge", "--keep", "A")
    planned = hermes_repair(*given, "--dry-run", "--json", home=home).document
    (fork,) = planned["forks"]
    assert fork["resolution"]["merged"] == {"B": 4, "C": 4}
    assert fork["resolution"]["left_out"]["B"] == {"incomplete": 1}
    assert planned["plan"]["actions"][0]["safety"] == "unsafe"
    hermes_repair(*given, "--yes", home=home)
    sound(home / "state.db")
    expected = ["a1?", "a1.", "b1?", "(tool)", "secret files", "b1.", "c1?", "c1."]
    expected += ["a2?", "(tool)", "secret files", "a2.", "c2?", "c2."]
    for version in ("0.16.0", "0.17.0", "0.19.0"):
        assert words(home, "A", tmp_path / version, version) == expected
    answer = ask("0.18.2", {"home": home}, ["P"], ["Secret trip"], tmp_path / "asked")["home"]
    assert shown(answer) == ["A"]
    assert answer["tip"]["P"] == answer["titles"]["Secret trip"] == "A"
    counts = "SELECT message_count, tool_call_count FROM sessions WHERE id = 'A'"
    assert query_at_rest(home, counts) == [(17, 2)]
    hermes_repair("doctor", "--fail-on", "warning", home=home)
    hermes_repair("undo", "--yes", home=home)
    assert rows(home / "state.db") == original


def test_a_half_that_went_on_is_branched_and_not_merged(tmp_path: Path) -> None:
    home = build(tmp_path, CONTINUED)
    refused = hermes_repair(
        "forks", "--resolve", "merge", "--keep", "A", "--yes", home=home, code=4
    )
    assert "B was itself continued" in refused.err
    # Naming any member of a half names the fork.
    hermes_repair("forks", "B2", "--resolve", "branch", "--keep", "A", "--yes", home=home)
    answer = ask("0.19.0", {"home": home}, ["P", "B"], ["Secret trip"], tmp_path / "asked")["home"]
    assert answer["list"] == [["B", "B2"], ["P", "A"]]
    assert answer["resume"] == {"P": "A", "B": "B2"}
    assert answer["titles"]["Secret trip"] == "A"


def test_rows_that_were_undone_stay_undone_and_in_place(tmp_path: Path) -> None:
    home = build(tmp_path, REWOUND)
    kept = "SELECT content, active FROM messages WHERE session_id = 'A' ORDER BY id"
    before = query_at_rest(home, kept)
    hermes_repair("forks", "--resolve", "merge", "--keep", "A", "--yes", home=home)
    after = query_at_rest(home, kept)
    assert [row for row in after if row[0] not in ("b1?", "b1.")] == before
    assert words(home, "A", tmp_path / "asked") == ["a1?", "a1.", "b1?", "b1.", "a2?", "a2."]
    # The rewind left the count as it was; what came in is added.
    counted = query_at_rest(home, "SELECT message_count, rewind_count FROM sessions WHERE id = 'A'")
    assert counted == [(len(before) + 2, 1)]
    hermes_repair("doctor", "--select", "MS002", home=home)


def test_nothing_private_is_said_off_a_terminal(tmp_path: Path) -> None:
    home = build(tmp_path, THREE)
    told = [
        hermes_repair("forks", "--show-content", home=home).out,
        hermes_repair("forks", "--json", "--show-content", home=home).out,
        hermes_repair("tree", home=home).out,
        hermes_repair("tree", "--json", home=home).out,
        hermes_repair("tree", "--dot", home=home).out,
        hermes_repair("doctor", "--json", home=home, code=1).out,
    ]
    given = ("forks", "--resolve", "merge", "--keep", "A")
    told.append(hermes_repair(*given, "--dry-run", home=home).out)
    told.append(hermes_repair(*given, "--yes", "--json", home=home).out)
    for text in told:
        assert "ecret" not in text and "a1?" not in text


def test_beside_a_running_hermes_nothing_is_resolved(tmp_path: Path) -> None:
    home = build(tmp_path, THREE)
    process = start_release("0.16.0", HOLD, home)
    try:
        hear(process, "ready")
        hermes_repair("forks", "--json", home=home)
        refused: Any = hermes_repair(
            "forks", "--resolve", "branch", "--keep", "A", "--yes", home=home, code=4
        )
        assert str(process.pid) in refused.out + refused.err
        say(process, "go on")
        process.wait()
    finally:
        process.kill()
        process.wait()
    hermes_repair("forks", "--resolve", "branch", "--keep", "A", "--yes", home=home)


HOLD = """
import sys
from hermes_state import SessionDB
db = SessionDB()
db.append_message("P", "session_meta", None)
print("ready", flush=True)
sys.stdin.readline()
db.close()
"""


def test_the_kept_half_may_be_another_than_the_proven_one(tmp_path: Path) -> None:
    home = build(tmp_path, CONTINUED)
    other = copy_home(home, tmp_path / "other")
    hermes_repair("forks", "--resolve", "branch", "--keep", "B", "--yes", home=other)
    answer = ask("0.19.0", {"home": other}, ["P"], ["Secret trip"], tmp_path / "asked")["home"]
    assert answer["list"] == [["A", "A"], ["P", "B2"]]
