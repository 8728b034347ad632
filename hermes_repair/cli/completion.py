"""What a shell offers when a word is begun: findings by id and name, profiles of the home.

Each function is given the beginning of the word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hermes_repair.app.environment import real_environment
from hermes_repair.home.layout import base_of, locate, profile_names
from hermes_repair.model.errors import HermesRepairError


def findings(incomplete: str) -> list[tuple[str, str]]:
    """Return ids and names that begin so, each with what it finds.

    ``--select TR001,LN`` is completed after its last comma.
    """
    from hermes_repair.app.diagnose import explained

    before, comma, begun = incomplete.rpartition(",")
    return [
        (before + comma + word, check.summary)
        for check in explained()
        for word in (check.id, check.name)
        if word.startswith(begun)
    ]


def profiles(ctx: Any, incomplete: str) -> list[str]:
    """Return the profiles of the home that is named, or of the one that would be taken."""
    world = real_environment(lambda _sentence: None)
    named = ctx.params.get("home")
    try:
        root = locate(
            Path(named).expanduser() if named else None,
            None,
            world.environ,
            world.user_home,
            world.platform,
        )
        names = ["default", *profile_names(base_of(root))]
    except (HermesRepairError, OSError):
        return []  # there is nothing to offer, and nobody to tell
    return [name for name in names if name.startswith(incomplete)]
