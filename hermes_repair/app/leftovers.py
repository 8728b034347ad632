"""What a run of ours left half made that was killed: no use to anybody, and removed by the next."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from hermes_repair.app.environment import Run
from hermes_repair.app.file_exchange import staging
from hermes_repair.home.side_stores import at_store, side_stores, store_name
from hermes_repair.store.private_copies import is_dead, run_name

END = ".salvage"
TRIES = 40
PAUSE = 0.05  # seconds


def remove_leftovers(run: Run) -> list[str]:
    """Remove what was to become a database or a receipt, and return a sentence for each.

    For a run that has the lock of the home, after it has settled what was cut off.
    """
    folder = run.folder
    found = folder.leftovers()
    stores: list[str | None] = [None]
    if run.home.records_at is None:
        stores += [store_name(run.home, path) for path in side_stores(run.home)]
    found += [
        place
        for home in (at_store(run.home, store) for store in stores)
        if (place := staging(home)).is_file() and not place.is_symlink()
    ]
    for path in found:
        _remove(path, run.environment.sleep)
    return [_removed(path) for path in found]


def _remove(path: Path, sleep: Callable[[float], None]) -> None:
    """Remove a file or a folder. The process that a killed run had started may be at that, too."""
    for left in reversed(range(TRIES)):
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            if path.exists() and not left:
                raise
        if not path.exists():
            return
        sleep(PAUSE)


def making_folder(target: Path) -> Path:
    """Return where this process makes a file: beside it, and named after the two."""
    return target.with_name(f".{target.name}.{run_name()}{END}")


def remove_unfinished(target: Path) -> list[str]:
    """Remove what runs that are over left of :func:`making_folder`; return a sentence for each."""
    begin = f".{target.name}."
    found = [
        path
        for path in target.parent.iterdir()
        if path.name.startswith(begin)
        and path.name.endswith(END)
        and is_dead(path.name[len(begin) : -len(END)])
        and path.is_dir()
        and not path.is_symlink()
    ]
    for path in found:
        _remove(path, time.sleep)
    return [_removed(path) for path in found]


def _removed(path: Path) -> str:
    return f"A run that was killed had left {path}, half made: it is removed."
