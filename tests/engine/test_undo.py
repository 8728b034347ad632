"""Undo gives back every value, id and row, or refuses and says what stands in the way (R5)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hermes_repair.app.apply_units import Job, apply_units, close_receipt, in_memory
from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.history import history
from hermes_repair.model.actions import RowDelete, RowInsert, RowUpdate
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import RawText, Row
from hermes_repair.store.writer import writing
from tests.homes.content import content, files, sequence, without_sequence
from tests.homes.database import columns_of
from tests.homes.home import opened
from tests.homes.small import (
    COUNTED,
    FRONT,
    GONE,
    HEALTHY,
    LOCKED,
    NOW,
    ORPHAN,
    chat_only_in_file,
    small_home,
)
from tests.in_process import home_of, ids, look, migrate, repair, undo
from tests.releases import run_release

EVERYTHING = Selection(unsafe=True)
"""What is asked for too: a chat that only a file has may have been deleted."""


def one(home: Path, sql: str, *parameters: object) -> object:
    with opened(home) as db:
        row = db.execute(sql, parameters).fetchone()
        return row[0] if row is not None else None


def write(home: Path, sql: str, *parameters: object) -> None:
    with opened(home) as db:
        assert db.execute(sql, parameters).rowcount == 1


def assert_refused(home: Path, environment: Environment, *words: str) -> None:
    """See that undo refuses, names what stands in the way, and changes nothing."""
    before = without_sequence(content(home))
    receipts = len(history(home_of(home)))
    with pytest.raises(Refused) as refused:
        undo(home, environment)
    for word in words:
        assert word in refused.value.message
    assert refused.value.exit_code == 4
    assert without_sequence(content(home)) == before
    assert len(history(home_of(home))) == receipts
    assert "RP001" not in ids(look(home, environment)), "a refusal is not a run that was cut off"


# --- Exact --------------------------------------------------------------------------------------


def test_a_repair_is_given_back_to_the_value(home: Path, environment: Environment) -> None:
    chat_only_in_file(home)
    before = content(home)
    done = repair(home, environment, selection=EVERYTHING)
    assert done.units == 5
    repaired = content(home)
    for table in ("sessions", "messages", "compression_locks", "messages_fts"):
        assert repaired[table] != before[table], f"the repair did not touch {table}"
    taken = undo(home, environment)
    assert taken.units == 5
    after = content(home)
    assert without_sequence(after) == without_sequence(before)
    assert sequence(after)[b"messages"] == sequence(repaired)[b"messages"]


def test_a_migration_is_given_back_to_the_value(tmp_path: Path, environment: Environment) -> None:
    home = small_home(tmp_path / "home", 13)
    before = content(home)
    facts = (home / "state.db").stat()
    migrate(home, environment, 16)
    assert content(home)["structure"] != before["structure"]
    undo(home, environment)
    assert content(home) == before
    now = (home / "state.db").stat()
    assert (now.st_ino, now.st_mode, now.st_uid) == (facts.st_ino, facts.st_mode, facts.st_uid)
    assert not (home / "state.db-wal").exists()


def test_marks_are_not_lowered_by_a_backup(tmp_path: Path, environment: Environment) -> None:
    """The ids that a repair gave out between migration and undo are never given out again."""
    home = small_home(tmp_path / "home", 13)
    before = content(home)
    migrate(home, environment)
    repair(home, environment)
    high = sequence(content(home))[b"messages"]
    assert high > sequence(before)[b"messages"]
    undo(home, environment)
    undo(home, environment)
    after = content(home)
    assert without_sequence(after) == without_sequence(before)
    assert sequence(after)[b"messages"] == high


def test_repair_undo_repair_undo(home: Path, environment: Environment) -> None:
    before = content(home)
    repair(home, environment)
    repaired = content(home)
    for _ in range(2):
        undo(home, environment)
        assert without_sequence(content(home)) == without_sequence(before)
        done = repair(home, environment)
        assert done.complete
    again = content(home)
    assert again["sessions"] == repaired["sessions"]
    with pytest.raises(Refused, match="nothing left"):
        undo(home, environment, "1")


# --- Later writes -------------------------------------------------------------------------------

LATER_TURN = """
import sys
from hermes_state import SessionDB
db = SessionDB()
for session in sys.argv[1:]:
    db.append_message(session, "user", "and later?")
    db.append_message(session, "assistant", "later too")
    db.update_token_counts(session, input_tokens=70, output_tokens=7)
