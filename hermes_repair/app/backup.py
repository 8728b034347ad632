"""``backup`` and ``restore``: whole, verified copies of state.db."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hermes_repair import __version__
from hermes_repair.app.applying import PATIENCE, ROOM, prune_backups
from hermes_repair.app.outside import Outside, folder_of, from_outside, marks_left
from hermes_repair.app.past import RESTORE, identify
from hermes_repair.app.preflight import (
    Space,
    bundle,
    copy_as_files,
    copy_verified,
    require_alone,
    require_no_question,
    require_same_base,
    require_writable,
    single_run,
)
from hermes_repair.app.wal import set_wal_aside
from hermes_repair.app.whose import require_own
from hermes_repair.app.world import World
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import (
    DatabaseUnreadable,
    HermesRepairError,
    NoInstall,
    Refused,
    UsageError,
)
from hermes_repair.model.plans import Header
from hermes_repair.records import planfile
from hermes_repair.records.folder import Folder
from hermes_repair.records.openplan import PlanFile
from hermes_repair.records.owned import is_folder
from hermes_repair.store.backup import back_up, copy_live, opens, put_back, settle_wal, sound
from hermes_repair.store.writing import writing

BEFORE_RESTORE = "before-restore"
"""What copies are called that keep what a restore replaced."""

BY_HAND = "manual"
"""What copies are called that `backup` made of a sound database."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy: its name, the file, its size in bytes, when it was made, what it belongs to."""

    name: str
    path: Path
    size: int
    made: float
    receipt: bool


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was made now, what it needed of the disk, and what was free before.

    ``damage`` is what SQLite's own check says against the copy, and so against the database: empty
    where it is sound, None where nobody asked.
    """

    backup: Backup
    space: Space
    damage: tuple[str, ...] | None = None


def listed(home: Home) -> list[Backup]:
    """Return the copies that there are, newest first. Changes nothing."""
    folder = folder_of(home)
    if not is_folder(folder.backups):
        return []
    receipts = {path.stem for path in folder.receipt_paths()}
    found = []
    for place in folder.backups.iterdir():
        path = place / "state.db"
        if is_folder(place) and path.is_file() and not path.is_symlink():
            facts = path.stat()
            found.append(
                Backup(place.name, path, facts.st_size, facts.st_mtime, place.name in receipts)
            )
    return sorted(found, key=lambda backup: backup.made, reverse=True)


def can_copy(home: Home) -> bool:
    """Whether :func:`make` would find a database to copy, whatever its state."""
    try:
        return from_outside(home).facts.is_sqlite
    except (NoInstall, Refused):
        return False


def make(home: Home, world: World) -> Copied:
    """Make a copy now: byte for byte where nobody else is there, through SQLite beside Hermes.

    A damaged database is copied all the same, since there may be nothing better, but the copy is
    called what it is, so that nobody takes it for one to put back.
    """
    folder = folder_of(home)
    outside = from_outside(home)
    need = ROOM + 2 * (outside.sides.main + outside.sides.wal)
    disk = require_writable(home, outside, folder, need)
    require_no_question(home, outside, folder)
    with single_run(folder):
        place = folder.new_backup(BY_HAND, world.now())
        target = place / "state.db"
        if not outside.alone:
            copy_live(home.database, target)
        elif outside.left_behind or opens(home.database):
            bundle(home, outside, folder, place)
            with writing(home.database, live=False) as writer:
                settle_wal(writer)
                writer.begin(PATIENCE, world.random)
                back_up(writer, target, copy_verified)
        else:
            copy_as_files(home, outside, folder, place)  # SQLite itself cannot read it
        folder.own(target)
        damage = sound(target)
        if damage:
            place = folder.mark_damaged(place)
            target = place / "state.db"
    facts = target.stat()
    made = Backup(place.name, target, facts.st_size, facts.st_mtime, False)
    return Copied(made, disk, damage)


def prune(home: Home, world: World) -> list[Path]:
    """Remove old copies; the newest 3, unfinished runs' and those under 7 days stay."""
    folder = folder_of(home)
    if not is_folder(folder.path):
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
    home: Home,
    world: World,
    named: str,
    agree: Callable[[Path, Copied], bool],
    from_profile: str | None = None,
) -> Copied | None:
    """Put a copy back into state.db, after keeping what is there now; None where declined.

    What is there now may be damaged: that is what a restore is for, so it is kept as files. Raises
    :class:`Refused` where the copy is damaged or of another profile (unless ``from_profile`` names
    that one), or somebody has the database open. A receipt says
    what was put back, before the first byte of that is written.
    """
    source = find(home, named)
    for suffix in ("-wal", "-journal"):
        side = source.with_name(source.name + suffix)
        if side.exists() and side.stat().st_size:
            raise Refused(
                f"{side.name} lies beside {source}, so that file alone is not the whole copy.",
                "Copy both to another folder, open the copy once with sqlite3, then name that.",
            )
    damage = sound(source)
    if damage:
        raise Refused(
            f"{source} is damaged itself ({damage[0]}), so it is not put back.",
            "`hermes-repair backup list` shows other copies.",
        )
    require_own(home, source, from_profile)
    outside = from_outside(home)
    require_alone(home, outside)
    folder = folder_of(home)
    readable = _readable(home, outside, folder)
    disk = require_writable(home, outside, folder, _room(outside, source))
    with single_run(folder):
        kept = Copied(_keep(home, folder, world, outside), disk)
        if not agree(source, kept):
            return None
        require_same_base(home, outside.marks)
        receipt = _note(home, folder, world, outside, source, kept.backup)
        if not readable:
            # SQLite cannot write into what it cannot read; all of it is in the copy.
            set_wal_aside(home)
            os.truncate(home.database, 0)
        marks = outside.marks if readable else None
        try:
            put_back(source, home.database, lambda: _require_same(home, marks))
        except HermesRepairError:
            if readable:
                folder.discard(receipt)  # nothing was changed
            raise
        with planfile.edit(receipt) as notes:
            notes.set_header(closed=world.now(), left=marks_left(home))
        planfile.sync(receipt)
    return kept


