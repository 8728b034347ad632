"""What can be merged, how it is read, and what is said of anything else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_bad_input import dropped, needs_root
from tests.command import Ran, run
from tests.engine.pages import Pages
from tests.homes.content import files
from tests.homes.home import execute, query
from tests.merge.homes import BEGIN, base, captured, merge, play, view
from tests.releases import run_release
from tests.releases.session_db import session_db

NEWEST = "0.19.0"
LONG = """
for number in range(40):
    say("choir", f"question {number} " + "x" * 300)
"""
SPLIT = """
say("choir", "in the wal")
say("lost", *(f"word {number}" for number in range(20)), source="telegram")
"""


def brought(done: Ran) -> dict[str, str]:
    return {
        one["session"]: one["verdict"]
        for source in done.document["sources"]
        for one in source["brought"]
    }


def test_a_captured_wal_with_the_main_file_of_its_moment(tmp_path: Path) -> None:
    home, _ = base(NEWEST, tmp_path)
    play(NEWEST, home, LONG)
    capture = captured(NEWEST, home, SPLIT, "101")
    before = files(capture)
    done = merge(home, capture)
    assert done.code == 0 and brought(done) == {"choir": "continued", "lost": "new"}
    assert done.document["sources"][0]["kind"] == "captured -wal"
    shown = view(NEWEST, home)
    assert [words for _, words in shown["choir"]][-2:] == ["in the wal", "re: in the wal"]
    assert len(shown["choir"]) == 86 and len(shown["lost"]) == 40
    assert files(capture) == before


@pytest.mark.parametrize("main", [True, False])
def test_a_captured_wal_whose_main_file_went_on(main: bool, tmp_path: Path) -> None:
    home, _ = base(NEWEST, tmp_path)
    play(NEWEST, home, LONG)
    capture = captured(NEWEST, home, SPLIT, "102", main=False)
    play(NEWEST, home, 'say("choir", "after the split")\nsay("later", "one")')
    if main:  # SQLite finds it sound, and without the rows that were written since
        shutil.copyfile(home / "state.db", capture / "state.db")
    before = view(NEWEST, home)
    done = merge(home, capture)
    assert done.code == 4 and brought(done) == {"lost": "new"}
    [asked] = done.document["still_left"]
    assert asked["session"] == "choir" and asked["reason"] == "partial-source"
    after = view(NEWEST, home)
    assert {name: after[name] for name in before} == before and len(after["lost"]) == 40
    named = merge(home, capture, "--session", "choir")
    assert named.code == 0
    after = view(NEWEST, home)
    assert {name: after[name] for name in before} == before
    assert [words for _, words in after[asked["into"]]][-2:] == ["in the wal", "re: in the wal"]
    assert len(after[asked["into"]]) == 86


EXPORTED = """
say("spoken", "one", "two")
db.append_message("spoken", "user", [{"type": "text", "text": "look"}])
db.append_message("spoken", "assistant", "a tool", tool_calls=[
    {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}])
db.append_message("spoken", "tool", "files", tool_call_id="c1", tool_name="ls")
db.set_session_title("spoken", "Spoken")
"""
EXPORT = """
with open(sys.argv[1], "w", encoding="utf-8") as out:
    for session in db.export_all():
        out.write(json.dumps(session, ensure_ascii=False) + "\\n")
