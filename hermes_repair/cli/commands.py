"""The commands by name, each with the first sentence of its help and the file that it is in.

A command's file, and what that imports, is loaded when the command is typed: the list and a cron
job that has nothing to do should not wait for the rest.
"""

from __future__ import annotations

import sys
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

NAME = "hermes-repair"
EXIT_STATUS = """
Exit status:
0 clean, or everything you asked for was done and verified ·
1 only `doctor` (findings at or above --fail-on) and `migrate --check` (behind) ·
2 usage ·
3 internal error; nothing was changed, or it was rolled back ·
4 refused, wholly or in part: in use, changed base, no space, no permission, needs --yes ·
5 no install found ·
130 interrupted.
Treat any other code as a failure.
"""


class Listed(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    summary: str


COMMANDS = {
    "guide": Listed(
        "guide_command",
        "Ask what is wrong, and lead through looking, repairing and undoing, at a terminal.",
    ),
    "doctor": Listed(
        "doctor_commands", "Find what is wrong with an install. Changes nothing, creates nothing."
    ),
    "migrate": Listed(
        "migrate_command",
        "Bring state.db to the schema that the installed Hermes expects, in one transaction.",
    ),
    "repair": Listed(
        "repair_command",
        "Repair what the doctor found, as far as that is SAFE. `undo` reverts it.",
    ),
    "explain": Listed(
        "doctor_commands",
        "Explain a finding: what it means, how it happens, what repair does and how safe that is.",
    ),
    "ack": Listed(
        "doctor_commands",
        "Accept a finding: it stays in the report, but no longer sets the exit code.",
    ),
    "history": Listed("history_commands", "List what hermes-repair did here, newest first."),
    "undo": Listed("history_commands", "Undo what was done, newest first."),
    "backfill": Listed(
        "transcript_commands", "Bring back the messages that only a transcript file still has."
    ),
    "find": Listed(
        "transcript_commands",
        "Find where a conversation is: in the database, in which file and line, in which copy.",
    ),
    "copies": Listed(
        "copies_command",
        "Show every copy of the database, and what each has that state.db has not.",
    ),
    "forks": Listed(
        "lineage_commands", "Show forked conversations side by side, and resolve them."
    ),
    "tree": Listed(
        "lineage_commands",
        "Draw the lineage: which session continues, branches from or was delegated by which.",
    ),
    "salvage": Listed(
        "salvage_command", "Read what can be read of a damaged database, and write it to a new one."
    ),
    "merge": Listed(
        "merge_command",
        "Bring the chats that another copy has and this home never had. `undo` takes them out"
        " again.",
    ),
    "vacuum": Listed(
        "vacuum_command",
        "Give the disk back the room that state.db does not need. `undo` gives the old file back.",
    ),
    "restore": Listed(
        "backup_commands", "Restore state.db from a copy, after backing up its present state."
    ),
    "locks": Listed(
        "locks_commands", "Show what holds or blocks a session, and free what is provably over."
    ),
    "bundle": Listed(
        "bundle_command",
        "Write a zip for a bug report, without chat text and titles; shows it first.",
    ),
    "backup": Listed("backup_commands", "Make, list and prune verified copies of state.db."),
}


class Deferred(TyperCommand):
    """A command of the list, which is loaded when its command line is read."""

    def __init__(self, name: str, listed: Listed) -> None:
        super().__init__(name, help=listed.summary)
        self._module = listed.module

    @cached_property
    def loaded(self) -> Any:
        """The command itself, with its options; click's, of which typer has a copy of its own."""
        group = import_module(f"hermes_repair.cli.{self._module}").commands
        return typer.main.get_group(group).commands[str(self.name)]

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Return what click makes of a command line, for the command itself."""
        return self.loaded.make_context(*arguments, **named)


class Listing(TyperGroup):
    """Commands whose list has the whole first paragraph of each; click cuts them to one line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands into a help page."""
        rows = [(name, _summary(self.commands[name])) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _summary(command: Any) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


class DeferredCommands(Listing):
    """The program: the commands of :data:`COMMANDS`, none of them loaded.

    ``help`` and ``version`` are other words for the options, and nothing at all means the guide for
    a person at a terminal, the help elsewhere.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: Deferred(name, listed) for name, listed in COMMANDS.items()}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read a command line: ``help locks clean`` is ``locks clean --help``."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        elif args == ["version"]:
            args = ["--version"]
        elif not args and all(s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)):
            args = ["guide"]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=DeferredCommands,
    name=NAME,
    help="Check, migrate and repair the conversations of a Hermes Agent install.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_STATUS,
)


def _version(asked: bool) -> None:
    if asked:
        from hermes_repair import __version__

        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Check, migrate and repair the conversations of a Hermes Agent install.

    `doctor` finds damage and changes nothing. `repair --dry-run` shows the plan, `repair` applies
    it, `undo` reverts it. `help COMMAND` shows the options of a command.
    """