def _note(
    home: Home, folder: Folder, world: World, outside: Outside, source: Path, kept: Backup
) -> Path:
    """Write the receipt of a restore, durable, before it begins; it has no steps."""
    path = folder.new_receipt(RESTORE, world.now())
    header = Header(
        tool_version=__version__,
        command=RESTORE,
        created=world.now(),
        database=str(home.database),
        base=outside.marks,
        schema=None,
        backup=str(kept.path.relative_to(folder.path)),
        restored=str(source),
        restored_from=_moment(folder, source),
        home=identify(folder, world.random),
    )
    with planfile.create(path, header):
        pass
    folder.own(path)
    return path


def _moment(folder: Folder, source: Path) -> float:
    """Return when a copy was made: before which runs, where it is the backup of one."""
    receipt = folder.receipts / f"{source.parent.name}.db"
    if source.parent.parent == folder.backups and receipt.is_file():
        for _, header in planfile.read_each([receipt], PlanFile.header):
            return header.created
    return source.stat().st_mtime


def _require_same(home: Home, marks: str | None) -> None:
    """Raise where somebody wrote since ``marks``; a file that we emptied has none."""
    if marks is not None:
        require_same_base(home, marks)


def _room(outside: Outside, source: Path) -> int:
    """Return the bytes that a restore takes: what is there now as files, and writing over it.

    SQLite keeps the old pages beside the file (DELETE) or the new ones (WAL) until it is done.
    """
    sides, size = outside.sides, source.stat().st_size
    kept = sides.main + sides.wal + sides.journal
    return ROOM + kept + max(sides.main, size) + max(0, size - sides.main)


def _keep(home: Home, folder: Folder, world: World, outside: Outside) -> Backup:
    """Copy what is there now as files, whatever state it is in."""
    place = folder.new_backup(BEFORE_RESTORE, world.now())
    copy_as_files(home, outside, folder, place)
    facts = (place / "state.db").stat()
    return Backup(place.name, place / "state.db", facts.st_size, facts.st_mtime, False)


def _readable(home: Home, outside: Outside, folder: Folder) -> bool:
    """Whether SQLite can open what is there now; raises :class:`Refused` for DB002."""
    try:
        require_no_question(home, outside, folder)
    except DatabaseUnreadable:
        return False
    return opens(home.database)
