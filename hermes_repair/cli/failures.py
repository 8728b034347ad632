"""From whatever was raised to one sentence with a hint and an exit code, and saying it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hermes_repair.cli.streams import stop_talking
from hermes_repair.model.commands_to_type import typed_whole
from hermes_repair.model.errors import (
    HermesRepairError,
    NotPrinted,
    Refused,
    UsageError,
    from_os,
)


def as_error(caught: Exception) -> HermesRepairError:
    """Return what was raised as an error for people; what nobody foresaw is a defect (3)."""
    if isinstance(caught, HermesRepairError):
        return caught
    if isinstance(caught, OSError):
        return from_os(caught)
    if hasattr(caught, "format_message"):  # click's usage errors, of which typer has its own
        return _usage(str(caught.format_message()), type(caught).__name__)
    if type(caught).__module__ == "sqlite3":
        return _from_sqlite(caught)
    return _bug(caught)


def say(error: HermesRepairError, *, as_json: bool, home: str | None, option: str = "") -> int:
    """Say an error where it belongs, as JSON or in words; return its exit code.

    ``home`` is the folder that it is about, ``option`` what names that folder in a command.
    """
    if isinstance(error, NotPrinted):
        stop_talking(sys.stdout)
    elif as_json:
        from hermes_repair.report import json_documents  # `--help` has no use for it

        try:
            json_documents.write(json_documents.error(error, home))
            return int(error.exit_code)
        except BrokenPipeError:
            stop_talking(sys.stdout)
            return int(error.exit_code)
        except NotPrinted as unprinted:  # the error went to stderr
            say(unprinted, as_json=as_json, home=home)
            return int(error.exit_code)
    lines = error.message.splitlines() if isinstance(error, _NoCommand) else [error.message]
    lines += [typed_whole(error.hint, option)] if error.hint else []
    from hermes_repair.report.lines import Line, show

    help_text = isinstance(error, _NoCommand)
    try:
        show((Line(line, verbatim=help_text) for line in lines), stream="stderr")
    except OSError:
        stop_talking(sys.stderr)
    return int(error.exit_code)


class _NoCommand(UsageError):
    """No command was typed: the message is the help, in its lines."""


def _usage(message: str, kind: str) -> UsageError:
    if kind == "NoArgsIsHelpError":
        return _NoCommand(message)
    message = message if message.endswith((".", "?")) else f"{message}."
    return UsageError(message, "Type `hermes-repair --help` for the commands.")


def _from_sqlite(error: Exception) -> HermesRepairError:
    """Return what SQLite said where nobody else had words for it: a disk that gives out."""
    return Refused(
        f"SQLite cannot go on: {error}.",
        "Finished steps are complete. Check the disk, then run the same command again.",
    )


def _bug(error: Exception) -> HermesRepairError:
    """Keep the traceback in a private file, without values that could be conversation text (R9)."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames]
    text = "\n".join([*lines, type(error).__name__]) + "\n"
    hint = "Nothing was left half done. Please report it"
    try:
        place = _log(text)
    except OSError as unwritten:
        hint += f"; no log could be written: {unwritten.strerror}."
    else:
        hint += f" with {place}, which contains no chat text."
    message = f"hermes-repair has a defect ({type(error).__name__} at {lines[-1]})."
    return HermesRepairError(message, hint)


def _log(text: str) -> str:
    descriptor, place = tempfile.mkstemp(prefix=f"hermes-repair-{int(time.time())}-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        log.write(text)
    return place
