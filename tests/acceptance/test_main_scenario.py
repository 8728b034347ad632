"""The main job on a real install: look, migrate, repair, judged by the real releases, undo."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import fingerprint, rows, sound
from tests.homes.home import copy_home
from tests.releases import release
from tests.scenario import ASKED, RESTORED, STAYS, WHOLE, Scenario, fresh_scenario
from tests.scenario.judge import (
    append_turn,
    differences,
    list_sessions,
    open_with,
    read_transcript,
    resume_tip,
    session_by_title,
)
from tests.scenario.locks import hold_lock, plant_lock


@pytest.fixture(scope="module", autouse=True)
def _wheels() -> None:
    for version in ("0.13.0", "0.14.0", "0.15.2", "0.16.0"):
        release(version)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return fresh_scenario(tmp_path / "home")


@pytest.fixture
def migrated(scenario: Scenario) -> Scenario:
    assert run("migrate", "--to", "14", "--yes", home=scenario.home).code == 0
    return scenario


@pytest.fixture
def repaired(migrated: Scenario) -> Scenario:
    done = run("repair", "--yes", home=migrated.home)
    assert done.code == 0, done.out + done.err
    return migrated


def ids(scenario: Scenario, cases: tuple[str, ...]) -> set[str]:
    return {scenario.chats[case].session_id for case in cases}


def in_question(scenario: Scenario) -> list[tuple[str, str]]:
    """Return the warnings about chats that wait to be asked for.

    Their counts may be the last trace of a loss, and a torn file the only place of a beginning.
    """
    counted = ("all_missing", "all_missing_went_on")
    warned = [("MS002", scenario.chats[case].session_id) for case in counted]
    return [*warned, ("TR004", scenario.chats["torn_front"].session_id)]


def named(
    document: dict[str, list[dict[str, object]]], severities: set[str]
) -> list[tuple[str, str]]:
    found = []
    for finding in document["findings"]:
        if finding["severity"] in severities:
            subject = finding["subject"]
            assert isinstance(subject, dict)
            found.append((str(finding["id"]), str(subject.get("session_id"))))
    return found


def test_doctor_names_each_damage_once_and_changes_nothing(scenario: Scenario) -> None:
    before = fingerprint(scenario.home)
    looked = run("doctor", "--json", home=scenario.home)
    assert looked.code == 1
    found = named(looked.document, {"error", "fatal"})
    expected = {("TR001", id) for id in ids(scenario, RESTORED)}
    expected |= {
        ("LN001", scenario.orphan_child),
        ("LN002", scenario.fork.parent),
        ("LN004", scenario.closed_parent),
        ("DB008", "None"),
    }
    assert sorted(found) == sorted(expected)
    warnings = named(looked.document, {"warning"})
    assert sorted(warnings) == sorted(in_question(scenario))
    notes = dict.fromkeys(named(looked.document, {"info"}))
    for case, id in (
        ("undone", "TR007"),
        ("undone_asked_again", "TR007"),
        ("deleted", "TR002"),
        ("deleted_recreated", "TR001"),
        ("torn", "TR004"),
        ("only_in_file", "TR002"),
        *((case, "TR001") for case in ASKED if case != "only_in_file"),
    ):
        assert (id, scenario.chats[case].session_id) in notes
    healthy = set(scenario.healthy.values()) | ids(scenario, ("complete", "complete_went_on"))
    assert not healthy & {session for _, session in (*found, *warnings)}
    assert fingerprint(scenario.home) == before


def test_doctor_says_it_in_plain_words_with_counts_and_the_next_command(scenario: Scenario) -> None:
    said = run("doctor", home=scenario.home).out
    big = scenario.chats["front_big"].session_id
    assert f"{big} (2026-" in said
    assert "the database lacks 994 messages that the file has" in said
    assert "ERROR TR001 transcript-longer-in-file: 3 sessions, " in said
    assert f"hermes-repair repair --home {scenario.home} --dry-run" in said
    assert scenario.fork.title not in said
    assert "\x1b" not in said


def test_migrate_makes_what_a_fresh_release_makes(scenario: Scenario, tmp_path: Path) -> None:
    said = run("migrate", "--to", "14", "--yes", home=scenario.home)
    assert said.code == 0, said.err
    assert "Done and verified" in said.out
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    open_with("0.16.0", fresh)
    assert structure(scenario.database) == structure(fresh / "state.db")
    backup = next((scenario.home / "hermes-repair" / "backups").glob("*/state.db"))
    assert connect_version(backup) == 13
    for version in ("0.16.0", "0.15.2"):
        session = scenario.chats["complete"].session_id
        open_with(version, scenario.home)
        before = len(read_transcript(version, scenario.home, session))
        append_turn(
            version,
            scenario.home,
            session,
            [{"role": "user", "content": f"hello {version}"}],
            scenario.now,
        )
        assert len(read_transcript(version, scenario.home, session)) == before + 1
    sound(scenario.database)


def connect_version(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?immutable=1", uri=True) as connection:
        return int(connection.execute("SELECT version FROM schema_version").fetchone()[0])


def structure(database: Path) -> dict[str, str]:
    from hermes_repair.schema.structure import read_structure
    from hermes_repair.schema.structure_difference import normalised

    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return normalised(read_structure(lambda sql, values: connection.execute(sql, list(values))))
    finally:
        connection.close()


def test_a_dry_run_shows_the_plan_and_changes_nothing(migrated: Scenario) -> None:
    before = fingerprint(migrated.home)
    shown = run("repair", "--dry-run", "--json", home=migrated.home)
    assert shown.code == 0
    plan = shown.document["plan"]
    assert {unit["session"] for unit in plan["actions"]} == ids(migrated, RESTORED) | {
        migrated.orphan_child,
        migrated.fork.parent,
        migrated.closed_parent,
    }
    assert all(unit["safety"] == "safe" for unit in plan["actions"])
    assert (
        plan["digest"]
        == run("repair", "-n", "--json", home=migrated.home).document["plan"]["digest"]
    )
    assert fingerprint(migrated.home) == before


def test_after_repair_the_real_release_reads_what_the_file_held(repaired: Scenario) -> None:
    expected = {
        repaired.chats[case].session_id: repaired.chats[case].whole for case in RESTORED + WHOLE
    }
    assert differences("0.16.0", repaired.home, expected) == {}
    sound(repaired.database)


def test_what_may_have_been_deleted_comes_back_when_it_is_named(repaired: Scenario) -> None:
    lost = {repaired.chats[case].session_id: repaired.chats[case].whole for case in ASKED}
    assert set(differences("0.16.0", repaired.home, lost)) == set(lost)
    done = run("backfill", *lost, "--yes", home=repaired.home)
    assert done.code == 0, done.out + done.err
    expected = lost | {
        repaired.chats[case].session_id: repaired.chats[case].whole for case in RESTORED + WHOLE
    }
    assert differences("0.16.0", repaired.home, expected) == {}
    sound(repaired.database)
    looked = run("doctor", "--json", home=repaired.home)
    assert (looked.code, named(looked.document, {"error", "warning"})) == (0, [])


def test_after_repair_what_was_undone_or_deleted_stays_so(repaired: Scenario) -> None:
    kept = {repaired.chats[case].session_id: repaired.chats[case].left for case in STAYS}
    assert differences("0.16.0", repaired.home, kept) == {}


def test_after_repair_chats_are_listed_resumed_and_can_be_written(repaired: Scenario) -> None:
    shown = {entry["id"] for entry in list_sessions("0.16.0", repaired.home)}
    fork = repaired.fork
    assert {fork.live, fork.hidden, repaired.orphan_child} <= shown
    assert resume_tip("0.16.0", repaired.home, fork.parent) == fork.live
    assert session_by_title("0.16.0", repaired.home, fork.title) == fork.live
    closed = repaired.closed_parent
    with sqlite3.connect(repaired.database) as connection:
        row = connection.execute(
            "SELECT ended_at, end_reason FROM sessions WHERE id = ?", (closed,)
        ).fetchone()
    assert row == (None, None)
    before = len(read_transcript("0.16.0", repaired.home, closed))
    words = [{"role": "user", "content": "are you still there?"}]
    append_turn("0.16.0", repaired.home, closed, words, repaired.now)
    assert len(read_transcript("0.16.0", repaired.home, closed)) == before + 1


def test_after_repair_the_doctor_is_content_and_a_second_repair_has_nothing(
    repaired: Scenario,
) -> None:
    looked = run("doctor", "--json", home=repaired.home)
    left = named(looked.document, {"fatal", "error", "warning"})
    assert sorted(left) == sorted([("DB008", "None"), *in_question(repaired)])
    again = run("repair", "--dry-run", "--json", home=repaired.home).document["plan"]
    assert again["actions"] == [] and again["waiting"] == []
    assert run("backfill", "--all", "--yes", home=repaired.home).code == 0
    looked = run("doctor", "--json", home=repaired.home)
    assert looked.code == 0 and not named(looked.document, {"fatal", "error", "warning"})


def test_undo_twice_gives_back_everything(scenario: Scenario, tmp_path: Path) -> None:
    original = rows(scenario.database)
    files = fingerprint(scenario.home / "sessions")
    assert run("migrate", "--to", "14", "--yes", home=scenario.home).code == 0
    between = rows(scenario.database)
    assert run("repair", "--yes", home=scenario.home).code == 0
    assert rows(scenario.database) != between
    assert run("undo", "--yes", home=scenario.home).code == 0
    assert rows(scenario.database) == between
    assert run("undo", "--yes", home=scenario.home).code == 0
    assert rows(scenario.database) == original
    assert connect_version(scenario.database) == 13
    assert fingerprint(scenario.home / "sessions") == files
    sound(scenario.database)
    left = run("undo", "--yes", home=scenario.home)
    assert left.code == 4 and "nothing to undo" in left.err


def test_sources_are_kept(repaired: Scenario) -> None:
    kept = {path.name for path in (repaired.home / "hermes-repair" / "sources").rglob("*.gz")}
    assert kept == {f"{id}.jsonl.gz" for id in ids(repaired, RESTORED)}


def test_locks_beside_a_live_process(migrated: Scenario, tmp_path: Path) -> None:
    home = migrated.home
    now = time.time()
    dead = 4_000_000  # above pid_max of every Linux
    plant_lock(home, "expired-session", dead, now - 4000, now - 3700)
    plant_lock(home, migrated.chats["complete"].session_id, dead, now - 100, now + 200)
    before = copy_of(home, tmp_path / "before")
    # Not before the process that takes it has started, or its lock would look like another's.
    with hold_lock(home, migrated.fork.live, time.time() + 10) as held:
        cleaned = run("locks", "clean", "--json", home=home)
        assert cleaned.code == 0, cleaned.err
        assert set(cleaned.document["freed"]) == {
            "expired-session",
            migrated.chats["complete"].session_id,
        }
        assert locks(migrated.database) == {migrated.fork.live}
        partly = run("repair", "--yes", home=home)
        assert partly.code == 4
        assert f"pid {held.pid}" in partly.out or str(held.pid) in partly.out
        assert "Waiting: bring back 9 messages" in partly.out
        held.process.finish()
    del before
    rest = run("repair", "--yes", home=home)
    assert rest.code == 0, rest.out + rest.err
    expected = {migrated.chats[c].session_id: migrated.chats[c].whole for c in RESTORED}
    assert differences("0.16.0", home, expected) == {}


def copy_of(home: Path, target: Path) -> Path:
    copy_home(home, target)
    return target


def locks(database: Path) -> set[str]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT session_id FROM compression_locks")}
    finally:
        connection.close()


def test_repair_works_before_the_migration_too(scenario: Scenario) -> None:
    done = run("repair", "--yes", home=scenario.home)
    assert done.code == 0, done.out + done.err
    expected = {scenario.chats[case].session_id: scenario.chats[case].whole for case in RESTORED}
    assert differences("0.15.2", scenario.home, expected) == {}
    shutil.rmtree(scenario.home / "sessions")
