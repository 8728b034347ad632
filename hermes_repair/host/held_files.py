"""What a process has open of a database, also where nothing has that name any more (Linux)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hermes_repair.host.byte_reader import copy_files, same_files

SIDES = ("", "-wal")
TRIES = 20
"""So often two copies are made: one that is written to all the time gives no two alike."""


def held_files(pid: int, database: Path) -> Mapping[str, Path]:
    """Return the descriptors of a database and its -wal in a process: ``""``, ``-wal`` -> path.

    ``database`` is its real path. One that was deleted comes before one that was not: nobody else
    has it. Raises OSError where the process is not there or may not be looked into.
    """
    folder = Path(f"/proc/{pid}/fd")
    shown: dict[str, Path] = {}
    for place in folder.iterdir():
        with suppress(FileNotFoundError):  # closed while we looked
            shown[os.fspath(place.readlink())] = place
    found = {}
    for side in SIDES:
        place_or_none = shown.get(f"{database}{side} (deleted)") or shown.get(f"{database}{side}")
        if place_or_none is not None:
            found[side] = place_or_none
    return found


def copy_held(files: Mapping[str, Path], target: Path) -> bool:
    """Copy files that a process holds to ``target`` and beside it, until two copies are alike.

    Returns False where they never are: it writes all the time. What it wrote and has not yet
    committed does no harm: SQLite reads a -wal up to its last commit.
    """
    second = target.with_name(f"{target.name}.again")
    for _ in range(TRIES):
        pairs = [
            [(source, place.with_name(place.name + side)) for side, source in files.items()]
            for place in (target, second)
        ]
        for of_one in pairs:
            for _, copy in of_one:
                copy.unlink(missing_ok=True)
            copy_files(of_one, fsync=False, descriptors=True)
        alike = all(same_files(one[1], other[1]) for one, other in zip(*pairs, strict=True))
        for _, copy in pairs[1]:
            copy.unlink()
        if alike:
            return True
    return False
