"""Putting a finished database in the place of a damaged one, or of none: whole or not at all.

The receipt is on disk before anything changes. It names the old file and the new one by their
marks, so that the next command can tell how far a run came that was killed, and makes it whole
(:func:`settle`): before the rename the old files are given back, after it the new one stays. What
was there is kept among the backups, and `undo` gives it back to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.apply_units import ROOM
from hermes_repair.app.environment import Run
from hermes_repair.app.file_exchange import (
    copy_in,
    exchange,
    give,
    give_sides_back,
    locked,
    marks_of,
    staged,
    staging,
)
from hermes_repair.app.file_status import FileStatus, look_from_outside, read_file_status
from hermes_repair.app.preflight import (
    Space,
    bundle,
    copy_as_files,
    kept_name,
    require_alone,
    require_no_question,
    require_writable,
    single_run,
)
from hermes_repair.app.receipts import INSTALL, close_empty, is_open, write_empty
from hermes_repair.home.side_stores import at_store
from hermes_repair.host import FileFacts, ProcessInfo
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import (
    Changed,
    DatabaseUnreadable,
    HermesRepairError,
    Refused,
    WrittenSince,
)
from hermes_repair.model.plans import VACUUM, Header
from hermes_repair.records import plan_database
from hermes_repair.records.folder import DAMAGED, Folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.records.receipt_traces import lost_text
from hermes_repair.store.backup import settle_wal
from hermes_repair.store.table_digests import some_messages, table_digests
from hermes_repair.store.writer import writing


@dataclass(frozen=True, slots=True)
class Installed:
    """What an install did: its receipt, where the old files are kept, and the disk that it needed.

    ``late`` are processes that opened the old file at the last moment and did not let go of it:
    what they write is lost.
    """

    receipt: Path
    kept: Path
    space: Space
    late: tuple[ProcessInfo, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a database is put in place. ``called`` is the name of the receipt.

    ``lost`` and ``beside`` are those of :func:`install`.
    """

    called: str = INSTALL
    lost: Collection[int] = ()
    beside: Mapping[str, Path] = field(default_factory=dict)


def install(
    run: Run,
    new: Path,
    base: str | None = None,
    lost: Collection[int] = (),
    beside: Mapping[str, Path] | None = None,
) -> Installed:
    """Put a finished database in the place of state.db; `undo` gives back what was there.

    ``new`` is at rest, sound, without side files and open nowhere; it is moved, and where it was if
    this raises. ``base`` are the marks of the files that it was made from. ``lost`` are ids of
    messages that are proven lost with them, and that their chats still showed. ``beside`` are files
    to keep with the old ones, by name (the ledger). Nothing was changed where this raises
    :class:`Changed` (other marks now), :class:`InUse` (somebody has state.db open, or a deleted
    file of that name) or :class:`Refused`.
    """
    with single_run(run.folder):
        settle_all(run)
        return replace_database(run, new, base, Cause(lost=lost, beside=beside or {}))


def replace_database(
    run: Run,
    new: Path,
    base: str | None = None,
    cause: Cause = Cause(),
) -> Installed:
    """Do what :func:`install` does, in a run that has the lock and settled what was cut off."""
    home, folder = run.home, run.folder
    file_status = look_from_outside(home)
    require_alone(file_status)
    _require_base(run, file_status, base)
    if file_status.in_the_way is not None:
        raise Refused(
            f"Nothing can be put in the place of {home.database}: {file_status.in_the_way}.",
            "Nothing was changed. Move that away, then run the same command again.",
        )
    need = ROOM + sum(astuple(file_status.sides))
    if new.stat().st_dev != home.database.parent.stat().st_dev:
        need += new.stat().st_size  # else it is moved
    disk = require_writable(run, need)
    receipt = folder.new_receipt(cause.called, run.now())
    kept = _kept(folder, receipt, cause.called)
    content = json.dumps(table_digests(new))
    told = lost_text(cause.lost, some_messages(new)) if cause.lost else None
    with _whole(run), staged(home, new, _like(run, file_status)) as place:
        there = file_status.facts.main.exists
        write_empty(
            run,
            receipt,
            file_status.marks,
            cause.called,
            backup=str((kept / kept_name(home)).relative_to(folder.path)) if there else None,
            installed=marks_of(place),
            content=content,
            lost=told,
            store=home.store,
        )
        plan_database.sync(receipt)
        with locked(run, home.database, place):
            if there or cause.beside or any(found.exists for found in file_status.facts.sidecars):
                folder.make(kept)
            copy_as_files(run, file_status, kept)
            for name, source in cause.beside.items():
                host.copy_files([(source, kept / name)])
                folder.own(kept / name)
            _require_base(run, look_from_outside(home), file_status.marks)
            late = exchange(run, place)
        close_empty(run, receipt)
    return Installed(receipt, kept, disk, late)


