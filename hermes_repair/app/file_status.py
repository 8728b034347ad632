"""A home from outside: the bytes' facts and who has it open, before anything opens it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.home.layout import Home
from hermes_repair.host import Openers, OpenStatus, ProcessInfo, Program, RawFacts
from hermes_repair.model.commands_to_type import Hint, advice, command, quoted
from hermes_repair.model.errors import DatabaseUnreadable, InUse, NoDatabase, NoInstall, Refused
from hermes_repair.store.file_state import CopyFiles, Sides, at_rest, beside_others
from hermes_repair.store.look import Look
from hermes_repair.store.private_copies import copy_private as copy_private  # for its callers here

LOOKS = 3
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
DOCTOR_SAYS_MORE = advice("`{}` says more.", command("doctor"))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileStatus:
    """The file from outside: its bytes' facts and who has it open."""

    facts: RawFacts
    openers: Openers

    @property
    def alone(self) -> bool:
        """Whether nobody else has it open, so that it may be read as it lies."""
        return self.openers.status is OpenStatus.NOBODY

    @property
    def at_rest(self) -> bool:
        """Whether the bytes can be read as they lie: nobody, or no connection's trace.

        On a network filesystem nothing proves that nobody is there; a WAL database without its
        ``-shm`` has no connection, and joining would create one (R1). Another hermes-repair that
        reads the bytes as they lie has them open too, without a lock of SQLite's: no connection.
        """
        if self.alone:
            return True
        if not self.facts.wal_mode:
            return False
        if self.openers.processes:
            ours = all(p.program is Program.HERMES_REPAIR for p in self.openers.processes)
            return ours and self.facts.locks_known and not self.facts.holders
        return not self.facts.shm.exists

    @property
    def sides(self) -> Sides:
        """The sizes of the main file and of what lies beside it.

        A journal that begins with a zero byte is over (journal_mode=PERSIST): SQLite never rolls
        that back, so it counts as none.
        """
        journal = self.facts.journal
        over = journal.head[:1] == b"\0"
        return Sides(self.facts.main.size, self.facts.wal.size, 0 if over else journal.size)

    @property
    def is_one_file(self) -> bool:
        """Whether it is a database that can be read as it lies, and that is all of it."""
        sides = self.sides
        return self.at_rest and self.facts.is_sqlite and not (sides.wal or sides.journal)

    def copies(self, database: Path, target: Path) -> list[tuple[Path, Path]]:
        """Return what lies there, main file and what is beside it, each with its place in a copy.

        ``database`` is the main file as the home names it, ``target`` what it is to be copied to.
        """
        files = zip(("", *SIDE_SUFFIXES), (self.facts.main, *self.facts.sidecars), strict=True)
        suffixes = [suffix for suffix, file in files if file.exists]
        return [
            (database.with_name(database.name + suffix), target.with_name(target.name + suffix))
            for suffix in suffixes
        ]

    @property
    def in_the_way(self) -> str | None:
        """What lies beside the database that SQLite does not open it with, in words; None if not.

        SQLite follows no link to a sidecar and takes nothing but a file for one.
        """
        for sidecar in self.facts.sidecars:
            if sidecar.kind in ("link", "other"):
                what = "a link" if sidecar.kind == "link" else "not a file"
                return (
                    f"{sidecar.path.name} beside it is {what}, and then SQLite does not open the"
                    " database"
                )
        return None

    @property
    def perhaps_headless(self) -> bool:
        """Whether a main file that does not begin like a database may do so with its -wal.

        SQLite opens it then, and the next checkpoint puts the page where it belongs. It never does
        so with an empty main file: there it deletes the -wal, however it is opened.
        """
        return not self.facts.is_sqlite and bool(self.sides.main and self.sides.wal)

    @property
    def left_behind(self) -> bool:
        """Whether a -wal or -journal with something in it lies there, and no connection uses it.

        Who opens the database then is the first to, and joins or rolls back what lies there.
        """
        return bool(self.sides.wal or self.sides.journal) and not self.facts.holders

    @property
    def marks(self) -> str:
        """What changes whenever somebody writes: the base that a plan is made on."""
        return ";".join(
            f"{part.inode}:{part.size}:{part.mtime_ns}" if part.size else "-"
            for part in (self.facts.main, self.facts.wal, self.facts.journal)
        )


