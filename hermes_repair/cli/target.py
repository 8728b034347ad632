"""From the shared options to homes, and from a list of homes to one exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hermes_repair.app.world import World, real_world
from hermes_repair.home.layout import Home, base_of, locate, open_home, profile_names
from hermes_repair.model.errors import ExitCode, HermesRepairError, UsageError, from_os
from hermes_repair.report import documents
from hermes_repair.report.escape import count, escape
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

    def world(self) -> World:
        """Return the world of this run; progress goes to stderr where a person watches."""

        def tell(sentence: str) -> None:
            if sys.stderr.isatty() and not self.quiet:
                sys.stderr.write(f"  {escape(sentence)}\n")

        return real_world(tell)

    def roots(self, world: World) -> list[Path]:
        """Return the folders of the homes that are meant."""
        root = locate(self.home, self.profile, world.environ, world.user_home, world.platform)
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

    @property
    def option(self) -> str:
        """The words that name the same home in the next command."""
        words = f" --home {self.home}" if self.home is not None else ""
        return words + (f" --profile {self.profile}" if self.profile else "")


def each_home(
    target: Target, work: Callable[[Home, World], tuple[ExitCode, dict[str, Any] | None]]
) -> int:
    """Run a command for every home that is meant; print the documents; return the exit code.

    ``work`` prints its own text, or returns its document under ``--json``. With ``--all-profiles``
    one profile's refusal does not keep the others from their turn.
    """
    world = target.world()
    codes: list[ExitCode] = []
    gathered: list[dict[str, Any]] = []
    for root in target.roots(world):
        try:
            code, document = work(open_home(root), world)
        except (HermesRepairError, OSError) as caught:
            if not target.all_profiles or isinstance(caught, UsageError | BrokenPipeError):
                raise
            error = caught if isinstance(caught, HermesRepairError) else from_os(caught)
            code, document = error.exit_code, documents.error(error, str(root))
            if not target.as_json:
                show([Line(f"{root}: {error.message} {error.hint}".rstrip())], stream="stderr")
        codes.append(code)
        if document is not None:
            gathered.append(document)
    if target.as_json:
        if target.all_profiles:
            documents.write({"format_version": documents.FORMAT_VERSION, "profiles": gathered})
        else:
            documents.write(gathered[0])
    return int(next((code for code in _ORDER if code in codes), ExitCode.OK))


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
            Line(f"{count(len(others), 'other profile')} here; --all-profiles looks at all.", "dim")
        )
    return lines
