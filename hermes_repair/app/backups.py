"""``backup`` and ``restore``: whole, verified copies of state.db."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.app.apply_units import PATIENCE, ROOM, prune_backups
from hermes_repair.app.environment import Run, folder_of
from hermes_repair.app.file_status import FileStatus, read_file_status
from hermes_repair.app.preflight import (
    Space,
    bundle,
    copy_as_files,
    copy_verified,
    require_alone,
    require_no_question,
    require_same_base,
    require_writable,
    set_wal_aside,
    single_run,
)
from hermes_repair.app.receipts import RESTORE, close_empty, write_empty
from hermes_repair.evidence.opened_copies import look_at
from hermes_repair.home.layout import DATABASE, Home, profile_names
from hermes_repair.home.other_databases import (
    CopyKind,
    DatabaseCopy,
    every_copy,
    profile_of,
)
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import (
    DatabaseUnreadable,
    HermesRepairError,
    NoInstall,
    Refused,
    UsageError,
)
from hermes_repair.model.values import Value, whole
from hermes_repair.records import plan_database
from hermes_repair.records.folder import DAMAGED, Folder, is_half_made
from hermes_repair.records.owned_files import is_folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.store.backup import back_up, copy_live, opens, put_back, settle_wal, sound
from hermes_repair.store.writer import writing

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

    @property
    def of_damaged(self) -> bool:
        """Whether it was made of a database that SQLite's own check found damaged."""
        return self.name.startswith(DAMAGED)


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
    copies = []
    for place in folder.backups.iterdir():
        path = place / "state.db"
        if is_half_made(place):
            continue
        if is_folder(place) and path.is_file() and not path.is_symlink():
            copies.append(_backup(path, of_run=place.name in receipts))
    return sorted(copies, key=lambda backup: backup.made, reverse=True)


def _backup(path: Path, *, of_run: bool = False) -> Backup:
    facts = path.stat()
    return Backup(path.parent.name, path, facts.st_size, facts.st_mtime, of_run)


def other_copies(home: Home) -> list[Path]:
    """Return the copies of this home's database that are not in our folder."""
    return [
        copy.named
        for copy in every_copy(home)
        if copy.kind not in (CopyKind.PROFILE, CopyKind.BACKUP)
    ]


def can_copy(home: Home) -> bool:
    """Whether :func:`make` would find a database to copy, whatever its state."""
    try:
        return read_file_status(home).facts.is_sqlite
    except (NoInstall, Refused):
        return False


def make(run: Run) -> Copied:
    """Make a copy now: byte for byte where nobody else is there, through SQLite beside Hermes.

    A damaged database is copied all the same, since there may be nothing better, but the copy is
    called what it is, so that nobody takes it for one to put back.
    """
    folder = run.folder
    file_status = read_file_status(run.home)
    need = ROOM + 2 * (file_status.sides.main + file_status.sides.wal)
    disk = require_writable(run, need)
    require_no_question(run, file_status)
    with single_run(folder):
        place = folder.new_backup(BY_HAND, run.now())
        target = place / "state.db"
        if not file_status.alone:
            copy_live(run.home.database, target)
        elif file_status.left_behind or opens(run.home.database):
            bundle(run, file_status, place)
            with writing(run.home.database, live=False) as writer:
                settle_wal(writer)
                writer.begin(PATIENCE, run.environment.random)
                back_up(writer, target, copy_verified)
        else:
            copy_as_files(run, file_status, place)  # SQLite itself cannot read it
        folder.own(target)
        damage = sound(target)
        if damage:
            place = folder.mark_damaged(place)
            target = place / "state.db"
    return Copied(_backup(target), disk, damage)


def prune(run: Run) -> list[Path]:
    """Remove old copies; the newest 3, unfinished runs' and those under 7 days stay."""
    folder = run.folder
    if not is_folder(folder.path):
        return []
    with single_run(folder):
        return prune_backups(folder, run.now())


def find(home: Home, named: str | None) -> Path:
    """Return the file that a user means by a name of the list or by a path; None: the only copy."""
    if named is None:
        copies = listed(home)
        if len(copies) == 1:
            return copies[0].path
        there = f"There are {len(copies)} copies" if copies else "There is no copy"
        raise UsageError(
            f"{there}, so name the one to restore.",
            advice("`{}` shows the copies.", command("backup list")),
        )
    for backup in listed(home):
        if backup.name == named:
            return backup.path
    path = Path(named)
    if path.is_file():
        return path
    raise UsageError(
        f"There is no backup {named!r}.", advice("`{}` shows the copies.", command("backup list"))
    )


def restore(
    run: Run,
    named: str | None,
    agree: Callable[[Path, Copied], bool],
    from_profile: str | None = None,
) -> Copied | None:
    """Put a copy back into state.db, after keeping what is there now; None where declined.

    What is there now may be damaged: that is what a restore is for, so it is kept as files. Raises
    :class:`Refused` where the copy is damaged or of another profile (unless ``from_profile`` names
    that one), or somebody has the database open. A receipt says
    what was put back, before the first byte of that is written.
    """
    source = require_restorable(run.home, named, from_profile)
    file_status = read_file_status(run.home)
    require_alone(file_status)
    folder = run.folder
    readable = _readable(run, file_status)
    disk = require_writable(run, _room(file_status, source))
    with single_run(folder):
        kept = Copied(_keep(run, file_status), disk)
        if not agree(source, kept):
            return None
        require_same_base(run.home, file_status.marks)
        receipt = folder.new_receipt(RESTORE, run.now())
        write_empty(
            run,
            receipt,
            file_status.marks,
            RESTORE,
            backup=str(kept.backup.path.relative_to(folder.path)),
            restored=str(source),
            restored_from=_moment(folder, source),
        )
        if not readable:
            # SQLite cannot write into what it cannot read; all of it is in the copy.
            set_wal_aside(run.home)
            os.truncate(run.home.database, 0)
        marks = file_status.marks if readable else None
        try:
            put_back(source, run.home.database, lambda: _require_same(run.home, marks))
        except HermesRepairError:
            if readable:
                folder.discard(receipt)  # nothing was changed
            raise
        close_empty(run, receipt)
    return kept