def _kept(folder: Folder, receipt: Path, called: str) -> Path:
    """Return where the files lie that an install replaced; those of a VACUUM were sound."""
    if called == VACUUM:
        return folder.backup_dir(receipt)
    return folder.backups / f"{DAMAGED}-{receipt.stem}"


def _require_base(run: Run, file_status: FileStatus, base: str | None) -> None:
    if base is not None and file_status.marks != base:
        raise Changed(
            f"{run.home.database_name} changed after it was read.",
            "Nothing was changed. Run the same command again.",
        )


def _like(run: Run, file_status: FileStatus) -> FileFacts:
    """Return the facts of the file whose owner and mode the new one gets: of a home without one,
    the owner of the folder, and nobody else may read it."""
    if file_status.facts.main.exists:
        return file_status.facts.main
    owner = host.owner(run.home.root)
    return replace(file_status.facts.main, uid=owner.uid, gid=owner.gid, mode=0o600)


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    """Make whole at once what an error or ^C stopped half-way; what fails then stays for RP001."""
    try:
        yield
    except BaseException:
        with suppress(HermesRepairError, OSError):
            settle_all(run)
        raise


# --- Runs that were cut off -------------------------------------------------------------------


def settle_all(run: Run) -> list[str]:
    """Settle every install that was cut off, and every undo of one; return a sentence for each."""
    found = plan_database.read_each(run.folder.receipt_paths(), _open_header)
    open_ones = [(path, header) for path, header in found if header is not None]
    return [settle(at(run, header), path, header) for path, header in open_ones]


def at(run: Run, header: Header) -> Run:
    """Return the run at the database that a receipt is about."""
    return replace(run, home=at_store(run.home, header.store))


def require_settled(folder: Folder) -> None:
    """Raise :class:`Refused` where an install was cut off: its old side files may be away."""
    paths = folder.receipt_paths()
    for path, header in plan_database.read_each(paths, _open_header):
        if header is not None:
            raise Refused(
                f"{path.stem} was interrupted, and what it had moved is not back yet.",
                advice("`{}` gives it back, and begins again.", header.begins_again),
            )


def _open_header(receipt: PlanFile) -> Header | None:
    header = receipt.header()
    if header.installed is None or not is_open(header):
        return None
    receipt.require_sealed()
    return header


def settle(run: Run, path: Path, header: Header) -> str:
    """Find out how far an install or its undo came, make it whole, and say so in one sentence."""
    name = run.home.database_name
    file_status = look_from_outside(run.home)
    kept = _kept(run.folder, path, header.command)
    if header.undoing is not None:
        return _settle_undo(run, path, header, file_status)
    if _is_installed(file_status, header):
        close_empty(run, path)
        return f"Receipt {path.stem} was interrupted after {name} was replaced: that is done."
    staging(run.home).unlink(missing_ok=True)
    old = _is_old(file_status, header) and _sides_are_back(run, header, kept)
    if old and kept.exists():
        run.folder.remove_backup(kept)
    run.folder.discard(path)
    if old:
        return f"Receipt {path.stem} was interrupted before it replaced {name}, which is as before."
    return (
        f"Receipt {path.stem} was interrupted, and {name} was written to since: what was there"
        f" before is in {kept}."
    )


def _sides_are_back(run: Run, header: Header, kept: Path) -> bool:
    """Put the side files beside the old state.db again, and say whether they are the old ones.

    Who opened it meanwhile has made others.
    """
    file_status = look_from_outside(run.home)
    require_alone(file_status)
    give_sides_back(run.home, kept, file_status)
    file_status = look_from_outside(run.home)
    facts = (file_status.facts.wal, file_status.facts.journal)
    _, *before = header.base.split(";")
    _, *now = file_status.marks.split(";")
    return all(
        then == is_now
        or (found.exists and _same(found.path, kept / f"{kept_name(run.home)}{suffix}"))
        for found, suffix, then, is_now in zip(
            facts, ("-wal", "-journal"), before, now, strict=True
        )
    )


def _same(path: Path, kept: Path) -> bool:
    return kept.is_file() and host.same_files(path, kept)


