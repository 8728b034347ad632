"""The catalogue of damage: what is known to go wrong in homes, what says it, and what nothing says.

The data is ``schema/damage.toml``; docs/DAMAGE.md and what ``doctor`` leaves out are made of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hermes_repair.schema import catalogue_root


@dataclass(frozen=True, slots=True)
class KnownDamage:
    """One kind of damage: a letter for its family and a number, and what it is in a few words.

    ``findings`` are the ids of what says it. ``left`` is what of it, or all of it, nothing says,
    with the reason; empty where the findings say all that a home shows. ``cases`` are folders of
    tests that show it, where it is not the first of each finding.
    """

    id: str
    what: str
    findings: tuple[str, ...]
    left: str
    cases: tuple[str, ...] = ()

    @property
    def is_found(self) -> bool:
        return bool(self.findings)


@dataclass(frozen=True, slots=True)
class DamageCatalogue:
    """All known kinds in order; ``families`` are the names behind their letters."""

    families: Mapping[str, str]
    kinds: tuple[KnownDamage, ...]

    @property
    def unseen(self) -> tuple[KnownDamage, ...]:
        """The kinds that no check looks for."""
        return tuple(kind for kind in self.kinds if not kind.is_found)


@cache
def damage_catalogue() -> DamageCatalogue:
    """Return the catalogue of this install."""
    with (catalogue_root() / "damage.toml").open("rb") as file:
        data = tomllib.load(file)
    kinds = tuple(
        KnownDamage(
            id,
            row["what"],
            tuple(row.get("findings", ())),
            row.get("left", ""),
            tuple(row.get("cases", ())),
        )
        for id, row in data["kind"].items()
    )
    return DamageCatalogue(data["family"], kinds)
