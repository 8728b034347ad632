"""The outermost layer: every end of the program is an exit code that means what the README says.

typer exits 1 for an uncaught exception, which cron would read as "findings"; so nothing may escape
from here, and an error under ``--json`` is JSON too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hermes_repair.cli import failures, interrupts, streams
from hermes_repair.model.commands_to_type import advice, command, quoted
from hermes_repair.model.errors import ExitCode, HermesRepairError
from hermes_repair.model.words import count, verb


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = _run(arguments)
        streams.settle()
    except KeyboardInterrupt:  # it is raised once, so nothing interrupts what follows
        code = _say(_interrupted(arguments), arguments)
        streams.settle()
    return code


def _run(arguments: list[str]) -> int:
    streams.prepare()
    from typer import Abort, Exit

    from hermes_repair.cli.commands import app

    interrupts.listen()
    try:
        answer = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        if answer == ExitCode.INTERRUPTED:  # typer makes this of ^C, without a word
            return _say(_interrupted(arguments), arguments)
        return answer if isinstance(answer, int) else int(ExitCode.OK)
    except Exit as error:
        return int(error.exit_code)
    except Abort:
        return _say(_interrupted(arguments), arguments)
    except BrokenPipeError:
        streams.stop_talking(sys.stdout)
        return int(ExitCode.OK)
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise  # the end of a completion script
        streams.stop_talking(sys.stdout)  # click makes 1 of a broken pipe
        return int(ExitCode.OK)
    except Exception as error:  # noqa: BLE001 - the last line: anything else would exit 1
        return _say(failures.as_error(error), arguments)


def _say(error: HermesRepairError, arguments: Sequence[str]) -> int:
    home, profile = _value(arguments, "--home"), _value(arguments, "--profile")
    place = str(Path(home).absolute()) if home else None
    option = f" --home {quoted(place)}" if place is not None else ""
    option += f" --profile {quoted(profile)}" if profile else ""
    return failures.say(error, as_json="--json" in arguments, home=place, option=option)


class _Interrupted(HermesRepairError):
    exit_code = ExitCode.INTERRUPTED


def _interrupted(arguments: Sequence[str]) -> HermesRepairError:
    """Return what is said of a run that was cut off: how far it came, and how it goes on."""
    from hermes_repair.report.progress import how_far

    done, number = how_far()
    if not 0 < done < number:
        return _Interrupted("Interrupted. Finished steps are complete; the rest was not started.")
    text = f"Interrupted. {done:,} of {count(number, 'step')} {verb(done, 'is', 'are')}"
    if arguments[0] == "undo":
        return _Interrupted(f"{text} undone.", "Run the same command again to go on.")
    return _Interrupted(
        f"{text} done and {verb(done, 'stays', 'stay')}.",
        advice("Run the same command again to go on; `{}` takes it all back.", command("undo")),
    )


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Return what a command line says for an option, also one that is no command line otherwise."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else next(words, None)
    return None
