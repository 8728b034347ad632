"""What stopped a step, as an error for people. A step is "rolled back": undo takes steps back."""

from __future__ import annotations

import sqlite3

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, Refused
from hermes_repair.model.plans import Unit
from hermes_repair.store.look import is_busy
from hermes_repair.store.writer import BUSY

PLAN_AGAIN = advice(
    "This step changed nothing. Run `{}` to plan again.", command("repair", "--dry-run")
)
SEE_STATE = advice("`{}` shows the state of the database.", command("doctor"))
_OF_THE_INDEX = ("SQL logic error", "vtable constructor failed")
"""What FTS5 says where its own tables are missing or changed; an error in our SQL has a cause."""


def explained(error: sqlite3.Error, unit: Unit) -> HermesRepairError:
    """Return what an error of SQLite in a step means to its reader, and what to do."""
    if is_busy(error):
        return BUSY
    ended = f"the step {unit.summary!r} was rolled back"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return Refused(
            f"The disk is full; {ended}.",
            "Free some space, then run the same command again.",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Refused(
            f"Another row is in its way, in a table or in the search index ({error}): {ended}.",
            SEE_STATE,
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return Refused(
            f"The database cannot be written ({error}): {ended}.",
            "Check free space, and the owner and permissions of state.db and its folder.",
        )
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(_OF_THE_INDEX):
        return Refused(
            f"The search index cannot be written ({error}): {ended}.",
            SEE_STATE,
        )
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return (DatabaseUnreadable if damaged else HermesRepairError)(
        f"SQLite says: {error}. So {ended}.",
        SEE_STATE,
    )