def read_file_status(home: Home) -> FileStatus:
    """Look at the files without opening them as a database.

    Raises :class:`NoInstall` where there is no state.db, :class:`Refused` where it may not be read,
    :class:`InUse` where a process writes to files that were deleted or replaced under it.
    """
    file_status = look_from_outside(home)
    if not file_status.facts.main.exists:
        raise _no_database(home)
    return file_status


def read_what_is_left(home: Home) -> FileStatus:
    """Return :func:`read_file_status` also of a home that has only the -wal of a state.db."""
    file_status = look_from_outside(home)
    return file_status if file_status.sides.wal else read_file_status(home)


def look_from_outside(home: Home) -> FileStatus:
    """Return :func:`read_file_status` also of a home that has no state.db."""
    facts, openers = host.survey(home.database)
    if any(process.deleted for process in openers.processes):
        # A connection that is being closed looks like that for a moment.
        facts, openers = host.survey(home.database)
    if facts.main.errno is not None:
        raise Refused(
            f"This user may not read {home.database}.",
            "Run this as the owner of the Hermes folder.",
        )
    _require_sidecars_of_owner(facts)
    torn = next((process for process in openers.processes if process.deleted), None)
    if torn is not None:
        # Who joins now makes a second -wal beside the deleted one, and one of the two is lost.
        raise InUse(
            f"{torn.describe()} has the database open and works on deleted files"
            f" ({', '.join(torn.deleted)}): what it wrote since is in no file that has a name.",
            _copy_first(torn, home.database),
        )
    return FileStatus(facts, openers)


def _copy_first(torn: ProcessInfo, database: Path) -> Hint:
    """Return what to do about a process that alone has what it wrote: a kill would lose that.

    When it closes the database by itself, SQLite merges what it wrote; but where somebody else
    wrote meanwhile, it lays older pages over newer ones (0.13.0 and 0.19.0: the file is malformed).
    Then it must not close it: it is copied, killed, and the copy merged.
    """
    stop = f"{torn.how_to_stop()}, then run this again."
    if torn.pid <= 0 or not torn.same_namespace:
        return f"Start nothing else with this home, and do not kill it. First {stop}"
    copied = command("salvage", "--from-process", str(torn.pid), "--out", "FILE")
    if why_not_to_close(torn.pid, database) is not None:
        return advice(
            f"{database.name} was written to since by another process, and would be damaged if this"
            " one closed it. Copy what it has: `{}`. When that is written, and only then, end it"
            f" by `kill -9 {torn.pid}`, and bring back what only the copy has: `{{}}`",
            copied,
            command("merge", "FILE"),
        )
    return advice(
        f"Start nothing else here, and do not kill it. Copy what it has first: `{{}}`. Then {stop}",
        copied,
    )


def why_not_to_close(pid: int, database: Path) -> str | None:
    """Return why a process must not close a database whose -wal was deleted under it.

    None where nothing speaks against it, or the process cannot be looked into.
    """
    try:
        files = host.held_files(pid, database)
    except OSError:
        return None
    named = database.with_name(f"{database.name}-wal")
    if named.exists() and named.stat().st_size:
        return "there is another -wal beside it"
    if not files.keys() >= {"", "-wal"}:
        return None
    return host.read_wal(files[""], files["-wal"]).contradiction()


