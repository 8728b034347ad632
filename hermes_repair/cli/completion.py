"""What a shell offers when a word is begun: findings, profiles and sessions of the home.

Each function is given the beginning of the word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_repair.app.environment import Run, real_environment
from hermes_repair.home.layout import base_of, locate, open_home, profile_names
from hermes_repair.model.errors import HermesRepairError


def findings(incomplete: str) -> list[tuple[str, str]]:
    """Return ids and names that begin so, each with what it finds.

    ``--select TR001,LN`` is completed after its last comma.
    """
    from hermes_repair.app.explain import explained

    before, comma, begun = incomplete.rpartition(",")
    return [
        (before + comma + word, check.summary)
        for check in explained()
        for word in (check.id, check.name)
        if word.startswith(begun)
    ]


def sessions(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Return sessions of the home that is named, each with when and where it was; no titles."""
    from hermes_repair.app.session_ids import offered

    try:
        root = _home(ctx, ctx.params.get("profile"))
        run = Run(open_home(root), real_environment(lambda _sentence: None))
    except (HermesRepairError, OSError):
        return []  # there is nothing to offer, and nobody to tell
    return offered(run, incomplete)


def profiles(ctx: Any, incomplete: str) -> list[str]:
    """Return the profiles of the home that is named, or of the one that would be taken."""
    try:
        names = ["default", *profile_names(base_of(_home(ctx, None)))]
    except (HermesRepairError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def _home(ctx: Any, profile: str | None) -> Path:
    """Return the folder that a command line means as far as it is typed."""
    world = real_environment(lambda _sentence: None)
    named = ctx.params.get("home")
    return locate(
        Path(named).expanduser() if named else None,
        profile,
        world.environ,
        world.user_home,
        world.platform,
    )
