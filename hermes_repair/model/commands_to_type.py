"""Commands of ours for a person to type, and the hints that name them.

Findings and errors are made without knowing how the reader named the home, so a command in a hint
is a value. Whoever shows the hint says which words name that home (`` --home PATH``); in JSON it
stands without them, for the document names its home beside it.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Command:
    """One command of ours: ``name`` as in ``backup list``, then its words, not yet quoted."""

    name: str
    words: tuple[str, ...] = ()

    def typed(self, home: str = "") -> str:
        """Return it as a shell takes it.

        ``home`` is empty or begins with a space, as in `` --home /srv/hermes --profile work``.
        """
        return " ".join([f"hermes-repair {self.name}{home}", *map(quoted, self.words)])

    def __str__(self) -> str:
        return self.typed()


@dataclass(frozen=True, slots=True)
class Advice:
    """A hint with commands in it: a text with ``{}`` for each of its ``parts``."""

    text: str
    parts: tuple[Hint, ...]

    def typed(self, home: str = "") -> str:
        """Return the hint with every command meant for that home; see :meth:`Command.typed`."""
        return self.text.format(*(typed(part, home) for part in self.parts))

    def __str__(self) -> str:
        return self.typed()


UNBROKEN = "\ufdd0"
"""A space in a command, where no line may end; no text has it, and printing makes it a space."""

Hint: TypeAlias = str | Command | Advice
"""What to do next: plain words, a command, or words with commands in them."""


def command(name: str, *words: str) -> Command:
    """Return a command: ``command("repair", "--session", session_id)``."""
    return Command(name, words)


def salvage_command(store: str | None, *words: str) -> Command:
    """Return ``salvage`` of state.db, or of another database of the home by its name."""
    return Command("salvage", (*(("--store", store) if store is not None else ()), *words))


def advice(text: str, *parts: Hint) -> Advice:
    """Return a hint: ``advice("To see them: {}", command("backup list"))``."""
    return Advice(text, parts)


def commands_in(hint: Hint) -> list[Command]:
    """Return the commands of a hint, in their order."""
    if isinstance(hint, Command):
        return [hint]
    if isinstance(hint, str):
        return []
    return [found for part in hint.parts for found in commands_in(part)]


def typed(hint: Hint, home: str = "") -> str:
    """Return a hint of any kind as text; ``home`` as in :meth:`Command.typed`."""
    return hint if isinstance(hint, str) else hint.typed(home)


def typed_whole(hint: Hint, home: str = "") -> str:
    """Return a hint as :func:`typed` does, with :data:`UNBROKEN` spaces in its commands."""
    if isinstance(hint, Advice):
        return hint.text.format(*(typed_whole(part, home) for part in hint.parts))
    return hint if isinstance(hint, str) else hint.typed(home).replace(" ", UNBROKEN)


def quoted(word: str) -> str:
    """Return a word as a shell reads it back: an id or a path, whatever characters it has.

    What cannot be printed (control characters, bytes that are not UTF-8) is spelled as ``$'...'``,
    which bash, zsh, ksh and busybox read.
    """
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_spelled(byte) for byte in _bytes(word)) + "'"


def _bytes(word: str) -> bytes:
    try:
        return os.fsencode(word)
    except UnicodeEncodeError:
        return word.encode("utf-8", "surrogatepass")


def _spelled(byte: int) -> str:
    character = chr(byte)
    plain = 0x20 <= byte < 0x7F and character not in "'\\"
    return character if plain else f"\\x{byte:02x}"
