"""Every command that the doctor and a plan print is typed, and what that prints as well.

None may be refused for a reason that could have been known when it was printed: on every case, and
on the sample homes.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.cli.speaking import Said, commands
from tests.command import run

WRITING = ("backfill", "forks", "merge", "migrate", "repair", "restore", "undo", "vacuum")
PLACEHOLDER = re.compile(r"[A-Z]{2,}")
"""What the reader has to put a word of their own for: SESSION, FILE."""
IN_PART = (
    "Waiting: everything that reads through that index",
    "This is a copy of a damaged database",
)
"""Said of what was done, as far as it can be: exit 4, and no refusal."""
FIRST = (["doctor", "-v"], ["repair", "--dry-run"])


def say(*words: str | Path) -> Said:
    """Run a command line."""
    ran = run(*words)
    return Said(ran.code, ran.out, ran.err)


def refused(home: Path) -> list[str]:
    """Type what is printed about a home, each on a fresh copy. Returns what was refused."""
    kept = home.with_name(f"{home.name}-kept")
    shutil.copytree(home, kept, symlinks=True)

    def afresh() -> None:
        shutil.rmtree(home)
        shutil.copytree(kept, home, symlinks=True)

    printed: list[list[str]] = []
    for first in FIRST:
        printed += [words for words in told(say(*first, "--home", home)) if words not in printed]
    found = []
    for words in printed:
        found += typed(words, afresh)
    return found


def told(said: Said) -> list[list[str]]:
    """Return the commands in what was said that can be typed as they stand, each once."""
    found: list[list[str]] = []
    for words in commands(said.sentences()):
        if words not in found and not any(PLACEHOLDER.fullmatch(word) for word in words):
            found.append(words)
    return found


def typed(words: list[str], afresh: Callable[[], None]) -> list[str]:
    """Type one command, and those that it prints after it. Returns what was refused."""
    afresh()
    said = answer(words)
    refused = [] if passed(words, said) else [f"{words}: {said.code} {said.sentences()}"]
    for more in told(said):
        if more != words:
            after = answer(more)
            if not passed(more, after):
                refused.append(f"{words}, then {more}: {after.code} {after.sentences()}")
    return refused


def answer(words: list[str]) -> Said:
    """Type a command as a person does who says yes."""
    command = words[1]
    shows = {"--dry-run", "--report"} & set(words) or (
        command == "forks" and "--resolve" not in words
    )
    yes = ["--yes"] if command in WRITING and not shows else []
    return say(*words[1:], *yes)


def passed(words: list[str], said: Said) -> bool:
    """Whether a command did what it was printed for."""
    if said.code == 4:
        return any(part in said.sentences() for part in IN_PART)
    return said.code == 0 or (said.code == 1 and words[1] == "doctor")
