"""What ``backup`` and ``restore`` say, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hermes_repair.app.backups import BEFORE_RESTORE, Backup, Copied
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import count, minute, size, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.disk_text import space_entry, space_lines
from hermes_repair.report.lines import Line


def _entry(backup: Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "path": str(backup.path),
        "size": backup.size,
        "made": backup.made,
        "for_receipt": backup.receipt,
    }


def made_document(copied: Copied) -> dict[str, Any]:
    """Return a copy that was made as JSON."""
    return {
        "backup": _entry(copied.backup),
        "damage": list(copied.damage or ()),
        "space": space_entry(copied.space),
    }


def made_lines(copied: Copied, audience: Audience) -> Iterator[Line]:
    """Yield a copy that was made, and what to know of one of a damaged database."""
    backup = copied.backup
    how, style = ("not sound", "error") if copied.damage else ("verified", "good")
    yield Line(f"Backup {backup.name}: {size(backup.size)}, {how}, in {backup.path}.", style)
    if copied.damage:
        warning = (
            f"This is a copy of a damaged database ({copied.damage[0]}): it holds what can still be"
            " read, and `restore` refuses it. Keep your older copies."
        )
        yield Line(warning, "error", asked=True)
        yield replace(audience.next(command("doctor")), asked=True)
    yield from space_lines(copied.space, done=True)


def list_document(backups: Sequence[Backup], others: Sequence[Path]) -> dict[str, Any]:
    """Return the copies as JSON; ``others`` are those that hermes-repair did not make."""
    return {
        "backups": [_entry(backup) for backup in backups],
        "other_copies": [str(path) for path in others],
    }


def list_lines(
    backups: Sequence[Backup], audience: Audience, *, can_copy: bool, others: int
) -> Iterator[Line]:
    """Yield the copies, a line each; ``can_copy``: there is a database to make one of.

    ``others`` counts the copies that hermes-repair did not make.
    """
    wide = max((len(backup.name) for backup in backups), default=0)
    for backup in backups:
        columns = (
            f"{backup.name:<{wide}}",
            minute(backup.made),
            f"{size(backup.size):>10}",
            _purpose(backup),
        )
        yield Line("  ".join(columns), asked=True)
    if not backups:
        ours = "hermes-repair has made no backups yet" if others else "There are no backups yet"
        make_one = advice(f"{ours}; `{{}}` makes one.", command("backup"))
        yield Line(audience.typed(make_one) if can_copy else f"{ours}.")
    if others:
        there = f"There {verb(others, 'is', 'are')} {count(others, 'other copy')} of this database"
        yield Line(
            audience.typed(
                advice(f"{there}; `{{}}` shows {verb(others, 'it', 'them')}.", command("copies"))
            )
        )


def _purpose(backup: Backup) -> str:
    if backup.receipt:
        return "before that run"
    if backup.of_damaged:
        return "made by hand, of a damaged database"
    return "before a restore" if backup.name.startswith(BEFORE_RESTORE) else "made by hand"


def pruned_lines(removed: Sequence[Path]) -> list[Line]:
    """Return which old copies were removed."""
    lines = [Line(f"Removed {path.name}.") for path in removed]
    return lines or [Line("No backup is old enough to be removed.")]


def restored_document(name: str, kept: Copied | None) -> dict[str, Any]:
    """Return what was restored as JSON; ``kept`` is the copy of the state before, None for no."""
    return {
        "restored": name if kept is not None else None,
        "kept": _entry(kept.backup) if kept is not None else None,
        "space": space_entry(kept.space) if kept is not None else None,
    }


def restored_lines(name: str, kept: Copied | None) -> Iterator[Line]:
    """Yield what was restored; ``kept`` as in :func:`restored_document`."""
    if kept is None:
        yield Line("Nothing was changed.", asked=True)
        return
    yield Line(f"Restored: {name}. The state before is backup {kept.backup.name}.", "good")
    yield from space_lines(kept.space, done=True)
