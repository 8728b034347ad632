"""What each command does and how it ends, off a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hermes_repair.checks.registry import all_checks
from hermes_repair.cli import guard
from hermes_repair.cli.commands import COMMANDS
from tests.cli.speaking import assert_document, process_environ, say, spawn
from tests.homes.content import content, files, fingerprint, without_sequence
from tests.homes.home import opened
from tests.homes.small import (
    COUNTED,
    FRONT,
    HEALTHY,
    LOCKED,
    ONLY,
    ORPHAN,
    chat_only_in_file,
    small_home,
)
from tests.in_process import fixed_environment, repair
from tests.support import every_command

Capture = pytest.CaptureFixture[str]


def test_doctor_says_what_is_wrong_and_what_to_type(home: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 1 and said.err == ""
    lines = said.out.splitlines()
    assert str(home) in lines[0] and "profile default" in lines[0] and "schema 14" in lines[0]
    for session in (FRONT, ORPHAN, COUNTED, LOCKED):
        assert sum(session in line for line in lines) == 1, session
    assert HEALTHY not in said.out
    assert f"Next: hermes-repair repair --home {home} --dry-run" in lines
    assert "\x1b" not in said.out


def test_doctor_of_a_whole_home(home: Path, capsys: Capture) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 0 and "Nothing is wrong here." in said.out
    assert say(capsys, "repair", "--yes", "--home", home).out.splitlines()[1] == (
        "There was nothing to repair."
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fail-on", "info"], 1),
        (["--fail-on", "error"], 1),
        (["--fail-on", "fatal"], 0),
        (["--select", "LK"], 1),
        (["--select", "lk001"], 1),
        (["--select", "LK", "--fail-on", "error"], 0),
        (["--select", "DB"], 0),
        (["--ignore", "TR", "--ignore", "LN", "--ignore", "MS", "--ignore", "LK"], 0),
        (["--select", "TR", "--ignore", "TR001"], 0),
        (["--select", "DB,LK"], 1),
        (["--select", " tr002 , orphan-child"], 1),
        (["--ignore", "TR,LN,MS,LK"], 0),
        (["-q"], 1),
    ],
    ids=str,
)
def test_the_exit_code_of_doctor(words: list[str], code: int, home: Path, capsys: Capture) -> None:
    assert say(capsys, "doctor", *words, "--home", home).code == code


def test_the_doctor_does_not_say_more_than_it_was_asked(home: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--select", "DB", "--home", home)
    assert said.code == 0 and "Nothing of that kind is wrong here." in said.out
    said = say(capsys, "doctor", "--select", "DB003,ORPHAN-CHILD", "--home", home, "--json")
    assert [finding["id"] for finding in said.document["findings"]] == ["LN001"]


def test_what_a_release_would_do_does_not_depend_on_what_is_listed(
    home: Path, capsys: Capture
) -> None:
    words = ("doctor", "--for", "0.19.0", "--home", home, "--json")
    every = say(capsys, *words).document
    assert every["outlook"]["consequences"]
    some = say(capsys, *words, "--select", "LN").document
    assert some["outlook"] == every["outlook"]
    assert some["findings"] == [f for f in every["findings"] if f["id"].startswith("LN")]


@pytest.mark.parametrize("command", [["doctor"], ["repair", "--yes"], ["repair", "--dry-run"]])
@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize("word", ["TR001,XX", "TR0011", "tail", "", "TR001,", "LN001 TR001"])
def test_a_finding_that_does_not_exist(
    word: str, option: str, command: list[str], home: Path, capsys: Capture
) -> None:
    before = fingerprint(home)
    said = say(capsys, *command, option, word, "--home", home)
    assert said.code == 2 and said.out == ""
    wrong = word.rpartition(",")[2]
    assert said.err.startswith(f"{option}: there is no finding {wrong!r}.")
    assert "`hermes-repair explain` lists all findings" in said.err
    assert fingerprint(home) == before


def test_selected_ids_alone_are_repaired(home: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--yes", "--select", "LN001", "--home", home, "--json")
    assert said.code == 0
    assert {f["id"] for f in said.document["findings"]} == {"TR001", "MS002", "LK001"}
    said = say(capsys, "repair", "--yes", "--ignore", "TR", "--home", home, "--json")
    assert [f["id"] for f in said.document["findings"]] == ["TR001"]


def test_a_named_session_alone_is_repaired(home: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--yes", "--session", COUNTED, "--home", home, "--json")
    assert said.code == 0 and said.document["receipt"]["units"] == 1
    assert "MS002" not in {f["id"] for f in said.document["findings"]}


def test_a_session_that_is_not_there(home: Path, capsys: Capture) -> None:
    """A typing error is no health: exit 2 and the id, whatever would have been done with it."""
    for words in (
        ["repair", "--yes", "--session", "no such"],
        ["repair", "--yes", "--session", "no such", "--session", FRONT, "--unsafe"],
        ["repair", "--dry-run", "--session", "no such"],
        ["backfill", "no such", "--yes"],
        ["backfill", "no such", "--report"],
    ):
        said = say(capsys, *words, "--home", home)
        assert said.code == 2 and "'no such'" in said.err and said.out == "", words
    said = say(capsys, "repair", "--yes", "--session", "", "--home", home)
    assert said.code == 2 and "no session ''" in said.err
    assert not (home / "hermes-repair").exists()


def test_a_session_that_is_there_in_any_form(home: Path, capsys: Capture) -> None:
    """As a transcript, as a log, as messages or a lock without a row, as what a receipt names."""
    chat_only_in_file(home)
    (home / "sessions" / "session_only-log.json").write_text("{}")
    with opened(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('rowless', 'user',"
            " 'x', 1.0)"
        )
        db.execute("INSERT INTO compression_locks VALUES ('locked', 'pid=1', 1.0, 2e12)")
    for session in (ONLY, "only-log", "rowless", "locked", HEALTHY):
        said = say(capsys, "repair", "--dry-run", "--session", session, "--home", home)
        assert said.code == 0, (session, said)
    assert say(capsys, "repair", "--yes", "--session", LOCKED, "--home", home).code == 0
    with opened(home) as db:
        db.execute("DELETE FROM messages WHERE session_id = ?", (LOCKED,))
        db.execute("DELETE FROM sessions WHERE id = ?", (LOCKED,))
    assert say(capsys, "repair", "--yes", "--session", LOCKED, "--home", home).code == 0


def test_a_session_of_one_profile_is_enough(home: Path, capsys: Capture) -> None:
    other = small_home(home / "profiles" / "wp")
    with opened(other) as db:
        db.execute("UPDATE sessions SET id = 'of wp' WHERE id = ?", (HEALTHY,))
        db.execute("UPDATE messages SET session_id = 'of wp' WHERE session_id = ?", (HEALTHY,))
    every = ["--all-profiles", "--home", str(home)]
    for words in (["repair", "--yes", "--session"], ["tree"], ["forks"]):
        said = say(capsys, *words, "of wp", *every)
        assert said.code == 0 and said.err == "", words
        said = say(capsys, *words, "of none", *every)
        assert said.code == 2 and said.err.count("'of none'") == 1, words
    document = say(capsys, "tree", "of wp", "--json", *every).document
    assert [part.get("error", {}).get("exit_code") for part in document["profiles"]] == [2, None]


@pytest.mark.parametrize(
    "words",
    [
        ["repair"],
        ["repair", "--unsafe"],
        ["migrate", "--to", "16"],
        ["undo"],
        ["backfill"],
        ["restore", "copy.db"],
        ["vacuum"],
    ],
    ids=" ".join,
)
def test_off_a_terminal_writing_needs_yes(
    words: list[str], home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.parent)
    Path("copy.db").write_bytes((home / "state.db").read_bytes())
    if words == ["undo"]:
        assert say(capsys, "repair", "--yes", "--home", home).code == 0
    before = files(home)
    said = say(capsys, *words, "--home", home)
    assert said.code == 4 and "--yes" in said.err and said.out == ""
    assert files(home) == before


def test_dry_run_says_what_yes_does(home: Path, capsys: Capture) -> None:
    dry = say(capsys, "repair", "--dry-run", "--home", home, "--json").document["plan"]
    assert [action["findings"] for action in dry["actions"]] == [
        ["TR001"],
        ["LN001"],
        ["LK001"],
        ["MS002"],
    ]
    done = say(capsys, "repair", "--yes", "--home", home, "--json").document["receipt"]
    assert done["units"] == len(dry["actions"])
    assert done["actions"] == sum(action["rows"] for action in dry["actions"])


def test_a_saved_plan(home: Path, tmp_path: Path, capsys: Capture) -> None:
    plan = tmp_path / "plan.db"
    said = say(capsys, "repair", "--dry-run", "--plan-out", plan, "--home", home)
    assert said.code == 0 and str(plan) in said.out
    done = say(capsys, "repair", "--plan", plan, "--yes", "--home", home)
    assert done.code == 0 and "4 steps" in done.out
    again = say(capsys, "repair", "--plan", plan, "--yes", "--home", home)
    assert again.code == 4 and "changed after this plan was made" in again.err
    for more in (["--select", "TR"], ["--unsafe"], ["--session", "x"], ["--dry-run"]):
        said = say(capsys, "repair", "--plan", plan, "--yes", *more, "--home", home)
        assert said.code == 2 and "--plan" in said.err


def test_history_and_undo(home: Path, capsys: Capture) -> None:
    before = without_sequence(content(home))
    assert "nothing here yet" in say(capsys, "history", "--home", home).out
    say(capsys, "repair", "--yes", "--home", home)
    (line,) = [x for x in say(capsys, "history", "--home", home).out.splitlines() if "repair:" in x]
    assert "done" in line and "4 steps" in line
    name = line.split()[0]
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 0 and name in said.out
    assert without_sequence(content(home)) == before
    assert "undone" in say(capsys, "history", "--home", home).out
    said = say(capsys, "undo", "--yes", "--home", home)
    assert said.code == 4 and "nothing to undo" in said.err


def test_ack_takes_a_finding_out_of_the_exit_code(home: Path, capsys: Capture) -> None:
    words = ("doctor", "--home", home, "--select", "LN001")
    (finding,) = say(capsys, *words, "--json").document["findings"]
    said = say(capsys, "ack", finding["fingerprint"], "--reason", "it is fine", "--home", home)
    assert said.code == 0
    said = say(capsys, *words)
    assert said.code == 0 and "it is fine" in said.out and ORPHAN in said.out
    with opened(home) as db:
        db.execute("UPDATE sessions SET parent_session_id = 'another' WHERE id = ?", (ORPHAN,))
    assert say(capsys, *words).code == 1, "it returns when the finding is another"
    assert say(capsys, "ack", "f" * 16, "--reason", "x", "--home", home).code == 2


def test_backup_and_restore(home: Path, capsys: Capture) -> None:
    before = content(home)
    assert "no backups yet" in say(capsys, "backup", "list", "--home", home).out
    said = say(capsys, "backup", "--home", home, "--json")
    name = said.document["backup"]["name"]
    say(capsys, "repair", "--yes", "--home", home)
    facts = (home / "state.db").stat()
    said = say(capsys, "restore", name, "--yes", "--home", home)
    assert said.code == 0 and name in said.out
    assert content(home) == before
    now = (home / "state.db").stat()
    assert (now.st_ino, now.st_mode) == (facts.st_ino, facts.st_mode)
    listed = say(capsys, "backup", "list", "--home", home).out
    assert name in listed and "before-restore" in listed


@pytest.mark.parametrize("where", ["pages", "list of tables"])
def test_a_copy_of_a_damaged_database_is_kept_and_said_to_be_one(
    where: str, home: Path, capsys: Capture
) -> None:
    good = say(capsys, "backup", "--home", home, "--json").document["backup"]["name"]
    data = bytearray((home / "state.db").read_bytes())
    start, length = (2 * 4096, 3 * 4096) if where == "pages" else (100, 300)
    data[start : start + length] = b"\xa5" * length
    (home / "state.db").write_bytes(data)
    said = say(capsys, "backup", "--home", home)
    assert said.code == 4 and "verified" not in said.out
    assert "a damaged database" in said.out and "Next: hermes-repair doctor" in said.out
    said = say(capsys, "backup", "--home", home, "--json")
    assert said.code == 4 and said.document["damage"]
    assert_document("backup", said.document)
    made = said.document["backup"]
    assert Path(made["path"]).read_bytes() == data, "what may still be read of it is kept"
    said = say(capsys, "restore", made["name"], "--yes", "--home", home)
    assert said.code == 4 and "itself damaged" in said.err
    listed = say(capsys, "backup", "list", "--home", home).out.splitlines()
    assert [("damaged" in line) for line in listed if made["name"] in line] == [True]
    assert [("damaged" in line) for line in listed if line.startswith(good)] == [False]


def test_copies_of_a_damaged_database_push_no_good_one_out(home: Path, capsys: Capture) -> None:
    good = say(capsys, "backup", "--home", home, "--json").document["backup"]["path"]
    data = (home / "state.db").read_bytes()
    (home / "state.db").write_bytes(data[:8192] + b"\xa5" * 8192 + data[16384:])
    made = [
        say(capsys, "backup", "--home", home, "--json").document["backup"]["path"] for _ in range(4)
    ]
    for age, path in enumerate([good, *made]):
        old = time.time() - 30 * 86400 + age
        os.utime(Path(path).parent, (old, old))
    assert say(capsys, "backup", "prune", "--home", home).code == 0
    assert [Path(path).exists() for path in [good, *made]] == [True, False, True, True, True]


@pytest.mark.parametrize("what", ["empty", "text", "beside a -wal", "damaged"])
def test_what_is_no_copy_is_not_put_back(
    what: str, home: Path, tmp_path: Path, capsys: Capture
) -> None:
    copy = tmp_path / "copy.db"
    data = (home / "state.db").read_bytes()
    if what == "empty":
        copy.write_bytes(b"")
    elif what == "text":
        copy.write_bytes(b"not a database\n" * 100)
    elif what == "damaged":
        copy.write_bytes(data[:8192] + bytes(len(data) // 2) + data[8192 + len(data) // 2 :])
    else:
        copy.write_bytes(data)
        (tmp_path / "copy.db-wal").write_bytes(b"x" * 4000)
    before = files(home)
    said = say(capsys, "restore", copy, "--yes", "--home", home)
    assert said.code == 4 and str(copy) in said.err
    assert files(home) == before


@pytest.mark.parametrize("what", ["empty", "text", "damaged"])
def test_restore_is_the_way_back_from_a_lost_file(what: str, home: Path, capsys: Capture) -> None:
    before = content(home)
    name = say(capsys, "backup", "--home", home, "--json").document["backup"]["name"]
    data = (home / "state.db").read_bytes()
    lost = {
        "empty": b"",
        "text": b"not a database\n" * 100,
        "damaged": data[:8192] + bytes(len(data) - 8192),
    }[what]
    (home / "state.db").write_bytes(lost)
    assert say(capsys, "doctor", "--home", home).code == 1
    said = say(capsys, "restore", name, "--yes", "--home", home)
    assert said.code == 0, said
    assert content(home) == before
    kept = next((home / "hermes-repair" / "backups").glob("before-restore-*"))
    assert (kept / "state.db").read_bytes() == lost


def test_explain(capsys: Capture) -> None:
    said = say(capsys, "explain", "tr001")
    assert said.code == 0 and "What repair does" in said.out
    listed = say(capsys, "explain").out.splitlines()
    assert len(listed) == len(all_checks()) + 1
    assert all(
        made.id in line and made.name in line
        for made, line in zip(all_checks(), listed[1:], strict=True)
    )
    said = say(capsys, "explain", "ZZ999")
    assert said.code == 2 and "`hermes-repair explain` lists" in said.err


def test_migrate_check_says_nothing(tmp_path: Path, capsys: Capture) -> None:
    home = small_home(tmp_path / "old", 13)
    for target, code in (("14", 1), ("13", 0)):
        said = say(capsys, "migrate", "--check", "--to", target, "--home", home)
        assert (said.code, said.out, said.err) == (code, "", "")


# --- Usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", *every_command()])
def test_help_of_every_command_has_the_exit_codes(name: str, capsys: Capture) -> None:
    said = say(capsys, *name.split(), "--help")
    assert said.code == 0
    text = " ".join(said.out.split())
    for words in ("Exit status", "0 clean", "2 usage", "4 refused", "5 no install", "130"):
        assert words in text, words
    assert "\x1b" not in said.out


def test_the_list_says_what_the_commands_say() -> None:
    for name, listed in COMMANDS.items():
        paragraph, *_ = str(every_command()[name].help).split("\n\n")
        assert listed.summary == " ".join(paragraph.split()), name


def test_the_list_loads_no_command(tmp_path: Path) -> None:
    """A clock would tell less surely."""
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    loaded = spawn(tmp_path, "--help", code=code).err.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("hermes_repair.")}
    assert rooms == {"cli", "model"} and "sqlite3" not in loaded


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing"],
        ["doctor", "--nothing"],
        ["doctor", "--fail-on", "x"],
        ["migrate", "--to", "x"],
        ["ack", "x"],
        ["repair", "--wal", "x"],
        ["locks"],
    ],
    ids=" ".join,
)
def test_usage(words: list[str], capsys: Capture) -> None:
    assert say(capsys, *words).code == 2


@pytest.mark.parametrize("words", [[], ["locks"]], ids=" ".join)
def test_without_a_command_the_help_is_shown(words: list[str], capsys: Capture) -> None:
    assert say(capsys, *words).err == say(capsys, *words, "--help").out


def test_a_misspelt_command(capsys: Capture) -> None:
    said = say(capsys, "doktor")
    assert said.err.splitlines()[0] == "No such command 'doktor'. Did you mean 'doctor'?"


def test_version(capsys: Capture) -> None:
    said = say(capsys, "--version")
    assert said.code == 0 and said.out.startswith("hermes-repair ")


# --- The outermost layer --------------------------------------------------------------------------


@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_defect_never_ends_with_1(
    json_wanted: bool, home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 means findings to cron. The log has places in the code, no values (R9)."""

    def broken(*_arguments: object, **_named: object) -> None:
        raise ValueError("the heron waits at the weir")

    monkeypatch.setattr("hermes_repair.cli.fleet.diagnose", broken)
    said = say(capsys, "doctor", "--home", home, *(["--json"] if json_wanted else []))
    assert said.code == 3
    assert "heron" not in said.sentences()
    hint = said.document["error"]["hint"] if json_wanted else said.err
    log = Path(next(word for word in hint.replace(",", " ").split() if word.endswith(".log")))
    text = log.read_text()
    log.unlink()
    assert "ValueError" in text and "test_commands.py" in text and "heron" not in text


