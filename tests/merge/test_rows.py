"""What a session becomes that is brought: nothing wakes up, nobody is captured, nothing doubles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hermes_repair.merging.brought_rows import Peers, brought, continued, usage
from hermes_repair.merging.brought_titles import HomeTitles
from hermes_repair.merging.verdicts_of_chats import Bring, Link
from hermes_repair.model.actions import RowInsert, RowRef
from hermes_repair.model.plans import Header, Safety, Unit
from hermes_repair.model.values import Row
from hermes_repair.records import plan_database
from hermes_repair.repair.plan_bounds import Bounds, objection
from hermes_repair.schema.catalogue import default_catalogue
from tests.command import run
from tests.homes.home import copy_home, execute, execute_all, new_home, opened, query
from tests.merge.homes import BEGIN, base, merge, play, rows, view, viewed
from tests.releases import run_release

NO_TITLES = HomeTitles()
CHOIR = HomeTitles([("a", None, "Choir")])
NOBODY = Peers(frozenset(), frozenset())
CHAT: Row = {"id": "a", "title": "Choir", "model_config": None, "input_tokens": 7, "source": "cli"}
NEW = Bring("a", new_session=True)
FORK = Bring("fork-1", new_session=True, link=Link.BRANCH, parent="a")


def test_what_is_pending_sleeps() -> None:
    row = {**CHAT, "handoff_state": "pending", "compression_failure_error": "x"}
    changed = brought(row, NEW, NOBODY, NO_TITLES)
    assert changed["handoff_state"] is None and changed["compression_failure_error"] is None
    assert "title" not in changed and "input_tokens" not in changed


@pytest.mark.parametrize("key", ["session_key", "chat_id"])
def test_no_chat_of_the_gateway_is_led_elsewhere(key: str) -> None:
    row = {**CHAT, "session_key": "k", "chat_id": "9", "chat_type": "dm", "thread_id": "1"}
    theirs = {"session_key": Peers(frozenset({"k"}), frozenset())}
    theirs["chat_id"] = Peers(frozenset(), frozenset({("cli", "9")}))
    changed = brought(row, NEW, theirs[key], NO_TITLES)
    assert {"session_key", "chat_id", "chat_type", "thread_id"} <= changed.keys()
    assert not brought(row, NEW, NOBODY, NO_TITLES).keys() & {"session_key", "chat_id"}


def test_a_fork_is_marked_and_has_a_title_and_no_tokens_of_its_own() -> None:
    changed = brought(CHAT, FORK, NOBODY, CHOIR)
    assert changed["model_config"] == '{"_branched_from":"a"}'
    assert changed["input_tokens"] == 0
    assert changed["title"] == "Choir (merged)"
    assert brought({**CHAT, "title": None}, FORK, NOBODY, NO_TITLES)["title"] == "Untitled (merged)"
    marked = brought({**CHAT, "model_config": '{"_branched_from": "b"}'}, FORK, NOBODY, NO_TITLES)
    assert marked["model_config"] == '{"_branched_from": "a"}'
    broken = brought({**CHAT, "model_config": "{"}, FORK, NOBODY, NO_TITLES)
    assert broken["model_config"] == '{"_branched_from":"a"}'


def test_no_title_leads_from_a_chat_of_the_home_to_another() -> None:
    """Hermes resolves a title to the latest session that is called ``<title> #<n>``."""
    second = {**CHAT, "id": "b", "title": "Choir #2"}
    alone = Bring("b", new_session=True)
    below = Bring("b", new_session=True, link=Link.PARENT, parent="a")
    assert brought(second, alone, NOBODY, CHOIR)["title"] == "Choir (merged)"
    assert "title" not in brought(second, below, NOBODY, CHOIR)
    assert "title" not in brought(second, alone, NOBODY, NO_TITLES)