def require_restorable(home: Home, named: str | None, from_profile: str | None) -> Path:
    """Return the copy that a user means.

    Raises :class:`UsageError` where it is not there, :class:`Refused` where it is damaged, not
    whole, or of another profile than this home's or ``from_profile``.
    """
    source = find(home, named)
    for suffix in ("-wal", "-journal"):
        side = source.with_name(source.name + suffix)
        if side.exists() and side.stat().st_size:
            raise Refused(
                f"{side.name} lies beside {source}, so that file alone is not a complete copy.",
                "Copy both to another folder, open the copy once with sqlite3, then give that"
                " file.",
            )
    damage = sound(source)
    if damage:
        raise Refused(
            f"{source} is itself damaged ({damage[0]}), so it is not restored.",
            advice("`{}` shows other copies.", command("copies")),
        )
    require_own(home, source, from_profile)
    return source


def _moment(folder: Folder, source: Path) -> float:
    """Return when a copy was made: before which runs, where it is the backup of one."""
    receipt = folder.receipts / f"{source.parent.name}.db"
    if source.parent.parent == folder.backups and receipt.is_file():
        for _, header in plan_database.read_each([receipt], PlanFile.header):
            return header.created
    return source.stat().st_mtime


def _require_same(home: Home, marks: str | None) -> None:
    """Raise where somebody wrote since ``marks``; a file that we emptied has none."""
    if marks is not None:
        require_same_base(home, marks)


def _room(file_status: FileStatus, source: Path) -> int:
    """Return the bytes that a restore takes: what is there now as files, and writing over it.

    SQLite keeps the old pages beside the file (DELETE) or the new ones (WAL) until it is done.
    """
    sides, size = file_status.sides, source.stat().st_size
    kept = sides.main + sides.wal + sides.journal
    return ROOM + kept + max(sides.main, size) + max(0, size - sides.main)


def _keep(run: Run, file_status: FileStatus) -> Backup:
    """Copy what is there now as files, whatever state it is in."""
    place = run.folder.new_backup(BEFORE_RESTORE, run.now())
    copy_as_files(run, file_status, place)
    return _backup(place / "state.db")


def _readable(run: Run, file_status: FileStatus) -> bool:
    """Whether SQLite can open what is there now; raises :class:`Refused` for DB002."""
    try:
        require_no_question(run, file_status)
    except DatabaseUnreadable:
        return False
    return opens(run.home.database)


def require_own(home: Home, source: Path, from_profile: str | None) -> None:
    """Raise :class:`Refused` where a copy is of another profile than the one that it is put into.

    ``from_profile`` is the profile that the user says it is of: then it may be.
    """
    owner = _owner(home, source)
    if owner is None or owner == (from_profile or home.profile):
        return
    from_owner = command("restore", str(source), "--from-profile", owner)
    if from_profile is not None:
        raise Refused(
            f"{source} is a copy of profile {owner}, not of {from_profile}.",
            advice("If you mean that one: {}", from_owner),
        )
    raise Refused(
        f"{source} is a copy of profile {owner}, and this is {home.profile}: its chats would"
        f" replace those of {home.profile}.",
        advice("Nothing was changed. If that is what you want: {}", from_owner),
    )


def _owner(home: Home, source: Path) -> str | None:
    """Return the profile whose copy it is, None where nothing tells.

    By its place, or, of one that lies anywhere, by its chats: those of another profile and none of
    this one.
    """
    placed = profile_of(source.resolve())
    if placed is not None:
        return placed
    ids = [str(row[0]) for row in _ask_copy(source, CopyKind.COPY, "SELECT id FROM sessions")]
    roots = {"default": home.base} | {
        name: home.base / "profiles" / name for name in profile_names(home.base)
    }
    shared = {name: _shared(root / DATABASE, ids) for name, root in roots.items()}
    if not ids or shared.get(home.profile):
        return None
    most = max(shared, key=lambda name: shared[name])
    return most if shared[most] else None


def _shared(database: Path, ids: list[str]) -> int:
    """Return how many of these sessions a profile has; 0 where it cannot be looked at."""
    if not database.is_file():
        return 0
    asked = "SELECT COUNT(*) FROM sessions WHERE id IN (SELECT value FROM json_each(?))"
    rows = _ask_copy(database, CopyKind.PROFILE, asked, json.dumps(ids))
    return whole(rows[0][0]) if rows else 0


def _ask_copy(database: Path, kind: CopyKind, sql: str, *given: Value) -> list[tuple[Value, ...]]:
    try:
        with look_at(DatabaseCopy(kind, database)) as look:
            return list(look.rows(sql, given)) if look is not None and look.has("sessions") else []
    except HermesRepairError:
        return []  # damaged, or no database: it says nothing of whose it is
