"""``backup`` and ``restore``: whole, verified copies of state.db."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.app.applying import PATIENCE, ROOM, prune_backups
from hermes_repair.app.outside import folder_of, from_outside
from hermes_repair.app.preflight import (
    bundle,
    copy_verified,
    require_alone,
    require_writable,
    single_run,
)
from hermes_repair.app.world import World
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.store.backup import back_up, copy_live, put_back, settle_wal, sound
from hermes_repair.store.writing import writing


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy: its name, the file, its size in bytes, when it was made, what it belongs to."""

    name: str
    path: Path
    size: int
    made: float
    receipt: bool


def listed(home: Home) -> list[Backup]:
    """Return the copies that there are, newest first. Changes nothing."""
    folder = folder_of(home)
    if not folder.backups.is_dir():
        return []
    receipts = {path.stem for path in folder.receipt_paths()}
    found = []
    for place in folder.backups.iterdir():
        path = place / "state.db"
        if path.is_file():
            facts = path.stat()
            found.append(
                Backup(place.name, path, facts.st_size, facts.st_mtime, place.name in receipts)
            )
    return sorted(found, key=lambda backup: backup.made, reverse=True)


def make(home: Home, world: World) -> Backup:
    """Make a copy now: byte for byte where nobody else is there, through SQLite beside Hermes."""
    folder = folder_of(home)
    outside = from_outside(home)
    need = ROOM + 2 * (outside.sides.main + outside.sides.wal)
    require_writable(home, outside, folder, need)
    with single_run(folder):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(world.now()))
        place = folder.make(folder.backups / f"manual-{stamp}")
        target = place / "state.db"
        if outside.alone:
            if outside.sides.wal or outside.sides.journal:
                bundle(home, outside, folder.make(place / "bundle"))
            with writing(home.database, live=False) as writer:
                settle_wal(writer)
                writer.begin(PATIENCE, world.random)
                back_up(writer, target, copy_verified)
        else:
            copy_live(home.database, target)
        folder.own(target)
    facts = target.stat()
    return Backup(place.name, target, facts.st_size, facts.st_mtime, False)


def prune(home: Home, world: World) -> list[Path]:
    """Remove old copies; the newest 3, unfinished runs' and those under 7 days stay."""
    folder = folder_of(home)
    if not folder.path.is_dir():
        return []
    with single_run(folder):
        return prune_backups(folder, world.now())


def find(home: Home, named: str) -> Path:
    """Return the file that a user means by a name of the list or by a path."""
    for backup in listed(home):
        if backup.name == named:
            return backup.path
    path = Path(named)
    if path.is_file():
        return path
    raise UsageError(
        f"There is no backup {named!r}.", "`hermes-repair backup list` shows the copies."
    )


def restore(
    home: Home, world: World, named: str, agree: Callable[[Path, Backup], bool]
) -> Backup | None:
    """Put a copy back into state.db, after keeping what is there now; None where declined.

    Raises :class:`Refused` where the copy is damaged or somebody has the database open.
    """
    source = find(home, named)
    damage = sound(source)
    if damage:
        raise Refused(
            f"{source} is damaged itself ({damage[0]}), so it is not put back.",
            "`hermes-repair backup list` shows other copies.",
        )
    require_alone(home, from_outside(home))
    kept = make(home, world)
    if not agree(source, kept):
        return None
    folder = folder_of(home)
    with single_run(folder):
        require_alone(home, from_outside(home))
        put_back(source, home.database)
    return kept
