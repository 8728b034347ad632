"""``locks install`` and ``doctor install``: print what runs a command by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hermes_repair.app import timer_files
from hermes_repair.cli.target import Target
from hermes_repair.home.layout import Home, default_root, open_home
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import json_documents, locks_text
from hermes_repair.report.lines import put, show

SystemdOption = Annotated[
    bool, typer.Option("--systemd", help="Print a service and a timer for your user.")
]
CronOption = Annotated[bool, typer.Option("--cron", help="Print one line for your crontab.")]
WriteOption = Annotated[
    bool, typer.Option("--write", help="Also write the unit files; starts nothing.")
]


@dataclass(frozen=True, slots=True)
class TimerKind:
    """What is to run by itself: ``words`` make the command for a home, ``name`` is ours."""

    timer: timer_files.Timer
    name: str
    words: Callable[[Home], Sequence[str]]


def install(target: Target, kind: TimerKind, *, systemd: bool, cron: bool, write: bool) -> int:
    """Print units or a crontab line, and write the units where that was asked for."""
    if systemd == cron:
        raise UsageError("Add --systemd or --cron.", command(kind.name, "--systemd"))
    if cron and write:
        raise UsageError(
            "--write only writes systemd units; edit the crontab yourself.",
            advice("(crontab -l; {}) | crontab -", command(kind.name, "--cron")),
        )
    environment = target.environment()
    home = open_home(target.roots(environment)[0])
    timer_files.require_owner(home)
    run = timer_files.on_home(_program(), kind.words(home), home, all_profiles=target.all_profiles)
    if cron:
        line = timer_files.crontab_line(kind.timer, run)
        if target.as_json:
            json_documents.write_alone(crontab=line)
        else:
            put(line + "\n")
        return int(ExitCode.OK)
    usual = default_root({}, environment.user_home, environment.platform)
    texts = timer_files.unit_texts(kind.timer, run, home, usual)
    folder = timer_files.unit_folder(environment)
    if write:
        timer_files.write_units(texts, folder)
    timer = next(name for name in texts if name.endswith(".timer"))
    start = f"systemctl --user daemon-reload && systemctl --user enable --now {timer}"
    files = {folder / name: text for name, text in texts.items()}
    if target.as_json:
        json_documents.write_alone(**locks_text.timer_document(files, start, written=write))
    else:
        show(locks_text.timer_lines(files))
        show(locks_text.timer_advice(start, written=write), stream="stderr")
    return int(ExitCode.OK)


def _program() -> list[str]:
    """Return how this very program is started: its script, else the interpreter and the module."""
    script = Path(sys.argv[0])
    if script.name == "hermes-repair" and os.access(script, os.X_OK):
        return [str(script.absolute())]
    return [sys.executable, "-m", "hermes_repair"]
