"""``guide``: asks what is wrong, and leads a person at a terminal from a look to what helps.

It types commands that there are, and shows each before it runs: whoever has seen it once can do
without.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.file_status import look_from_outside
from hermes_repair.app.history import history, next_to_undo
from hermes_repair.app.kept_elsewhere import OldFile
from hermes_repair.app.target_release import newest_known
from hermes_repair.app.verdict import verdict
from hermes_repair.cli.commands import EXIT_STATUS, app
from hermes_repair.cli.failures import as_error, say
from hermes_repair.cli.options import ColourOption, HomeOption, ProfileOption, group
from hermes_repair.cli.questions import answer_to
from hermes_repair.cli.target import Answer, Responder, Target, each_home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import Command, Hint, advice, command
from hermes_repair.model.errors import ExitCode, Refused
from hermes_repair.model.findings import Finding
from hermes_repair.report import screen
from hermes_repair.report.colour import Colour, chosen
from hermes_repair.report.doctor_text import forecast_lines
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
UPDATE = Trouble("an update of Hermes is ahead", ("DB", "SC", "LN", "TR"))
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
    return each_home(Target(home=home, profile=profile), _lead, old_file=OldFile.IS_LEFT)


def at_a_terminal() -> bool:
    """Whether a person can read and answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _lead(responder: Responder) -> Answer:
    """Ask what is wrong and go through it, until the person leaves."""
    heading = responder.heading()
    size = shutil.get_terminal_size()
    with screen.one_at_a_time(size.lines, size.columns):
        talk = Guide(responder)
        show(heading)
        while (trouble := talk.choose()) is not None:
            talk.go_through(trouble)
    return ExitCode.OK, None


