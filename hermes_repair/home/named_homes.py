"""The homes that Hermes uses on this machine, as far as anything names one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.home.installs import Surroundings
from hermes_repair.home.launcher import homes_of_services
from hermes_repair.home.layout import DATABASE, Home, base_of, default_root
from hermes_repair.host.regular_files import real_path

WINDOWS = "win32"


@dataclass(frozen=True, slots=True)
class NamedHome:
    """A home, and what names it: ``the service hermes-gateway.service works on it``."""

    root: Path
    by: str


@dataclass(frozen=True, slots=True)
class NamedHomes:
    """What names the home at hand, None where nothing does, and the homes beside it."""

    by: str | None = None
    others: tuple[NamedHome, ...] = ()


def named_homes(home: Home, around: Surroundings) -> NamedHomes:
    """Return the homes with a state.db that something names; profiles of one home are one."""
    here, others, by = real_path(home.base), list[NamedHome](), None
    seen = {here}
    for named in _named(around):
        with suppress(OSError, ValueError):  # not for us to look at; no path
            base = real_path(base_of(named.root))
            if base == here:
                by = by or named.by
            elif (database := named.root / DATABASE).is_file() and base not in seen:
                seen.add(base)
                if real_path(database) != home.database:
                    others.append(named)
    return NamedHomes(by, tuple(others))


def _named(around: Surroundings) -> Iterator[NamedHome]:
    for unit, root in homes_of_services(around.user_home, around.system_units):
        yield NamedHome(root, f"the service {unit.name} works on it")
    if around.environ.get("HERMES_HOME", "").strip():
        root = default_root(around.environ, around.user_home, around.platform)
        yield NamedHome(root.absolute(), "HERMES_HOME of this shell names it")
    unnamed = {name: at for name, at in around.environ.items() if name != "HERMES_HOME"}
    usual = "Hermes looks there by itself"
    yield NamedHome(default_root(unnamed, around.user_home, around.platform), usual)
    if around.platform == WINDOWS:  # 0.13 to 0.15 had it there on every system
        yield NamedHome(around.user_home / ".hermes", "Hermes up to 0.15 looked there by itself")