db.close()
"""


def test_a_later_turn_of_hermes_stays(home: Path, environment: Environment) -> None:
    """Counters are taken back as differences, columns that we did not touch stay as they are."""
    before = {s: count(home, s) for s in (FRONT, COUNTED, ORPHAN)}
    repair(home, environment)
    after = {s: count(home, s) for s in (FRONT, COUNTED, ORPHAN)}
    assert after[FRONT] == before[FRONT] + 4 and after[COUNTED] == before[COUNTED] - 7
    run_release("0.16.0", LATER_TURN, home, FRONT, COUNTED, ORPHAN)
    undo(home, environment)
    for session in (FRONT, COUNTED, ORPHAN):
        assert count(home, session) == before[session] + 2
        assert one(home, "SELECT input_tokens FROM sessions WHERE id = ?", session) == 70
        said = texts(home, session)
        assert said[-2:] == ["and later?", "later too"]
    assert len(texts(home, FRONT)) == 8
    assert one(home, "SELECT parent_session_id FROM sessions WHERE id = ?", ORPHAN) == GONE
    content(home)  # sound, the search index too


def count(home: Path, session: str) -> int:
    found = one(home, "SELECT message_count FROM sessions WHERE id = ?", session)
    assert isinstance(found, int)
    return found


def texts(home: Path, session: str) -> list[str]:
    with opened(home) as db:
        sql = "SELECT content FROM messages WHERE session_id = ? ORDER BY id"
        return [row[0] for row in db.execute(sql, (session,))]


def test_columns_that_came_later_do_not_stand_in_the_way(
    home: Path, environment: Environment
) -> None:
    """A newer release adds columns to the rows that we inserted; undo still knows its rows."""
    chat_only_in_file(home)
    repair(home, environment, selection=EVERYTHING)
    run_release("0.18.2", "from hermes_state import SessionDB; SessionDB().close()", home)
    with opened(home) as db:
        columns = columns_of(db, "messages")
    assert "compacted" in columns, "the release added nothing"
    undo(home, environment)
    assert len(texts(home, FRONT)) == 6
    content(home)


def test_a_value_that_we_wrote_and_others_changed(home: Path, environment: Environment) -> None:
    repair(home, environment)
    write(home, "UPDATE sessions SET parent_session_id = ? WHERE id = ?", HEALTHY, ORPHAN)
    assert_refused(home, environment, ORPHAN, "parent_session_id")


def test_a_message_that_we_inserted_and_others_changed(
    home: Path, environment: Environment
) -> None:
    repair(home, environment)
    number = one(home, "SELECT MIN(id) FROM messages WHERE session_id = ?", FRONT)
    write(home, "UPDATE messages SET content = 'another' WHERE id = ?", number)
    assert_refused(home, environment, "messages", str(number), "changed")


def test_a_message_that_we_inserted_and_others_deleted(
    home: Path, environment: Environment
) -> None:
    repair(home, environment)
    number = one(home, "SELECT MIN(id) FROM messages WHERE session_id = ?", FRONT)
    write(home, "DELETE FROM messages WHERE id = ?", number)
    assert_refused(home, environment, "messages", str(number), "deleted")


def test_a_message_that_we_moved_keeps_what_others_wrote_to_it(
    home: Path, environment: Environment
) -> None:
    """Only its id is ours."""
    old = one(home, "SELECT MAX(id) FROM messages WHERE session_id = ?", FRONT)
    repair(home, environment)
    new = one(home, "SELECT MAX(id) FROM messages WHERE session_id = ?", FRONT)
    assert new != old
    write(home, "UPDATE messages SET token_count = 5 WHERE id = ?", new)
    undo(home, environment)
    assert one(home, "SELECT token_count FROM messages WHERE id = ?", old) == 5


@pytest.mark.parametrize("what", ["message", "child"])
def test_a_later_row_that_refers_to_a_session_of_ours(
    what: str, home: Path, environment: Environment
) -> None:
    session = chat_only_in_file(home)
    repair(home, environment, selection=EVERYTHING)
    if what == "message":
        write(
            home,
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'later', ?)",
            session,
            NOW,
        )
        assert_refused(home, environment, "messages", "session_id")
    else:
        write(
            home,
            "INSERT INTO sessions (id, source, parent_session_id, started_at)"
            " VALUES ('later', 'cli', ?, ?)",
            session,
            NOW,
        )
        assert_refused(home, environment, "sessions", "parent_session_id")


def test_a_lock_that_was_taken_again(home: Path, environment: Environment) -> None:
    repair(home, environment)
    write(
        home,
        "INSERT INTO compression_locks VALUES (?, 'pid=1:tid=1:agent=1:nonce=2', ?, ?)",
        LOCKED,
        NOW,
        NOW + 300,
    )
    assert_refused(home, environment, "compression_locks")


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        (
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES"
            f" ('{HEALTHY}', 'user', 'later', 1.0)",
            "messages (1 row)",
        ),
        (f"UPDATE sessions SET title = 'later' WHERE id = '{HEALTHY}'", "sessions (1 row)"),
        (f"DELETE FROM messages WHERE id = 1 AND session_id = '{HEALTHY}'", "messages (1 row)"),
        ("INSERT INTO state_meta VALUES ('later', 'x')", "state_meta (1 row)"),
        ("UPDATE schema_version SET version = 15", "schema_version (1 row)"),
    ],
)
def test_a_migration_is_kept_where_somebody_wrote_since(
    sql: str, table: str, tmp_path: Path, environment: Environment
) -> None:
    home = small_home(tmp_path / "home", 13)
    migrate(home, environment)
    write(home, sql)
    assert_refused(home, environment, table)


def test_a_migration_can_be_taken_back_after_a_repair_was(
    tmp_path: Path, environment: Environment
) -> None:
    """Our own undone receipts are not 'written since' (R5)."""
    home = small_home(tmp_path / "home", 13)
    before = without_sequence(content(home))
    migrate(home, environment)
    repair(home, environment)
    undo(home, environment)
    undo(home, environment)
    assert without_sequence(content(home)) == before


# --- The order ----------------------------------------------------------------------------------


def test_a_named_receipt_and_all_later_ones(tmp_path: Path, environment: Environment) -> None:
    home = small_home(tmp_path / "home", 13)
    before = without_sequence(content(home))
    migrate(home, environment)
    for family in ("TR", "LN", "MS"):
        repair(home, environment, selection=Selection(select=(family,)))
    names = [entry.name for entry in history(home_of(home))]
    assert [name[:4] for name in names] == ["0004", "0003", "0002", "0001"]
    taken = undo(home, environment, "3")
    assert [entry.name for entry in taken.entries] == names[:2]
    taken = undo(home, environment, names[3])
    assert [entry.name for entry in taken.entries] == names[2:]
    assert without_sequence(content(home)) == before
    with pytest.raises(Refused, match="nothing to undo"):
        undo(home, environment)
    with pytest.raises(UsageError, match="no receipt"):
        undo(home, environment, "7")


def test_a_refusal_on_the_way_keeps_what_was_taken_back(
    home: Path, environment: Environment
) -> None:
    for family in ("LN", "MS"):
        repair(home, environment, selection=Selection(select=(family,)))
    write(home, "UPDATE sessions SET parent_session_id = ? WHERE id = ?", HEALTHY, ORPHAN)
    with pytest.raises(Refused, match="parent_session_id"):
        undo(home, environment, "1")
    assert [entry.state for entry in history(home_of(home))] == ["undone", "done"]
    assert count(home, COUNTED) == 9


def test_ten_thousand_receipts_are_in_order(home: Path, environment: Environment) -> None:
    """`locks clean` makes receipts for years: 10000 comes after 9999."""
    repair(home, environment, selection=Selection(select=("LN",)))
    folder = home / "hermes-repair" / "receipts"
    only = next(folder.iterdir())
    only.rename(only.with_name(only.name.replace("0001-", "9999-")))
    repair(home, environment, selection=Selection(select=("MS",)))
    names = [entry.name for entry in history(home_of(home))]
    assert [name.partition("-")[0] for name in names] == ["10000", "9999"]
    taken = undo(home, environment, "9999")
    assert [entry.name for entry in taken.entries] == names
    assert count(home, COUNTED) == 9


# --- Units that build on one another ------------------------------------------------------------


def unit(subject: str, *actions: RowInsert | RowUpdate | RowDelete) -> Unit:
    return Unit(
        kind="session",
        subject=subject,
        summary=f"try {subject}",
        actions=actions,
        safety=Safety.SAFE,
        live=False,
        findings=(),
        finding_ids=("XX001",),
        sessions=frozenset({subject}),
    )


def apply(home: Path, environment: Environment, *units: Unit) -> Path:
    run = Run(home_of(home), environment)
    file_status = read_file_status(run.home)
    applied = apply_units(run, file_status, in_memory(units), Job("repair", schema=14))
    assert not applied.refused and applied.receipt is not None
    close_receipt(run, applied.receipt)
    return applied.receipt


def test_a_later_unit_may_write_over_an_earlier_one(home: Path, environment: Environment) -> None:
    """Taken back last first, so what the earlier one wrote is there again when its turn comes."""
    before = without_sequence(content(home))
    row: Row = {"id": "new", "source": "cli", "started_at": NOW, "title": None}
    key: Row = {"id": "new"}
    apply(
        home,
        environment,
        unit("new", RowInsert("sessions", key, row)),
        unit("new", RowUpdate("sessions", key, {"title": None}, {"title": "one"})),
        unit("new", RowUpdate("sessions", key, {"title": "one"}, {"title": "two"})),
    )
    assert one(home, "SELECT title FROM sessions WHERE id = 'new'") == "two"
    undo(home, environment)
    assert without_sequence(content(home)) == before


def test_a_deleted_row_comes_back_with_every_value(home: Path, environment: Environment) -> None:
    odd = "CAST(x'ff00fe' AS TEXT)"
    write(
        home,
        "INSERT INTO sessions (id, source, model_config, system_prompt, started_at, ended_at,"
        f" estimated_cost_usd, message_count, user_id) VALUES ('odd', 'cli', {odd}, x'00ff', 1e999,"
        f" -0.0, 9007199254740993, 9223372036854775807, 'a' || char(0) || 'b')",
    )
    before = content(home)
    with writing(home / "state.db", live=False) as writer:
        row = writer.select("sessions", {"id": "odd"})
    assert row is not None and row["model_config"] == RawText(b"\xff\x00\xfe")
    apply(home, environment, unit("odd", RowDelete("sessions", {"id": "odd"}, row)))
    assert one(home, "SELECT COUNT(*) FROM sessions WHERE id = 'odd'") == 0
    undo(home, environment)
    assert content(home) == before


# --- What undo leaves alone ---------------------------------------------------------------------


def test_transcripts_are_never_touched(home: Path, environment: Environment) -> None:
    chat_only_in_file(home)
    before = files(home / "sessions")
    repair(home, environment, selection=EVERYTHING)
    undo(home, environment)
    assert files(home / "sessions") == before


def test_undo_needs_no_transcripts(home: Path, environment: Environment) -> None:
    """Hermes' prune may delete the file of a session meanwhile."""
    before = without_sequence(content(home))
    repair(home, environment)
    (home / "sessions" / f"{FRONT}.jsonl").unlink()
    undo(home, environment)
    assert without_sequence(content(home)) == before


def test_the_copied_source_is_the_file(home: Path, environment: Environment) -> None:
    repair(home, environment)
    kept = next((home / "hermes-repair" / "sources").glob(f"*/{FRONT}.jsonl.gz"))
    with gzip.open(kept) as stream:
        lines = stream.read()
    assert lines == (home / "sessions" / f"{FRONT}.jsonl").read_bytes()
    assert len([json.loads(line) for line in lines.splitlines()]) == 10
