"""Plans and receipts as SQLite files of ours: typed columns, streamed, the same format for both.

JSON would lose NUL, BLOB and Infinity and SQL text stops at NUL, so values lie in an untyped
column as they are (anchors, section 3.5). A receipt is a plan whose units have a state. A message
that comes from a transcript is named by file, offset, length and sha256, never by its text (R9).
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from hermes_repair.host.regular_files import copy_regular
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord, DatabaseUnreadable, Refused, UsageError
from hermes_repair.model.plans import Header
from hermes_repair.records.action_rows import TABLES
from hermes_repair.records.plan_file import (
    FORMAT,
    MAKE_PLAN,
    MOVE_AWAY,
    PlanFile,
    require_readable_now,
)
from hermes_repair.store.connections import open_immutable, open_joined, open_private
from hermes_repair.store.private_copies import scratch

T = TypeVar("T")

_WRITE_VERSION = 18  # the byte of SQLite's header that is 2 where a -wal is used


def sync(path: Path) -> None:
    """Make a finished file and its name in the folder durable: fsync the file, then the folder."""
    for target in (path, path.parent):
        sync_alone(target)


def sync_alone(path: Path) -> None:
    """Make a file durable without its name, or the names in a folder."""
    posix = os.name == "posix"
    if not posix and path.is_dir():
        return  # Windows has no descriptor of a folder; there files alone are made durable
    descriptor = os.open(path, os.O_RDONLY if posix else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def create(path: Path, header: Header) -> Iterator[PlanFile]:
    """Make a new plan file (0600); it gets its name when it is complete and on disk, or never.

    A run that is killed here leaves at most ``<name>.part``, which no command reads.
    """
    part = path.with_name(path.name + ".part")
    for left in (part, part.with_name(part.name + "-journal")):
        left.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    try:
        connection = open_private(part)
        try:
            connection.execute("PRAGMA synchronous=OFF")  # made durable as a whole, below
            connection.executescript(f"BEGIN; {TABLES} COMMIT;")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            plan = PlanFile(connection, path)
            plan.set_header(**asdict(header))
            plan.seal()
            yield plan
        finally:
            connection.close()
        sync(part)
        part.replace(path)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise Refused(
            f"{path} cannot be written: {error}.",
            "Nothing was changed. Free some space, then run the same command again.",
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def edit(path: Path) -> Iterator[PlanFile]:
    """Open a receipt of ours to note what became of its units."""
    _require_ours(path)
    connection = open_private(path)
    try:
        _require_format(connection, path)
        yield PlanFile(connection, path)
    finally:
        connection.close()


@contextmanager
def read(path: Path) -> Iterator[PlanFile]:
    """Open a plan or receipt to read it; changes nothing, not even a side file (R1).

    Raises :class:`UsageError` where there is none, :class:`BadRecord` where it is none of ours.
    """
    _require_ours(path)
    with ExitStack() as stack:
        # A run may be writing to it right now. These files have no -wal, so joining makes none.
        connection = open_joined(path)
        stack.callback(connection.close)
        if _was_cut_off(connection):
            journal = path.with_name(path.name + "-journal")
            folder = stack.enter_context(scratch(path.stat().st_size + journal.stat().st_size))
            copy_regular(journal, folder / journal.name)
            copy_regular(path, folder / path.name)
            connection = open_private(folder / path.name)
            stack.callback(connection.close)
        _require_format(connection, path)
        yield PlanFile(connection, path)


def read_each(
    paths: Iterable[Path],
    ask: Callable[[PlanFile], T],
    left_out: list[tuple[Path, BadRecord]] | None = None,
) -> Iterator[tuple[Path, T]]:
    """Yield what each of these receipts answers, opened in turn.

    One that cannot be read is left out, and added to ``left_out`` with the reason: what others did
    is known all the same. One that another run removed meanwhile is not missed.
    """
    for path in paths:
        try:
            with read(path) as plan:
                answer = ask(plan)
        except UsageError:
            continue
        except BadRecord as error:
            if left_out is not None:
                left_out.append((path, error))
            continue
        yield path, answer


def _require_ours(path: Path) -> None:
    """Raise :class:`BadRecord` for anything but a regular file that has our mark.

    Asked without a lock and without side files: it may be a link to a database of Hermes'.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        if path.is_symlink():
            raise BadRecord(f"{path} is a broken link.", MOVE_AWAY) from error
        hint = advice("`{}` lists the receipts.", command("history"))
        raise UsageError(f"{path} does not exist.", hint) from error
    except (OSError, ValueError) as error:
        require_readable_now(path, error)
        raise BadRecord(f"{path} cannot be read: {error}.", MOVE_AWAY) from error
    if not stat.S_ISREG(mode):
        raise _not_ours(path)
    try:
        with closing(open_immutable(path)) as connection:
            marked = connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT
        # Only a file that has our mark is opened as one: closing Hermes' own would lose locks.
        marked = marked and not _uses_wal(path)
    except (sqlite3.Error, DatabaseUnreadable, OSError) as error:
        require_readable_now(path, error)
        raise _not_ours(path) from error
    if not marked:
        raise _not_ours(path)


def _uses_wal(path: Path) -> bool:
    """Whether SQLite would lay a -wal beside a file; ours never use one."""
    with path.open("rb") as stream:
        return stream.read(_WRITE_VERSION + 1)[_WRITE_VERSION:] == b"\2"


def _was_cut_off(connection: sqlite3.Connection) -> bool:
    """Whether a run died while it wrote here: SQLite mends that, but we do so in a copy."""
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
    except sqlite3.DatabaseError:
        return False  # no database at all, which is said by who asks for its format
    return False


def _require_format(connection: sqlite3.Connection, path: Path) -> None:
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'actions'").fetchone()
    except sqlite3.DatabaseError as error:
        require_readable_now(path, error)
        version, ours = 0, None
    if version != FORMAT or ours is None:
        raise _not_ours(path)


def _not_ours(path: Path) -> BadRecord:
    return BadRecord(
        f"{path} is not a plan or receipt of hermes-repair, or it is damaged.",
        advice(
            "`{}` makes a plan. Move a damaged receipt away first; what it did cannot be undone.",
            MAKE_PLAN,
        ),
    )
