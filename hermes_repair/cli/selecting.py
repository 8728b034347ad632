"""What ``--select`` and ``--ignore`` mean: ids, families and names of findings."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_repair.app.diagnose import explained
from hermes_repair.model.errors import UsageError


def meant(option: str, words: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ids, or beginnings of ids, that the words of an option name.

    A word is an id, the beginning of one or a whole name, in upper or lower case; several stand
    with commas between them. Raises :class:`UsageError` for a word that is nothing of these: a
    misspelt id would let everything through, or nothing.
    """
    checks = explained()
    found: list[str] = []
    for word in (part.strip() for text in words or () for part in text.split(",")):
        named = next((made.id for made in checks if made.name == word.lower()), word.upper())
        if not word or not any(made.id.startswith(named) for made in checks):
            raise UsageError(
                f"{option}: there is no finding {word!r}.",
                "`hermes-repair explain` lists all findings. Use an id (TR001), a family (TR) or a"
                " name.",
            )
        found.append(named)
    return tuple(found)
