"""The outermost layer: every end of the program is an exit code that means what design 3 says.

typer exits 1 for an uncaught exception, which cron would read as "findings"; so nothing may escape
from here, and an error under ``--json`` is JSON too.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType

from hermes_repair.model.errors import ExitCode, HermesRepairError, from_os
from hermes_repair.report import documents
from hermes_repair.report.escape import escape


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    from typer import Abort, Exit

    from hermes_repair.cli.commands import app

    signal.signal(signal.SIGTERM, _interrupt)
    as_json = "--json" in arguments
    try:
        answer = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        if answer == ExitCode.INTERRUPTED:  # typer makes this of ^C, without a word
            return _say(_INTERRUPTED, as_json)
        return answer if isinstance(answer, int) else int(ExitCode.OK)
    except HermesRepairError as error:
        return _say(error, as_json)
    except Exit as error:
        return int(error.exit_code)
    except (KeyboardInterrupt, Abort):
        return _say(_INTERRUPTED, as_json)
    except BrokenPipeError:
        _stop_talking()
        return int(ExitCode.OK)
    except OSError as error:
        return _say(from_os(error), as_json)
    except Exception as error:  # noqa: BLE001 - the last line: anything else would exit 1
        if _is_usage(error):
            return _usage(error, as_json)
        if type(error).__module__ == "sqlite3":
            return _say(_from_sqlite(error), as_json)
        return _bug(error, as_json)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(error: HermesRepairError, as_json: bool) -> int:
    try:
        if as_json:
            documents.write(documents.error(error, None))
        else:
            _stderr(error.message)
            if error.hint:
                _stderr(error.hint)
    except BrokenPipeError:
        _stop_talking()
    return int(error.exit_code)


def _stop_talking() -> None:
    """The reader of our output has gone; there is nobody left to tell, at exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Interrupted(HermesRepairError):
    exit_code = ExitCode.INTERRUPTED


_INTERRUPTED = _Interrupted(
    "Interrupted. What was finished before is whole; the rest was not begun."
)


def _is_usage(error: Exception) -> bool:
    """typer brings its own click; its usage errors know how to show themselves."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _from_sqlite(error: Exception) -> HermesRepairError:
    """Return what SQLite said where nobody else had words for it: a disk that gives out."""
    made = HermesRepairError(
        f"SQLite cannot go on: {error}.",
        "What was finished before is whole. Check the disk, then run the same command again.",
    )
    made.exit_code = ExitCode.REFUSED
    return made


def _usage(error: Exception, as_json: bool) -> int:
    message = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    message = message if message.endswith(".") else f"{message}."
    made = HermesRepairError(message, "Type `hermes-repair --help` for the commands.")
    made.exit_code = ExitCode.USAGE
    return _say(made, as_json)


def _bug(error: Exception, as_json: bool) -> int:
    """Keep the traceback in a private file, without values that could be conversation text (R9)."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames]
    text = "\n".join([*lines, type(error).__name__]) + "\n"
    hint = "Nothing was left half-done. Please report it"
    try:
        place = _log(text)
    except OSError as unwritten:
        hint += f"; no log of it could be written: {unwritten.strerror}."
    else:
        hint += f" with {place}, which holds no chat text."
    message = f"hermes-repair has a defect ({type(error).__name__} at {lines[-1]})."
    return _say(HermesRepairError(message, hint), as_json)


def _log(text: str) -> str:
    descriptor, place = tempfile.mkstemp(prefix=f"hermes-repair-{int(time.time())}-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        log.write(text)
    return place


def _stderr(text: str) -> None:
    sys.stderr.write(escape(text) + "\n")
