"""Two small databases, written row by row: what is said of each chat of the second."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.merging.common_past import Relation
from hermes_repair.merging.compare_sides import NOTHING_BROUGHT, Brought
from hermes_repair.merging.read_sides import compare_databases
from hermes_repair.merging.row_keys import fingerprint, history_key
from hermes_repair.merging.verdicts_of_chats import Comparison, Link, Reason, Verdict
from hermes_repair.model.salvage_ledger import lower_bound_name
from hermes_repair.store.file_state import beside_others, main_alone
from tests.homes.database import structured

T = 1_780_000_000.0


class Copy:
    """One database; every message is said a minute after the one before."""

    def __init__(self, path: Path, number: str = "22") -> None:
        self.path = path
        if not path.exists():
            with closing(structured(number, version=int(number), path=path)) as db:
                db.commit()
        self.now = T

    def do(self, sql: str, *values: object) -> int | None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("PRAGMA foreign_keys = OFF")
            return db.execute(sql, values).lastrowid

    def session(self, name: str, **more: object) -> None:
        self.now += 60
        values = {"id": name, "source": "cli", "started_at": self.now, **more}
        marks = ", ".join("?" * len(values))
        self.do(f"INSERT INTO sessions ({', '.join(values)}) VALUES ({marks})", *values.values())

    def say(self, name: str, *texts: object, role: str = "user", id: int | None = None) -> None:
        for text in texts:
            self.now += 60
            self.do(
                "INSERT INTO messages (id, session_id, role, content, timestamp)"
                " VALUES (?, ?, ?, ?, ?)",
                *(id, name, role, text, self.now),
            )

    def delete(self, name: str) -> None:
        self.do("DELETE FROM messages WHERE session_id = ?", name)
        self.do("DELETE FROM sessions WHERE id = ?", name)

    def copied(self, name: str, later: float = 7.0) -> Copy:
        """Return a copy of the file, whose clock runs a little later."""
        path = self.path.with_name(name)
        with closing(sqlite3.connect(self.path)) as db, closing(sqlite3.connect(path)) as target:
            db.backup(target)
        copy = Copy(path)
        copy.now = self.now + later
        return copy


@pytest.fixture
def base(tmp_path: Path) -> Copy:
    """Two chats of two messages, the second said last."""
    copy = Copy(tmp_path / "home.db")
    for name in ("a", "b"):
        copy.session(name)
        copy.say(name, f"{name} one", f"{name} two")
    return copy


def compared(
    home: Copy, source: Copy, brought: Brought = NOTHING_BROUGHT, *, partial: bool = False
) -> Comparison:
    with main_alone(home.path) as ours, main_alone(source.path) as theirs:
        return compare_databases(ours, theirs, brought=brought, partial=partial)


def said(found: Comparison) -> dict[str, tuple[Verdict, Reason | None]]:
    return {name: (one.verdict, one.reason) for name, one in found.verdicts.items()}


def test_the_same_file_has_nothing_alone(base: Copy) -> None:
    found = compared(base, base.copied("copy.db"))
    assert (found.relation, said(found), found.same) == (Relation.IDENTICAL, {}, 2)


def test_both_sides_went_on(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.say("a", "here")
    copy.say("a", "there")
    copy.say("b", "there too")
    copy.session("c")
    copy.say("c", "new")
    found = compared(base, copy)
    assert found.relation is Relation.APART
    assert (found.past.low, found.past.high) == (4, 4)
    assert said(found) == {
        "a": (Verdict.FORK, None),
        "b": (Verdict.CONTINUED, None),
        "c": (Verdict.NEW, None),
    }
    fork = found.verdicts["a"].bring
    assert fork is not None
    assert (fork.link, fork.parent, fork.messages, fork.new_session) == (Link.BRANCH, "a", 3, True)
    went_on = found.verdicts["b"].bring
    assert went_on is not None
    assert (went_on.into, went_on.since, went_on.messages) == ("b", 6, 1)
    assert (found.rows.never_here, found.rows.removed_or_lost, found.rows.unknown) == (3, 0, 0)


def test_the_id_of_a_fork_stays_while_its_source_goes_on(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.say("a", "here")
    copy.say("a", "there")
    first = compared(base, copy).verdicts["a"].bring
    copy.say("a", "and more")
    second = compared(base, copy).verdicts["a"].bring
    assert first is not None
    assert second is not None
    assert first.into == second.into


def test_the_same_words_and_then_more_are_a_continuation(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.say("a", "ok")
    copy.say("a", "ok", "and then")
    found = compared(base, copy)
    assert said(found) == {"a": (Verdict.CONTINUED, None)}
    assert found.verdicts["a"].shared == 3


def test_what_the_home_deleted_in_the_middle_was_here(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("a")
    found = compared(base, copy)
    assert said(found) == {"a": (Verdict.REMOVED_OR_LOST, Reason.REMOVED_HERE)}
    assert found.relation is Relation.ANCESTOR
    assert not found.verdicts["a"].lost


def test_what_the_home_deleted_last_is_asked_for(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("b")
    assert said(compared(base, copy)) == {"b": (Verdict.ASK, Reason.MAYBE_EARLIER_STATE)}


def test_new_words_in_a_deleted_chat_are_asked_for(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("a")
    base.say("b", "here")
    copy.say("a", "there")
    assert said(compared(base, copy))["a"] == (Verdict.ASK, Reason.NEW_AFTER_REMOVED)


def test_a_chat_that_counts_more_than_it_has_lost_messages(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.do("UPDATE sessions SET message_count = 2 WHERE id = 'a'")
    base.do("DELETE FROM messages WHERE id = 2")
    found = compared(base, copy)
    assert said(found) == {"a": (Verdict.REMOVED_OR_LOST, Reason.REMOVED_HERE)}
    assert found.verdicts["a"].lost


def test_an_undone_turn_that_the_source_went_on_from_is_asked_for(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.do("UPDATE messages SET active = 0 WHERE id = 2")
    copy.say("a", "there")
    assert said(compared(base, copy)) == {"a": (Verdict.ASK, Reason.UNDONE_HERE)}


def test_what_went_there_and_was_undone_here_is_asked_for(base: Copy) -> None:
    """Here it is an undone row with the time that it has there, under another id."""
    copy = base.copied("copy.db")
    copy.say("a", "theirs")
    base.say("a", "ours")
    copy.do(
        "INSERT INTO messages (session_id, role, content, timestamp)"
        " VALUES ('a', 'user', 'ours', ?)",
        base.now,
    )
    base.do("UPDATE messages SET active = 0 WHERE content = 'ours'")
    base.say("a", "instead")
    assert said(compared(base, copy)) == {"a": (Verdict.ASK, Reason.UNDONE_HERE)}


def test_an_undo_in_the_source_comes_with_what_was_said_after_it(base: Copy) -> None:
    copy = base.copied("copy.db")
    copy.do("UPDATE messages SET active = 0 WHERE id = 2")
    assert said(compared(base, copy)) == {"a": (Verdict.HOME_AHEAD, None)}
    copy.say("a", "instead")
    bring = compared(base, copy).verdicts["a"].bring
    assert bring is not None
    assert [(one.id, one.was_active, one.active) for one in bring.flags] == [(2, True, False)]


def test_a_new_home_takes_all(base: Copy, tmp_path: Path) -> None:
    home = Copy(tmp_path / "new.db")
    found = compared(home, base)
    assert found.relation is Relation.HOME_NEW
    assert said(found) == {"a": (Verdict.NEW, None), "b": (Verdict.NEW, None)}


def test_an_emptied_home_is_asked(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("a")
    base.delete("b")
    found = compared(base, copy)
    assert found.relation is Relation.HOME_EMPTIED
    assert {verdict for verdict, _ in said(found).values()} == {Verdict.ASK}


def test_a_database_begun_anew_never_held_the_old_one(base: Copy, tmp_path: Path) -> None:
    home = Copy(tmp_path / "anew.db")
    home.now = T + 9000
    home.session("z")
    home.say("z", "fresh")
    found = compared(home, base)
    assert found.relation is Relation.UNRELATED
    assert {verdict for verdict, _ in said(found).values()} == {Verdict.NEW}


def test_a_restored_home_gets_what_came_after_the_backup(base: Copy) -> None:
    copy = base.copied("copy.db")
    copy.say("b", "after the backup")
    found = compared(base, copy)
    assert found.relation is Relation.DESCENDANT
    assert said(found) == {"b": (Verdict.CONTINUED, None)}


def test_a_clock_behind_is_asked_for_where_no_row_proves_the_chat(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.say("b", "here")
    copy.now -= 86400
    copy.say("b", "there")
    copy.session("c")
    copy.say("c", "new, and early by the clock")
    assert said(compared(base, copy)) == {
        "b": (Verdict.FORK, None),
        "c": (Verdict.ASK, Reason.WRONG_CLOCK),
    }


def test_what_a_compression_closed_waits_with_what_continues_it(base: Copy) -> None:
    """Without that it would show what no list of the source does."""
    copy = base.copied("copy.db")
    copy.say("a", "there")
    copy.do("UPDATE sessions SET ended_at = ?, end_reason = 'compression' WHERE id = 'a'", copy.now)
    copy.now -= 86400
    copy.session("tip", parent_session_id="a")
    copy.say("tip", "summary", "and after it")
    found = compared(base, copy)
    assert said(found) == {
        "a": (Verdict.ASK, Reason.CHILD_NOT_BROUGHT),
        "tip": (Verdict.ASK, Reason.WRONG_CLOCK),
    }
    with main_alone(base.path) as ours, main_alone(copy.path) as theirs:
        assert compare_databases(ours, theirs, named=["tip"]).accepted == {"a", "tip"}


def test_vacuum_changes_nothing(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("a")
    base.do("VACUUM")
    copy.say("b", "there")
    assert said(compared(base, copy)) == {
        "a": (Verdict.REMOVED_OR_LOST, Reason.REMOVED_HERE),
        "b": (Verdict.CONTINUED, None),
    }


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sqlite_sequence",
        "UPDATE sqlite_sequence SET seq = 1",
        "UPDATE sqlite_sequence SET seq = '4'",
        # What a salvage writes that could not read the mark, and the shell's `.clone`.
        f"INSERT INTO sqlite_sequence VALUES ('{lower_bound_name('messages')}', 2)",
        "INSERT INTO sqlite_sequence VALUES ('messages', 2)",
    ],
)
def test_without_the_mark_of_the_ids_nothing_is_known(base: Copy, statement: str) -> None:
    copy = base.copied("copy.db")
    base.delete("b")
    copy.session("c")
    copy.say("c", "new")
    base.do(statement)
    found = compared(base, copy)
    assert found.home.sequence is None
    assert not found.brings
    assert {said(found)[name][0] for name in "bc"} == {Verdict.ASK}
    if statement.startswith("INSERT"):  # it stays so when ids are given again
        base.session("z")
        base.say("z", "later", "and later")
        assert not compared(base, copy).brings


@pytest.mark.parametrize("way", ["VACUUM INTO", ".dump"])
def test_a_home_that_was_written_anew_keeps_its_mark(base: Copy, way: str) -> None:
    copy = base.copied("copy.db")
    base.delete("b")
    anew = base.path.with_name("anew.db")
    if way == "VACUUM INTO":
        base.do("VACUUM INTO ?", str(anew))
    else:
        with closing(sqlite3.connect(base.path)) as db, closing(sqlite3.connect(anew)) as target:
            search = db.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%VIRTUAL%'")
            for (name,) in search.fetchall():  # of which Python 3.11 makes no dump
                db.execute(f"DROP TABLE {name}")
            triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in triggers.fetchall():
                db.execute(f"DROP TRIGGER {name}")
            target.executescript("\n".join(db.iterdump()))
    home = Copy(anew)
    assert compared(home, copy).home.sequence == 4
    assert not compared(home, copy).brings


def test_what_an_earlier_merge_brought_stays_gone(base: Copy) -> None:
    copy = base.copied("copy.db")
    copy.session("c")
    copy.say("c", "new")
    key = history_key("user", "new", None, None)
    brought = Brought(here={fingerprint("c", key, copy.now)})
    found = compared(base, copy, brought)
    assert said(found) == {"c": (Verdict.REMOVED_OR_LOST, Reason.BROUGHT_BEFORE)}


def test_a_chat_begun_again_under_its_id_keeps_what_each_side_said(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.delete("a")
    base.session("a")
    base.say("a", "begun again")
    copy.say("a", "there")
    assert said(compared(base, copy)) == {"a": (Verdict.ASK, Reason.NEW_AFTER_REMOVED)}


def test_schemas_of_different_numbers_are_compared(tmp_path: Path) -> None:
    old = Copy(tmp_path / "old.db", "11")
    old.session("a")
    old.say("a", "one", "two")
    new = Copy(tmp_path / "new.db", "22")
    with closing(sqlite3.connect(new.path)) as db, db:
        db.execute("ATTACH ? AS old", [str(old.path)])
        for table, columns in (
            ("sessions", "id, source, started_at"),
            ("messages", "id, session_id, role, content, timestamp"),
        ):
            db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old.{table}")
    assert compared(new, old).relation is Relation.IDENTICAL
    new.now = old.now
    new.say("a", "three")
    assert said(compared(old, new)) == {"a": (Verdict.CONTINUED, None)}
    assert said(compared(new, old)) == {"a": (Verdict.HOME_AHEAD, None)}


def test_a_part_of_a_database_proves_nothing_by_what_it_lacks(base: Copy) -> None:
    copy = base.copied("copy.db")
    copy.say("b", "there")
    copy.do("DELETE FROM messages WHERE id IN (1, 2, 3)")
    found = compared(base, copy, partial=True)
    assert said(found)["b"] == (Verdict.CONTINUED, None)
    assert found.verdicts["b"].shared == 2


# --- Hostile sources ------------------------------------------------------------------------------


def _highest_id(copy: Copy) -> None:
    copy.session("c")
    copy.say("c", "last", id=2**63 - 1)


def _cycle(copy: Copy) -> None:
    copy.session("c", parent_session_id="d")
    copy.session("d", parent_session_id="c")
    copy.say("c", "round")
    copy.say("d", "and round")


def _odd_values(copy: Copy) -> None:
    copy.session("c\x00d", title="\x1b[31m")
    copy.say("c\x00d", "nul \x00 inside", b"\xff\xfe", 12, None, -1.5)
    copy.do("UPDATE messages SET content = CAST(x'ff41' AS TEXT) WHERE content = 12")
    copy.do("UPDATE messages SET timestamp = 'soon' WHERE content IS NULL")


def _ids_below_one(copy: Copy) -> None:
    copy.session("c")
    copy.say("c", "before all", id=-7)


def _without_sessions(copy: Copy) -> None:
    copy.say("nobody's", "words")


def _times_of_no_use(copy: Copy) -> None:
    copy.session("c", started_at=float("inf"))
    copy.say("c", "when")
    copy.do("UPDATE messages SET timestamp = 9e999 WHERE session_id = 'c'")


@pytest.mark.parametrize(
    ("damage", "brought"),
    [
        (_highest_id, {"c"}),
        (_cycle, set()),
        (_odd_values, set()),
        (_ids_below_one, set()),
        (_without_sessions, set()),
        (_times_of_no_use, set()),
    ],
)
def test_no_source_can_break_the_comparison(
    base: Copy, damage: Callable[[Copy], None], brought: set[str]
) -> None:
    copy = base.copied("copy.db")
    damage(copy)
    found = compared(base, copy)
    assert {one.session_id for one in found.brings} == brought
    assert found.rows.alone >= 1
    assert compared(copy, base).rows.never_here == 0


def test_a_live_home_is_compared_in_short_reads(base: Copy) -> None:
    copy = base.copied("copy.db")
    base.do("PRAGMA journal_mode=WAL")
    copy.say("b", "there")
    with closing(sqlite3.connect(base.path)) as writer:
        writer.execute("SELECT 1 FROM messages").fetchall()
        with (
            beside_others(base.path, wal_mode=True, check_file=False) as (ours, _),
            main_alone(copy.path) as theirs,
        ):
            assert said(compare_databases(ours, theirs)) == {"b": (Verdict.CONTINUED, None)}


@pytest.fixture(autouse=True)
def _no_file_is_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    left = {path.name for path in tmp_path.iterdir()}
    assert not [name for name in left if name.endswith("-journal")]
