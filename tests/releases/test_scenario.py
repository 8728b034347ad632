"""The built damage is really there: nobody builds a repair on a mistaken fixture."""

from __future__ import annotations

import json
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

import tests.releases
from tests.homes.by_releases import legacy_home
from tests.homes.home import copy_home
from tests.releases import ReleaseError, release, run_release
from tests.scenario import (
    CASES,
    HEALTHY,
    LOST,
    WENT_ON,
    WHOLE,
    Scenario,
    build_scenario,
    fresh_scenario,
)
from tests.scenario.judge import (
    append_turn,
    delete_session,
    differences,
    list_sessions,
    normalise,
    open_with,
    read_transcript,
    read_transcripts,
    resume_target,
    resume_tip,
    session_by_title,
)
from tests.scenario.locks import hold_lock, plant_lock
from tests.scenario.talk import KINDS, Message, turn

# Whole lines of the JSONL and rows in SQLite, session_meta aside in both; None: no session row.
COUNTS: dict[str, tuple[int, int | None]] = {
    "front_big": (996, 2),
    "front_small": (31, 8 + 4),
    "middle": (23, 14 + 4),
    "all_missing": (17, 0),
    "all_missing_went_on": (15, 4),
    "only_in_file": (23, None),
    "only_in_file_went_on": (15, 4),
    "torn_front": (17, 2 + 2 + 4),
    "tail_lost": (17, 13),
    "complete": (23, 23),
    "complete_went_on": (19, 19 + 4),
    "file_shorter": (10, 15 + 4),
    "torn": (11, 12),
    "undone": (13, 8),
    "undone_asked_again": (8, 6),
    "deleted": (13, None),
    "deleted_recreated": (13, 2),
    "tail_lost_went_on": (17, 13 + 4),
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """The scenario, only to look at."""
    made = fresh_scenario(tmp_path_factory.mktemp("scenario") / "home")
    before = listing(made.home)
    yield made
    assert listing(made.home) == before, "a test or a judge changed the home"


def listing(home: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(home)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(home.rglob("*"))
    }


def query(home: Path, sql: str, *values: object) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{home}/state.db?immutable=1", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, values)]


def session_row(scenario: Scenario, session_id: str) -> dict[str, Any]:
    rows = query(scenario.home, "SELECT * FROM sessions WHERE id = ?", session_id)
    assert len(rows) == 1
    return rows[0]


def message_rows(scenario: Scenario, session_id: str) -> list[dict[str, Any]]:
    """The session's rows by id, session_meta aside."""
    sql = "SELECT * FROM messages WHERE session_id = ? AND role <> 'session_meta' ORDER BY id"
    return query(scenario.home, sql, session_id)


def lines(scenario: Scenario, case: str) -> list[Message]:
    """The whole lines of the case's JSONL, session_meta aside."""
    found = []
    for line in scenario.transcript(case).read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            assert case in ("torn", "torn_front")
    return [line for line in found if line["role"] != "session_meta"]


def epoch(scenario: Scenario, line: Message) -> float:
    """The time of a line; the scenario lies in summer, where its zone is two hours ahead."""
    assert scenario.timezone == "Europe/Berlin"
    naive = datetime.fromisoformat(line["timestamp"])
    return naive.replace(tzinfo=UTC).timestamp() - 7200


# The damage, case by case


@pytest.mark.parametrize("case", CASES)
def test_lines_and_rows_are_as_counted(scenario: Scenario, case: str) -> None:
    in_file, in_database = COUNTS[case]
    assert len(lines(scenario, case)) == in_file
    session_id = scenario.chats[case].session_id
    assert len(message_rows(scenario, session_id)) == (in_database or 0)
    known = query(scenario.home, "SELECT 1 FROM sessions WHERE id = ?", session_id)
    assert len(known) == (0 if in_database is None else 1)


def test_old_release_shows_what_new_ones_lost(scenario: Scenario) -> None:
    ids = [chat.session_id for chat in scenario.chats.values()]
    old = read_transcripts("0.14.0", scenario.home, ids)
    new = {
        version: read_transcripts(version, scenario.home, ids) for version in ("0.15.2", "0.16.0")
    }
    for case in LOST:
        chat = scenario.chats[case]
        if case not in WENT_ON:
            assert old[chat.session_id] == list(chat.shown)
        assert len(chat.shown) > len(chat.left) - len(chat.later)
        for shown in new.values():
            assert shown[chat.session_id] == list(chat.left)
            assert len(shown[chat.session_id]) < len(chat.whole)
    assert len(new["0.16.0"][scenario.chats["front_big"].session_id]) == 2
    assert new["0.16.0"][scenario.chats["only_in_file"].session_id] == []


@pytest.mark.parametrize("version", ["0.15.2", "0.16.0"])
def test_only_whole_chats_read_whole(scenario: Scenario, version: str) -> None:
    expected = {scenario.chats[c].session_id: scenario.chats[c].whole for c in LOST + WHOLE}
    differing = differences(version, scenario.home, expected)
    assert set(differing) == {scenario.chats[case].session_id for case in LOST}


def test_later_turns_are_last(scenario: Scenario) -> None:
    for case in WENT_ON:
        chat = scenario.chats[case]
        said = [(m["role"], m["content"]) for m in chat.later]
        rows = message_rows(scenario, chat.session_id)[-len(said) :]
        assert [(row["role"], row["content"]) for row in rows] == said
        last = epoch(scenario, lines(scenario, case)[-1])
        assert all(row["timestamp"] > last + 86400 for row in rows[-4:])


def test_lines_and_rows_have_the_same_times(scenario: Scenario) -> None:
    twins = 0
    for case in ("front_big", "front_small", "middle", "complete", "file_shorter", "tail_lost"):
        rows = message_rows(scenario, scenario.chats[case].session_id)
        by_key = {(row["role"], row["content"]): row["timestamp"] for row in rows}
        for line in lines(scenario, case):
            key = (line["role"], str(line["content"]))
            if key in by_key and line["content"]:
                twins += 1
                assert 0 < epoch(scenario, line) - by_key[key] < 1
    assert twins > 50


def test_messages_counted_as_inserted(scenario: Scenario) -> None:
    rows = query(
        scenario.home,
        "SELECT s.id, s.message_count, COUNT(m.id) AS n FROM sessions s"
        " LEFT JOIN messages m ON m.session_id = s.id GROUP BY s.id"
        " HAVING s.message_count <> COUNT(m.id)",
    )
    drift = {row["id"]: (row["message_count"], row["n"]) for row in rows}
    assert drift == {
        scenario.chats["all_missing"].session_id: (18, 0),
        scenario.chats["all_missing_went_on"].session_id: (16 + 5, 5),
    }


def test_front_missing_rows_were_made_by_the_next_turn(scenario: Scenario) -> None:
    for case in ("front_big", "front_small", "torn_front"):
        row = session_row(scenario, scenario.chats[case].session_id)
        first = epoch(scenario, lines(scenario, case)[0])
        assert row["started_at"] > first + 20 * 86400
        assert (row["title"], row["user_id"], row["ended_at"]) == (None, None, None)


def test_all_missing_rows_were_never_made_anew(scenario: Scenario) -> None:
    for case in ("all_missing", "all_missing_went_on"):
        row = session_row(scenario, scenario.chats[case].session_id)
        assert row["started_at"] < epoch(scenario, lines(scenario, case)[0])


def test_birth_parts_lost_from_deleted(scenario: Scenario) -> None:
    for case in ("only_in_file", "only_in_file_went_on"):
        assert epoch(scenario, lines(scenario, case)[-1]) < scenario.birth - 86400
    for case in ("deleted", "deleted_recreated"):
        assert epoch(scenario, lines(scenario, case)[-1]) > scenario.birth + 86400
    first = query(scenario.home, "SELECT timestamp FROM messages WHERE id = 1")
    assert first == [{"timestamp": scenario.birth}]


def test_session_logs_outlive_a_delete(scenario: Scenario) -> None:
    """0.13.0 and 0.14.0 also kept ``session_<id>.json``; Hermes' delete leaves it."""
    for case in CASES:
        path = scenario.home / "sessions" / f"session_{scenario.chats[case].session_id}.json"
        log = json.loads(path.read_text(encoding="utf-8"))
        assert log["message_count"] == len(log["messages"]) >= COUNTS[case][0]


def test_recreated_rows_look_alike(scenario: Scenario) -> None:
    for case in ("only_in_file_went_on", "deleted_recreated"):
        row = session_row(scenario, scenario.chats[case].session_id)
        assert row["started_at"] > epoch(scenario, lines(scenario, case)[-1]) + 10 * 86400
        assert row["user_id"] is None and row["model_config"] is not None


def test_torn_lines_end_the_files(scenario: Scenario) -> None:
    for case in ("torn", "torn_front"):
        content = scenario.transcript(case).read_bytes()
        assert not content.endswith(b"\n")
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(content.splitlines()[-1])
        assert len(content.splitlines()) == len(lines(scenario, case)) + 2  # session_meta, torn


def test_lost_tail_is_no_rewrite(scenario: Scenario) -> None:
    for case in ("tail_lost", "tail_lost_went_on"):
        session_id = scenario.chats[case].session_id
        sql = "SELECT id FROM messages WHERE session_id = ?"
        ids = [row["id"] for row in query(scenario.home, sql, session_id)]
        assert max(ids) - min(ids) + 1 > len(ids)
    rows = message_rows(scenario, scenario.chats["tail_lost"].session_id)
    twin = lines(scenario, "tail_lost")[len(rows) - 1]
    assert (twin["role"], twin["content"]) == (rows[-1]["role"], rows[-1]["content"])
    assert 0 < epoch(scenario, twin) - rows[-1]["timestamp"] < 1


def test_undo_leaves_one_block_of_new_rows(scenario: Scenario) -> None:
    for case, kept in (("undone", 9), ("undone_asked_again", 5)):
        session_id = scenario.chats[case].session_id
        sql = "SELECT * FROM messages WHERE session_id = ? ORDER BY id"
        rows = query(scenario.home, sql, session_id)[:kept]
        assert [row["id"] for row in rows] == list(range(rows[0]["id"], rows[0]["id"] + kept))
        last = epoch(scenario, lines(scenario, case)[-1])
        assert all(row["timestamp"] > last + 20 * 86400 for row in rows)


def test_asked_again_looks_like_a_missing_middle(scenario: Scenario) -> None:
    rows = message_rows(scenario, scenario.chats["undone_asked_again"].session_id)
    said = [(row["role"], row["content"]) for row in rows]
    written = [(m["role"], m["content"]) for m in lines(scenario, "undone_asked_again")]
    assert said == written[:4] + written[6:]


# Lineage


def test_fork_hides_one_half(scenario: Scenario) -> None:
    fork = scenario.fork
    children = query(
        scenario.home,
        "SELECT id, title, ended_at, api_call_count FROM sessions"
        " WHERE parent_session_id = ? ORDER BY started_at",
        fork.parent,
    )
    assert [(c["id"], c["title"]) for c in children] == [
        (fork.live, f"{fork.title} #2"),
        (fork.hidden, f"{fork.title} #3"),
    ]
    assert all(c["ended_at"] is None and c["api_call_count"] > 0 for c in children)
    routing = (scenario.home / "sessions" / "sessions.json").read_text(encoding="utf-8")
    assert fork.live in routing
    assert fork.hidden not in routing and fork.parent not in routing
    live, hidden = (message_rows(scenario, child) for child in (fork.live, fork.hidden))
    own = {row["content"] for row in hidden} - {row["content"] for row in live}
    assert len(own - {""}) > 8
    assert hidden[-1]["timestamp"] < live[-1]["timestamp"] < scenario.now - 5 * 86400
    for version in ("0.15.2", "0.16.0"):
        listed = {row["id"] for row in list_sessions(version, scenario.home)}
        assert fork.hidden in listed and fork.live not in listed
        assert resume_tip(version, scenario.home, fork.parent) == fork.hidden
        assert session_by_title(version, scenario.home, fork.title) == fork.hidden


def test_newer_releases_hide_the_other_half(scenario: Scenario) -> None:
    fork = scenario.fork
    listed = {row["id"] for row in list_sessions("0.19.0", scenario.home)}
    assert fork.live in listed and fork.hidden not in listed
    assert resume_target("0.19.0", scenario.home, fork.parent) == fork.live


def test_siblings_begin_with_copies_and_a_summary(scenario: Scenario) -> None:
    parent = [(r["role"], r["content"]) for r in message_rows(scenario, scenario.fork.parent)]
    for child in (scenario.fork.live, scenario.fork.hidden):
        rows = [(r["role"], r["content"]) for r in message_rows(scenario, child)]
        assert rows[:3] == parent[:3]
        assert rows[3][1].startswith("[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were")
        assert rows[4] in parent


def test_orphan_child_is_listed_nowhere(scenario: Scenario) -> None:
    child = session_row(scenario, scenario.orphan_child)
    assert child["parent_session_id"] == scenario.orphan_parent
    gone = scenario.orphan_parent
    assert query(scenario.home, "SELECT 1 FROM sessions WHERE id = ?", gone) == []
    assert query(scenario.home, "SELECT 1 FROM messages WHERE session_id = ?", gone) == []
    violations = query(scenario.home, "PRAGMA foreign_key_check")
    assert [(v["table"], v["parent"]) for v in violations] == [("sessions", "sessions")]
    routing = (scenario.home / "sessions" / "sessions.json").read_text(encoding="utf-8")
    assert scenario.orphan_child in routing
    for version in ("0.14.0", "0.15.2", "0.16.0"):
        listed = {row["id"] for row in list_sessions(version, scenario.home)}
        assert scenario.orphan_child not in listed


def test_closed_parent_has_no_continuation(scenario: Scenario) -> None:
    row = session_row(scenario, scenario.closed_parent)
    assert row["end_reason"] == "compression"
    assert row["ended_at"] < scenario.now - 7 * 86400
    sql = "SELECT 1 FROM sessions WHERE parent_session_id = ?"
    assert query(scenario.home, sql, scenario.closed_parent) == []


def test_healthy_sessions_are_listed(scenario: Scenario) -> None:
    listed = {row["id"] for row in list_sessions("0.16.0", scenario.home)}
    assert set(scenario.healthy) == set(HEALTHY)
    shown = {name for name, session_id in scenario.healthy.items() if session_id in listed}
    assert shown == {"chain_child", "cli", "cron"}


# The home


def test_home_is_at_rest(scenario: Scenario) -> None:
    names = {path.name for path in scenario.home.iterdir()}
    assert names == {"config.yaml", "sessions", "state.db"}
    assert not list((scenario.home / "sessions").glob(".sessions_*"))
    assert query(scenario.home, "SELECT version FROM schema_version") == [{"version": 13}]
    assert query(scenario.home, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_search_index_follows_the_rows(scenario: Scenario, tmp_path: Path) -> None:
    copy_home(scenario.home, tmp_path / "home")
    with closing(sqlite3.connect(tmp_path / "home" / "state.db")) as connection:
        for table in ("messages_fts", "messages_fts_trigram"):
            connection.execute(f"INSERT INTO {table}({table}) VALUES ('integrity-check')")
            docs = f"SELECT id FROM {table}_docsize EXCEPT SELECT id FROM messages"
            rows = f"SELECT id FROM messages EXCEPT SELECT id FROM {table}_docsize"
            assert connection.execute(docs).fetchall() == []
            assert connection.execute(rows).fetchall() == []


def test_equal_arguments_give_an_equal_home(scenario: Scenario, tmp_path: Path) -> None:
    again = build_scenario(tmp_path / "home", scenario.now)
    assert replace(again, home=scenario.home) == scenario
    for table in ("sessions", "messages"):
        sql = f"SELECT * FROM {table} ORDER BY id"
        assert query(again.home, sql) == query(scenario.home, sql)
    for path in (scenario.home / "sessions").iterdir():
        assert (again.home / "sessions" / path.name).read_bytes() == path.read_bytes()


def test_copies_are_equal_and_apart(scenario: Scenario, tmp_path: Path) -> None:
    mine = fresh_scenario(tmp_path / "home")
    assert listing(mine.home) == listing(scenario.home)
    assert mine.database.stat().st_ino != scenario.database.stat().st_ino


# Judges, locks and the bigger home


def test_helpers_change_the_home_itself(tmp_path: Path) -> None:
    scenario = fresh_scenario(tmp_path / "home")
    complete = scenario.chats["complete"]
    said = turn("complete", 30, tool_name=True)
    append_turn("0.16.0", scenario.home, complete.session_id, said, scenario.now)
    assert query(scenario.home, "SELECT version FROM schema_version") == [{"version": 14}]
    whole = {complete.session_id: complete.whole + tuple(said)}
    assert differences("0.16.0", scenario.home, whole) == {}
    assert delete_session("0.16.0", scenario.home, complete.session_id)
    assert read_transcript("0.16.0", scenario.home, complete.session_id) == []
    assert scenario.transcript("complete").exists()
    torn = scenario.chats["torn"].session_id
    assert delete_session("0.16.0", scenario.home, torn, files=True)
    assert not scenario.transcript("torn").exists()


@pytest.mark.parametrize("version", ["0.14.0", "0.16.0", "0.17.0", "0.18.2", "0.19.0"])
def test_normalise_is_what_the_release_reads(version: str) -> None:
    said = [message for n, kind in enumerate(KINDS) for message in turn("talk", n, kind)]
    stamped = [{**message, "timestamp": "2026-06-01T10:00:00.5"} for message in said]
    meta = {"role": "session_meta", "content": None}
    once = normalise([meta, *stamped], version)
    assert [message["role"] for message in once] == [message["role"] for message in said]
    assert normalise(once, version) == once
    texts = " ".join(str(message.get("content")) for message in once)
    assert "memory-context" not in texts and "[screenshot]" in texts
    assert all(message["content"] == message["content"].strip() for message in once[:2])
    changed = [*said[:-1], {**said[-1], "content": "something else"}]
    assert normalise(changed, version) != once
    no_calls = [{k: v for k, v in message.items() if k != "tool_calls"} for message in said]
    assert normalise(no_calls, version) != once


def test_live_lock_is_real_and_outlives_a_crash(tmp_path: Path) -> None:
    scenario = fresh_scenario(tmp_path / "home")
    open_with("0.16.0", scenario.home)
    now = time.time()
    with hold_lock(scenario.home, scenario.fork.live, now) as lock:
        with closing(sqlite3.connect(scenario.database)) as connection:
            rows = connection.execute("SELECT * FROM compression_locks").fetchall()
        assert rows[0][0] == scenario.fork.live
        assert rows[0][1].startswith(f"pid={lock.pid}:tid=")
        assert rows[0][2:] == (pytest.approx(now), pytest.approx(now + 300))
        opened = {file.path for file in psutil.Process(lock.pid).open_files()}
        assert str(scenario.database) in opened
    assert not psutil.pid_exists(lock.pid)
    with closing(sqlite3.connect(scenario.database)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM compression_locks").fetchone() == (1,)


def test_planted_lock_has_the_times_it_was_given(tmp_path: Path) -> None:
    home = tmp_path / "home"
    holder = plant_lock(home, "20260101_000000_abcdef", 4_194_400, 1000.0, 1300.0)
    assert holder.startswith("pid=4194400:tid=")
    rows = query(home, "SELECT * FROM compression_locks")
    assert [row["holder"] for row in rows] == [holder]
    assert (rows[0]["acquired_at"], rows[0]["expires_at"]) == (1000.0, 1300.0)


def test_legacy_home_is_whole_in_both_places(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = legacy_home(home, 1_781_946_000.0, sessions=12, turns=5, seed=7)
    assert len(said) == 12
    assert differences("0.15.2", home, said) == {}
    for session_id, messages in said.items():
        text = (home / "sessions" / f"{session_id}.jsonl").read_text(encoding="utf-8")
        assert len(text.splitlines()) == len(messages) + 1
    other = legacy_home(tmp_path / "other", 1_781_946_000.0, sessions=12, turns=5, seed=8)
    assert other != said


# The releases themselves


def test_release_runs_apart_from_this_process(tmp_path: Path) -> None:
    script = (
        "import os, sys, hermes_constants as c\n"
        "print(c.get_hermes_home(), os.path.expanduser('~'), os.getcwd(), sys.argv[1:])\n"
    )
    home, user, folder, args = run_release("0.14.0", script, tmp_path, "a").split()
    assert (home, args) == (str(tmp_path), "['a']")
    assert user == folder != str(Path.home())


def test_failed_snippet_says_why(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no such luck"):
        run_release("0.14.0", "raise SystemExit('no such luck')", tmp_path)
    assert run_release("0.14.0", "print(1); raise SystemExit(3)", tmp_path, check=False) == "1\n"


def test_missing_wheel_skips_but_fails_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_REPAIR_RELEASES", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"0\.14\.0 could not be downloaded"):
        release.__wrapped__("0.14.0")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match=r"0\.14\.0 could not be downloaded"):
        release.__wrapped__("0.14.0")
    assert list(tmp_path.iterdir()) == []


def test_first_of_two_unpackers_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(version: str, folder: Path) -> Path:
        with zipfile.ZipFile(folder / "a.whl", "w") as wheel:
            wheel.writestr("hermes_state.py", "mine")
        (tmp_path / version).mkdir()
        (tmp_path / version / "hermes_state.py").write_text("theirs", encoding="utf-8")
        return folder / "a.whl"

    monkeypatch.setenv("HERMES_REPAIR_RELEASES", str(tmp_path))
    monkeypatch.setattr(tests.releases, "_download", download)
    root = release.__wrapped__("9.9.9")
    assert (root / "hermes_state.py").read_text(encoding="utf-8") == "theirs"
    assert list(tmp_path.iterdir()) == [tmp_path / "9.9.9"]