@pytest.mark.parametrize(
    ("title", "given"),
    [
        ("choir #2", "choir (merged)"),
        ("Choir #2 #3", "Choir (merged)"),
        ("Choir #alto part", "Choir alto part (merged)"),
        ("Choir ##x #4", "Choir x (merged)"),
    ],
)
def test_what_hermes_takes_for_a_later_part_is_called_otherwise(title: str, given: str) -> None:
    """Whatever follows `` #`` counts, and the case of letters does not."""
    other = {**CHAT, "id": "b", "title": title}
    assert brought(other, Bring("b", new_session=True), NOBODY, CHOIR)["title"] == given
    branch = {**other, "model_config": '{"_branched_from": "a"}'}
    below = Bring("b", new_session=True, link=Link.PARENT, parent="a")
    assert brought(branch, below, NOBODY, CHOIR)["title"] == given
    untitled: Row = {"id": "c", "title": None}
    assert continued(untitled, {**other, "id": "c"}, Bring("c", False), CHOIR)[1] == {}


TITLES = """
say("foo", "mine")
db.set_session_title("foo", "Foo")
"""
TITLES_THERE = """
say("own", "alto only")
db.set_session_title("own", "Choir #alto part")
say("first", "theirs")
db.set_session_title("first", "Foo")
db.end_session("first", "compression")
db.create_session("then", source="cli", parent_session_id="first")
say("then", "summary")
db.set_session_title("then", "Foo #2")
"""


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
def test_every_title_still_leads_to_its_chat(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, TITLES)
    play(version, other, TITLES_THERE)
    assert merge(home, other).code == 0
    _, led = viewed(version, home)
    assert (led["Choir"], led["Foo"]) == ("choir", "foo")


def test_tokens_are_never_added() -> None:
    ours = {**CHAT, "input_tokens": 105, "model": "m", "ended_at": None, "title": None}
    theirs = {**CHAT, "input_tokens": 107, "model": "n", "ended_at": 5.0, "title": "Choir"}
    goes_on = Bring("a", new_session=False, messages=1)
    before, after = continued(ours, theirs, goes_on, NO_TITLES)
    assert after == {"input_tokens": 107, "model": "n", "ended_at": 5.0, "title": "Choir"}
    assert before == {name: ours[name] for name in after}
    assert "title" not in continued(ours, theirs, goes_on, CHOIR)[1]
    less = {**theirs, "input_tokens": 3}
    assert "input_tokens" not in continued(ours, less, goes_on, NO_TITLES)[1]
    open_end = Bring("a", new_session=False, messages=1, takes_end=False)
    assert "ended_at" not in continued(ours, theirs, open_end, NO_TITLES)[1]
    ended: Row = {**ours, "ended_at": 4.0, "chat_id": "9"}
    assert "ended_at" not in continued(ended, {**theirs, "ended_at": None}, goes_on, NO_TITLES)[1]
    assert continued(ended, theirs, goes_on, NO_TITLES)[1]["ended_at"] == 5.0
    row: Row = {"session_id": "a", "input_tokens": 5, "first_seen": 3.0, "last_seen": 9.0}
    more: Row = {"session_id": "a", "input_tokens": 7, "first_seen": 2.0, "last_seen": 8.0}
    assert usage(row, more)[1] == {"input_tokens": 7, "first_seen": 2.0}


def test_a_row_of_another_database_in_a_plan(tmp_path: Path) -> None:
    """It is kept without its text, and a saved plan of a user may have none."""
    origin = RowRef("/srv/copy", 5, "ab" * 16, {"id": 5})
    key: Row = {"id": 9}
    values: Row = {"id": 9, "session_id": "a"}
    columns = ("id", "session_id", "role", "content", "timestamp")
    action = RowInsert("messages", key, values, origin, "0" * 64, columns)
    unit = Unit("merge", "a", "bring a", (action,), Safety.SAFE, False, (), (), frozenset({"a"}))
    header = Header("1", "merge", 1.0, "/srv/state.db", "-", 22)
    with plan_database.create(tmp_path / "plan.db", header) as plan:
        plan.append([unit])
    with plan_database.read(tmp_path / "plan.db") as plan:
        assert plan.record(1).unit.actions == (action,)
        plan.require_sealed()
    structure = default_catalogue().structure(22)
    bounds = Bounds(structure, {"messages"}, Path("/srv"), (), ())
    assert "only a merge" in objection(unit, bounds)


