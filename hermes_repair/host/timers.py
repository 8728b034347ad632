"""The text of service units and crontab lines that run a command of ours now and then. Pure.

Nothing here writes or installs: ``locks install`` and ``doctor install`` print the text, and write
it only when asked.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from hermes_repair.model.errors import UsageError

EVERY_MINUTES = 5
DELAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something runs: in words, as systemd.time(7) and as crontab(5) have it.

    Each start is put off by a random part of ``delay`` seconds, so that many homes are not looked
    at at once. ``missed``: a start that fell into a night with the machine off is made up for.
    """

    words: str
    calendar: str
    crontab: str
    delay: int
    missed: bool = False


NOW_AND_THEN = Schedule(
    f"every {EVERY_MINUTES} minutes", f"*:0/{EVERY_MINUTES}", f"*/{EVERY_MINUTES} * * * *",
    DELAY_SECONDS,
)  # fmt: skip
NIGHTLY = Schedule("every night", "*-*-* 03:30:00", "30 3 * * *", 1800, missed=True)


def systemd_units(
    name: str, description: str, command: Sequence[str], schedule: Schedule = NOW_AND_THEN
) -> dict[str, str]:
    """Return ``{file name: text}`` of a systemd user service and its timer.

    ``command`` is the argument list with an absolute program first. Exit status 4 does not mark the
    service as failed: it is "busy now", and the next start tries again. Raises UsageError for a
    program without an absolute path, or for an argument that a unit file cannot carry (a NUL byte).
    """
    if not command or not command[0].startswith("/"):
        raise UsageError("A systemd unit needs the absolute path of the program.")
    program, *arguments = command
    words = [
        _systemd_word(program),
        *(_systemd_word(word.replace("$", "$$")) for word in arguments),
    ]
    service = f"""\
[Unit]
Description={_escape_specifiers(description)}

[Service]
Type=oneshot
ExecStart={" ".join(words)}
SuccessExitStatus=4
Nice=19
IOSchedulingClass=idle
UMask=0077
"""
    timer = f"""\
[Unit]
Description={_escape_specifiers(description)} ({schedule.words})

[Timer]
OnCalendar={schedule.calendar}
RandomizedDelaySec={schedule.delay}
AccuracySec=1s
{"Persistent=true" + chr(10) if schedule.missed else ""}
[Install]
WantedBy=timers.target
"""
    return {f"{name}.service": service, f"{name}.timer": timer}


def crontab_line(command: Sequence[str], schedule: Schedule = NOW_AND_THEN) -> str:
    """Return one crontab line, with a delay that differs between starts.

    Raises UsageError for an argument that a crontab cannot carry (a line break, a NUL byte).
    """
    if any("\n" in word or "\r" in word or "\0" in word for word in command):
        raise UsageError("A crontab line cannot carry a path with a line break in it.")
    # $$ is the shell's process id: the only number at hand that differs in every POSIX shell.
    text = f"sleep $(($$ % {schedule.delay})); exec nice -n 19 {shlex.join(command)}"
    return f"{schedule.crontab} " + text.replace("%", "\\%")


def _escape_specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _systemd_word(word: str) -> str:
    """Quote one word of ExecStart (systemd.service(5), COMMAND LINES; systemd.syntax(7)).

    Variables are expanded in the arguments only, so ``$`` is doubled there and not in the program.
    """
    if "\0" in word:
        raise UsageError("A unit file cannot carry a path with a NUL byte in it.")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    for plain, code in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(plain, code)
    escaped = _escape_specifiers(escaped)
    safe = all(letter.isalnum() or letter in "/._-+=:,@%$" for letter in escaped)
    return escaped if escaped and safe else f'"{escaped}"'