def _is_installed(file_status: FileStatus, header: Header) -> bool:
    """Whether state.db is the file that this run put there, whatever was written to it since."""
    new, now = (header.installed or "").split(":"), file_status.marks.partition(";")[0].split(":")
    return new[0] == now[0] or new[1:] == now[1:]


def _is_old(file_status: FileStatus, header: Header) -> bool:
    """Whether state.db is the file that this run was to replace: a moved home has new inodes."""
    old, now = header.base.partition(";")[0], file_status.marks.partition(";")[0]
    return old.partition(":")[2] == now.partition(":")[2]


def _settle_undo(run: Run, path: Path, header: Header, file_status: FileStatus) -> str:
    kept, name = _kept(run.folder, path, header.command), run.home.database_name
    staging(run.home).unlink(missing_ok=True)
    with plan_database.edit(path) as receipt:
        if _is_installed(file_status, header):
            receipt.set_header(undoing=None)
            said = "before it changed anything"
        else:
            back = _is_given_back(file_status, header, kept / kept_name(run.home))
            if back and _sides_are_back(run, header, kept):
                said = f"after the old {name} was back: that is done"
            else:
                said = f"and {name} was written to since: what was to come back is in {kept}"
            receipt.set_header(undone=run.now())
    plan_database.sync(path)
    return f"The undo of {path.stem} was interrupted {said}."


def _is_given_back(file_status: FileStatus, header: Header, old: Path) -> bool:
    main = file_status.facts.main
    if header.backup is None or not main.exists:
        return header.backup is None and not main.exists
    return host.same_files(main.path, old)


# --- Undo ---------------------------------------------------------------------------------------


def uninstall(run: Run, path: Path, header: Header) -> None:
    """Give back, to the byte, what an install replaced.

    Raises :class:`Refused` where a row is not as it was installed, and names the tables: what was
    written since would be lost.
    """
    run = at(run, header)
    home, kept = run.home, _kept(run.folder, path, header.command)
    old = kept / kept_name(home) if header.backup is not None else None
    if old is not None and not old.is_file():
        raise Refused(
            f"{old} is gone, so {path.stem} cannot be undone.",
            advice("`{}` shows all backups.", command("backup list")),
        )
    file_status = read_file_status(home)
    require_alone(file_status)
    require_writable(run, ROOM + 2 * sum(astuple(file_status.sides)) + _size(old))
    if file_status.left_behind:
        require_no_question(run, file_status)
        bundle(run, file_status, run.folder.backup_dir(path))
        with writing(home.database, live=False) as writer:
            settle_wal(writer)
        file_status = read_file_status(home)
    _require_unwritten(run, path, header)
    with plan_database.edit(path) as receipt:
        receipt.set_header(undoing=run.now())
    plan_database.sync(path)
    with _whole(run):
        place = staging(home)
        if old is not None:
            copy_in(home, old)
            give(place, file_status.facts.main)
        with locked(run, home.database, place):
            _require_base(run, look_from_outside(home), file_status.marks)
            exchange(run, place if old is not None else None)
            give_sides_back(home, kept, look_from_outside(home))
    with plan_database.edit(path) as receipt:
        receipt.set_header(undone=run.now())
    plan_database.sync(path)


def _size(path: Path | None) -> int:
    return path.stat().st_size if path is not None else 0


def _require_unwritten(run: Run, path: Path, header: Header) -> None:
    """Raise :class:`Refused` naming the tables that are not as they were installed."""
    try:
        now = table_digests(run.home.database)
    except DatabaseUnreadable as error:
        raise Refused(
            f"{path.stem} cannot be undone: {run.home.database_name} was damaged since"
            f" ({error.message})",
            advice("Nothing was changed. `{}` says more.", command("doctor")),
        ) from error
    installed = json.loads(header.content or "{}")
    names = sorted(
        name for name in now.keys() | installed.keys() if now.get(name) != installed.get(name)
    )
    if not names:
        return
    kept = _kept(run.folder, path, header.command)
    said = f"{path.stem} cannot be undone: the database was written to since ({', '.join(names)})"
    if header.command == VACUUM:
        raise WrittenSince(
            f"{said}. The file from before is in {kept}, without that.",
            advice(
                "Nothing was changed, and nothing has to be taken back: every row that was there"
                " then was written as it was. To go back to it on purpose: {}",
                command("restore", path.stem),
            ),
        )
    raise Refused(
        f"{said}, and that would be lost.",
        f"Nothing was changed. The files from before are in {kept}.",
    )
