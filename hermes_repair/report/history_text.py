"""What ``history`` and ``undo`` say, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hermes_repair.app.history import Entry, continued
from hermes_repair.app.undo import Undone
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord
from hermes_repair.model.words import count, minute
from hermes_repair.report import json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line, as_asked

FOLDED = 3  # lock cleanings in a row that have a line each without -v
Unread = Sequence[tuple[Path, BadRecord]]
"""Receipts that cannot be read, and why."""
_UNDO = command("undo")


def history_document(
    entries: Sequence[Entry], unread: Unread, next_one: Entry | None
) -> dict[str, Any]:
    """Return the runs as JSON; ``next_one`` is what the next undo takes back."""
    return {
        "history": [_entry(entry) for entry in entries],
        "next_to_undo": _name(next_one),
        "left_out": _unread_entries(unread),
    }


def history_lines(
    entries: Sequence[Entry], unread: Unread, next_one: Entry | None, audience: Audience
) -> Iterator[Line]:
    """Yield the runs, newest first."""
    yield from as_asked(_folded(entries, everything=audience.verbose))
    yield from _unread_lines(unread)
    if not entries and not unread:
        yield Line("hermes-repair has changed nothing here yet.")
    if next_one is not None:
        names = " and ".join(e.name for e in (next_one, *continued(entries, next_one)))
        yield Line(audience.typed(advice("`{}` undoes {}.", _UNDO, names)), "dim")


def _folded(entries: Sequence[Entry], *, everything: bool) -> Iterator[Line]:
    """Yield a line for each run; of lock cleanings in a row one for all, but with -v."""
    wide = max((len(entry.name) for entry in entries), default=0)
    for cleaning, run in groupby(entries, key=lambda entry: entry.cleans_locks):
        group = list(run)
        if everything or not cleaning or len(group) <= FOLDED:
            yield from (Line(_words(entry, wide)) for entry in group)
            continue
        since, until = group[-1], group[0]
        yield Line(
            f"{_number(since)} to {_number(until)}: {count(len(group), 'lock cleaning')},"
            f" {_when(since)} to {_when(until)}; -v lists them",
            "dim",
        )


def _number(entry: Entry) -> str:
    return entry.name.partition("-")[0]


def _when(entry: Entry) -> str:
    return minute(entry.header.created)


def _words(entry: Entry, wide: int = 0) -> str:
    head = f"{entry.name:<{wide}}  {_when(entry)}  "
    if entry.answer is not None:
        kept = f"backup {entry.name} holds both files as they were"
        return f"{head}repair --wal {entry.answer.value}: {entry.state}, {kept}"
    if entry.restores:
        kept = f"backup {Path(entry.header.backup or '').parent.name} holds the state before"
        return f"{head}restore: {entry.state}, restored {entry.header.restored}; {kept}"
    if entry.installs:
        before = Path(entry.header.backup or "").parent.name
        kept = f"; backup {before} holds the files before" if before else ""
        name = entry.header.store or "state.db"
        if entry.vacuums:
            kept = kept.replace("the files", "the file") if entry.has_backup else ""
            return f"{head}vacuum: {entry.state}, wrote {name} anew{kept}"
        return f"{head}salvage: {entry.state}, put a new {name} in place{kept}"
    by = f"; replaced by {entry.replaced_by.stem}" if entry.replaced_by is not None else ""
    after = f"; went on with {entry.header.continues}" if entry.header.continues else ""
    return f"{head}{entry.header.command}: {_what_was_done(entry)}{by}{after}"


def _what_was_done(entry: Entry) -> str:
    """Return what became of a run: the steps and changes that it did, and of how many."""
    happened, steps = entry.done + entry.undone, count(entry.units, "step")
    state = entry.state
    if happened < entry.units:
        steps = f"{happened:,} of {steps}"
        state = "done in part" if state == "done" else state
    fates = ((entry.undone if entry.done else 0, "undone"), (entry.unknown, "unknown"))
    known = ", ".join(f"{number:,} {fate}" for number, fate in fates if number)
    changes = count(entry.actions_done, "change")
    return f"{state}, {steps}{f' ({known})' if known else ''}, {changes}"


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.name,
        "path": str(entry.path),
        "command": entry.header.command,
        "created": entry.header.created,
        "state": entry.state,
        "units": entry.units,
        "done": entry.done,
        "undone": entry.undone,
        "unknown": entry.unknown,
        "actions": entry.actions,
        "actions_done": entry.actions_done,
        "continues": entry.header.continues,
        "can_be_undone": entry.can_be_undone,
        "replaced_by": entry.replaced_by.stem if entry.replaced_by is not None else None,
        "restored": entry.header.restored,
        "backup": entry.header.backup,
        "schema": entry.header.schema,
        "store": entry.header.store,
    }


def _name(entry: Entry | None) -> str | None:
    return entry.name if entry is not None else None


def _unread_entries(unread: Unread) -> list[dict[str, str]]:
    return [
        {"id": path.stem, "path": str(path), **json_documents.reason(error)}
        for path, error in unread
    ]


def _unread_lines(unread: Unread) -> Iterator[Line]:
    for path, error in unread:
        yield Line(f"Left out: {path.stem}. {error.message}", "warning", asked=True)


def question_lines(
    entries: Sequence[Entry], stays: Sequence[Entry], warnings: Sequence[str]
) -> Iterator[Line]:
    """Yield what an undo is going to take back, what ``stays``, and what Hermes will do again."""
    yield Line("This undoes, in this order:", "head")
    yield from (Line(f"  {_words(entry)}") for entry in entries)
    yield from _besides(stays, warnings)


def _besides(stays: Sequence[Entry], warnings: Sequence[str]) -> Iterator[Line]:
    if stays:
        since = count(len(stays), "lock cleaning")
        yield Line(f"Left alone: {since} made since; nobody needs those locks.", "dim")
    yield from (Line(warning, "warning") for warning in warnings)


def undo_document(
    undone: Undone, stays: Sequence[Entry], warnings: Sequence[str], next_one: Entry | None
) -> dict[str, Any]:
    """Return what an undo took back as JSON."""
    return {
        "next_to_undo": _name(next_one),
        "recovered": list(undone.recovered),
        "undone": [entry.name for entry in undone.entries],
        "units": undone.units,
        "given_back": undone.given_back,
        "stays": [entry.name for entry in stays],
        "kept": [entry.name for entry in undone.kept],
        "left_out": _unread_entries(undone.left_out),
        "warnings": list(warnings),
    }


def undo_lines(
    undone: Undone,
    stays: Sequence[Entry],
    warnings: Sequence[str],
    next_one: Entry | None,
    audience: Audience,
) -> Iterator[Line]:
    """Yield what an undo took back, and what the next one would: a repair may have several."""
    yield from map(Line, undone.recovered)
    yield from _unread_lines(undone.left_out)
    if undone.declined:
        yield Line("Nothing was changed.", asked=True)
        return
    names = ", ".join(entry.name for entry in undone.entries)
    yield Line(f"Undone: {names} ({count(undone.units, 'step')}).", "good")
    for entry in undone.kept:
        why = "The database was written to since, and an index follows its table by itself."
        if entry.rewrites_files:
            why = "Hermes wrote that file again since."
        elif entry.vacuums:
            why = "The database was written to since, and no row is another by it."
        yield Line(f"Left as it is: {_words(entry)}. {why}", asked=True)
    if undone.given_back:
        vanished = count(undone.given_back, "message")
        text = f"{vanished} had vanished since, and came back from the receipt."
        yield Line(text, "warning", asked=True)
    yield from _besides(stays, warnings)
    if next_one is not None and not next_one.cleans_locks:
        still_done = advice("Still done: {}. `{}` reverts that.", _words(next_one), _UNDO)
        yield Line(audience.typed(still_done))
