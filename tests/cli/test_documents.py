"""Every command's JSON is one document, and is what ``schema/json`` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.speaking import Said, assert_document, say, schemas, validator
from tests.engine.neighbours import READER, neighbour
from tests.homes.home import opened
from tests.homes.small import FRONT, HEALTHY, ORPHAN, chat_only_in_file, small_home

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_one(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.json" and schema["title"]


def test_the_check_sees_what_is_wrong() -> None:
    document = {"format_version": 1, "tool_version": "1", "home": "/", "database": {"path": "/"}}
    good = {**document, "removed": []}
    assert_document("backup-prune", good)
    for bad in (document, {**good, "more": 1}, {**good, "removed": [1]}, {**good, "home": 1}):
        assert list(validator("backup-prune").iter_errors(bad))
    assert not list(validator("backup-prune", closed=False).iter_errors({**good, "more": 1}))


LOOKS = [
    ("doctor", ["doctor"]),
    ("doctor", ["doctor", "--deep", "-v"]),
    ("doctor", ["doctor", "--select", "TR"]),
    ("doctor", ["doctor", "--for", "0.19.0"]),
    ("plan", ["repair", "--dry-run"]),
    ("plan", ["repair", "--dry-run", "--unsafe"]),
    ("plan", ["backfill", "--dry-run"]),
    ("migrate", ["migrate", "--to", "16", "--dry-run"]),
    ("migrate-check", ["migrate", "--to", "16", "--check"]),
    ("history", ["history"]),
    ("locks-list", ["locks", "list"]),
    ("locks-clean", ["locks", "clean", "--dry-run"]),
    ("backup-list", ["backup", "list"]),
    ("forks", ["forks"]),
    ("tree", ["tree"]),
    ("find", ["find", "heron"]),
    ("copies", ["copies"]),
    ("backfill-report", ["backfill", "--report"]),
]


@pytest.mark.parametrize(("name", "words"), LOOKS, ids=lambda value: " ".join(value))
def test_a_look(name: str, words: list[str], home: Path, capsys: Capture) -> None:
    said = say(capsys, *words, "--home", home, "--json")
    assert said.code in (0, 1) and said.err == ""
    assert_document(name, said.document)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("migrate-list", ["migrate", "--list"]),
        ("explain", ["explain", "TR001"]),
        ("explain-list", ["explain"]),
    ],
)
def test_what_needs_no_home(name: str, words: list[str], capsys: Capture) -> None:
    said = say(capsys, *words, "--json")
    assert said.code == 0
    assert_document(name, said.document)


@pytest.mark.parametrize("how", ["--cron", "--systemd"])
def test_locks_install(how: str, home: Path, capsys: Capture) -> None:
    said = say(capsys, "locks", "install", how, "--home", home, "--json")
    assert said.code == 0, said
    assert_document("locks-install", said.document)


def test_what_a_run_says(home: Path, capsys: Capture) -> None:
    """One whole life: repair, migrate, history, backup, undo, restore."""
    chat_only_in_file(home)

    def command(name: str, *words: str, code: int = 0) -> Said:
        said = say(capsys, *words, "--home", home, "--json")
        assert said.code == code, said
        assert_document(name, said.document)
        return said

    first = command("repair", "repair", "--unsafe", "--yes").document
    assert first["receipt"]["units"] == 5 and first["refused"] == []
    assert command("repair", "repair", "--yes").document["receipt"] is None
    assert command("migrate", "migrate", "--to", "16", "--yes").document["target"] == 16
    history = command("history", "history").document["history"]
    assert [entry["command"] for entry in history] == ["migrate", "repair"]
    made = command("backup", "backup").document["backup"]
    listed = command("backup-list", "backup", "list").document["backups"]
    assert made in listed and len(listed) == 2
    undone = command("undo", "undo", "1", "--yes").document
    assert undone["undone"] == [entry["id"] for entry in history]
    restored = command("restore", "restore", made["name"], "--yes").document
    assert restored["restored"] == made["name"]
    command("backup-prune", "backup", "prune")
    found = command("doctor", "doctor").document["findings"]
    finding = next((f for f in found if f["id"] == "TR001"), None)
    assert finding is None, "the restored copy was a repaired one"


def test_what_ack_says(home: Path, capsys: Capture) -> None:
    found = say(capsys, "doctor", "--home", home, "--json").document["findings"]
    for finding in found:
        said = say(
            capsys, "ack", finding["fingerprint"], "--reason", "known", "--home", home, "--json"
        )
        assert said.code == 0
        assert_document("ack", said.document)
        assert said.document["acknowledged"]["acknowledged"] is True


def test_what_waits(home: Path, capsys: Capture) -> None:
    """Beside an open database: the plan, and what a run leaves."""
    with neighbour(READER, home / "state.db"):
        dry = say(capsys, "repair", "--dry-run", "--home", home, "--json")
        assert dry.code == 4 and dry.document["plan"]["waiting"]
        assert_document("plan", dry.document)
        done = say(capsys, "repair", "--yes", "--home", home, "--json")
        assert done.code == 4 and done.document["waiting"]
        assert_document("repair", done.document)


def test_what_is_refused_in_part(home: Path, capsys: Capture) -> None:
    """A step that meets something else than the plan expects is named; the others are done."""
    with opened(home) as db:
        db.execute(
            "CREATE UNIQUE INDEX one ON sessions (CASE WHEN parent_session_id IS NULL AND id ="
            f" '{ORPHAN}' THEN '{HEALTHY}' ELSE id END)"
        )
    said = say(capsys, "repair", "--yes", "--home", home, "--json")
    assert said.code == 4
    assert_document("repair", said.document)
    assert any(ORPHAN in step["unit"] for step in said.document["refused"])
    assert said.document["receipt"]["units"] >= 2


ERRORS: list[tuple[list[str], int]] = [
    (["doctor", "--home", "/nonexistent/x"], 5),
    (["repair", "--home", "HOME"], 4),
    (["doctor", "--home", "HOME", "--fail-on", "nothing"], 2),
    (["doctor", "--home", "HOME", "--no-such-option"], 2),
    (["explain", "ZZ999"], 2),
    (["undo", "--home", "HOME", "--yes"], 4),
    (["undo", "9", "--home", "HOME", "--yes"], 2),
    (["restore", "nothing", "--home", "HOME", "--yes"], 2),
    (["ack", "0000000000000000", "--reason", "x", "--home", "HOME"], 2),
    (["doctor", "--home", "HOME", "--profile", "none"], 2),
    (["repair", "--home", "HOME", "--yes", "--plan", "HOME/state.db"], 4),
    (["repair", "--home", "HOME", "--yes", "--plan", "/nonexistent"], 2),
]


@pytest.mark.parametrize(("words", "code"), ERRORS, ids=lambda value: str(value)[:60])
def test_an_error_is_a_document(words: list[str], code: int, home: Path, capsys: Capture) -> None:
    said = say(capsys, *[word.replace("HOME", str(home)) for word in words], "--json")
    assert said.code == code, said
    assert said.err == ""
    assert_document("error", said.document)
    error = said.document["error"]
    assert error["exit_code"] == code
    assert error["message"].endswith((".", "'")) and "\n" not in error["message"]


def test_all_profiles(home: Path, capsys: Capture) -> None:
    """One document; a profile that is refused does not keep the others from their turn."""
    small_home(home / "profiles" / "work", 13)
    (home / "profiles" / "empty").mkdir()
    text = home / "profiles" / "text"
    text.mkdir()
    (text / "state.db").write_text("not a database")
    said = say(capsys, "doctor", "--home", home, "--all-profiles", "--json")
    assert said.code == 1
    assert_document("profiles", said.document)
    kinds = {}
    for document in said.document["profiles"]:
        kind = "error" if "error" in document else "doctor"
        assert_document(kind, document)
        kinds[Path(document["home"]).name] = kind
    assert kinds == {"home": "doctor", "work": "doctor", "empty": "error", "text": "doctor"}
    said = say(capsys, "repair", "--yes", "--home", home, "--all-profiles", "--json")
    assert said.code == 4, "the text is refused, and that comes before the profile without a home"
    for document in said.document["profiles"]:
        assert_document("error" if "error" in document else "repair", document)


def test_all_profiles_without_any(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "profiles" / "a").mkdir(parents=True)
    said = say(capsys, "doctor", "--home", tmp_path, "--all-profiles", "--json")
    assert said.code == 5
    assert_document("profiles", said.document)
    assert len(said.document["profiles"]) == 2


def test_strange_names_stay_json(home: Path, capsys: Capture) -> None:
    """A file name that is no UTF-8 and an id full of control characters."""
    odd = "\x1b]0;x\x07\u202e\udcff"
    with opened(home) as db:
        db.execute(
            "INSERT INTO sessions (id, source, started_at, message_count)"
            " VALUES (CAST(? AS TEXT), 'cli', 1.0, 7)",
            (odd.encode("utf-8", "surrogateescape"),),
        )
    (home / "sessions" / f"{odd}.jsonl").write_bytes(
        (home / "sessions" / f"{FRONT}.jsonl").read_bytes()
    )
    for words in (["doctor"], ["repair", "--dry-run"], ["tree"], ["repair", "--yes"]):
        said = say(capsys, *words, "--home", home, "--json")
        assert said.code in (0, 1, 4), said
        assert json.loads(said.out)
        assert said.out.isascii()
