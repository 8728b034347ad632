"""The outermost layer: every end of the program is an exit code that means what the README says.

typer exits 1 for an uncaught exception, which cron would read as "findings"; so nothing may escape
from here, and an error under ``--json`` is JSON too.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from hermes_repair.cli import failures, streams
from hermes_repair.model.errors import ExitCode, HermesRepairError
from hermes_repair.model.printed_commands import quoted

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    streams.prepare()
    code = _run(arguments)
    streams.settle()
    return code


def _run(arguments: list[str]) -> int:
    _end_in_order()
    from typer import Abort, Exit

    from hermes_repair.cli.commands import app

    def say(error: HermesRepairError) -> int:
        home, profile = _value(arguments, "--home"), _value(arguments, "--profile")
        place = str(Path(home).absolute()) if home else None
        option = f" --home {quoted(place)}" if place is not None else ""
        option += f" --profile {quoted(profile)}" if profile else ""
        return failures.say(error, as_json="--json" in arguments, home=place, option=option)

    try:
        answer = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        if answer == ExitCode.INTERRUPTED:  # typer makes this of ^C, without a word
            return say(_INTERRUPTED)
        return answer if isinstance(answer, int) else int(ExitCode.OK)
    except Exit as error:
        return int(error.exit_code)
    except (KeyboardInterrupt, Abort):
        return say(_INTERRUPTED)
    except BrokenPipeError:
        streams.stop_talking(sys.stdout)
        return int(ExitCode.OK)
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise  # the end of a completion script
        streams.stop_talking(sys.stdout)  # click makes 1 of a broken pipe
        return int(ExitCode.OK)
    except Exception as error:  # noqa: BLE001 - the last line: anything else would exit 1
        return say(failures.as_error(error))


def _end_in_order() -> None:
    """Let the signals that end a program end it as ^C does: the open transaction is rolled back.

    One that is ignored stays so: that is what ``nohup`` is for.
    """
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for number in _ENDING:  # a terminal that closes says it twice, the second time in the rollback
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


class _Interrupted(HermesRepairError):
    exit_code = ExitCode.INTERRUPTED


_INTERRUPTED = _Interrupted("Interrupted. Finished steps are complete; the rest was not started.")


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Return what a command line says for an option, also one that is no command line otherwise."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else next(words, None)
    return None
