"""host.units: texts that systemd and cron read back as the command that was meant."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.host import NIGHTLY, NOW_AND_THEN, Schedule, crontab_line, systemd_units
from hermes_repair.model.errors import UsageError

HOME = "/home/a b/100%/$HOME/\"q'\\x"
COMMAND = ["/opt/my tools/hermes-repair", "locks", "clean", "--home", HOME]


def read_words(text: str) -> list[str]:
    """Split an ExecStart value as systemd.syntax(7) says, then undo specifiers and variables."""
    words: list[str] = []
    index, word, inside = 0, "", False
    text += " "
    while index < len(text):
        letter = text[index]
        if letter == "\\":
            index += 1
            word += {"n": "\n", "t": "\t", "r": "\r"}.get(text[index], text[index])
        elif letter == '"':
            inside = not inside
        elif letter == " " and not inside:
            words.append(word)
            word = ""
        else:
            word += letter
        index += 1
    words = [word.replace("%%", "%") for word in words]
    return [words[0], *(word.replace("$$", "$") for word in words[1:])]


def test_units_carry_the_command() -> None:
    units = systemd_units("hermes-repair-locks", "Free stale locks, 100%", COMMAND)
    assert set(units) == {"hermes-repair-locks.service", "hermes-repair-locks.timer"}
    service = units["hermes-repair-locks.service"]
    (line,) = [x for x in service.splitlines() if x.startswith("ExecStart=")]
    assert read_words(line.removeprefix("ExecStart=")) == COMMAND
    for setting in ("Type=oneshot", "Nice=19", "IOSchedulingClass=idle", "SuccessExitStatus=4"):
        assert setting in service.splitlines()
    timer = units["hermes-repair-locks.timer"].splitlines()
    for setting in ("OnCalendar=*:0/5", "RandomizedDelaySec=60", "WantedBy=timers.target"):
        assert setting in timer


def test_what_runs_at_night_is_made_up_for() -> None:
    units = systemd_units("x", "Look", COMMAND, NIGHTLY)
    timer = units["x.timer"].splitlines()
    for setting in ("OnCalendar=*-*-* 03:30:00", "RandomizedDelaySec=1800", "Persistent=true"):
        assert setting in timer
    assert crontab_line(COMMAND, NIGHTLY).startswith("30 3 * * * sleep $(($$ \\% 1800)); ")


@pytest.mark.parametrize("schedule", [NOW_AND_THEN, NIGHTLY])
def test_systemd_accepts_them(schedule: Schedule, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    units = systemd_units("x", "d", ["/bin/true", *COMMAND[1:], "a\nb", "", ";"], schedule)
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_crontab_line_runs_the_command(tmp_path: Path) -> None:
    program = tmp_path / "show args"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    line = crontab_line([str(program), "--home", HOME], replace(NOW_AND_THEN, delay=1))
    assert "\n" not in line
    assert line.split(" ")[:5] == ["*/5", "*", "*", "*", "*"]
    # cron ends the command at a bare percent sign and takes the backslash off the others
    command = line.split(" ", 5)[5]
    assert "%" not in command.replace("\\%", "")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("\\%", "%")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["--home", HOME]


def test_what_cannot_be_written() -> None:
    with pytest.raises(UsageError):
        systemd_units("x", "d", ["hermes-repair"])
    with pytest.raises(UsageError):
        systemd_units("x", "d", ["/bin/true", "a\0b"])
    with pytest.raises(UsageError):
        crontab_line(["/bin/true", "a\nb"])
