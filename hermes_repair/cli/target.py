"""From the shared options to homes, and from a list of homes to one exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from hermes_repair.app.environment import Environment, Run, real_environment
from hermes_repair.app.file_status import place_of
from hermes_repair.app.kept_elsewhere import OldFile, kept_elsewhere
from hermes_repair.cli.failures import as_error, say
from hermes_repair.home.layout import (
    Home,
    base_of,
    locate,
    on_behalf_of_owners,
    open_home,
    profile_names,
)
from hermes_repair.model.commands_to_type import Hint, quoted, typed_whole
from hermes_repair.model.errors import (
    ExitCode,
    HermesRepairError,
    NoDatabase,
    NoInstall,
    Refused,
    UnknownSession,
    UsageError,
)
from hermes_repair.report import json_documents, progress, screen
from hermes_repair.report.audience import Audience, heading
from hermes_repair.report.lines import Line, show

Document: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[ExitCode, Document | None]
"""How a command ended at one home, and what it says there under --json."""

_ORDER = (ExitCode.INTERNAL, ExitCode.REFUSED, ExitCode.FINDINGS, ExitCode.NO_INSTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What every command line says: which homes, and how to speak.

    ``takes_all_profiles``: the command has the option --all-profiles.
    """

    home: Path | None = None
    profile: str | None = None
    all_profiles: bool = False
    takes_all_profiles: bool = False
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_titles: bool = False

    def environment(self) -> Environment:
        """Return the world of this run; progress goes to stderr where a person watches."""
        line = progress.begin(shown=sys.stderr.isatty() and not self.quiet)
        return real_environment(line.tell, line.reached)

    def roots(self, environment: Environment) -> list[Path]:
        """Return the folders of the homes that are meant."""
        root = locate(
            self.home,
            self.profile,
            environment.environ,
            environment.user_home,
            environment.platform,
        )
        if not self.all_profiles:
            return [root]
        base = base_of(root)
        return [base, *(base / "profiles" / name for name in profile_names(base))]

    def option(self, home: Home) -> str:
        """Return the words that name this home in the next command, with a space before each.

        The fewest that lead to it in any shell: what the user named first, then the profile at
        hand. HERMES_HOME leads nowhere, for the next shell may not have it.
        """
        environment = real_environment(lambda _sentence: None)
        environ = {k: value for k, value in environment.environ.items() if k != "HERMES_HOME"}

        def leads(named: Path | None, profile: str | None) -> bool:
            try:
                root = locate(named, profile, environ, environment.user_home, environment.platform)
            except UsageError:  # the sticky profile, or this one, is not there
                return False
            return root == home.root

        ways = ((self.home, None), (self.home, home.profile), (home.root, None))
        named, profile = next(way for way in ways if leads(*way))
        words = f" --home {quoted(str(named.absolute()))}" if named is not None else ""
        return words + (f" --profile {quoted(profile)}" if profile is not None else "")


@dataclass(frozen=True)
class Responder:
    """Answers for a command's run at one of the homes that are meant, the way the user asked."""

    target: Target
    run: Run

    @cached_property
    def audience(self) -> Audience:
        """Who reads this; titles only for a person at a terminal who did not say no (R9)."""
        target, terminal = self.target, sys.stdout.isatty()
        return Audience(
            home_option=target.option(self.run.home),
            terminal=terminal,
            titles=terminal and not target.no_titles and not target.as_json,
            verbose=target.verbose,
            quiet=target.quiet,
            every_profile=target.all_profiles,
        )

    def shows_content(self, *, yes: bool) -> bool:
        """Whether words of chats may be shown: to a person at a terminal, who is asked (R9)."""
        terminal = sys.stdout.isatty() and sys.stderr.isatty()
        return terminal and not (self.target.as_json or self.target.quiet or yes)

    @property
    def unread(self) -> dict[str, Any]:
        """What is said of a database that was not read: where it is, its size."""
        return place_of(self.run.home)

    @property
    def place(self) -> str:
        """What begins a line about this home."""
        return f"Hermes home {self.run.home.root}, profile {self.run.home.profile}"

    def heading(self, database: Mapping[str, Any] | None = None) -> list[Line]:
        """Return the first lines of what is said of this home; a talk has said them."""
        if screen.current() is not None:
            return []
        names = ("default", *profile_names(self.run.home.base))
        others = sum(name != self.run.home.profile for name in names)
        home, every = self.run.home, self.target.takes_all_profiles
        return heading(
            str(home.root),
            home.profile,
            others,
            database or {},
            takes_all_profiles=every,
            database_name=home.database_name,
        )

    def answer(
        self,
        code: ExitCode,
        document: Callable[[], Document],
        lines: Callable[[], Iterable[Line]],
        *,
        database: Mapping[str, Any] | None = None,
        headed: bool = True,
    ) -> Answer:
        """Return the document under --json, and print the lines, below a heading, otherwise.

        ``database`` is what was read of state.db, None where nothing was.
        """
        if self.target.as_json:
            envelope = json_documents.envelope(
                str(self.run.home.root), self.unread if database is None else database
            )
            return code, {**envelope, **document()}
        self.print([*(self.heading(database) if headed else ()), *lines()])
        return code, None

    def print(self, lines: Sequence[Line]) -> None:
        """Print what a command says of this home; with -q only what it was asked for.

        With --all-profiles the first line, which names the home, goes before that.
        """
        if not self.target.quiet:
            show(lines)
            return
        kept = [line for line in lines if line.asked]
        while kept and not kept[0].text:
            del kept[0]
        first = lines[:1] if self.target.all_profiles and kept and not lines[0].asked else ()
        show([*first, *kept])