SIDE = """
say("asked", "one")
db._conn.execute("UPDATE sessions SET handoff_state = 'pending', session_key = 'k', chat_id = '7',"
                 " chat_type = 'dm', source = 'telegram' WHERE id = 'asked'")
for delegation, state in (("done", "delivered"), ("waits", "pending")):
    db._conn.execute("INSERT INTO async_delegations (delegation_id, origin_session, state,"
                     " dispatched_at, updated_at, delivery_state, parent_session_id)"
                     " VALUES (?, 'asked', 'completed', 1, 1, ?, 'asked')", (delegation, state))
for chat, tokens in (("asked", 5), ("garden", 107)):
    db._conn.execute("INSERT INTO session_model_usage (session_id, model, input_tokens)"
                     " VALUES (?, 'm', ?)", (chat, tokens))
db._conn.execute("INSERT INTO compression_locks VALUES ('asked', 'x', 1, 9e9)")
db._conn.commit()
say("garden", "more")
"""
HERE = """
db._conn.execute("INSERT INTO session_model_usage (session_id, model, input_tokens)"
                 " VALUES ('garden', 'm', 105)")
db._conn.execute("UPDATE sessions SET session_key = 'k' WHERE id = 'garden'")
db._conn.commit()
"""


PEER = "source='telegram', user_id='u', session_key='k', chat_id='7', chat_type='dm'"


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_what_the_gateway_ended_here_is_not_found_again(version: str, tmp_path: Path) -> None:
    """The home's owner typed /new, twice; the other machine went on with the first chat."""
    home = play(version, tmp_path / "home", f'db.create_session("dm", {PEER})\nsay("dm", "one")')
    other = tmp_path / "other"
    shutil.copytree(home, other)
    play(
        version,
        home,
        f"""
db.end_session("dm", "session_reset")
db.create_session("next", {PEER})
say("next", "two")
db.end_session("next", "session_reset")
""",
    )
    play(version, other, f'say("dm", "three")\ndb.create_session("own", {PEER})\nsay("own", "x")')
    assert merge(home, other).code == 0
    assert len(view(version, home)["dm"]) == 4
    asked = f"print(db.find_latest_gateway_session_for_peer({PEER}))"
    assert run_release(version, BEGIN + asked, home).strip() == "None"


def test_tables_beside_the_chats(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, HERE)
    play("0.19.0", other, SIDE)
    done = merge(home, other)
    assert done.code == 0, done
    [row] = query(
        home, "SELECT handoff_state, session_key, chat_id FROM sessions WHERE id = 'asked'"
    )
    assert row == (None, None, None)
    assert query(home, "SELECT delegation_id FROM async_delegations") == [("done",)]
    assert query(home, "SELECT session_id, input_tokens FROM session_model_usage ORDER BY 1") == [
        ("asked", 5), ("garden", 107),
    ]  # fmt: skip
    assert query(home, "SELECT COUNT(*) FROM compression_locks") == [(0,)]
    # No text of a message, a result or a title is in the receipt.
    receipt = Path(done.document["receipt"]["path"])
    assert b"re: one" not in receipt.read_bytes() and b"re: more" not in receipt.read_bytes()
    assert run("undo", "--yes", home=home).code == 0
    assert query(home, "SELECT COUNT(*) FROM async_delegations") == [(0,)]


SAID = "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', 'x', 9e9)"


def test_a_counter_of_a_peer_is_never_touched_and_tells_that_it_is_known(tmp_path: Path) -> None:
    """Schema 30 counts the chats of a peer, also when all of them are deleted."""
    with new_home(tmp_path / "home", 30):
        home = tmp_path / "home"
    other = copy_home(home, tmp_path / "other")
    execute(home, "INSERT INTO conversation_generations VALUES ('slack', 'k', 3)")
    execute_all(
        other,
        "INSERT INTO conversation_generations VALUES ('slack', 'k', 5), ('slack', 'other', 1)",
        "INSERT INTO sessions (id, source, started_at, session_key, chat_id, chat_type,"
        " compression_recovery_deadline, compression_ineffective_count,"
        " compression_overload_streak) VALUES ('new', 'slack', 9e9, 'k', '9', 'dm', 9e9, 2, 3)",
    )
    execute(other, SAID, "new")
    done = merge(home, other)
    assert done.code == 0, done
    assert query(home, "SELECT * FROM conversation_generations") == [("slack", "k", 3)]
    asked = (
        "SELECT session_key, chat_id, chat_type, compression_recovery_deadline,"
        " compression_ineffective_count, compression_overload_streak FROM sessions WHERE id = 'new'"
    )
    assert query(home, asked) == [(None, None, None, None, 0, 0)]


