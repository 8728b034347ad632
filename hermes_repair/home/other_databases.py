"""Other databases of the same user: profiles, backups, snapshots. Directory entries only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hermes_repair.home.layout import DATABASE, RECORDS_DIR, Home, base_of, profile_names
from hermes_repair.host.regular_files import real_path

MOST_COPIES = 40
"""Of each kind the newest so many: one install had 505 copies of two states (Hermes #86747)."""
_BESIDE = re.compile(r"state\.db\..+|state.*\.(bak|backup|old)")
_REPLACED = re.compile(r"damaged-\d+-\w+-salvage")
"""Where our records keep the damaged files that a salvage replaced: all that can be read of them
is in the database."""
_SIDES = ("-wal", "-shm", "-journal")
_KEPT_IN = (RECORDS_DIR, "state-snapshots")


class CopyKind(Enum):
    """Whose database it is."""

    PROFILE = "another profile"
    BACKUP = "a backup of hermes-repair"
    SNAPSHOT = "a snapshot of Hermes"
    COPY = "a copy beside the database"


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """One file that may be a database of Hermes."""

    kind: CopyKind
    path: Path


def profile_of(path: Path) -> str | None:
    """Return the profile whose copy a file is by the place where it lies, None where that is none.

    Copies are kept in a home: in our folder, among the snapshots of Hermes, beside state.db.
    """
    path = path.absolute()
    root = next((folder.parent for folder in path.parents if folder.name in _KEPT_IN), None)
    if root is None and (path.name == DATABASE or _BESIDE.fullmatch(path.name)):
        root = path.parent
    if root is None:
        return None
    if base_of(root) != root:
        return root.name
    return "default" if (root / DATABASE).exists() or (root / "profiles").is_dir() else None


def other_databases(home: Home) -> Iterator[DatabaseCopy]:
    """Yield the databases beside this home's own: profiles first, then copies, newest first.

    Folders that cannot be listed are as good as empty: nothing can be found there.
    """
    roots = [home.base, *(home.base / "profiles" / name for name in profile_names(home.base))]
    for root in roots:
        path = root / DATABASE
        if path.is_file() and real_path(path) != home.database:
            yield DatabaseCopy(CopyKind.PROFILE, path)
    places = {home.root: None, home.base: None}
    for kind, pattern in (
        (CopyKind.SNAPSHOT, f"state-snapshots/*/{DATABASE}"),
        (CopyKind.BACKUP, f"hermes-repair/backups/*/{DATABASE}"),
        (CopyKind.BACKUP, f"hermes-repair/backups/*/*/{DATABASE}"),
    ):
        paths = [
            path
            for root in places
            for path in root.glob(pattern)
            if not _REPLACED.fullmatch(path.parent.name)
        ]
        yield from (DatabaseCopy(kind, path) for path in _newest(paths))
    beside = [
        Path(entry.path)
        for entry in _entries(home.root)
        if _BESIDE.fullmatch(entry.name) and not entry.name.endswith(_SIDES)
    ]
    yield from (DatabaseCopy(CopyKind.COPY, path) for path in _newest(beside))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _newest(paths: Iterable[Path]) -> list[Path]:
    dated = []
    for path in paths:
        try:
            if path.is_file():
                dated.append((path.stat().st_mtime, path))
        except OSError:
            continue
    return [path for _, path in sorted(dated, reverse=True)[:MOST_COPIES]]
