"""Sentences that were once said and were not true, each on a home where it was said."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_repair.model.words import utc_day
from sample_data.build import build
from tests.cli.speaking import Said, commands, say
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import files
from tests.homes.home import execute_all, query
from tests.homes.small import NOW, small_home
from tests.migrations.running import checkout
from tests.releases import run_release
from tests.support import every_command

Capture = pytest.CaptureFixture[str]

CHATS = """
import time
from hermes_state import SessionDB

now = 1780000000.0  # a day in May 2026
CALL = {"id": "c", "type": "function", "function": {"name": "terminal", "arguments": "{}"}}


def tick():
    global now
    now += 5.0
    return now


time.time = tick
db = SessionDB()


def ask(name, *asked):
    for words in asked:
        db.append_message(name, "user", words)
        db.append_message(name, "assistant", "", tool_calls=[CALL])
        db.append_message(name, "tool", "12 files", tool_name="terminal", tool_call_id="c")
        db.append_message(name, "assistant", "Twelve.")


db.create_session("photos", source="cli")
ask("photos", "How many photos are there?", "And how many of them twice?")
db.create_session("run", source="cli", parent_session_id="photos")
ask("run", "Count the files in this folder.")
now += 86400.0
db.create_session("later", source="cli")
ask("later", "And how many are there today?")
db.close()
"""
"""A chat, a run that it delegated, and another chat a day later; all of them use a tool."""


@pytest.fixture
def chats(home: Path) -> Path:
    """Return a home that 0.15.2 wrote, of schema 13."""
    made = home.parent / "chats"
    made.mkdir()
    run_release("0.15.2", CHATS, made)
    return made


def lines(said: Said) -> list[str]:
    return said.sentences().splitlines()


# --- "There was nothing to repair." ---------------------------------------------------------------


@pytest.mark.parametrize("words", [["repair", "--yes"], ["repair", "--dry-run"]], ids=" ".join)
def test_nothing_is_to_be_repaired_where_nothing_is_wrong_alone(
    words: list[str], home: Path, capsys: Capture
) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    assert re.search(r"There (is|was) nothing to repair\.", say(capsys, *words, "--home", home).out)


def test_what_waits_is_something_to_repair(home: Path, capsys: Capture) -> None:
    execute_all(home, "DELETE FROM compression_locks")
    with neighbour(READER, home / "state.db"):
        said = say(capsys, "repair", "--yes", "--home", home)
    assert said.code == 4 and "nothing to repair" not in said.out
    assert "Nothing was changed." in lines(said)
    assert sum(line.startswith("Waiting: ") for line in lines(said)) == 3


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_what_needs_a_decision_is_something_to_repair(
    how: str, chats: Path, capsys: Capture
) -> None:
    execute_all(chats, "DELETE FROM sessions WHERE id = 'later'")
    said = say(capsys, "repair", how, "--home", chats)
    assert said.code == 0 and "nothing to repair" not in said.out
    assert "Nothing is repaired unasked here: what could be done needs your decision." in said.out
    assert "Skipped: " in said.out


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_problems_that_stay_are_named(how: str, chats: Path, capsys: Capture) -> None:
    checkout(chats, "0.17.0")
    said = say(capsys, "repair", how, "--home", chats)
    assert said.code == 0 and "nothing to repair" not in said.out
    assert "Nothing that was asked for can be repaired here." in lines(said)
    still = [line for line in lines(said) if line.startswith("The doctor still finds 2 problems")]
    assert len(still) == 1
    accepted = say(capsys, "doctor", "--json", "--home", chats).document["findings"]
    for finding in accepted:
        say(capsys, "ack", finding["fingerprint"], "--reason", "known", "--home", chats)
    assert "There " in say(capsys, "repair", how, "--home", chats).out


def test_the_doctor_finds_notes_only_where_it_finds_some(home: Path, capsys: Capture) -> None:
    assert "The doctor now finds nothing." in say(capsys, "repair", "--yes", "--home", home).out


# --- since when chats are hidden ------------------------------------------------------------------


def test_our_own_migration_is_named_as_what_it_is(chats: Path, capsys: Capture) -> None:
    assert say(capsys, "migrate", "--to", "16", "--yes", "--home", chats).code == 0
    found = say(capsys, "doctor", "--select", "LN006", "--home", chats).out
    on = utc_day(time.time())
    assert f"is in no list since hermes-repair migrated it to schema 16, on {on};" in found
    assert "0.17.0" not in found
    assert say(capsys, "undo", "--yes", "--home", chats).code == 0
    run_release("0.17.0", "from hermes_state import SessionDB\nSessionDB().close()", chats)
    found = say(capsys, "doctor", "--select", "LN006", "--home", chats).out
    assert "is in no list since schema step 16 (an update to 0.17.0 or later), after 2026-" in found


# --- other profiles -------------------------------------------------------------------------------


@pytest.fixture
def two(home: Path) -> Path:
    """Return a home with another profile."""
    small_home(home / "profiles" / "work")
    return home


COMMANDS = {
    "backup": [],
    "backup list": [],
    "backup prune": [],
    "doctor": [],
    "forks": [],
    "history": [],
    "locks list": [],
    "repair": ["--dry-run"],
    "tree": [],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_only_an_option_that_there_is_is_named(name: str, two: Path, capsys: Capture) -> None:
    known = {option for param in every_command()[name].params for option in param.opts}
    said = lines(say(capsys, *name.split(), *COMMANDS[name], "--home", two))
    if "--all-profiles" in known:
        assert said[1] == "1 other profile here; --all-profiles includes it."
    else:
        assert said[1] == "1 other profile here; --profile NAME takes another one."
        assert "--profile" in known


# --- who is there ---------------------------------------------------------------------------------


def test_another_program_is_not_called_hermes(home: Path, capsys: Capture) -> None:
    with neighbour(READER, home / "state.db") as process:
        said = say(capsys, "doctor", "--home", home).out
    assert "Hermes is running" not in said and "Needs Hermes stopped" not in said
    assert f"\nProcess {process.pid} (`" in said
    assert " has the database open, so everything was checked twice.\n" in said
    assert "Repaired only when nobody has it open (close that program): LN001, " in said


# --- what is wrong with a command line comes before "--yes" ---------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["repair", "--session", "nope"], 2, "nope"),
        (["repair", "--plan", "nope.db"], 2, "There is no plan nope.db."),
        (["backfill", "nope"], 2, "nope"),
        (["migrate", "--to", "99"], 2, "99"),
        (["migrate", "--to", "12"], 4, "cannot go back to 12"),
        (["undo", "77"], 2, "77"),
        (["undo"], 4, "There is nothing to undo."),
        (["restore", "nope"], 2, "There is no backup 'nope'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_named_first(
    words: list[str], code: int, message: str, home: Path, capsys: Capture
) -> None:
    before = files(home)
    said = say(capsys, *words, "--home", home)
    assert files(home) == before
    with_yes = say(capsys, *words, "--yes", "--home", home)
    assert (said.code, said.err) == (with_yes.code, with_yes.err)
    assert said.code == code and message in said.err and "--yes" not in said.err


# --- migrate --------------------------------------------------------------------------------------


def test_a_migration_ends_with_what_comes_next(home: Path, capsys: Capture) -> None:
    said = say(capsys, "migrate", "--to", "16", "--yes", "--home", home)
    assert said.out.splitlines()[-1] == f"Next: hermes-repair doctor --home {home}"


@pytest.fixture(params=[None, "0.16.0", "0.19.0"], ids=str)
def served(chats: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return the home with no Hermes beside it, with one of before 0.17.0, with one of after."""
    if request.param is not None:
        checkout(chats, request.param)
    yield chats


