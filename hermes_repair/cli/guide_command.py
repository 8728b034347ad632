"""``guide``: asks what is wrong, and leads a person at a terminal from a look to what helps.

It types commands that there are, and shows each before it runs: whoever has seen it once can do
without.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.history import history, next_to_undo
from hermes_repair.app.target_release import newest_known
from hermes_repair.app.verdict import verdict
from hermes_repair.cli.commands import EXIT_STATUS, app
from hermes_repair.cli.failures import as_error, say
from hermes_repair.cli.options import ColourOption, HomeOption, ProfileOption, group
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import Command, Hint, advice, command
from hermes_repair.model.errors import ExitCode, Refused
from hermes_repair.report.colour import Colour, chosen
from hermes_repair.report.lines import Line, show
from hermes_repair.report.verdict_text import NOTHING_WRONG, verdict_lines, way_out

commands = group()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that may be wrong: how a person says it, and the findings that can be behind it.

    ``words``: a chat is meant, so that words of it can be looked for.
    """

    said: str
    families: tuple[str, ...] = ()
    words: bool = False


VANISHED = Trouble("chats have vanished", ("DB", "LN", "GW", "TR", "MS", "SC", "SE"), words=True)
CUT_SHORT = Trouble("a chat is cut short", ("DB", "TR", "MS", "LN"), words=True)
UPDATE = Trouble("an update of Hermes is ahead", ("DB", "SC", "LN"))
SEARCH = Trouble("search finds nothing", ("DB", "FT", "SC"), words=True)
DAMAGED = Trouble("the file is damaged, or Hermes does not start", ("DB", "SC", "RP", "LK"))
CHECK = Trouble("nothing that I know of: just check")
TROUBLES = (VANISHED, CUT_SHORT, UPDATE, SEARCH, DAMAGED, CHECK)


@commands.command(epilog=EXIT_STATUS)
def guide(
    home: HomeOption = None,
    profile: ProfileOption = None,
    colour: ColourOption = Colour.AUTO,
) -> int:
    """Ask what is wrong, and lead through looking, repairing and undoing, at a terminal.

    Each step is a command, which is shown before it is run. `hermes-repair` alone does the same.
    """
    if not at_a_terminal():
        raise Refused(
            "The guide asks questions, and there is no terminal to ask on.",
            advice("`{}` looks without asking.", command("doctor")),
        )
    return each_home(Target(home=home, profile=profile), _lead)


def at_a_terminal() -> bool:
    """Whether a person can read and answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _lead(responder: Responder) -> Answer:
    """Ask what is wrong and go through it, until the person leaves."""
    talk = Guide(responder)
    show(responder.heading())
    while (trouble := talk.choose()) is not None:
        talk.go_through(trouble)
    return ExitCode.OK, None


class Guide:
    """One talk about one home."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._audience = responder.audience

    def choose(self) -> Trouble | None:
        """Ask what is wrong; None for a person who leaves."""
        lines = [Line(""), Line("What is wrong?", "head")]
        lines += [Line(f"  {place}. {one.said}") for place, one in enumerate(TROUBLES, 1)]
        show(lines)
        while answer := self._ask("Type a number, or Return to leave:"):
            if answer.isdecimal() and 1 <= int(answer) <= len(TROUBLES):
                return TROUBLES[int(answer) - 1]
        return None

    def go_through(self, trouble: Trouble) -> None:
        """Look, find, repair, look again, undo: as far as there is something to do."""
        if trouble is UPDATE:
            self._update()
            return
        words = self._ask("Words of a chat that is missing, or Return:") if trouble.words else ""
        if words:
            self._type(command("find", "--", *words.split()))
        diagnosis = self._look(trouble)
        if diagnosis is None:
            return
        found = verdict(diagnosis)
        if found.fatal is not None:
            if (way := way_out(found.fatal)) and self._agrees(advice("Run `{}` now?", way)):
                self._type(way)
            return
        if found.back.messages or found.mended:
            self._repair(trouble, diagnosis)
        elif found.decide.messages and self._agrees("See what may have been removed on purpose?"):
            self._type(command("backfill", "--all"))
        elif self._agrees("See all that was found?"):
            self._type(command("doctor", *_select(trouble)))

    def _update(self) -> None:
        """Say what an update would do, and migrate beforehand where that helps."""
        release = self._ask(f"To which release? Return means {newest_known()}:") or newest_known()
        self._type(command("doctor", "--for", release, *_select(UPDATE)))
        if self._agrees("See what a migration of the database does, before Hermes does it?"):
            self._type(command("migrate"))

    def _look(self, trouble: Trouble) -> Diagnosis | None:
        """Show what the doctor comes to; None where it cannot look."""
        self._announce(command("doctor", *_select(trouble)))
        try:
            diagnosis = diagnose(
                self._responder.run, LookOptions(), Selection(select=trouble.families)
            )
        except Exception as caught:  # noqa: BLE001 - each kind has its words, and the talk goes on
            say(as_error(caught), as_json=False, home=None, option=self._audience.home_option)
            return None
        result = verdict(diagnosis)
        show(verdict_lines(result, self._audience, deep=False, nothing=NOTHING_WRONG))
        return diagnosis

    def _repair(self, trouble: Trouble, diagnosis: Diagnosis) -> None:
        """Repair with the person's choice, look again, and take it back where it is not right."""
        if not self._agrees("See what would be repaired? You are asked before anything changes."):
            return
        if diagnosis.openers.processes:
            openers = diagnosis.openers
            show([Line(""), Line(f"{openers.who()}.", "warning")])
            self._ask(f"Repairing needs it closed ({openers.processes[0].how_to_stop()}). Return:")
        before = self._last_run()
        self._type(command("repair", *_select(trouble)))
        if self._last_run() == before:
            return  # the person chose nothing, or it was refused
        if self._look(trouble) is not None and self._agrees("Take it all back?"):
            self._type(command("undo"))

    def _last_run(self) -> str | None:
        """Return the receipt that an undo would take back; None where there is none."""
        last = next_to_undo(history(self._responder.run.home))
        return last.name if last is not None else None

    def _type(self, typed: Command) -> int:
        """Show a command, run it as if it had been typed, and return its exit code."""
        self._announce(typed)
        target, options = self._responder.target, ["--color", chosen.get().value]
        options += ["--home", str(target.home)] if target.home is not None else []
        options += ["--profile", target.profile] if target.profile is not None else []
        try:
            code = app([typed.name, *options, *typed.words], standalone_mode=False)
        except Exception as caught:  # noqa: BLE001 - a refusal ends the command and not the talk
            return say(
                as_error(caught), as_json=False, home=None, option=self._audience.home_option
            )
        return code if isinstance(code, int) else int(ExitCode.OK)

    def _announce(self, typed: Command) -> None:
        text = self._audience.typed(advice("$ {}", typed))
        show([Line(""), Line(text, "dim")])

    def _agrees(self, question: Hint) -> bool:
        return self._ask(f"{self._audience.typed(question)} [y/N]").lower() in ("y", "yes")

    def _ask(self, question: str) -> str:
        """Ask below what was said, and return the answer; nothing where there is none."""
        show([Line(""), Line(question, "head")])
        return sys.stdin.readline().strip()


def _select(trouble: Trouble) -> Iterator[str]:
    """Yield the words that narrow a command to what can be behind it."""
    if trouble.families:
        yield "--select"
        yield ",".join(trouble.families)