"""


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_an_export_of_hermes(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, other, EXPORTED)
    export = tmp_path / "export.jsonl"
    run_release(version, BEGIN + EXPORT, other, str(export))
    done = merge(home, export)
    assert done.code == 0 and brought(done) == {"spoken": "new"}
    assert done.document["sources"][0]["notes"]  # what the format lacks is said
    assert view(version, home) == view(version, other)
    assert merge(home, export).document["receipt"] is None


def exported(version: str, home: Path, name: str) -> Path:
    export = home.parent / name
    run_release(version, BEGIN + EXPORT, home, str(export))
    return export


def test_an_export_is_known_again_where_its_messages_have_lower_ids_here(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, home, 'say("choir", "here")')
    play(NEWEST, other, 'say("filler", "so", "that", "ids")\nsay("new", "are", "higher")')
    play(NEWEST, other, 'db.delete_session("filler")')
    export = exported(NEWEST, other, "export.jsonl")
    assert brought(merge(home, export)) == {"new": "new"}
    again = merge(home, export)
    assert again.code == 0 and again.document["receipt"] is None
    play(NEWEST, other, 'say("new", "more")')
    assert brought(merge(home, exported(NEWEST, other, "later.jsonl"))) == {"new": "continued"}
    assert view(NEWEST, home)["new"] == view(NEWEST, other)["new"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_exports_in_one_file(order: tuple[int, ...], tmp_path: Path) -> None:
    """Two of one machine, of two moments, and one of another, which gave ids and a title again."""
    home, other = base(NEWEST, tmp_path)
    third = play(NEWEST, tmp_path / "third", 'say("theirs", "a", "b")')
    titled = 'db.set_session_title("{}", "Same")'
    play(NEWEST, third, titled.format("theirs"))
    play(NEWEST, other, f'say("new", "one")\n{titled.format("new")}')
    parts = [exported(NEWEST, other, "first"), exported(NEWEST, third, "third.jsonl")]
    play(NEWEST, other, 'say("new", "two")')
    parts.append(exported(NEWEST, other, "second"))
    export = tmp_path / "all.jsonl"
    export.write_text("".join(parts[number].read_text() for number in order), encoding="utf-8")
    assert brought(merge(home, export)) == {"new": "new", "theirs": "new"}
    assert view(NEWEST, home) == {**view(NEWEST, other), **view(NEWEST, third)}
    titles = {title for (title,) in query(home, "SELECT title FROM sessions")}
    assert len(titles) == 4 and {"Choir", "Same", None} < titles


def test_an_export_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, home, 'say("choir", "ours")')
    play(NEWEST, other, 'say("choir", "theirs")')
    parts = [exported(NEWEST, one, one.name + ".jsonl") for one in (home, other)]
    both = tmp_path / "both.jsonl"
    both.write_text("".join(part.read_text() for part in parts), encoding="utf-8")
    refused = merge(home, both)
    assert refused.code == 4 and "twice" in refused.document["error"]["message"]


@pytest.mark.parametrize("wal", [b"", bytes(32), bytes(5000)])
def test_a_home_whose_wal_holds_nothing_is_a_source(wal: bytes, tmp_path: Path) -> None:
    """A process that was killed between its writes leaves an empty one."""
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, 'say("new", "one")')
    (other / "state.db-wal").write_bytes(wal)
    done = merge(home, other)
    assert done.code == 0 and brought(done) == {"new": "new"}, done


def test_a_lineage_that_the_dashboard_exported(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    play(
        NEWEST,
        other,
        """
say("root", "long ago")
db.end_session("root", "compression")
db.create_session("tip", source="cli", parent_session_id="root")
say("tip", "now")
""",
    )
    export = tmp_path / "lineage.json"
    lineage = BEGIN + (
        "json.dump(db.export_session_lineage('tip'), open(sys.argv[1], 'w'), indent=1)"
    )
    run_release(NEWEST, lineage, other, str(export))
    assert brought(merge(home, export)) == {"root": "new", "tip": "new"}
    assert view(NEWEST, home) == view(NEWEST, other)


def test_files_with_the_same_bytes_are_read_once(tmp_path: Path) -> None:
    """Hermes kept 505 copies of two states of one home (#86747)."""
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, 'say("new", "one")')
    copies = [shutil.copyfile(other / "state.db", tmp_path / f"{name}.db") for name in "abc"]
    play(NEWEST, other, 'say("newer", "two")')
    copies.append(shutil.copyfile(other / "state.db", tmp_path / "d.db"))
    salvaged = shutil.copyfile(copies[0], tmp_path / "e.db")
    salvaged.with_name(f"{salvaged.name}.ledger.json").write_text("{}", encoding="utf-8")
    done = merge(home, *copies, salvaged)
    assert done.code == 0, done
    assert brought(done) == {"new": "new", "newer": "new"}
    notes = {Path(one["name"]).name: one["notes"] for one in done.document["sources"]}
    assert notes.keys() == {"a.db", "d.db", "e.db"}
    assert notes["a.db"] == ["2 other files that you named have the same bytes."]
    assert view(NEWEST, home) == view(NEWEST, other)