def _require_sidecars_of_owner(facts: RawFacts) -> None:
    """Raise :class:`Refused` where root would give somebody else's file to the owner of state.db.

    SQLite, run by root, makes the owner of the database the owner of every sidecar that it opens.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not root or facts.main.uid == 0 or not facts.main.exists:
        return
    for sidecar in facts.sidecars:
        if sidecar.kind == "file" and sidecar.uid != facts.main.uid:
            raise Refused(
                f"{sidecar.path} does not belong to the owner of {facts.main.path.name}: SQLite,"
                " run by root, would hand it over to that owner.",
                f"If it should belong to that owner: sudo chown {facts.main.uid}"
                f" {quoted(str(sidecar.path))}",
            )


def lies_beside(home: Home) -> bool:
    """Whether a -wal or -journal with something in it lies beside the database.

    Where none does, nobody has to be asked who has the database open to know what was left behind.
    """
    for suffix in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            if home.database.with_name(home.database.name + suffix).lstat().st_size:
                return True
    return False


def left_wal(home: Home) -> int:
    """Return the bytes of a -wal that stays when our last connection has left, 0 as a rule.

    SQLite takes it in and removes it then, unless the disk has no room or somebody else is there.
    """
    file_status = read_file_status(home) if lies_beside(home) else None
    return file_status.sides.wal if file_status is not None and file_status.left_behind else 0


def marks_left(home: Home) -> str | None:
    """Return the marks of a database and a -wal that our last connection had to leave beside it.

    None where there is none, or another connection uses it. SQLite takes what it can of a -wal into
    state.db and stops where the disk is full: the main file alone is no state that ever was, then.
    """
    if not lies_beside(home):
        return None
    file_status = read_file_status(home)
    ours = file_status.alone and file_status.left_behind and file_status.sides.wal
    return file_status.marks if ours else None


def _no_database(home: Home) -> NoInstall:
    """Return what is said of a home without state.db: what lies there instead, or where to look."""
    from hermes_repair.evidence.sessions_elsewhere import (
        find_remaining_files,  # slow to import, and seldom needed
    )

    remaining_files = find_remaining_files(home)
    wal = home.database.with_name(f"{home.database.name}-wal")
    if wal.is_file() and wal.stat().st_size:
        told = [
            f"{home.root} has no state.db, only its -wal ({wal.stat().st_size:,} bytes): what was"
            " written last.",
            remaining_files.files,
            remaining_files.named_copies,
        ]
        return NoInstall(
            " ".join(filter(None, told)),
            advice(
                "Do not start Hermes: SQLite deletes a -wal without its file. `{}` shows what can"
                " be read of it.",
                command("salvage"),
            ),
        )
    hint: Hint = "Give the Hermes folder: hermes-repair doctor --home PATH"
    if remaining_files.copies or remaining_files.files:
        hint = advice(
            "`{}` shows what its copies and files can bring back. For another folder, add --home",
            command("salvage"),
        )
    kind = NoInstall if remaining_files.copies or remaining_files.files else NoDatabase
    told = [f"{home.root} has no state.db.", remaining_files.files, remaining_files.named_copies]
    return kind(" ".join(filter(None, told)), hint)


@contextmanager
def naming(file_status: FileStatus) -> Iterator[None]:
    """Name who has a database open where a look finds that it is being written to all the time."""
    try:
        yield
    except InUse as error:
        if type(error) is not InUse or not file_status.openers.processes:
            raise
        raise InUse(f"{error.message} {file_status.openers.who()}.", error.hint) from error


@contextmanager
def quick_look(home: Home, file_status: FileStatus, copy: CopyFiles) -> Iterator[Look]:
    """Look without the file-level check, in milliseconds; ``copy`` as for a look at rest."""
    wal_mode = file_status.facts.wal_mode
    with (
        naming(file_status),
        at_rest(home.database, file_status.sides, copy, check_file=False)
        if file_status.at_rest
        else beside_others(home.database, wal_mode=wal_mode, check_file=False) as (look, _),
    ):
        yield look


def place_of(home: Home) -> dict[str, Any]:
    """Return what is said of a database that a command did not read: where it is, its size."""
    try:
        size = home.database.stat().st_size
    except OSError:
        size = None  # a home without a database has a history all the same
    named = home.root / "state.db" if home.store is None else home.database
    return {"path": str(named), "size": size}


def path_in_home(home: Home, path: Path) -> str:
    """Return a path for a reader: below the home where it lies there."""
    return str(path.relative_to(home.root)) if path.is_relative_to(home.root) else str(path)


def steady(run: Run, look: Callable[[FileStatus], T]) -> T:
    """Run a look, and run it again where the files moved under it."""
    for _ in range(LOOKS):
        before = read_file_status(run.home)
        try:
            answer = look(before)
        except DatabaseUnreadable:
            if read_file_status(run.home).marks == before.marks:
                raise
            continue
        after = read_file_status(run.home)
        if not before.at_rest or (after.marks == before.marks and after.at_rest):
            return answer
        run.environment.sleep(0.2)
    raise Refused(
        f"{run.home.database} keeps changing while it is being read.",
        "Run this again when Hermes has finished starting or stopping.",
    )