@pytest.mark.parametrize("more", [[], ["--for", "0.19.0"]], ids=" ".join)
def test_a_report_has_one_target_to_migrate_to(
    more: list[str], served: Path, capsys: Capture
) -> None:
    said = say(capsys, "doctor", *more, "--home", served)
    assert "LN010" in said.out and "SC001" in said.out
    typed = [words for words in commands(said.out) if words[1] == "migrate"]
    targets = set()
    for _, *words in typed:
        preview = [*words, *([] if "--dry-run" in words else ["--dry-run"])]
        plan = say(capsys, *preview, "--json")
        assert plan.code == 0, plan
        targets.add(plan.document["target"])
    assert len(typed) >= 2 and len(targets) == 1, typed


def test_an_area_that_nobody_asked_for_is_not_called_sound(tmp_path: Path, capsys: Capture) -> None:
    """``--for`` judges by all that is wrong; of what was not to be listed nothing is said."""
    damaged = build("damaged", tmp_path / "damaged", NOW)
    said = say(capsys, "doctor", "--for", "0.19.0", "--select", "SC", "--home", damaged)
    areas = [line.split()[1] for line in said.out.splitlines() if line[:2] in ("✓ ", "! ", "✗ ")]
    assert areas == ["schema"] and "50 messages: it no longer reads" in said.out


def test_what_a_file_has_not_is_not_called_removed(tmp_path: Path, capsys: Capture) -> None:
    """Messages of no session lie in the database: `backfill` shows none of them."""
    home = small_home(tmp_path)
    row = "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('gone', 'user', "
    execute_all(home, *(f"{row}'words {n}', {n}.5)" for n in range(4)))
    said = say(capsys, "doctor", "--select", "MS003", "--home", home)
    assert "4 messages in 1 chat are out of sight, and how to show them is your choice" in said.out
    assert "removed on purpose" not in said.out
    ((rows,),) = query(home, "SELECT COUNT(*) FROM messages")
    assert f", {rows} messages\n" in said.out, "those of no session are counted too"
