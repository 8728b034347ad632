"""The other SQLite files of a home: the kanban board, memories, answers kept, cron runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hermes_repair.home.layout import DATABASE, Home

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
