"""From the shared options to homes, and from a list of homes to one exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hermes_repair.app.environment import Environment, real_environment
from hermes_repair.cli.failures import as_error, say
from hermes_repair.home.layout import (
    Home,
    base_of,
    locate,
    on_behalf_of_owners,
    open_home,
    profile_names,
)
from hermes_repair.model.commands_to_type import Hint, for_home, quoted
from hermes_repair.model.errors import (
    ExitCode,
    HermesRepairError,
    NoDatabase,
    UnknownSession,
    UsageError,
)
from hermes_repair.model.words import count, escape
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, show

_ORDER = (ExitCode.INTERNAL, ExitCode.REFUSED, ExitCode.FINDINGS, ExitCode.NO_INSTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What every command line says: which homes, and how to speak."""

    home: Path | None
    profile: str | None
    all_profiles: bool
    as_json: bool
    quiet: bool = False
    verbose: bool = False
    no_titles: bool = False

    @property
    def show_titles(self) -> bool:
        """Titles only to a person at a terminal who did not say no (R9)."""
        return sys.stdout.isatty() and not self.no_titles and not self.as_json

    def environment(self) -> Environment:
        """Return the world of this run; progress goes to stderr where a person watches."""

        def tell(sentence: str) -> None:
            if sys.stderr.isatty() and not self.quiet:
                sys.stderr.write(f"  {escape(sentence)}\n")

        return real_environment(tell)

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

    def say(self, lines: Sequence[Line]) -> None:
        """Print what a command says of one home; with -q only what it was asked for.

        With --all-profiles the first line, which names the home, goes before that.
        """
        if not self.quiet:
            show(lines)
            return
        kept = [line for line in lines if line.asked]
        while kept and not kept[0].text:
            del kept[0]
        first = lines[:1] if self.all_profiles and kept and not lines[0].asked else ()
        show([*first, *kept])

    def option(self, home: Home) -> str:
        """Return the words that name this home in the next command, with a space before each.

        The fewest that lead to it in any shell: what the user named first, then the profile at
        hand. HERMES_HOME leads nowhere, for the next shell may not have it.
        """
        environment = self.environment()
        environ = {k: value for k, value in environment.environ.items() if k != "HERMES_HOME"}

        def leads(named: Path | None, profile: str | None) -> bool:
            try:
                found = locate(named, profile, environ, environment.user_home, environment.platform)
            except UsageError:  # the sticky profile, or this one, is not there
                return False
            return found == home.root

        ways = ((self.home, None), (self.home, home.profile), (home.root, None))
        named, profile = next(way for way in ways if leads(*way))
        words = f" --home {quoted(str(named.absolute()))}" if named is not None else ""
        return words + (f" --profile {quoted(profile)}" if profile is not None else "")

    def typed(self, home: Home, text: Hint) -> str:
        """Return a text in which every command of ours is meant for this home."""
        return for_home(text, self.option(home))


def each_home(
    target: Target, work: Callable[[Home, Environment], tuple[ExitCode, dict[str, Any] | None]]
) -> int:
    """Run a command for every home that is meant; print the documents; return the exit code.

    ``work`` prints its own text, or returns its document under ``--json``. With ``--all-profiles``
    one profile's failure does not keep the others from their turn. One without a database, which
    nobody has used yet, and one without the session that is named are left out, and count only
    where every one is.
    """
    environment = target.environment()
    codes: list[ExitCode] = []
    absent: list[HermesRepairError] = []
    gathered: list[dict[str, Any]] = []
    for root in target.roots(environment):
        try:
            with on_behalf_of_owners(root) as home:
                code, document = work(home, environment)
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
            gathered.append(json_documents.error(error, str(root)))
            continue
        codes.append(code)
        if document is not None:
            gathered.append(document)
    missed = min(absent, key=lambda error: error.exit_code) if absent and not codes else None
    if target.as_json:
        if target.all_profiles:
            json_documents.write(
                {"format_version": json_documents.FORMAT_VERSION, "profiles": gathered}
            )
        else:
            json_documents.write(gathered[0])
    elif missed is not None:
        _say(target, missed, target.roots(environment)[0])
    if missed is not None:
        return int(missed.exit_code)
    return int(next((code for code in _ORDER if code in codes), ExitCode.OK))


def _say(target: Target, error: HermesRepairError, root: Path) -> int:
    """Say what went wrong at one home; its commands are meant for that home."""
    try:
        option = target.option(open_home(root))
    except HermesRepairError:
        option = ""  # there is no home to name
    if target.all_profiles and not target.as_json:
        show(
            [Line(f"{root}: {error.message} {for_home(error.hint, option)}".rstrip())],
            stream="stderr",
        )
        return int(error.exit_code)
    return say(error, as_json=target.as_json, home=str(root), option=option)


def heading(home: Home, database: Mapping[str, Any] | None = None) -> list[Line]:
    """Return the first lines of every report: home, profile, database, other profiles."""
    database = database or {}
    parts = [f"Hermes home {home.root}, profile {home.profile}, database state.db"]
    if database.get("schema") is not None:
        parts.append(f"schema {database['schema']}")
    if database.get("sessions") is not None:
        parts.append(count(int(database["sessions"]), "session"))
        parts.append(count(int(database["messages"]), "message"))
    lines = [Line(", ".join(parts), "head")]
    names = ("default", *profile_names(home.base))
    others = [name for name in names if name != home.profile]
    if others:
        lines.append(
            Line(
                f"{count(len(others), 'other profile')} here; --all-profiles includes them.", "dim"
            )
        )
    return lines
