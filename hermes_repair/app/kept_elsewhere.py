"""What a command does where another database than state.db keeps the conversations (DB010).

Each command has to say which of the three it is before it runs at a home.
"""

from __future__ import annotations

from enum import Enum

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.home.hermes_config import database_backend
from hermes_repair.model.errors import Refused


class OldFile(Enum):
    """What a command has to do with a state.db that Hermes no longer reads."""

    STOPS = "stops"
    """It writes there, says what is to be repaired, or makes a copy that somebody relies on."""

    IS_NAMED = "is named"
    """It only looks, and may: there are chats in it. That it is the old file is said first."""

    IS_LEFT = "is left"
    """It says so itself (`doctor`, `guide`), or rests on our own records or another file."""


def kept_elsewhere(run: Run) -> Refused | None:
    """Return why nothing is to be done at a home whose conversations lie elsewhere, else None."""
    if database_backend(run.home.root) is None:
        return None
    # Imported here: next to no home has that setting, and `locks clean` runs all the time.
    from hermes_repair.app.target_release import installed_for
    from hermes_repair.checks.database_elsewhere import (
        HINT,
        database_elsewhere,
        kept_in,
        other_backend,
    )

    openers = host.who_has_open(run.home.database)
    backend = other_backend(run.home.root, installed_for(run, openers))
    return (
        None if backend is None else Refused(f"{database_elsewhere.id}: {kept_in(backend)}", HINT)
    )
