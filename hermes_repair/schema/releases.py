"""What a release does to a database.

Told before the update (``doctor --for RELEASE``), and where code and database do not go together
(SC008).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache

from hermes_repair.model.errors import UsageError
from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.recognise import Recognition

_TRIED = ("0.13.0", "0.19.0")
"""The releases that could be unpacked and run, from the first to the last."""
_RELEASE = re.compile(r"v?(\d{1,4}(?:\.\d{1,4}){1,3})\Z")


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that releases from ``since`` to ``until`` (both included) do to a database.

    ``kind`` is ``hides``, ``crashes``, ``erases``, ``unread``, ``shows`` or ``moves``; ``what``
    goes on from "Hermes <release>". ``below`` is a schema number, 0 for any. ``findings`` are the
    ids that count what is at stake, empty where nothing of ours does; ``count`` is a query for it,
    to be asked where the column ``needs`` (``table.column``) is there.
    """

    kind: str
    since: str
    until: str
    below: int
    findings: tuple[str, ...]
    what: str
    needs: str = ""
    count: str = ""


@dataclass(frozen=True, slots=True)
class Skew:
    """What code of some numbers is known to do wrong on a database of others.

    ``code`` and ``database`` are SCHEMA_VERSION ranges, both ends included; ``when`` is a condition
    or empty.
    """

    code: tuple[int, int]
    database: tuple[int, int]
    when: str
    what: str


@cache
def default_effects() -> tuple[Effect, ...]:
    """Return the effects that this install of hermes-repair ships with: ``db/releases.toml``."""
    with (catalogue_root() / "db" / "releases.toml").open("rb") as file:
        rows = tomllib.load(file)["effect"]
    return tuple(Effect(**{**row, "findings": tuple(row["findings"])}) for row in rows)


def effects_of(release: str, number: int) -> tuple[Effect, ...]:
    """Return what ``release`` does to a database at schema ``number``, in the order of the file.

    Raises :class:`UsageError` for a text that is no release number.
    """
    asked = release_key(release)
    return tuple(
        effect
        for effect in default_effects()
        if release_key(effect.since) <= asked
        and (not effect.until or asked <= release_key(effect.until))
        and (effect.below == 0 or number < effect.below)
    )


def newest_release(number: int) -> str | None:
    """Return the newest release that expects schema ``number`` or less, ``None`` before all."""
    versions = default_catalogue().versions.values()
    releases = [r for v in versions if v.number <= number for r in v.releases]
    return max(releases, key=release_key, default=None)


def is_release(text: str) -> bool:
    """Whether a text is a release number; what a build of main calls itself may be none."""
    return _RELEASE.match(text) is not None


def release_key(release: str) -> tuple[int, ...]:
    """Return a release as numbers that compare; ``0.19`` and ``v0.19.0`` are the same."""
    match = _RELEASE.match(release)
    if match is None:
        raise UsageError(f"{release!r} is not a release of Hermes.", "A release looks like 0.19.0.")
    parts = [int(part) for part in match.group(1).split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def was_tried(release: str) -> bool:
    """Whether what is said of a release was seen with it, and is not only what is published of it.

    Raises :class:`UsageError` for a text that is no release number.
    """
    first, last = map(release_key, _TRIED)
    return first <= release_key(release) <= last


def number_of_release(release: str) -> int | None:
    """Return the schema number that a release expects, ``None`` for one that is not listed.

    A release between two listed ones has the number of both where they agree; else it is not
    guessed. Raises :class:`UsageError` for a text that is no release number.
    """
    asked = release_key(release)
    rows = sorted(
        (release_key(name), version.number)
        for version in default_catalogue().versions.values()
        for name in version.releases
    )
    below = [number for key, number in rows if key <= asked]
    above = [number for key, number in rows if key >= asked]
    if below and above and below[-1] == above[0]:
        return below[-1]
    return None


@cache
def default_skews() -> tuple[Skew, ...]:
    """Return the combinations that this install of hermes-repair knows: ``db/skew.toml``."""
    with (catalogue_root() / "db" / "skew.toml").open("rb") as file:
        rows = tomllib.load(file)["skew"]
    return tuple(
        Skew((row["code"][0], row["code"][1]), (row["database"][0], row["database"][1]),
             row["when"], row["what"])
        for row in rows
    )  # fmt: skip


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
