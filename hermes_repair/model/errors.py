"""Every error a person can meet: one sentence, its cause, the next command, an exit code."""

from __future__ import annotations

from enum import IntEnum

from hermes_repair.model.commands_to_type import Hint


class ExitCode(IntEnum):
    """What the process says to cron and to scripts."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INTERNAL = 3
    REFUSED = 4
    NO_INSTALL = 5
    INTERRUPTED = 130


class HermesRepairError(Exception):
    """A stop that is meant for a reader: ``message`` says what and why, ``hint`` what to type."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, hint: Hint = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HermesRepairError):
    """The command line asks for something that does not exist or contradicts itself."""

    exit_code = ExitCode.USAGE


class UnknownSession(UsageError):
    """The command line names a session that this home does not have; another profile may."""


class Refused(HermesRepairError):
    """Nothing was done because it could not be done safely (in use, no space, changed base)."""

    exit_code = ExitCode.REFUSED


class InUse(Refused):
    """Somebody else has the database open, or wrote to it, where it has to be ours alone."""


class AnotherRun(InUse):
    """A hermes-repair that writes is at work on this home already."""


class Changed(Refused):
    """The database, or a row of it, is not as the plan expects: it was written after that."""


class WrittenSince(Refused):
    """A run cannot be undone by its backup, because something was written after it."""


class NotNoted(Refused):
    """A receipt could not be written: it may be behind what was done; RP001 settles that."""


class BadRecord(Refused):
    """A plan or receipt is damaged, or is not as hermes-repair wrote it."""


class NotPrinted(HermesRepairError):
    """stdout took nothing: what the command did, or found, was said on stderr."""

    exit_code = ExitCode.REFUSED


class NoInstall(HermesRepairError):
    """There is no Hermes install where we were told to look."""

    exit_code = ExitCode.NO_INSTALL


class NoDatabase(NoInstall):
    """There is a Hermes folder, and no conversation was ever kept in it: a profile not used yet."""


class DatabaseUnreadable(HermesRepairError):
    """SQLite cannot read this file as a database; doctor turns this into DB001.

    ``damage`` is what SQLite says where it found the file itself broken, None for anything else (a
    table or a column that is not there).
    """

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, hint: Hint = "", damage: str | None = None) -> None:
        super().__init__(message, hint)
        self.damage = damage


def from_os(error: OSError) -> Refused:
    """Return what the system refused, in the words of an error for people."""
    return Refused(
        f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.",
        "Nothing was left half done. Check permissions and free space, then run this again.",
    )
