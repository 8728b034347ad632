"""What ``find`` says of Hermes' search is what ``search_messages`` of that release returns."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.schema.search_query import Way, read_query, rules_of
from tests.command import run
from tests.homes.content import fingerprint
from tests.releases import run_release
from tests.search.test_search_index import a_home, opened

RELEASES = {"0.13.0": 11, "0.16.0": 14, "0.17.0": 16, "0.18.2": 19, "0.19.0": 22}
WRITE = """
from hermes_state import SessionDB

db = SessionDB()
market = "北京市场"
for number in range(4):
    chat = f"chat{number}"
    db.create_session(chat, source="cli")
    for turn in range(6):
        say = f"I don't know marker{number}x{turn}; why a/b or P2.{turn}?"
        db.append_message(chat, "user", say)
        call = [{"id": "c", "function": {"name": "find", "arguments": f"argument{turn}"}}]
        db.append_message(chat, "assistant", "", tool_calls=call)
        result = f"result{turn} TODO: AND"
        db.append_message(chat, "tool", result, tool_name="find", tool_call_id="c")
        db.append_message(chat, "assistant", "Mail x@y.z, 100% of äußerst #tag 😀.")
    db.append_message(chat, "user", f"我在{market} ab marker{number}")
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    content = [{"type": "text", "text": f"marker in {market}, äther"}, picture]
    db.append_message(chat, "user", content)
for chat, source in (("timer", "cron"), ("helper", "subagent"), ("internal", "tool")):
    db.create_session(chat, source=source, parent_session_id="chat0")
    db.append_message(chat, "user", f"Count marker0x1 for don't, {market}")
if hasattr(db, "rewind_to_message"):
    db.create_session("undone", source="cli")
    first = db.append_message("undone", "user", f"Buy marker0x1 in {market}, 市场.")
    db.append_message("undone", "assistant", "Done.")
    db.rewind_to_message("undone", first)
if hasattr(db, "archive_and_compact"):
    db.create_session("compacted", source="cli")
    db.append_message("compacted", "user", f"Cook marker0x1 in {market}, 市场.")
    db.archive_and_compact("compacted", [{"role": "user", "content": "A summary: marker0x1."}])
db.close()
"""
SEARCH = """
import json
import sys
from pathlib import Path

from hermes_state import SessionDB

db = SessionDB(Path(sys.argv[1]) / "state.db")
print(json.dumps({
    words: sorted(row["id"] for row in db.search_messages(words, limit=5000))
    for words in sys.argv[2:]
}))
db.close()
"""
READ = """
import json
import sys

from hermes_state import SessionDB

typed = json.load(open(sys.argv[1], encoding="utf-8"))
print(json.dumps([SessionDB._sanitize_fts5_query(words) for words in typed]))
"""
WORDS = (
    "marker0x1",
    "marker0x1 know",
    "MARKER0X1",
    "marker",
    "marker*",
    "don't",
    '"don\'t"',
    "don",
    "a/b",
    "P2.2",
    "x@y.z",
    "100%",
    "#tag",
    "TODO:",
    "todo: and",
    "AND",
    "result3",
    "result3 OR",
    "äußerst",
    "äther",
    "😀",
    "北京市场",
    "北京市",
    "市场",
    "北京市场 ab",
    "北京市 marker0",
    "市场 ab",
    "(marker0x1)",
    "-marker0x1",
    "mail",
)


def places(home: Path, words: str) -> list[dict[str, Any]]:
    before = fingerprint(home)
    ran = run("find", "--json", "--home", home, "--", words)
    assert ran.code == 0, ran.out + ran.err
    assert fingerprint(home) == before
    return [place for place in ran.document["places"] if place["where"] == "database"]


def require_the_same(release: str, home: Path, words: tuple[str, ...]) -> dict[str, set[str]]:
    """Hold every answer of ``find`` against the release's own; return the reasons given."""
    told = {each: places(home, each) for each in words}
    shown = json.loads(run_release(release, SEARCH, home, str(home), *words))
    for each, listed in told.items():
        ids = {place["id"] for place in listed}
        says = {place["id"] for place in listed if place["search"]}
        assert says == ids & set(shown[each]), (each, listed)
        assert all(place["search"] is not None for place in listed), (each, listed)
    return {each: {place["search_reason"] for place in listed} for each, listed in told.items()}


