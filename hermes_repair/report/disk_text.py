"""What a run takes of the disk (R4), and what it had to leave there, in words and as JSON."""

from __future__ import annotations

from hermes_repair.app.preflight import Space
from hermes_repair.model.words import size
from hermes_repair.report.lines import Line


def space_lines(space: Space | None, *, done: bool = False) -> list[Line]:
    """Return one line about the disk, none where nothing is written."""
    if space is None:
        return []
    needed, free = size(space.needed), size(space.free)
    if done:
        return [Line(f"Disk: up to {needed} were needed, {free} were free.", "dim")]
    text = f"Disk: up to {needed} are needed for a while, {free} are free."
    if space.enough:
        return [Line(text, "dim")]
    return [Line(f"{text} That is not enough: it would be refused.", "error", asked=True)]


def space_entry(space: Space | None) -> dict[str, int] | None:
    """Return the same in bytes."""
    return {"needed": space.needed, "free": space.free} if space is not None else None


def wal_lines(left: int) -> list[Line]:
    """Say what a -wal of ``left`` bytes is that our last connection had to leave behind."""
    if not left:
        return []
    text = (
        f"state.db-wal ({size(left)}) stays beside state.db and belongs to it: SQLite could not"
        " merge it (is the disk full?). Keep the two together; Hermes merges it on its next start."
    )
    return [Line(text, "warning", asked=True)]
