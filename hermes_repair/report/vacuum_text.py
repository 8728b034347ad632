"""What ``vacuum`` says, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hermes_repair.app.vacuum import Foreseen, Vacuumed
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import size
from hermes_repair.report.audience import Audience
from hermes_repair.report.disk_text import space_entry, space_lines
from hermes_repair.report.lines import Line

_UNDO = command("undo")


def document(foreseen: Foreseen, done: Vacuumed | None = None) -> dict[str, Any]:
    """Return what is foreseen, and what became of it, as JSON."""
    installed = done.installed if done is not None else None
    return {
        "file": foreseen.room.file,
        "free": foreseen.room.free,
        "space": space_entry(foreseen.space),
        "new_file": done.size if done is not None else None,
        "receipt": installed.receipt.stem if installed is not None else None,
        "kept": str(installed.kept) if installed is not None else None,
        "late": [process.pid for process in installed.late] if installed is not None else [],
        "recovered": list(done.recovered) if done is not None else [],
    }


def foreseen_lines(foreseen: Foreseen) -> Iterator[Line]:
    """Yield what the file takes, what comes back at least, and what that needs of the disk."""
    room = foreseen.room
    yield Line(
        f"state.db takes {size(room.file)}; {size(room.free)} of that are free, and at least so"
        " much comes back.",
        "head",
        asked=True,
    )
    yield from space_lines(foreseen.space)
    yield Line(
        "The old file is kept, so that `undo` can give it back: until it is gone, less of the disk"
        " is free than before. The first run of `backup prune` after 7 days removes it.",
        "dim",
    )


def next_lines(audience: Audience) -> Iterator[Line]:
    """Yield what to type after a look."""
    yield Line(audience.typed(advice("Nothing was changed. To do it: `{}`", command("vacuum"))))


def done_lines(done: Vacuumed, audience: Audience) -> Iterator[Line]:
    """Yield what became of it."""
    yield from map(Line, done.recovered)
    if done.installed is None:
        no_gain = " A new file would be no smaller." if done.size is not None else ""
        yield Line(f"Nothing was changed.{no_gain}", asked=True)
        return
    before, now = done.foreseen.room.file, done.size or 0
    yield Line(
        f"state.db takes {size(now)} now, {size(before - now)} less. Every row, index and word of"
        " the search index is what it was.",
        "good",
        asked=True,
    )
    yield Line(f"The old file is kept in {done.installed.kept} ({size(before)}).")
    for process in done.installed.late:
        text = f"{process.describe()} opened the old file meanwhile: what it writes is lost."
        yield Line(f"{text} Stop it.", "error", asked=True)
    yield Line(audience.typed(advice("`{}` gives it back.", _UNDO)), "dim")
