"""Code and database that do not go together: what is known to happen (SC008)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.recognise import Recognition


@dataclass(frozen=True, slots=True)
class Skew:
    """Numbers are SCHEMA_VERSION ranges, both ends included; ``when`` is a condition or empty."""

    code: tuple[int, int]
    database: tuple[int, int]
    when: str
    what: str


def load_skews(root: Path) -> tuple[Skew, ...]:
    """Read ``db/skew.toml`` below ``root``; ``OSError``, ``KeyError``, ``ValueError`` if broken."""
    with (root / "db" / "skew.toml").open("rb") as file:
        rows = tomllib.load(file)["skew"]
    return tuple(
        Skew((row["code"][0], row["code"][1]), (row["database"][0], row["database"][1]),
             row["when"], row["what"])
        for row in rows
    )  # fmt: skip


@cache
def default_skews() -> tuple[Skew, ...]:
    """Return the combinations that this install of hermes-repair knows."""
    return load_skews(catalogue_root())


def skews_of(code: int, recognition: Recognition) -> tuple[Skew, ...]:
    """Return what code that expects schema ``code`` does wrong on this database."""
    search = recognition.search
    missing = any(name.startswith("trigger ") for name in search.missing)
    holds = {"": True, "trigger-missing": missing, "cjk": search.cjk_triggers}
    number = recognition.number
    return tuple(
        skew
        for skew in default_skews()
        if skew.code[0] <= code <= skew.code[1]
        and skew.database[0] <= number <= skew.database[1]
        and holds[skew.when]
    )