@pytest.mark.parametrize("release", RELEASES)
def test_a_query_is_read_as_the_release_reads_it(release: str, tmp_path: Path) -> None:
    chance = random.Random(12)
    parts = ['"', "*", "+", ":", "^", "{", ")", "AND", "or", " NOT ", " ", "  ", "a", "b_c", "d.e"]
    parts += ["f-g", "é", "'", "/", "%", "\t", "-", "Word ", "0", "\\", "n.", ".h"]
    typed = ["".join(chance.choices(parts, k=chance.randint(1, 9))) for _ in range(3000)]
    typed += ["long " * 600, '"open ' * 500]
    (tmp_path / "typed").write_text(json.dumps(typed), encoding="utf-8")
    read = json.loads(run_release(release, READ, tmp_path, str(tmp_path / "typed")))
    for words, expected in zip(typed, read, strict=True):
        query = read_query(words, rules_of(RELEASES[release]))
        assert query.match == expected, words
        assert (query.way is Way.NOWHERE) == (not expected), words


@pytest.mark.parametrize("release", ["0.13.0", "0.16.0", "0.18.2", "0.19.0"])
def test_find_says_what_the_release_shows(release: str, tmp_path: Path) -> None:
    run_release(release, WRITE, tmp_path)
    reasons = require_the_same(release, tmp_path, WORDS)
    assert reasons["don't"] == reasons["a/b"] == reasons["AND"] == {"query"}
    assert "stored-as-json" in reasons["北京市场"]
    assert reasons["marker"] - {"undone"} == {"other-words", ""}
    assert reasons["mail"] == {""}
    assert "" in reasons["北京市场 ab"]
    assert ("undone" in reasons["marker0x1"]) == (release != "0.13.0")
    assert "compacted" not in reasons["marker0x1"]
    assert "not-for-the-agent" in reasons["marker0x1"]
    with opened(tmp_path) as db:
        db.execute("DELETE FROM messages_fts WHERE rowid % 3 = 0")
        db.execute("DELETE FROM messages_fts_trigram WHERE rowid % 3 = 1")
    reasons = require_the_same(release, tmp_path, ("know", "北京市场"))
    assert all("not-indexed" in each for each in reasons.values())


def test_the_installed_hermes_counts(tmp_path: Path) -> None:
    run_release("0.19.0", WRITE, tmp_path)
    (tmp_path / "hermes-agent").mkdir()
    (tmp_path / "hermes-agent" / "hermes_state.py").write_text("SCHEMA_VERSION = 14\n")
    reasons = require_the_same("0.16.0", tmp_path, ("marker0x1", "市场", "TODO:"))
    assert {"compacted", "undone"} <= reasons["marker0x1"]
    assert reasons["市场"] == {"", "not-for-the-agent", "stored-as-json"}
    assert reasons["TODO:"] == {"query"}


def test_an_update_is_still_to_be_opened(tmp_path: Path) -> None:
    """0.19.0 takes the index of 0.13.0 over as it is, gaps included."""
    run_release("0.13.0", WRITE, tmp_path)
    (tmp_path / "hermes-agent").mkdir()
    (tmp_path / "hermes-agent" / "hermes_state.py").write_text("SCHEMA_VERSION = 22\n")
    with opened(tmp_path) as db:
        db.execute("DELETE FROM messages_fts WHERE rowid % 3 = 0")
    reasons = require_the_same("0.19.0", tmp_path, ("know", "marker0x1", "北京市场", "TODO:"))
    assert "not-indexed" in reasons["know"]


@pytest.mark.parametrize("release", ["0.13.0", "0.16.0", "0.19.0"])
def test_without_a_trigger(release: str, tmp_path: Path) -> None:
    """0.16.0 and later mend what is missing when they open it, so no answer of today holds."""
    run_release(release, WRITE, tmp_path)
    with opened(tmp_path) as db:
        db.execute("DROP TRIGGER messages_fts_insert")
        db.execute(
            "INSERT INTO messages(session_id, role, content, timestamp)"
            " VALUES ('chat0', 'user', 'quince', 1)"
        )
    if release == "0.13.0":
        assert require_the_same(release, tmp_path, ("quince",))["quince"] == {"not-indexed"}
        return
    (place,) = places(tmp_path, "quince")
    assert (place["search"], place["search_reason"]) == (None, "rebuilding")
    shown = json.loads(run_release(release, SEARCH, tmp_path, str(tmp_path), "quince"))
    assert shown["quince"] == [place["id"]]
    assert require_the_same(release, tmp_path, ("quince",))["quince"] == {""}


