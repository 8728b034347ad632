"""What the real releases leave behind: losses come back, what a user took back does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hermes_repair.evidence.compared_transcripts import rows_of
from hermes_repair.transcripts.sequences import (
    FileSequence,
    MessageRow,
    RowSequence,
    build_rows,
    read_sequence,
)
from hermes_repair.transcripts.verdicts import Comparison, Verdict
from tests.histories.judge import scene_of
from tests.releases import run_release
from tests.scenario import ASKED, CASES, LOST, RESTORED, STAYS, WHOLE, Scenario, fresh_scenario
from tests.scenario.build import Script
from tests.scenario.play import play

NOW = 1_781_946_000.0
DAY = 86400.0
SUMMARY = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
RECALLED = "[This message was recalled/withdrawn by the sender; original content removed]"


class Home:
    """A home as the comparison sees it once ``release`` had it open; it proves its zone itself."""

    def __init__(self, root: Path, release: str) -> None:
        with scene_of(root, release, None) as scene:
            self.answers = scene.comparisons.answers
            self.clock = scene.comparisons.clock
            self.files = {name: read_sequence(one.file.path) for name, one in self.answers.items()}
            self.tables = {name: rows_of(scene, name) for name in self.answers}

    def compare(self, name: str) -> Comparison:
        found = self.answers[name].comparison
        assert found is not None
        return found


# The main scenario: 0.13.0, 0.14.0 and 0.15.2


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return fresh_scenario(tmp_path_factory.mktemp("scenario") / "home")


@pytest.fixture(scope="module")
def seen(scenario: Scenario) -> Home:
    return Home(scenario.home, "0.15.2")


def shown(file: FileSequence, table: RowSequence, found: Comparison) -> list[bytes]:
    """Return the keys of the session after the fill, ``session_meta`` left out."""
    assert found.fill is not None
    place = {number: index for index, number in enumerate(table.ids)}
    keys = []
    for step in found.fill.steps:
        if step.line is not None:
            keys.append(file.keys[step.line])
        elif step.row_id is not None and table.flags[place[step.row_id]]:
            keys.append(table.keys[place[step.row_id]])
    return keys


@pytest.mark.parametrize("case", CASES)
def test_the_main_scenario(case: str, scenario: Scenario, seen: Home) -> None:
    chat = scenario.chats[case]
    found = seen.compare(chat.session_id)
    assert found.safe == (case in RESTORED)
    if case in WHOLE:
        assert found.verdict in (Verdict.EQUAL, Verdict.FILE_SHORTER)
        assert found.finding is None
    if case in STAYS + ASKED:
        assert found.severity.word == "info"
        assert found.doubt is not None
    if case in LOST:
        whole = build_rows(
            MessageRow(
                number,
                message["role"],
                message.get("content"),
                None,
                message.get("tool_call_id"),
                1.0,
            )
            for number, message in enumerate(chat.whole)
            if message["role"] != "session_meta"
        )
        after = shown(seen.files[chat.session_id], seen.tables[chat.session_id], found)
        assert len(after) == len(whole)


# What later releases do to a chat whose file 0.14.0 wrote

ACTIONS = ("undo", "rewrite", "compress", "recall", "delete")
THEN = ("nothing", "another", "same question", "same turn")
CHANGE = """
import json, os, sys, time
from pathlib import Path
from hermes_state import SessionDB

version, now = sys.argv[1], float(sys.argv[2])
plan = json.loads(sys.argv[3])
moment = [now]
def tick():
    moment[0] += 0.5
    return moment[0]
time.time = tick
db = SessionDB(Path(os.environ["HERMES_HOME"]) / "state.db")

def load(session):
    return db.get_messages_as_conversation(session)

def last_user(messages):
    return max(i for i, m in enumerate(messages) if m["role"] == "user")

for session, action, then in plan:
    messages = load(session)
    cut = last_user(messages)
    asked, answered = messages[cut]["content"], messages[-1]["content"]
    if action == "undo" and hasattr(db, "rewind_to_message"):
        row = db._conn.execute(
            "SELECT MAX(id) FROM messages WHERE session_id = ? AND role = 'user'", (session,)
        ).fetchone()
        db.rewind_to_message(session, row[0])
    elif action in ("undo", "rewrite"):
        db.replace_messages(session, messages[:cut])
    elif action == "compress":
        summary = {"role": "user", "content": sys.argv[4] + " into a summary."}
        compacted = [messages[0], summary, *messages[-2:]]
        getattr(db, "archive_and_compact", db.replace_messages)(session, compacted)
    elif action == "recall":
        messages[0]["content"] = sys.argv[5]
        db.replace_messages(session, messages)
    elif action == "delete":
        db.delete_session(session)
    if then == "nothing":
        continue
    moment[0] += 3600
    if action == "delete":
        db.create_session(session, source="telegram")
    said = {"another": ["something else", "of course"], "same question": [asked, "another answer"],
            "same turn": [asked, answered]}[then]
    for role, text in zip(("user", "assistant"), said):
        db.append_message(session, role, text)
db.close()
"""


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home of 0.14.0 with a chat for every action; the chats interleave, all are whole."""
    home = tmp_path_factory.mktemp("old") / "home"
    home.mkdir()
    (home / "config.yaml").write_text("session_reset:\n  mode: none\n", encoding="utf-8")
    script = Script(NOW)
    # The name of a chat decides its id; names of different lengths never share one.
    cases = ["quiet", *(f"{action} {then}" for action in ACTIONS for then in THEN)]
    name_of = {case: "chat" + "y" * index for index, case in enumerate(cases)}
    for number in range(4):
        for index, case in enumerate(cases):
            script.say(name_of[case], [number], -40 + number * 1.5 + index / 50, kind="plain")
    script.say(name_of["quiet"], [4], -34, kind="plain")
    ops = script.ops
    results = play("0.14.0", home, ops, seed=3, bulk=True)
    sessions = {op["case"]: done["session"] for op, done in zip(ops, results, strict=True)}
    assert len(set(sessions.values())) == len(cases)
    return home, {case: sessions[name_of[case]] for case in cases}


@pytest.mark.parametrize("version", ["0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0"])
def test_nothing_that_was_taken_back_returns(
    version: str, old_home: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    source, ids = old_home
    home = tmp_path / "home"
    shutil.copytree(source, home)
    plan: Sequence[Sequence[str]] = [
        [session, *case.split(" ", 1)] for case, session in ids.items() if case != "quiet"
    ]
    arguments = (version, str(NOW - 10 * DAY), json.dumps(plan), SUMMARY, RECALLED)
    run_release(version, CHANGE, home, *arguments)
    seen = Home(home, version)
    assert seen.clock.periods, "the quiet chat proves the zone"
    for case, session in ids.items():
        found = seen.compare(session)
        assert not found.safe, (case, found)
        assert found.severity.word == "info", (case, found)
        if case == "quiet":
            assert found.verdict is Verdict.EQUAL
            continue
        action, then = case.split(" ", 1)
        allowed = {
            "undo": {Verdict.SUPERSEDED, Verdict.TAIL_MISSING},
            "rewrite": {Verdict.TAIL_MISSING},
            "compress": {Verdict.SUPERSEDED},
            "recall": {Verdict.SUPERSEDED},
            "delete": {Verdict.ONLY_IN_FILE, Verdict.ALL_MISSING, Verdict.TAIL_MISSING},
        }[action]
        if then == "same turn" and action in ("undo", "rewrite"):
            # The last turn word for word again: the database has all that the file has.
            allowed |= {Verdict.EQUAL, Verdict.FILE_SHORTER}
        assert found.verdict in allowed, (case, found)