def test_a_title_of_both_is_not_given_twice(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("mine", "x")\ndb.set_session_title("mine", "Same")')
    play("0.19.0", other, 'say("theirs", "y")\ndb.set_session_title("theirs", "Same")')
    assert merge(home, other).code == 0
    [(title,)] = query(home, "SELECT title FROM sessions WHERE id = 'theirs'")
    assert title.startswith("Same (merged")


def test_a_home_that_something_watches_is_left_alone(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "x")')
    execute(home, "CREATE TRIGGER eyes AFTER INSERT ON messages BEGIN SELECT 1; END")
    done = merge(home, other)
    assert done.code == 4 and "DB009" in done.out


HOSTILE = """
CREATE TABLE sessions_of (id);
INSERT INTO sessions_of VALUES (x'00ff'), (CAST(x'ff41' AS TEXT)), (NULL), (''), ('odd'), ('one'),
    ('two');
INSERT INTO sessions (id, source, started_at) SELECT id, 'cli', 9e9 FROM sessions_of;
DROP TABLE sessions_of;
UPDATE sessions SET parent_session_id = 'two' WHERE id = 'one';
UPDATE sessions SET parent_session_id = 'one' WHERE id = 'two';
UPDATE sessions SET model_config = '{', title = CAST(x'fe' AS TEXT) WHERE id = 'odd';
INSERT INTO messages (session_id, role, content, timestamp) VALUES
    (x'00ff', 'user', 'a', 9e9), (CAST(x'ff41' AS TEXT), 'user', 'b', 9e9), ('', 'user', 'c', 9e9),
    ('odd', 'user', x'0001', 9e9), ('odd', 'user', CAST(x'ff' AS TEXT), 9e9),
    ('odd', CAST(x'ff' AS TEXT), 'd' || char(0), 'no time'), ('odd', 'user', 12.5, 9e999),
    ('one', 'user', 'e', 9e9), ('gone', 'user', 'f', 9e9);
"""


def test_a_source_with_anything_in_it(tmp_path: Path) -> None:
    """What can be named comes as it is, to the byte, and goes again; the rest is said."""
    home, other = base("0.19.0", tmp_path)
    with opened(other) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            db.execute(f"DROP TRIGGER {name}")
        db.executescript(HOSTILE)
    before = rows(home)
    done = merge(home, other)
    assert done.code == 4, done
    assert "2 sessions" in " ".join(done.document["sources"][0]["notes"])
    left = {one["session"] for one in done.document["still_left"]}
    assert left == {"odd", "one"}
    assert merge(home, other, "--session", "odd", "--session", "one").code == 0
    asked = (
        "SELECT session_id, role, content, typeof(content), timestamp FROM messages"
        " WHERE session_id IN ('odd', 'one', '') ORDER BY id"
    )
    assert raw(home, asked) == raw(other, asked)
    for _ in range(2):
        assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before


def raw(home: Path, sql: str) -> list[tuple[object, ...]]:
    with opened(home) as db:
        db.text_factory = bytes
        return db.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("damage", "left", "comes"),
    [
        ("UPDATE sessions SET title = CAST(x'fe41' AS TEXT) WHERE id = 'new'", "new", "choir"),
        ("UPDATE sessions SET source = x'00ff' WHERE id = 'new'", "new", "choir"),
        ("UPDATE sessions SET model_config = '{' WHERE id = 'new'", "new", "choir"),
        ("UPDATE messages SET role = CAST(x'ff' AS TEXT) WHERE id = 10", "new", "choir"),
        ("UPDATE messages SET timestamp = x'00' WHERE id = 8", "choir", "new"),
    ],
)
def test_only_the_chat_with_a_value_that_nobody_can_read_is_left_out(
    damage: str, left: str, comes: str, tmp_path: Path
) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("choir", "more")\nsay("new", "one")')
    with opened(other) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            db.execute(f"DROP TRIGGER {name}")
        db.execute(damage)
    done = merge(home, other)
    assert done.code == 4, done
    [asked] = done.document["still_left"]
    assert (asked["session"], asked["reason"]) == (left, "unreadable")
    assert [one["session"] for one in done.document["sources"][0]["brought"]] == [comes]
    assert comes in view("0.19.0", home)
    assert merge(home, other).document["receipt"] is None