class Guide:
    """One talk about one home, a screen between two questions."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._audience = responder.audience

    def choose(self) -> Trouble | None:
        """Ask what is wrong; None for a person who leaves."""
        show([Line(""), Line("What is wrong?", "head")])
        show([Line(f"  {place}. {one.said}") for place, one in enumerate(TROUBLES, 1)])
        while answer := self._ask("Type a number, or Return to leave:"):
            if answer.isdecimal() and 1 <= int(answer) <= len(TROUBLES):
                return TROUBLES[int(answer) - 1]
        return None

    def go_through(self, trouble: Trouble) -> None:
        """Look, find, repair, look again, undo: as far as there is something to do."""
        if trouble.words and (words := self._ask("Words of a chat that is missing, or Return:")):
            self._type(command("find", "--", *words.split()))
            self._go_on()
        release = None
        if trouble is UPDATE:
            newest = newest_known()
            release = self._ask(f"To which release? Return means {newest}:") or newest
        diagnosis = self._look(trouble, release)
        if diagnosis is None:
            self._go_on()
            return
        found = verdict(diagnosis)
        stays, more = True, trouble is not UPDATE
        if found.fatal is not None:
            self._settle(found.fatal, trouble)
            return
        if found.back.messages or found.mended:
            more = False
            if self._agrees("See what would be repaired? You are asked before anything changes."):
                stays = self._do(command("repair", *_select(trouble)), trouble)
        if found.decide.messages and stays:
            more = False
            if self._agrees("See what may have been removed on purpose?"):
                self._do(command("backfill", "--all"), trouble)
        if found.hide and stays:
            more = False
            if self._agrees("See what is out of sight, and what shows it?"):
                ids = ",".join(sorted({one.id for one in found.hide}))
                self._type(command("doctor", "--select", ids))
                if self._agrees("See the steps that show it? You are asked before they are taken."):
                    self._do(command("repair", "--select", ids, "--unsafe"), trouble)
        if more and self._agrees("See all that was found?"):
            self._type(command("doctor", *_select(trouble)))
            self._go_on()
        if trouble is UPDATE:
            self._before_update()

    def _before_update(self) -> None:
        """Keep a copy, and say in which order the update goes."""
        if self._agrees("Make a verified copy of the database before the update?"):
            self._type(command("backup"))
        migrate = advice(
            "Then: `hermes gateway stop`, update Hermes, and before you start it again: `{}`",
            command("migrate"),
        )
        show([Line(""), Line(self._audience.typed(migrate))])
        self._go_on()

    def _settle(self, fatal: Finding, trouble: Trouble) -> None:
        """Lead out of what keeps every other command away: look first, then put it in place."""
        way = way_out(fatal)
        if way is None:
            if self._agrees("See what can be done?"):
                self._type(command("doctor", "--select", fatal.id))
                self._go_on()
            return
        if not self._agrees(advice("Run `{}` now?", way)):
            return
        before = self._last_run()
        self._type(way)
        if way.name == "salvage":
            install = command("salvage", *way.words, "--install")
            question = "Put that in the place of the damaged file? You are asked once more."
            if not self._agrees(question):
                return
            self._close()
            self._type(install)
        self._look_again(trouble, before)

    def _look(self, trouble: Trouble, release: str | None = None) -> Diagnosis | None:
        """Show what the doctor comes to; None where it cannot look."""
        more = ("--for", release) if release is not None else ()
        self._announce(command("doctor", *more, *_select(trouble)))
        try:
            diagnosis = diagnose(
                self._responder.run,
                LookOptions(release=release),
                Selection(select=trouble.families),
            )
        except Exception as caught:  # noqa: BLE001 - each kind has its words, and the talk goes on
            say(as_error(caught), as_json=False, home=None, option=self._audience.home_option)
            return None
        result = verdict(diagnosis)
        show(verdict_lines(result, self._audience, deep=False, nothing=NOTHING_WRONG, brief=True))
        if diagnosis.forecast is not None:
            show(forecast_lines(diagnosis.forecast, diagnosis.database["schema"]))
        return diagnosis

    def _do(self, typed: Command, trouble: Trouble) -> bool:
        """Do it with the person's choice, look again; return whether it was not taken back."""
        self._close()
        before = self._last_run()
        self._type(typed)
        return self._look_again(trouble, before)

    def _close(self) -> None:
        """Wait until nobody has the database open, or the person does not want to."""
        open_before = False
        while (openers := look_from_outside(self._responder.run.home).openers).processes:
            open_before = True
            show([Line(""), Line(f"{openers.who()}.", "warning")])
            how = openers.processes[0].how_to_stop()
            if self._ask(f"First {how}. Return looks again, n goes on:"):
                return
        if open_before:
            show([Line(""), Line("Nobody has the database open now.", "good")])

    def _look_again(self, trouble: Trouble, before: str | None) -> bool:
        """Look again after something was done; return whether the person lets it stay."""
        self._go_on()
        if self._last_run() == before:
            return True  # the person chose nothing, or it was refused
        self._look(trouble)
        if not self._agrees("Take that back?"):
            return True
        self._type(command("undo"))
        self._go_on()
        return False

    def _last_run(self) -> str | None:
        """Return the receipt that an undo would take back; None where there is none."""
        last = next_to_undo(history(self._responder.run.home))
        return last.name if last is not None else None

    def _type(self, typed: Command) -> None:
        """Show a command, and run it as if it had been typed."""
        self._announce(typed)
        target, options = self._responder.target, ["--color", chosen.get().value]
        options += ["--home", str(target.home)] if target.home is not None else []
        options += ["--profile", target.profile] if target.profile is not None else []
        try:
            app([*typed.name.split(), *options, *typed.words], standalone_mode=False)
        except Exception as caught:  # noqa: BLE001 - a refusal ends the command and not the talk
            say(as_error(caught), as_json=False, home=None, option=self._audience.home_option)

    def _announce(self, typed: Command) -> None:
        text = self._audience.typed(advice("$ {}", typed))
        show([Line(""), Line(text, "dim", verbatim=True)])

    def _agrees(self, question: Hint) -> bool:
        return self._ask(f"{self._audience.typed(question)} [y/N]").lower() in ("y", "yes")

    def _go_on(self) -> None:
        """Let what was said be read."""
        self._ask("Return goes on:")

    def _ask(self, question: str) -> str:
        """Ask below what was said, and return the answer; nothing where there is none."""
        show([Line("")])
        return answer_to(question, "head")


def _select(trouble: Trouble) -> Iterator[str]:
    """Yield the words that narrow a command to what can be behind it."""
    if trouble.families:
        yield "--select"
        yield ",".join(trouble.families)
