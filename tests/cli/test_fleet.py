"""Many profiles: a table, a line each, one for a monitor, what changed, and several at a time."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Run
from hermes_repair.cli import fleet
from hermes_repair.model.errors import Refused
from hermes_repair.report.fleet_text import Member, monitor_line
from tests.cli.speaking import assert_document, process_environ, say
from tests.command import run as run_process
from tests.homes.content import files
from tests.homes.home import execute, query
from tests.homes.small import HEALTHY, LOCKED, SECRET, small_home

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a home whose profile `work` is damaged as well, and whose `well` is not."""
    root = small_home(tmp_path / "base", 14)
    small_home(root / "profiles" / "work", 14)
    well = small_home(root / "profiles" / "well", 14)
    assert run_process("repair", "--yes", home=well).code == 0
    (root / "profiles" / "unused").mkdir()
    return root


def test_the_report_ends_in_one_table(base: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--all-profiles", "--home", base).out.splitlines()
    head = next(number for number, line in enumerate(said) if line.startswith("PROFILE "))
    assert said[head].split() == [
        "PROFILE",
        "FATAL",
        "ERROR",
        "WARNING",
        "NOTE",
        "CAN",
        "COME",
        "BACK",
        "VERDICT",
    ]
    rows = [line.split()[0] for line in said[head + 1 : head + 4]]
    assert rows == ["default", "well", "work"]
    assert "- nothing wrong" in " ".join(said[head + 2].split())
    assert " 7 messages " in said[head + 3]
    assert said[head + 4 :] == [
        f"Next for default: hermes-repair repair --home {base} --dry-run",
        f"Next for work: hermes-repair repair --home {base} --profile work --dry-run",
    ]
    assert max(map(len, said[head : head + 4])) <= 80
    alone = say(capsys, "doctor", "--home", base).out
    assert "PROFILE" not in alone


def test_quiet_is_a_line_each(base: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--all-profiles", "-q", "--home", base)
    default, well, work = said.out.splitlines()
    assert (said.code, well) == (1, "well: nothing wrong")
    assert work.startswith("work: 2 errors, 2 warnings; 7 messages can come back: hermes-repair ")
    assert default.startswith("default: ")
    assert SECRET not in said.out


def test_json_has_it_in_short(base: Path, capsys: Capture) -> None:
    document = say(capsys, "doctor", "--all-profiles", "--json", "--home", base).document
    summary = document["summary"]
    assert (summary["state"], summary["error"], summary["can_come_back"]) == ("error", 4, 14)
    assert [one["state"] for one in summary["profiles"]] == ["error", "sound", "error"]
    assert len(document["profiles"]) == 4  # and why the unused one was left out


def test_a_profile_that_cannot_be_looked_at_is_in_the_table(
    base: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(run: Run, *rest: Any) -> Diagnosis:
        if run.home.profile == "work":
            raise Refused("This database is too busy to read while others use it.", "Stop it.")
        return diagnose(run, *rest)

    monkeypatch.setattr(fleet, "diagnose", look)
    said = say(capsys, "doctor", "--all-profiles", "-q", "--home", base)
    assert said.code == 4
    assert said.out.splitlines()[-1] == (
        "work: This database is too busy to read while others use it: hermes-repair doctor"
        f" --home {base} --profile work"
    )
    document = say(capsys, "doctor", "--all-profiles", "--json", "--home", base).document
    assert_document("profiles", document)
    assert document["summary"]["profiles"][-1]["state"] == "unread"
    said = say(capsys, "doctor", "--all-profiles", "--nagios", "--home", base)
    assert (said.code, "work: This database is too busy" in said.out) == (2, True)
    words = ["--nagios", "--home", str(base), "--profile", "work"]
    assert say(capsys, "doctor", *words).code == 3


def test_one_line_for_a_monitor(base: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--all-profiles", "--nagios", "--home", base)
    assert said.code == 2
    assert said.out == (
        "HERMES CRITICAL - default: 2 errors, 2 warnings; work: 2 errors, 2 warnings |"
        " profiles=3 fatal=0 error=4 warning=4 info=4 can_come_back=14\n"
    )
    well = base / "profiles" / "well"
    said = say(capsys, "doctor", "--nagios", "--home", well)
    assert said.code == 0
    assert said.out.startswith("HERMES OK - nothing wrong in 1 profile | profiles=1 ")
    said = say(capsys, "doctor", "--nagios", "--home", base, "--select", "MS002")
    assert (said.code, said.out.split()[1]) == (1, "WARNING")
    said = say(capsys, "doctor", "--nagios", "--home", base.parent / "nowhere")
    assert (said.code, said.out.split()[1]) == (3, "UNKNOWN")


def test_a_line_for_a_monitor_names_a_few() -> None:
    tally = dict.fromkeys(("fatal", "error", "warning", "info"), 0) | {"warning": 1}
    many = [Member(f"p|{n}", "", "warning", tally, 0, None, "") for n in range(9)]
    line, code = monitor_line(many, failed=False)
    said, _, figures = line.partition(" | ")
    assert (code, said.endswith("; and 4 more"), figures.split()[0]) == (1, True, "profiles=9")
    assert line.count("|") == 1
    assert monitor_line(many, failed=True)[1] == 3


def test_only_what_changed_is_told(base: Path, tmp_path: Path, capsys: Capture) -> None:
    memory = tmp_path / "kept" / "last.json"
    words = ["doctor", "--all-profiles", "--home", str(base), "--changes", str(memory)]
    before = files(base)
    first = say(capsys, *words)
    assert first.code == 1
    assert "work: new: warning MS002 count-drift" in first.out
    assert "well" not in first.out and SECRET not in first.out + memory.read_text()
    assert files(base) == before
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (memory, memory.parent)]
    assert modes == [0o600, 0o700]

    assert (say(capsys, *words).code, say(capsys, *words).out) == (0, "")

    execute(base, "UPDATE sessions SET message_count = 77 WHERE id = ?", HEALTHY)
    execute(base / "profiles" / "work", "DELETE FROM compression_locks")
    third = say(capsys, *words)
    assert third.code == 1
    new, hint, over = third.out.splitlines()
    assert new.startswith(f"default: new: warning MS002 count-drift: {HEALTHY}: counts 77")
    assert hint == f"  -> hermes-repair repair --home {base}"
    assert over.startswith("work: over: warning LK001") and LOCKED in over

    assert say(capsys, "repair", "--yes", "--home", base).code == 0
    last = say(capsys, *words)
    assert last.code == 0  # nothing new
    assert {line.split(": ")[1] for line in last.out.splitlines()} == {"over"}


def test_what_was_found_last_outlives_a_night_without_a_look(
    base: Path, tmp_path: Path, capsys: Capture
) -> None:
    memory = tmp_path / "last.json"
    words = ["doctor", "--all-profiles", "--home", str(base), "--changes", str(memory)]
    say(capsys, *words)
    place = base / "profiles" / "work" / "state.db"
    place.rename(base / "aside")
    place.mkdir()
    said = say(capsys, *words)
    place.rmdir()
    (base / "aside").rename(place)
    assert "work: over" not in said.out
    assert "work: new: warning MS002" not in say(capsys, *words).out


def test_a_memory_is_a_file_of_ours(base: Path, tmp_path: Path, capsys: Capture) -> None:
    letter = tmp_path / "letter.json"
    letter.write_text("{}")
    torn = tmp_path / "torn.json"
    torn.write_text('{"hermes-repair": "what was found last", "homes": [')
    for path, why in (
        (letter, "is no such file"),
        (torn, "cannot be read"),
        (base / "last.json", "lies in the Hermes home"),
        (base / "new" / "last.json", "There is no folder"),
    ):
        said = say(capsys, "doctor", "--home", base, "--changes", path)
        assert said.code in (2, 4) and why in said.err, said
    assert letter.read_text() == "{}" and not (base / "new").exists()
    both = say(capsys, "doctor", "--home", base, "--changes", tmp_path / "x", "--nagios")
    assert both.code == 2


def test_what_runs_at_night(base: Path, tmp_path: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "install", "--cron", "--all-profiles", "--home", base)
    assert said.code == 0
    assert said.out.startswith("30 3 * * * ") and " doctor --changes " in said.out
    state = Path(os.environ["HOME"]) / ".local" / "state" / "hermes-repair"
    assert f"{state}/nightly-" in said.out
    assert said.out.rstrip().endswith(f"--home {base} --all-profiles")
    units = say(capsys, "doctor", "install", "--systemd", "--json", "--home", base).document
    service, timer = sorted(units["files"])
    assert Path(service).name.startswith("hermes-repair-doctor-")
    assert "doctor --changes" in units["files"][service]
    assert "Persistent=true" in units["files"][timer]
    assert say(capsys, "doctor", "install", "--home", base).code == 2
    assert not state.exists()


def test_locks_clean_names_the_profile(base: Path, capsys: Capture) -> None:
    said = say(capsys, "locks", "clean", "--all-profiles", "--home", base)
    assert [line.partition(": freed ")[0] for line in said.out.splitlines()] == [
        "profile default",
        "profile work",
    ]
    assert query(base, "SELECT COUNT(*) FROM compression_locks") == [(0,)]


def test_many_profiles_are_looked_at_by_several_processes(
    base: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they say is what one process says."""
    words = ["doctor", "--all-profiles", "--json", "--home", str(base)]
    alone = say(capsys, *words).document
    monkeypatch.setattr(fleet, "START_SECONDS", 0.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def here(*_: object) -> None:
        raise AssertionError("another process has looked already")

    monkeypatch.setattr(fleet, "diagnose", here)
    together = say(capsys, *words).document
    assert json.dumps(together["summary"]) == json.dumps(alone["summary"])
    assert [one.get("findings") for one in together["profiles"]] == [
        one.get("findings") for one in alone["profiles"]
    ]


@pytest.mark.parametrize(
    ("bytes_of", "worth"),
    [
        ([1 << 20] * 35, True),
        ([1 << 20] * 3, False),
        ([1 << 30, 1 << 30], True),
        ([1 << 30, 1 << 20], False),
        ([1 << 30], False),
        ([], False),
    ],
    ids=["34 small", "3 small", "2 big", "a big one", "one", "none"],
)
def test_processes_are_started_where_they_save_more(
    bytes_of: list[int], worth: bool, tmp_path: Path
) -> None:
    """Two take 2 seconds to start; a look takes one, and 10 more for each GB."""
    takes = []
    for number, size in enumerate(bytes_of):
        root = tmp_path / str(number)
        root.mkdir()
        with (root / "state.db").open("wb") as file:
            file.truncate(size)
        takes.append(fleet.look_seconds(root))
    assert fleet.look_seconds(tmp_path) == 0, "nobody has used it"
    assert fleet.worth_starting(takes) == worth


@pytest.mark.parametrize("after", [0.0, 0.4])
def test_stopping_many_looks_is_quiet_and_quick(base: Path, after: float) -> None:
    """^C reaches every process of a terminal, also one that is still importing."""
    code = (
        "import sys, concurrent.futures as pools; from hermes_repair.cli import fleet, main;"
        " fleet.START_SECONDS = 0; fleet.os.cpu_count = lambda: 2;"
        " told = pools.ProcessPoolExecutor.submit\n"
        "def submit(*a): print('begun', flush=True); return told(*a)\n"
        "pools.ProcessPoolExecutor.submit = submit; sys.argv[0] = 'hermes-repair'; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "doctor", "--all-profiles", "--nagios", "--home", str(base)],
        env=process_environ(base.parent),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if process.returncode != 2:  # it was not done before
        assert process.returncode == 130
        assert err == "Interrupted. Finished steps are complete; the rest was not started.\n"