def test_an_old_copy_comes_to_the_schema_of_the_home(tmp_path: Path) -> None:
    """0.17.0 to 0.19.0 resume an unmarked delegate's run in the place of the chat above it."""
    old = play(
        "0.14.0",
        tmp_path / "old",
        """
say("asked", "how many photos?")
db.create_session("helper", source="subagent", parent_session_id="asked")
for part in range(3):
    db.append_message("helper", "user", "count them")
    db.append_message("helper", "tool", "ls", tool_name="ls", tool_call_id="c")
    db.append_message("helper", "assistant", "nine")
""",
    )
    (old / "sessions").mkdir(exist_ok=True)
    home, _ = base(NEWEST, tmp_path)
    before = view(NEWEST, home)
    before_old = files(old)
    done = merge(home, old)
    assert done.code == 0 and brought(done) == {"asked": "new", "helper": "new"}
    assert done.document["sources"][0]["schema"] == 11
    asked = [["user", "how many photos?"], ["assistant", "re: how many photos?"]]
    assert view(NEWEST, home) == {**before, "asked": asked}
    assert files(old) == before_old
    assert run("doctor", home=home).code == 0


def test_a_damaged_source_is_salvaged_first(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, LONG + 'say("new", "one", "two")')
    database = other / "state.db"
    data = bytearray(database.read_bytes())
    data[:4096] = bytes(4096)  # the first page: SQLite does not open it at all
    database.write_bytes(data)
    done = merge(home, other)
    assert "new" in brought(done), done
    [source] = done.document["sources"]
    assert source["partial"] and any("damaged" in note for note in source["notes"])
    assert len(view(NEWEST, home)["new"]) == 4
    assert database.read_bytes() == data


LIKE_HOME = "UPDATE sessions SET model = 'ours', ended_at = 5.0, end_reason = 'cli_close'"


