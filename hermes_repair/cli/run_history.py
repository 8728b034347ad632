"""``history`` and ``undo`` from options to an exit code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hermes_repair.app import undo as app
from hermes_repair.app.rollback import warnings
from hermes_repair.app.world import World
from hermes_repair.cli.run_repair import ask, require_yes
from hermes_repair.cli.target import Target, each_home
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.report import documents
from hermes_repair.report.escape import count
from hermes_repair.report.lines import Line, show


def history(target: Target) -> int:
    """List what was done in every home that is meant."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        entries = app.history(home)
        if target.as_json:
            return ExitCode.OK, {
                **documents.envelope(str(home.root), {"path": str(home.root / "state.db")}),
                "history": [_entry(found) for found in entries],
            }
        lines = [Line(f"Hermes home {home.root}, profile {home.profile}", "head")]
        lines += [Line(_words(found)) for found in entries]
        if not entries:
            lines.append(Line("hermes-repair has changed nothing here yet."))
        show(lines)
        return ExitCode.OK, None

    return each_home(target, work)


def _words(found: app.Entry) -> str:
    when = datetime.fromtimestamp(found.header.created).strftime("%Y-%m-%d %H:%M")
    unknown = f", {found.unknown} unknown" if found.unknown else ""
    return (
        f"{found.name}  {when}  {found.header.command}: {found.state},"
        f" {count(found.units, 'step')} ({found.done} done, {found.undone} undone{unknown}),"
        f" {count(found.actions, 'action')}"
    )


def _entry(found: app.Entry) -> dict[str, Any]:
    return {
        "id": found.name,
        "path": str(found.path),
        "command": found.header.command,
        "created": found.header.created,
        "state": found.state,
        "units": found.units,
        "done": found.done,
        "undone": found.undone,
        "unknown": found.unknown,
        "actions": found.actions,
        "can_be_undone": found.can_be_undone,
        "schema": found.header.schema,
    }


def undo(target: Target, receipt: str | None, yes: bool) -> int:
    """Take back the newest receipt, or all down to the named one."""

    def work(home: Home, world: World) -> tuple[ExitCode, dict[str, Any] | None]:
        require_yes(yes)
        said: list[str] = []

        def agree(entries: list[app.Entry]) -> bool:
            said.extend(warnings(home, world, entries))
            return yes or _ask(entries, said)

        result = app.undo(home, world, receipt, agree)
        code = ExitCode.REFUSED if result.declined else ExitCode.OK
        if target.as_json:
            return code, {
                **documents.envelope(str(home.root), {"path": str(home.root / "state.db")}),
                "recovered": list(result.recovered),
                "undone": [found.name for found in result.entries],
                "units": result.units,
                "warnings": said,
            }
        lines = [Line(sentence) for sentence in result.recovered]
        if result.declined:
            lines.append(Line("Nothing was changed."))
        else:
            names = ", ".join(found.name for found in result.entries)
            lines.append(Line(f"Taken back: {names} ({count(result.units, 'step')}).", "good"))
            lines += [Line(sentence, "warning") for sentence in said]
        show(lines)
        return code, None

    return each_home(target, work)


def _ask(entries: list[app.Entry], said: list[str]) -> bool:
    show([Line("This takes back, in this order:", "head")], stream="stderr")
    show([Line(f"  {_words(found)}") for found in entries], stream="stderr")
    show([Line(sentence, "warning") for sentence in said], stream="stderr")
    return ask("Take it back?")
