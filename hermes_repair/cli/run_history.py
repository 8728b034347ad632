"""``history`` and ``undo`` from options to an exit code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hermes_repair.app import history as runs
from hermes_repair.app import undo as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.app.undo import warnings
from hermes_repair.cli.run_repair import ask, require_yes
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import BadRecord, ExitCode
from hermes_repair.model.words import count, minute
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, as_asked, show

FOLDED = 3  # lock cleanings in a row that have a line each without -v


def history(target: Target) -> int:
    """List what was done in every home that is meant."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        left_out: list[tuple[Path, BadRecord]] = []
        entries = runs.history(home, left_out)
        next_one = runs.next_to_undo(entries)
        if target.as_json:
            return ExitCode.OK, {
                **json_documents.envelope(str(home.root), place_of(home)),
                "history": [_entry(found) for found in entries],
                "next_to_undo": next_one.name if next_one is not None else None,
                "left_out": [_left_out(path, error) for path, error in left_out],
            }
        lines = [*heading(home), *as_asked(_folded(entries, everything=target.verbose))]
        lines += _left_out_lines(left_out)
        if not entries and not left_out:
            lines.append(Line("hermes-repair has changed nothing here yet."))
        if next_one is not None:
            undo_this = target.typed(home, "`hermes-repair undo`")
            lines.append(Line(f"{undo_this} undoes {next_one.name}.", "dim"))
        target.say(lines)
        return ExitCode.OK, None

    return each_home(target, work)


def _left_out(path: Path, error: BadRecord) -> dict[str, str]:
    return {"id": path.stem, "path": str(path), "message": error.message, "hint": str(error.hint)}


def _left_out_lines(left_out: Sequence[tuple[Path, BadRecord]]) -> list[Line]:
    return [
        Line(f"Left out: {path.stem}. {error.message}", "warning", asked=True)
        for path, error in left_out
    ]


def _folded(entries: Sequence[runs.Entry], *, everything: bool) -> Iterator[Line]:
    """Yield a line for each run; of lock cleanings in a row one for all, but with -v."""
    wide = max((len(found.name) for found in entries), default=0)
    for cleaning, run in groupby(entries, key=lambda found: found.cleans_locks):
        group = list(run)
        if everything or not cleaning or len(group) <= FOLDED:
            yield from (Line(_words(found, wide)) for found in group)
            continue
        since, until = group[-1], group[0]
        yield Line(
            f"{_number(since)} to {_number(until)}: {count(len(group), 'lock cleaning')},"
            f" {_when(since)} to {_when(until)}; -v lists them",
            "dim",
        )


def _number(found: runs.Entry) -> str:
    return found.name.partition("-")[0]


def _when(found: runs.Entry) -> str:
    return minute(found.header.created)


def _words(found: runs.Entry, wide: int = 0) -> str:
    head = f"{found.name:<{wide}}  {_when(found)}  "
    if found.answer is not None:
        kept = f"backup {found.name} holds both files as they were"
        return f"{head}repair --wal {found.answer.value}: {found.state}, {kept}"
    if found.restores:
        kept = f"backup {Path(found.header.backup or '').parent.name} holds the state before"
        return f"{head}restore: {found.state}, restored {found.header.restored}; {kept}"
    fates = ((found.done, "done"), (found.undone, "undone"), (found.unknown, "unknown"))
    known = [f"{number:,} {fate}" for number, fate in fates if number and number != found.units]
    steps = count(found.units, "step") + (f" ({', '.join(known)})" if known else "")
    changes = count(found.actions, "change")
    by = f"; replaced by {found.replaced_by.stem}" if found.replaced_by is not None else ""
    return f"{head}{found.header.command}: {found.state}, {steps}, {changes}{by}"


def _entry(found: runs.Entry) -> dict[str, Any]:
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
        "replaced_by": found.replaced_by.stem if found.replaced_by is not None else None,
        "restored": found.header.restored,
        "backup": found.header.backup,
        "schema": found.header.schema,
    }


def undo(target: Target, receipt: str | None, yes: bool) -> int:
    """Take back the newest receipt, or all down to the named one."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        require_yes(yes, "; `hermes-repair history` shows what it would undo.")
        said: list[str] = []
        stays: list[runs.Entry] = []

        def agree(entries: list[runs.Entry]) -> bool:
            said.extend(warnings(home, environment, entries))
            stays.extend(runs.staying(home, entries))
            return yes or _ask(home, entries, stays, said)

        result = app.undo(home, environment, receipt, agree)
        code = ExitCode.REFUSED if result.declined else ExitCode.OK
        next_one = runs.next_to_undo(runs.history(home))
        if target.as_json:
            return code, {
                **json_documents.envelope(str(home.root), place_of(home)),
                "next_to_undo": next_one.name if next_one is not None else None,
                "recovered": list(result.recovered),
                "undone": [found.name for found in result.entries],
                "units": result.units,
                "given_back": result.given_back,
                "stays": [found.name for found in stays],
                "left_out": [_left_out(path, error) for path, error in result.left_out],
                "warnings": said,
            }
        lines = heading(home) if yes else []
        lines += [Line(sentence) for sentence in result.recovered]
        lines += _left_out_lines(result.left_out)
        if result.declined:
            lines.append(Line("Nothing was changed.", asked=True))
        else:
            names = ", ".join(found.name for found in result.entries)
            lines.append(Line(f"Undone: {names} ({count(result.units, 'step')}).", "good"))
            if result.given_back:
                vanished = count(result.given_back, "message")
                told = f"{vanished} had vanished since, and came back from the receipt."
                lines.append(Line(told, "warning", asked=True))
            lines += _staying(stays)
            lines += [Line(sentence, "warning") for sentence in said]
            lines += _still_done(home, target, next_one)
        target.say(lines)
        return code, None

    return each_home(target, work)


def _still_done(home: Home, target: Target, next_one: runs.Entry | None) -> list[Line]:
    """Say what the next undo would take back: one run of repair may have several receipts."""
    if next_one is None or next_one.cleans_locks:
        return []
    undo_this = target.typed(home, "`hermes-repair undo`")
    return [Line(f"Still done: {_words(next_one)}. {undo_this} reverts that.")]


def _staying(stays: Sequence[runs.Entry]) -> list[Line]:
    if not stays:
        return []
    since = count(len(stays), "lock cleaning")
    return [Line(f"Left alone: {since} made since; nobody needs those locks.", "dim")]


def _ask(
    home: Home,
    entries: list[runs.Entry],
    stays: Sequence[runs.Entry],
    said: list[str],
) -> bool:
    lines = [*heading(home), Line("This undoes, in this order:", "head")]
    lines += [Line(f"  {_words(found)}") for found in entries]
    lines += _staying(stays)
    lines += [Line(sentence, "warning") for sentence in said]
    show(lines, stream="stderr")
    return ask("Undo this?")