@pytest.mark.parametrize("salvaged", ["by the merge", "before"])
def test_a_session_whose_row_was_lost_takes_nothing_from_the_home(
    salvaged: str, tmp_path: Path
) -> None:
    """The row that salvage makes for its messages has neither a model nor an end."""
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, 'say("choir", "more")')
    execute(home, LIKE_HOME)
    database = other / "state.db"
    [[root]] = query(other, "SELECT rootpage FROM sqlite_master WHERE name = 'sessions'")
    data = bytearray(database.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    database.write_bytes(data)
    source = tmp_path / "salvaged.db" if salvaged == "before" else other
    if salvaged == "before":
        assert run("salvage", "--out", source, home=other).code in (0, 4)
    assert brought(merge(home, source)) == {"choir": "continued"}
    asked = "SELECT title, model, end_reason, message_count FROM sessions WHERE id = 'choir'"
    assert query(home, asked) == [("Choir", "ours", "cli_close", 6)]


def test_a_home_that_hermes_has_open_is_read_beside_it(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    with session_db(other, version=NEWEST):
        done = merge(home, other)
        assert done.code == 0 and brought(done) == {"s1": "new"}
    with session_db(home, version=NEWEST) as pid:
        refused = merge(home, other)
        assert refused.code == 4 and str(pid) in refused.document["error"]["message"]
        look = run("merge", other, "--dry-run", "--json", home=home)
        assert look.code in (0, 4) and look.document["sources"]


def said(done: Ran) -> str:
    error = done.document["error"]
    assert error["hint"], error
    return str(error["message"])


def test_what_is_no_source_is_said_in_a_sentence(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    database = home / "state.db"
    link, hard = tmp_path / "link", tmp_path / "hard.db"
    link.symlink_to(home)
    os.link(database, hard)
    for itself in (home, database, link, hard):
        done = merge(home, itself)
        assert done.code == 2 and "itself" in said(done), itself
    done = merge(home, tmp_path / "nowhere")
    assert done.code == 2 and "does not exist" in said(done)
    empty, text, alien = tmp_path / "empty", tmp_path / "text", tmp_path / "alien.db"
    empty.write_bytes(b"")
    text.write_text("Dear diary, " * 2000, encoding="utf-8")
    with closing(sqlite3.connect(alien)) as db:
        db.execute("CREATE TABLE songs (title)")
    (tmp_path / "bare").mkdir()
    torn = tmp_path / "torn.json"
    torn.write_text('{"id": "x", "messages": [', encoding="utf-8")
    other_json = tmp_path / "other.json"
    other_json.write_text('{"songs": 3}', encoding="utf-8")
    for path, words in (
        (empty, "is empty"),
        (text, "has nothing of a database"),
        (alien, "no database of Hermes"),
        (tmp_path / "bare", "has no state.db"),
        (torn, "no export"),
        (other_json, "no export"),
        (Path("/dev/null"), "not a regular file"),
    ):
        done = merge(home, path)
        assert done.code == 4 and words in said(done), (path, done)
    done = merge(home, other, "--session", "nobody")
    assert done.code == 2 and "nobody" in said(done)
    assert not (home / "hermes-repair").exists() or not list((home / "hermes-repair").rglob("*.db"))


def test_a_source_that_is_newer_than_the_home(tmp_path: Path) -> None:
    home = play("0.16.0", tmp_path / "home", 'say("a", "b")')
    other = play(NEWEST, tmp_path / "other", 'say("c", "d")')
    done = merge(home, other)
    assert done.code == 4 and "schema 22" in said(done)
    assert "migrate" in done.document["error"]["hint"]


@needs_root
def test_what_may_not_be_read(open_folder: Path) -> None:
    home, other = base(NEWEST, open_folder)
    for path in (home, *home.rglob("*"), other):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (other / "state.db").chmod(0o600)
    (done,) = dropped(home, ["merge", str(other), "--dry-run"])
    assert done.code == 4 and "This user may not read" in done.err
    assert str(other / "state.db") in done.err and len(done.err.splitlines()) == 2


def test_a_full_disk_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, LONG)
    before = files(home, but="hermes-repair")
    done = run("merge", other, "--yes", "--json", home=home, largest=40_000)
    assert done.code == 4 and json.loads(done.out)["error"]["message"]
    assert files(home, but="hermes-repair") == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sessions SET title = CAST(x'ff41' AS TEXT) WHERE id = 'strange'",
        "UPDATE sessions SET model_config = '{' WHERE id = 'strange'",
        "UPDATE messages SET content = CAST(x'ff41' AS TEXT) WHERE session_id = 'strange'",
        "UPDATE sessions SET source = x'0102' WHERE id = 'strange'",
    ],
)
def test_a_value_that_no_hermes_can_read_stays_there(damage: str, tmp_path: Path) -> None:
    """One such row, and lists of 0.19.0 fail for every chat of the home."""
    home, other = base(NEWEST, tmp_path)
    play(NEWEST, other, 'say("strange", "one")')
    with closing(sqlite3.connect(other / "state.db")) as db, db:
        assert db.execute(damage).rowcount
    before = view(NEWEST, home)
    done = run("merge", str(other), "--yes", home=home)
    assert done.code == 4 and "it has a value that no Hermes can read" in done.out, done
    assert view(NEWEST, home) == before


def test_a_source_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    """That it has nothing new was not seen: all its messages are lost."""
    home, other = base(NEWEST, tmp_path)
    pages = Pages(other)
    for page in pages.tree(pages.roots["messages"])[-1]:
        pages[page] = b"\xaa" * pages.size
    pages.write()
    done = run("merge", other, "--yes", home=home)
    assert done.code == 4 and "none of its messages can be read" in done.err, done
    assert f"hermes-repair copies --home {home}" in done.err
    seen = run("copies", other, home=home)
    assert "none of its messages can be read" in seen.out and "has nothing" not in seen.out


def test_a_home_without_the_mark_of_its_ids_is_asked(tmp_path: Path) -> None:
    """Salvage could not read how far ids had gone: what was deleted last would seem to be new."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'db.delete_session("garden")')
    pages = Pages(home)
    pages[pages.roots["sqlite_sequence"]] = b"\xaa" * pages.size
    pages.write()
    made = tmp_path / "made"
    made.mkdir()
    assert run("salvage", "--out", made / "state.db", home=home).code == 4
    play("0.19.0", made, 'say("mine", "later")')
    done = merge(made, other)
    assert done.code == 4 and done.document["receipt"] is None
    assert [one["session"] for one in done.document["still_left"]] == ["garden"]
