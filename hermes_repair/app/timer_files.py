"""What runs ``locks clean`` or ``doctor`` by itself: its unit files, its line of a crontab."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Environment
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import Refused


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that runs by itself: what its units are called, what it is for, when it runs."""

    name: str
    description: str
    schedule: host.Schedule


CLEANING = Timer(
    "hermes-repair-locks",
    "Free the compression locks of Hermes that are provably over",
    host.NOW_AND_THEN,
)
LOOKING = Timer(
    "hermes-repair-doctor",
    "Look at the conversations of Hermes, and tell what changed",
    host.NIGHTLY,
)


def on_home(
    program: Sequence[str], words: Sequence[str], home: Home, *, all_profiles: bool
) -> list[str]:
    """Return the command that a timer runs for this home. ``program`` begins with a full path.

    Raises :class:`Refused` for a path that is not UTF-8: neither systemd nor cron's shell takes it.
    """
    where = home.base if all_profiles else home.root
    try:
        str(where).encode()
    except UnicodeEncodeError:
        raise Refused(
            f"The path {where} is not UTF-8, so no timer can name it.",
            "Rename that folder, or make a link to it with a plain name and use that with --home.",
        ) from None
    return [*program, *words, "--home", str(where), *["--all-profiles"] * all_profiles]


def crontab_line(timer: Timer, command: Sequence[str]) -> str:
    """Return the line of a crontab that runs the command."""
    return host.crontab_line(command, timer.schedule)


def unit_texts(timer: Timer, command: Sequence[str], home: Home, usual: Path) -> dict[str, str]:
    """Return ``{file name: text}`` of a user service and its timer.

    A home other than ``usual`` gets units of its own name, so that several can be served.
    """
    name = timer.name + own_name(home, usual)
    return host.systemd_units(name, timer.description, command, timer.schedule)


def own_name(home: Home, usual: Path) -> str:
    """Return what tells the files of one home from those of another; the usual one has none."""
    return "" if home.root == usual else "-" + _slug(home.root)


def remembered(home: Home, environment: Environment, usual: Path) -> Path:
    """Return where a nightly look keeps what it found last (XDG base directories)."""
    named = environment.environ.get("XDG_STATE_HOME", "")
    base = Path(named) if named.startswith("/") else environment.user_home / ".local" / "state"
    return base / "hermes-repair" / f"nightly{own_name(home, usual)}.json"


def unit_folder(environment: Environment) -> Path:
    """Return where systemd looks for the units of this user (systemd.unit(5))."""
    named = environment.environ.get("XDG_CONFIG_HOME", "")
    base = Path(named) if named.startswith("/") else environment.user_home / ".config"
    return base / "systemd" / "user"


def write_units(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the units; return their paths. Nothing is started.

    Raises :class:`Refused` where a file of that name says something else: it may be the user's own.
    """
    for name, text in texts.items():
        place = folder / name
        if place.exists() and place.read_text(encoding="utf-8", errors="replace") != text:
            raise Refused(
                f"{place} already exists and has different content.",
                "Move it away, then run this again; without --write the text is only printed.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def require_owner(home: Home) -> None:
    """Raise :class:`Refused` where a timer of this user could not keep records in the home (R8)."""
    if not home.database.exists():
        return
    owner = host.differing_owner(home.database)
    if owner is not None:
        raise Refused(
            f"{home.database} belongs to {owner.user or owner.uid}, whose timer this should be.",
            f"Run it as that user: sudo -u {owner.user or f'#{owner.uid}'} hermes-repair ...",
        )


def _slug(path: Path) -> str:
    """Return a path as part of a unit name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", str(path)).strip("-") or "root"