def test_a_damaged_index_leaves_it_open(tmp_path: Path) -> None:
    home = a_home(tmp_path, "v24")
    with opened(home) as db:
        db.executescript(EXTRA)
        huge = "市场" * 400 + " 市场" * 400
        db.execute("UPDATE messages SET content = content || ? WHERE id = 9001", [huge])
        db.execute("DELETE FROM messages_fts_data WHERE id = 10")
    # Without the structure record of one of its tables no Hermes even starts.
    for words in ("quince " + huge, "quince", "北京市场"):
        said = {(place["search"], place["search_reason"]) for place in places(home, words)}
        assert said == {(None, "index-damaged")}


EXTRA = """
INSERT INTO sessions(id, source, started_at) VALUES ('talk', 'cli', 1), ('timer', 'cron', 1);
INSERT INTO messages(id, session_id, role, content, timestamp) VALUES
    (9001, 'talk', 'user', 'quince and 北京市场', 1),
    (9002, 'talk', 'tool', 'quince and 北京市场', 2),
    (9003, 'timer', 'user', 'quince and 北京市场', 3),
    (9004, 'talk', 'tool', printf('%.*c', 9000, ' ') || 'quince', 4),
    (9005, 'nobody', 'user', 'quince', 5);
"""


@pytest.mark.parametrize(
    ("database", "cut", "left_out"),
    [("v24", "", {"", "tool-left-out"}), ("r30", "cut", {"", "tool-left-out", "session-left-out"})],
)
def test_what_a_later_layout_leaves_out(
    database: str, cut: str, left_out: set[str], tmp_path: Path
) -> None:
    home = a_home(tmp_path, database)
    with opened(home) as db:
        db.executescript(EXTRA)
    reasons = require_the_same("0.19.0", home, ("quince", "北京市场"))
    assert {"no-session", cut} <= reasons["quince"]
    assert reasons["北京市场"] == left_out


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        ("('fts_rebuild_high_water', '9003'), ('fts_rebuild_progress', '100')", "rebuilding"),
        ("('fts_rebuild_high_water', '200'), ('fts_rebuild_progress', '100')", "not-indexed"),
        ("('fts_stale', '1')", "rebuilding"),
    ],
)
def test_while_hermes_fills_the_index(marks: str, reason: str, tmp_path: Path) -> None:
    home = a_home(tmp_path, "v24")
    with opened(home) as db:
        db.executescript(EXTRA)
        db.execute("INSERT INTO messages_fts(messages_fts) VALUES ('delete-all')")
        db.execute(f"INSERT INTO state_meta(key, value) VALUES {marks}")
    told = {place["id"]: place["search_reason"] for place in places(home, "quince")}
    last = reason if "stale" in marks else "not-indexed"
    assert told == {9001: reason, 9002: reason, 9003: reason, 9004: last, 9005: "no-session"}


def test_what_a_reader_is_told(tmp_path: Path) -> None:
    home = a_home(tmp_path, "r30")
    with opened(home) as db:
        db.executescript(EXTRA)
    lines = run("find", "--home", home, "--", "quince").out
    inside = "in the database ✓"
    assert f"1970-01-01, user: {inside} (id 9001, found by Hermes)\n" in lines
    assert f"1970-01-01, tool: {inside} (id 9002, found by Hermes, not by the agent's" in lines
    assert f"{inside} (id 9004, not found by Hermes: of a long tool result" in lines
    assert "user: in the database (id 9005, not found by Hermes: its session is gone)" in lines
    assert lines.endswith(f"Next: hermes-repair doctor --home {home}\n")
    told = run("find", "--home", home, "--", "and 北京市场").out
    assert f"{inside} (id 9002, not found by Hermes: this index has no tool" in told
    assert f"{inside} (id 9003, not found by Hermes: this index has no runs" in told
