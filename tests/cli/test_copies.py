"""``copies``: every copy is named, held against the home, and nothing is changed by looking."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.app import copies as app
from hermes_repair.app.cache_files import read_cache, write_cache
from hermes_repair.app.known_copies import Inspected
from hermes_repair.app.remembered_copies import MOST
from hermes_repair.evidence import kept_copies
from hermes_repair.home.other_databases import DatabaseCopy
from tests.cli.speaking import assert_document, say
from tests.homes.content import fingerprint
from tests.homes.home import new_home, opened
from tests.homes.small import HEALTHY, SECRET, add_session

Capture = pytest.CaptureFixture[str]
NEW = "20260606_080000_abababab"
HERE = "20260607_080000_cdcdcdcd"


@pytest.fixture(autouse=True)
def _user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two chats."""
    root = tmp_path / "home"
    with new_home(root, 14) as db:
        add_session(db, HEALTHY, [("user", "hello", 1.0), ("assistant", "good day", 1.1)])
        add_session(db, "gone", [("user", SECRET, 2.0), ("assistant", "indeed", 2.1)])
    return root


def write(database: Path, session: str, day: float, *texts: str) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        roles = ("user", "assistant")
        messages = [(roles[n % 2], text, day + n / 10) for n, text in enumerate(texts)]
        add_session(db, session, messages)
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def delete(home: Path, session: str) -> None:
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE session_id = ?", (session,))
        db.execute("DELETE FROM sessions WHERE id = ?", (session,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copied(home: Path, name: str = "state.db.bak") -> Path:
    target = home / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(home / "state.db", target))


def listed(capsys: Capture, home: Path, *more: str | Path) -> dict[str, dict[str, Any]]:
    """Return what ``copies`` says of each file, by its path in the home; nothing is changed."""
    before = fingerprint(home)
    said = say(capsys, "copies", *more, "--home", home, "--json")
    assert said.code == 0 and said.err == "", said
    assert_document("copies", said.document)
    assert SECRET not in said.out
    assert fingerprint(home) == before, "looking changed the home (R1)"
    return {os.path.relpath(one["path"], home): one for one in said.document["copies"]}


def findings(capsys: Capture, home: Path, *more: str) -> dict[str, Any]:
    before = fingerprint(home)
    document = say(capsys, "doctor", "--home", home, "--json", *more).document
    assert fingerprint(home) == before, "looking changed the home (R1)"
    found = [one for one in document["findings"] if one["id"].startswith("CP")]
    assert len(found) == len({one["id"] for one in found}), found
    return {one["id"]: one for one in found}


def test_a_chat_that_only_a_copy_has(home: Path, capsys: Capture) -> None:
    bak = copied(home)
    write(bak, NEW, 6.0, "how far is it?", "two hours")
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    one = listed(capsys, home)["state.db.bak"]
    assert (one["kind"], one["state"], one["relation"]) == ("copy", "sound", "apart")
    assert (one["schema"], one["sessions"], one["messages"]) == (14, 3, 6)
    assert one["alone"]["never_here"] == {"sessions": [NEW], "messages": 2}
    assert one["alone"]["removed_or_lost"]["messages"] == one["alone"]["unknown"]["messages"] == 0
    assert (one["brought"], one["asked"]) == ([NEW], [])
    found = findings(capsys, home)["CP001"]
    assert (found["severity"], found["data"]["sessions"]) == ("error", [NEW])
    said = say(capsys, "copies", "--home", home).out
    assert f"never here            1 chat, 2 messages\n      {NEW} [2026-06-06, telegram, " in said
    assert f"hermes-repair merge --home {home} {bak}" in said


def test_a_chat_that_was_deleted_here(home: Path, capsys: Capture) -> None:
    copied(home)
    delete(home, "gone")
    one = listed(capsys, home)["state.db.bak"]
    assert one["relation"] == "ancestor"
    assert one["alone"]["removed_or_lost"] == {"sessions": ["gone"], "messages": 2}
    assert (one["brought"], one["asked"]) == ([], ["gone"])
    found = findings(capsys, home)["CP001"]
    assert (found["severity"], found["repair"]) == ("info", "none")
    assert found["data"]["sessions"] == ["gone"]


def test_older_copies_with_nothing_of_their_own_are_no_finding(home: Path, capsys: Capture) -> None:
    for number in range(3):
        copied(home, f"state-snapshots/2026061{number}-090000/state.db")
        write(home / "state.db", f"later-{number}", 7.0 + number, "one", "two")
    assert findings(capsys, home) == {}
    said = say(capsys, "copies", "--home", home).out
    assert said.count("it has nothing that is not here") == 3 and "merge" not in said


def test_what_came_before_a_restore_is_no_error(home: Path, capsys: Capture) -> None:
    bak = copied(home)
    write(home / "state.db", NEW, 6.0, "how far is it?", "two hours")
    assert say(capsys, "restore", bak, "--home", home, "--yes").code == 0
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    assert findings(capsys, home)["CP001"]["severity"] == "info"
    (name,) = [name for name in listed(capsys, home) if "before-restore" in name]
    one = listed(capsys, home)[name]
    assert one["alone"]["removed_or_lost"] == {"sessions": [NEW], "messages": 2}
    assert one["alone"]["never_here"]["messages"] == 0


def test_the_same_bytes_are_read_once_and_told_once(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"state.db.malformed-backup-20260601_{n:06d}" for n in range(500)]
    for name in names:
        copied(home, name)
    other = copied(home, "state.db.malformed-backup-20260602_000000")
    write(other, NEW, 6.0, "how far is it?", "two hours")
    read: list[DatabaseCopy] = []
    inspect = app._inspect

    def count(copy: DatabaseCopy) -> Inspected:
        read.append(copy)
        return inspect(copy)

    monkeypatch.setattr(app, "_inspect", count)
    found = listed(capsys, home)
    assert len(found) == 501 and len(read) == 2
    assert sum(one["same_as"] is None for one in found.values()) == 2
    said = say(capsys, "copies", "--home", home).out
    assert "501 copies, 2 different" in said and "and 499 other copies with the same bytes" in said
    assert len(said.splitlines()) < 20
    data = findings(capsys, home)["CP004"]["data"]
    assert (data["copies"], data["states"]) == (501, 2)
    places = say(capsys, "find", "heron", "--home", home, "--json").document
    assert len(places["places"]) == 7, "the database, five copies of one state, one of the other"
    assert "the same bytes as 499 other copies" in places["notes"][0]


def test_the_second_look_reads_nothing_again(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bak = copied(home)
    write(bak, NEW, 6.0, "how far is it?", "two hours")
    copied(home, "state.db.old")
    copied(home, "state.db.older")
    monkeypatch.setattr("hermes_repair.app.remembered_copies.SETTLED_SECONDS", -1.0)
    first = listed(capsys, home)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this was read before")

    with monkeypatch.context() as context:
        for name in ("sample", "digest", "_inspect", "held_against"):
            context.setattr(app, name, refuse)
        assert listed(capsys, home) == first
    write(bak, HERE, 7.0, "and by train?", "one")
    assert listed(capsys, home)["state.db.bak"]["messages"] == 8


def test_what_is_remembered_is_private_and_dropped_when_in_doubt(
    home: Path, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hermes_repair.app.remembered_copies.SETTLED_SECONDS", -1.0)
    delete(home, "gone")
    copied(home)
    first = listed(capsys, home)
    (memory,) = (tmp_path / "cache" / "hermes-repair" / "copies").iterdir()
    assert memory.stat().st_mode & 0o777 == 0o600
    assert memory.parent.stat().st_mode & 0o777 == 0o700
    assert SECRET not in memory.read_text("ascii")
    kept = memory.read_text("ascii")
    for bad in ("{torn", "[]", kept.replace("hermes-repair", "other", 1), kept[:-1] + " "):
        memory.write_text(bad)
        assert listed(capsys, home) == first
    known = read_cache(memory, MOST)
    assert known
    write_cache(memory, {key: {"state": "odd", "relation": 7} for key in known}, MOST)
    assert listed(capsys, home) == first
    write_cache(memory, dict.fromkeys(known, 7), MOST)
    assert listed(capsys, home) == first
    memory.unlink()
    memory.parent.chmod(0o500)
    assert listed(capsys, home) == first


def test_where_nothing_can_be_remembered_the_look_is_the_same(
    home: Path, capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    copied(home)
    assert listed(capsys, home)["state.db.bak"]["relation"] == "identical"


def test_a_home_without_a_database_that_can_be_read(home: Path, capsys: Capture) -> None:
    copied(home)
    (home / "state.db").write_bytes(b"no database" * 500)
    one = listed(capsys, home)["state.db.bak"]
    assert (one["state"], one["relation"], one["alone"]) == ("sound", None, None)
    said = say(capsys, "copies", "--home", home)
    assert said.code == 0 and "was not compared: state.db cannot be read" in said.out
    assert f"hermes-repair restore --home {home} {home / 'state.db.bak'}" in said.out
    (home / "state.db").unlink()
    assert listed(capsys, home)["state.db.bak"]["state"] == "sound"


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
def test_files_that_are_no_databases(home: Path, capsys: Capture, data: bytes) -> None:
    (home / "state.db.bak").write_bytes(data)
    one = listed(capsys, home)["state.db.bak"]
    assert one["state"] in ("unreadable", "damaged") and one["why"] and one["alone"] is None
    assert findings(capsys, home)["CP003"]["data"]["why"]


def test_another_programs_database_is_no_copy_of_this(home: Path, capsys: Capture) -> None:
    with closing(sqlite3.connect(home / "state.db.bak")) as db, db:
        db.execute("CREATE TABLE notes (text)")
    one = listed(capsys, home)["state.db.bak"]
    assert (one["state"], one["why"]) == ("unreadable", "it has no sessions and messages of Hermes")


def test_a_damaged_copy(home: Path, capsys: Capture) -> None:
    bak = copied(home)
    data = bytearray(bak.read_bytes())
    with closing(sqlite3.connect(bak)) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
    start = (page - 1) * 4096
    data[start : start + 4096] = bytes(range(256)) * 16
    bak.write_bytes(data)
    one = listed(capsys, home)["state.db.bak"]
    assert one["state"] == "damaged" and one["why"]
    assert findings(capsys, home)["CP003"]["severity"] == "warning"


def test_a_copy_with_the_wal_that_belongs_to_it(home: Path, capsys: Capture) -> None:
    """A capture: what is in its -wal counts, and neither of the two is touched."""
    place = home / "state.db.retired-wal-20260606-080000-77"
    place.mkdir()
    shutil.copy2(home / "state.db", place / "state.db")
    with closing(sqlite3.connect(place / "state.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        with db:
            add_session(db, NEW, [("user", "how far?", 6.0), ("assistant", "far", 6.1)])
        kept = (place / "state.db").read_bytes(), (place / "state.db-wal").read_bytes()
    (place / "state.db").write_bytes(kept[0])
    (place / "state.db-wal").write_bytes(kept[1])
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    one = listed(capsys, home)[place.name]
    assert (one["kind"], one["messages"]) == ("capture", 6)
    assert one["alone"]["never_here"] == {"sessions": [NEW], "messages": 2}
    assert findings(capsys, home)["CP002"]["severity"] == "error"
    found = say(capsys, "find", "how", "far", "--home", home, "--json").document["places"]
    assert [(place["where"], place["session_id"]) for place in found] == [("copy", NEW)]
    (place / "state.db").unlink()
    assert listed(capsys, home)[place.name]["state"] == "wal-alone"
    assert findings(capsys, home)["CP002"]["severity"] == "warning"


def test_pages_that_only_the_wal_of_a_copy_has_are_not_missing(home: Path, capsys: Capture) -> None:
    """A full disk let SQLite take half of a -wal in, and both were copied as they lay."""
    work = home.with_name("work")
    shutil.copytree(home, work)
    texts = [SECRET * 200] * 20
    with closing(sqlite3.connect(work / "state.db")) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        with db:
            add_session(db, NEW, [("user", text, 6.0 + n) for n, text in enumerate(texts)])
        wal = (work / "state.db-wal").read_bytes()
        pages = (work / "state.db").stat().st_size
        db.execute("PRAGMA wal_checkpoint(FULL)")
    bak = home / "state.db.bak"
    bak.write_bytes((work / "state.db").read_bytes()[:pages])
    (home / "state.db.bak-wal").write_bytes(wal)
    one = listed(capsys, home)["state.db.bak"]
    assert (one["state"], one["messages"]) == ("sound", 24)
    assert "CP003" not in findings(capsys, home)


def test_another_profile_is_listed_and_is_no_finding(home: Path, capsys: Capture) -> None:
    with new_home(home / "profiles" / "work", 14) as db:
        add_session(db, NEW, [("user", "how far?", 6.0), ("assistant", "far", 6.1)])
    one = listed(capsys, home)["profiles/work/state.db"]
    assert one["kind"] == "profile"
    assert findings(capsys, home) == {}
    assert "its chats belong to that profile" in say(capsys, "copies", "--home", home).out


def test_paths_that_are_named(home: Path, capsys: Capture, tmp_path: Path) -> None:
    elsewhere = tmp_path / "usb" / "hermes"
    elsewhere.mkdir(parents=True)
    shutil.copy2(home / "state.db", elsewhere / "state.db")
    write(elsewhere / "state.db", NEW, 6.0, "how far is it?", "two hours")
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    for path in (elsewhere, elsewhere / "state.db"):
        (one,) = listed(capsys, home, path).values()
        assert one["alone"]["never_here"]["sessions"] == [NEW], path
    for missing in (tmp_path / "nowhere", tmp_path / "usb"):
        assert say(capsys, "copies", missing, "--home", home).code == 2


def test_a_home_that_was_moved_away(home: Path, capsys: Capture) -> None:
    moved = home.with_name("home.bak")
    shutil.copytree(home, moved)
    write(moved / "state.db", NEW, 6.0, "how far is it?", "two hours")
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    assert listed(capsys, home)["../home.bak"]["kind"] == "home"
    assert findings(capsys, home)["CP001"]["data"]["path"] == str(moved)


def test_find_and_backup_list_know_of_copies(home: Path, capsys: Capture) -> None:
    copied(home)
    copied(home, "state.db.old")
    delete(home, "gone")
    said = say(capsys, "find", "heron", "--home", home)
    assert "gone: 1 message" in said.out
    assert "in 2 other databases (state.db." in said.out
    everything = say(capsys, "find", "heron", "--home", home, "-v").out
    assert all(f"in {name}" in everything for name in ("state.db.bak", "state.db.old"))
    assert "What is only in a copy: `hermes-repair copies" in said.out
    listed_ones = say(capsys, "backup", "list", "--home", home)
    assert "There are 2 other copies of this database" in listed_ones.out
    document = say(capsys, "backup", "list", "--home", home, "--json").document
    assert_document("backup-list", document)
    assert len(document["other_copies"]) == 2


def test_a_doctor_compares_within_limits(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bak = copied(home)
    write(bak, NEW, 6.0, "how far is it?", "two hours")
    write(home / "state.db", HERE, 7.0, "and by train?", "one", "good")
    monkeypatch.setattr(kept_copies, "COMPARED_BYTES", 1000)
    said = say(capsys, "doctor", "--home", home)
    assert "CP001" not in said.out
    assert "What state.db.bak has was not compared with state.db" in said.out
    assert "CP001" in findings(capsys, home, "--deep")


def test_a_damaged_home_is_not_held_against_its_copies(home: Path, capsys: Capture) -> None:
    copied(home)
    with opened(home) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
    with (home / "state.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(range(256)) * 16)
    assert findings(capsys, home) == {}
    assert "DB003" in say(capsys, "doctor", "--home", home).out
    assert listed(capsys, home)["state.db.bak"]["state"] == "sound"


def asked_of(capture: Capture, home: Path, copy: Path) -> tuple[Any, Any]:
    """Return what `copies` and `merge --dry-run` say that a merge of a path brings and asks for."""
    seen = say(capture, "copies", "--json", "--home", home, copy)
    [one] = [one for one in seen.document["copies"] if one["path"] == str(copy)]
    merged = say(capture, "merge", "--dry-run", "--json", "--home", home, copy)
    [source] = merged.document["sources"]
    words = ("brought", "left")
    would = tuple([chat["session"] for chat in source[word]] for word in words)
    return (one["brought"], one["asked"]), would


def test_copies_says_what_merge_does(home: Path, capsys: Capture, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    copied(home, other.name).rename(other)
    with closing(sqlite3.connect(other)) as db, db:
        add_session(db, NEW, [("user", "only there", 9.0)])
    whole = other.read_bytes()
    headless, cut, export = (tmp_path / name for name in ("headless", "cut.db", "export.json"))
    headless.write_bytes(bytes(100) + whole[100:])
    cut.write_bytes(whole[: len(whole) // 4096 * 4096 - 4096])
    message = {"id": 90, "role": "user", "content": "x", "timestamp": 9e9}
    export.write_text(
        json.dumps({"id": "e", "source": "cli", "started_at": 8e9, "messages": [message]})
    )
    for copy in (other, headless, cut, export):
        seen, would = asked_of(capsys, home, copy)
        assert list(seen) == list(would), copy
    assert asked_of(capsys, home, other)[0][0] == [NEW]
    assert asked_of(capsys, home, export)[0] in ((["e"], []), ([], ["e"]))


def test_a_second_name_of_the_database_is_no_copy(
    home: Path, capsys: Capture, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.hardlink_to(home / "state.db")
    assert "There is no copy" in say(capsys, "copies", "--home", home, link).out


def test_a_copy_of_a_newer_schema_cannot_be_merged_yet(
    home: Path, capsys: Capture, tmp_path: Path
) -> None:
    newer = tmp_path / "newer"
    with new_home(newer, 16) as db:
        add_session(db, NEW, [("user", "only there", 9.0)])
    said = say(capsys, "copies", "--home", home, newer)
    assert "is at schema 16 and this home at 14" in said.out and "merge --home" not in said.out


def test_a_repair_of_the_count_does_not_hide_that_messages_were_lost(
    home: Path, capsys: Capture
) -> None:
    copied(home)
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id = 2")  # what no release does: the count stays
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = findings(capsys, home)["CP001"]
    assert before["data"]["lost"] == 1 and before["severity"] == "error"
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    with opened(home) as db:
        assert db.execute("SELECT MIN(message_count) FROM sessions").fetchone() == (1,)
    assert findings(capsys, home)["CP001"]["data"] == before["data"]
    left = say(capsys, "merge", "--dry-run", "--json", "--home", home, home / "state.db.bak")
    assert [one["lost"] for one in left.document["sources"][0]["left"]] == [True]
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    assert findings(capsys, home)["CP001"]["data"] == before["data"]


def test_what_two_copies_have_is_counted_once_and_stands_first(home: Path, capsys: Capture) -> None:
    """One message was lost after both copies, one after the older."""
    copied(home, "state.db.old")
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id = 2")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copied(home, "state.db.bak")
    os.utime(home / "state.db.old", (1.0, 1.0))
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE id = 4")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    document = say(capsys, "doctor", "--home", home, "--json").document
    assert_document("doctor", document)
    own = [one for one in document["findings"] if one["id"] == "CP001"]
    assert [one["data"]["lost"] for one in own] == [1, 2]
    assert document["verdict"]["in_copies"] == {"messages": 2, "chats": 2}
    said = say(capsys, "doctor", "--home", home).out
    verdict = (
        "2 messages in 2 chats are missing here, and a copy has them: you decide."
        f" `hermes-repair copies --home {home}` shows more."
    )
    assert verdict in said and "CP001 only-in-copy: 2 sessions, 2 messages" in said
    assert said.index(verdict) < said.index("can be repaired safely")
