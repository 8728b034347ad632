"""Who reads what is said of a home, and the line that it begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hermes_repair.model.commands_to_type import Command, Hint, advice, typed_whole
from hermes_repair.model.words import SessionLabel, count, verb
from hermes_repair.report.lines import Line


@dataclass(frozen=True, slots=True)
class Audience:
    """Who reads what is said of one home.

    ``home_option`` names that home in the commands to type, with a space before each word.
    ``terminal``: a person looks at stdout; ``titles``: titles may be shown (R9). ``verbose`` and
    ``quiet`` are the options of that name. ``every_profile``: the other profiles have their turn.
    """

    home_option: str = ""
    terminal: bool = False
    titles: bool = False
    verbose: bool = False
    quiet: bool = False
    every_profile: bool = False

    def typed(self, hint: Hint) -> str:
        """Return a text in which every command of ours is meant for this home."""
        return typed_whole(hint, self.home_option)

    def next(self, command: Command) -> Line:
        """Return the line that names the next command."""
        return Line(self.typed(advice("Next: {}", command)), "head")

    def labels(self, labels: Mapping[str, SessionLabel]) -> dict[str, SessionLabel]:
        """Return the labels of sessions as they may be shown here."""
        if self.titles:
            return dict(labels)
        return {session: replace(label, title=None) for session, label in labels.items()}


def heading(  # noqa: PLR0913 - what is said of a home, by name
    home: str,
    profile: str,
    others: int,
    database: Mapping[str, Any],
    *,
    takes_all_profiles: bool,
    database_name: str = "state.db",
) -> list[Line]:
    """Return the first lines of a report: the folder, its profile, its database, other profiles.

    ``others`` counts the profiles beside this one; ``database`` says what was read of state.db.
    ``takes_all_profiles``: the command that was typed has that option.
    """
    parts = [f"Hermes home {home}, profile {profile}, database {database_name}"]
    if database.get("schema") is not None:
        parts.append(f"schema {database['schema']}")
    if database.get("sessions") is not None:
        parts.append(count(int(database["sessions"]), "session"))
        parts.append(count(int(database["messages"]), "message"))
    lines = [Line(", ".join(parts), "head")]
    if others:
        how = "--profile NAME takes another one"
        if takes_all_profiles:
            how = f"--all-profiles includes {verb(others, 'it', 'them')}"
        lines.append(Line(f"{count(others, 'other profile')} here; {how}.", "dim"))
    return lines


def notes(sentences: Sequence[str], *, asked: bool = False) -> list[Line]:
    """Return what could not be looked at, a line each."""
    return [Line(f"Note: {sentence}", "dim", asked=asked) for sentence in sentences]
