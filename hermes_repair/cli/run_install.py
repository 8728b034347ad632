"""``locks install`` from options to an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hermes_repair.app import locks as app
from hermes_repair.cli.target import Target
from hermes_repair.home.layout import default_root, open_home
from hermes_repair.model.errors import ExitCode, UsageError
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, put, show


def install(target: Target, *, systemd: bool, cron: bool, write: bool) -> int:
    """Print a timer or a crontab line for the home that is meant; write units where asked."""
    if systemd == cron:
        raise UsageError("Add --systemd or --cron.", "hermes-repair locks install --systemd")
    if cron and write:
        raise UsageError(
            "--write only writes systemd units; edit the crontab yourself.",
            "(crontab -l; hermes-repair locks install --cron) | crontab -",
        )
    environment = target.environment()
    home = open_home(target.roots(environment)[0])
    app.require_owner(home)
    command = app.cleaning(_program(), home, all_profiles=target.all_profiles)
    if cron:
        line = app.crontab_line(command)
        if target.as_json:
            json_documents.write({"format_version": json_documents.FORMAT_VERSION, "crontab": line})
        else:
            put(line + "\n")
        return int(ExitCode.OK)
    usual = default_root({}, environment.user_home, environment.platform)
    texts = app.unit_texts(command, home, usual)
    folder = app.unit_folder(environment)
    if write:
        app.write_units(texts, folder)
    timer = next(name for name in texts if name.endswith(".timer"))
    start = f"systemctl --user daemon-reload && systemctl --user enable --now {timer}"
    if target.as_json:
        json_documents.write(
            {
                "format_version": json_documents.FORMAT_VERSION,
                "files": {str(folder / name): text for name, text in texts.items()},
                "written": write,
                "next": start,
            }
        )
        return int(ExitCode.OK)
    lines = []
    for name, text in texts.items():
        lines += [Line(f"# {folder / name}", "head"), *map(Line, text.splitlines()), Line("")]
    show(lines)
    said = "Written. Nothing runs yet." if write else "Nothing was written; add --write for that."
    show([Line(said), Line(f"Next: {start}")], stream="stderr")
    return int(ExitCode.OK)


def _program() -> list[str]:
    """Return how this very program is started: its script, else the interpreter and the module."""
    script = Path(sys.argv[0])
    if script.name == "hermes-repair" and os.access(script, os.X_OK):
        return [str(script.absolute())]
    return [sys.executable, "-m", "hermes_repair"]