def test_a_defect_without_room_for_its_log(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise ValueError

    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hermes_repair.cli.fleet.diagnose", broken)
    monkeypatch.setattr("tempfile.mkstemp", full)
    said = say(capsys, "doctor", "--home", home)
    assert said.code == 3 and "No space left" in said.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(28, "No space left on device", "/x/y"), 4, "No space left on device: /x/y."),
        (PermissionError(13, "Permission denied", "/x"), 4, "Permission denied: /x."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (RecursionError(), 3, "defect"),
        (MemoryError(), 3, "defect"),
    ],
)
def test_how_errors_end(
    error: BaseException,
    code: int,
    words: str,
    home: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("hermes_repair.cli.fleet.diagnose", broken)
    said = say(capsys, "doctor", "--home", home)
    assert said.code == code and words in said.err
    said = say(capsys, "doctor", "--home", home, "--json")
    assert said.code == code and said.document["error"]["exit_code"] == code


def test_a_reader_that_goes_away(home: Path) -> None:
    """``hermes-repair doctor | head -1`` is no error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hermes_repair", "doctor", "--home", str(home)],
        env=process_environ(home.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1)
    assert err == b""


SLOW = """
import time
from hermes_repair.repair import executor
real = executor.apply
def slow(*arguments):
    print("ready", flush=True)
    time.sleep(30)
    real(*arguments)
executor.apply = slow
"""

HEARD = """
import signal, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from hermes_repair.repair import executor
real = executor.apply
def slow(*arguments):
    executor.apply = real
    print("ready", flush=True)
    time.sleep(0.5)
    real(*arguments)
executor.apply = slow
from hermes_repair.cli import main
main()
"""


def in_the_middle(home: Path, script: str) -> subprocess.Popen[str]:
    """Start a repair by ``script`` and return when it is at work on its unit."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, "repair", "--yes", "--home", str(home), "--select", "LN"],
        env=process_environ(home.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_control_c_in_the_middle_of_a_unit(number: signal.Signals, home: Path) -> None:
    """The open transaction is rolled back; the next run goes on."""
    before = without_sequence(content(home))
    process = in_the_middle(home, f"{SLOW}\nfrom hermes_repair.cli import main\nmain()")
    time.sleep(0.2)
    process.send_signal(number)
    if number == signal.SIGHUP:
        process.send_signal(number)  # by the kernel and by the shell, when a terminal closes
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in err
    assert without_sequence(content(home)) == before
    done = repair(home, fixed_environment(home.parent))
    assert done.complete and done.recovered


def test_nohup_goes_on(home: Path) -> None:
    """A signal that is ignored stays so."""
    process = in_the_middle(home, HEARD)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == "" and "Done: " in out


def test_python_m_and_the_script_are_one(home: Path) -> None:
    said = spawn(home.parent, "doctor", "--home", home, "--json")
    assert said.code == 1
    module = subprocess.run(
        [sys.executable, "-m", "hermes_repair", "doctor", "--home", str(home), "--json"],
        env=process_environ(home.parent),
        capture_output=True,
        check=False,
    )
    assert module.returncode == 1
    assert json.loads(module.stdout)["findings"] == said.document["findings"]


def test_the_home_of_the_environment(home: Path, capsys: Capture) -> None:
    os.environ["HERMES_HOME"] = str(home)
    try:
        said = say(capsys, "doctor", "--json")
    finally:
        del os.environ["HERMES_HOME"]
    assert said.document["home"] == str(home)


def test_two_runs_at_once(home: Path, capsys: Capture) -> None:
    """The second says so and changes nothing."""
    import fcntl

    say(capsys, "repair", "--yes", "--select", "LK", "--home", home)
    lock = (home / "hermes-repair" / "run.lock").open("rb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    before = files(home)
    for words in (["repair"], ["undo"], ["migrate", "--to", "16"]):
        said = say(capsys, *words, "--yes", "--home", home)
        assert said.code == 4 and "Another hermes-repair" in said.err
    assert files(home) == before
    assert say(capsys, "doctor", "--home", home).code == 1
    lock.close()
    assert guard.run(["repair", "--yes", "--home", str(home)]) == 0
