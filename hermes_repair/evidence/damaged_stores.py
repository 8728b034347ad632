"""Which of the other databases of a home SQLite finds damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermes_repair import host
from hermes_repair.home.layout import Home
from hermes_repair.home.side_stores import NAMED, SHARED, side_stores
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.store.file_state import beside_others, main_alone
from hermes_repair.store.integrity import soundness


@dataclass(frozen=True, slots=True)
class DamagedStore:
    """A database beside state.db, and what SQLite's own check says against it."""

    path: Path
    damage: tuple[str, ...]


def damaged_stores(home: Home, notes: list[str]) -> Iterator[DamagedStore]:
    """Yield the damaged ones; ``notes`` gets those that could not be looked at.

    One with a -wal or -journal that nobody uses is not judged: its main file alone is no state that
    ever was, and SQLite makes it whole when it is opened. A file that does not begin like a
    database is judged only where Hermes keeps one under that name.
    """
    for path in side_stores(home):
        try:
            damage = _damage(home, path)
        except HermesRepairError as error:
            notes.append(f"{path} was not checked: {error.message}")
            continue
        if damage:
            yield DamagedStore(path, damage)


def _damage(home: Home, path: Path) -> tuple[str, ...]:
    facts, openers = host.survey(path)
    if facts.main.errno is not None or not facts.main.size:
        return ()
    beside = any(found.exists and found.size for found in (facts.wal, facts.journal))
    if not facts.is_sqlite:
        known = {home.root / name for name in NAMED} | {home.base / name for name in SHARED}
        return ("it is not a SQLite database",) if path in known and not beside else ()
    if openers.processes:
        if any(process.deleted for process in openers.processes):
            return ()
        with beside_others(facts.real, wal_mode=facts.wal_mode, check_file=True) as (_, state):
            return state.soundness.damage if state.soundness is not None else ()
    if beside or not openers.nobody:
        return ()
    with main_alone(facts.real) as look:
        return soundness(look).damage