def each_home(
    target: Target,
    work: Callable[[Responder], Answer],
    *,
    old_file: OldFile,
    closing: Callable[[], Document] = dict,
) -> int:
    """Run a command for every home that is meant; print the documents; return the exit code.

    ``old_file`` says what to do where another database than state.db keeps the conversations.
    ``closing`` adds to the document of all profiles what can only be said at the end.

    With ``--all-profiles`` one profile's failure does not keep the others from their turn. One
    without a database, which nobody has used yet, and one without the session that is named are
    left out, and count only where every one is.
    """
    environment = target.environment()
    codes: list[ExitCode] = []
    absent: list[HermesRepairError] = []
    documents: list[Document] = []
    for root in target.roots(environment):
        try:
            with on_behalf_of_owners(root) as home:
                code, document = _at_home(Responder(target, Run(home, environment)), work, old_file)
        except BrokenPipeError:
            raise
        except Exception as caught:  # noqa: BLE001 - each kind has its words and its exit code
            error = as_error(caught)
            left_out = isinstance(error, NoDatabase | UnknownSession)
            usage = isinstance(error, UsageError) and not left_out
            if not target.all_profiles or usage:
                return _say(target, error, root)
            if left_out:
                absent.append(error)
                if target.verbose and not target.as_json:
                    show([Line(f"Left out: {root}. {error.message}", "dim")])
            else:
                codes.append(error.exit_code)
                if not target.as_json:
                    _say(target, error, root)
            documents.append(json_documents.error(error, str(root)))
            continue
        codes.append(code)
        if document is not None:
            documents.append(document)
    missed = min(absent, key=lambda error: error.exit_code) if absent and not codes else None
    if target.as_json and target.all_profiles:
        json_documents.write_alone(profiles=documents, **closing())
    elif target.as_json:
        json_documents.write(documents[0])
    elif missed is not None:
        _say(target, missed, target.roots(environment)[0])
    if missed is not None:
        return int(missed.exit_code)
    return int(next((code for code in _ORDER if code in codes), ExitCode.OK))


def _at_home(
    responder: Responder, work: Callable[[Responder], Answer], old_file: OldFile
) -> Answer:
    """Run a command at one home, unless another database keeps the conversations there.

    Raises that, or says it first, as ``old_file`` asks. Where there is no state.db at all it says
    more than that there is none.
    """
    elsewhere = kept_elsewhere(responder.run) if old_file is not OldFile.IS_LEFT else None
    if elsewhere is not None:
        if old_file is OldFile.STOPS:
            raise elsewhere
        show([Line(elsewhere.message, "warning")], stream="stderr")
    try:
        code, document = work(responder)
    except NoInstall as error:
        raise (elsewhere or kept_elsewhere(responder.run) or error) from None
    if document is not None and elsewhere is not None:
        document["database"]["elsewhere"] = elsewhere.message
    return code, document


def _say(target: Target, error: HermesRepairError, root: Path) -> int:
    """Say what went wrong at one home; its commands are meant for that home."""
    try:
        option = target.option(open_home(root))
    except HermesRepairError:
        option = ""  # there is no home to name
    if target.all_profiles and not target.as_json:
        text = f"{root}: {error.message} {typed_whole(error.hint, option)}".rstrip()
        show([Line(text)], stream="stderr")
        return int(error.exit_code)
    return say(error, as_json=target.as_json, home=str(root), option=option)


def require_yes(
    yes: bool,
    check: Callable[[], object],
    hint: Hint = "Add --yes to go ahead, or --dry-run to see what it would do.",
) -> None:
    """Off a terminal nothing is written to state.db without --yes.

    ``check`` changes nothing and raises for what would be refused with --yes too: a wrong argument
    is named first, or the reader adds --yes only to be told of it. ``hint`` ends with how to see
    beforehand what would be done.
    """
    if yes or (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    check()
    raise Refused("This changes the database, and there is no terminal to ask on.", hint)
