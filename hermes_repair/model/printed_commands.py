"""Commands of ours as texts to type: words quoted for a shell, and the home that they are for.

Findings and errors are made without knowing which home the reader named, and how; they name a
command alone (``hermes-repair undo``). Whoever shows such a text to a person adds the home with
:func:`for_home`. In JSON the text stays as it was made: the document names its home beside it.
"""

from __future__ import annotations

import os
import re
import shlex

_AT_A_HOME = re.compile(
    r"\bhermes-repair (?:backup(?: list| prune)?|locks (?:list|clean|install)|ack|backfill|doctor"
    r"|find|forks|history|migrate|repair|restore|tree|undo)(?![\w-])(?! --home)"
)


def for_home(text: str, option: str) -> str:
    """Return ``text`` in which every command of ours that works at a home has ``option``.

    ``option`` is empty or begins with a space, as in `` --home /srv/hermes --profile work``. A
    command that names a home already stays as it is.
    """
    return _AT_A_HOME.sub(lambda found: found[0] + option, text) if option else text


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
