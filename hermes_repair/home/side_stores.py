"""The other SQLite files of a home: the kanban board, memories, answers kept, cron runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hermes_repair.home.layout import DATABASE, Home
from hermes_repair.host.regular_files import real_path
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import UsageError

# Relative to the profile's home; the board is shared by all profiles and lies at their base.
NAMED = ("memory_store.db", "response_store.db", "cron/executions.db")
SHARED = ("kanban.db",)


def side_stores(home: Home) -> Iterator[Path]:
    """Yield the databases of a home besides state.db that are there: any ``*.db``, each once.

    Links are not followed: what they lead to is somebody else's.
    """
    seen = {home.root / DATABASE, home.database}
    anything = sorted(home.root.glob("*.db"))
    for path in (
        *(home.base / name for name in SHARED),
        *(home.root / name for name in NAMED),
        *anything,
    ):
        if path not in seen and path.is_file() and not path.is_symlink():
            seen.add(path)
            yield path


def store_name(home: Home, path: Path) -> str:
    """Return what a database beside state.db is called: its path below the folder of all profiles,
    because profiles share some."""
    return path.relative_to(home.base).as_posix()


def at_store(home: Home, store: str | None) -> Home:
    """Return the home with another database for its own: a store by its name, None is state.db."""
    if store == home.store:
        return home
    path = home.root / DATABASE if store is None else home.base / store
    return replace(home, database=real_path(path), store=store)


def find_store(home: Home, named: Path) -> Home:
    """Return the home with the database that a user names, as :func:`at_store` does.

    A name is looked up below the home, below the folder of all profiles, and as a path. Raises
    :class:`UsageError` for state.db, and for what is no file of this home.
    """
    found = next(
        (path for place in (home.root, home.base, Path()) if (path := place / named).is_file()),
        None,
    )
    if found is None:
        there = ", ".join(store_name(home, path) for path in side_stores(home))
        hint = f"There are: {there}." if there else "There is no database here but state.db."
        raise UsageError(f"{home.root} has no file {named}.", hint)
    real, base = real_path(found.absolute()), real_path(home.base)
    if real == real_path(home.database):
        raise UsageError(
            f"{named} is the database of the chats.",
            advice("That needs no --store: `{}`", command("salvage")),
        )
    if not real.is_relative_to(base):
        raise UsageError(
            f"{named} is not in {home.base}.",
            "Copy it there, then run this again: only files of a home are read.",
        )
    return at_store(home, real.relative_to(base).as_posix())
