"""Sources with the same bytes, of which one is read: Hermes may keep hundreds of one state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hermes_repair.app.merge_sources import Place, SourceKind
from hermes_repair.app.salvage import SIDE_FILES
from hermes_repair.host.file_samples import digest, sample


def each_once(places: Sequence[Place]) -> list[Place]:
    """Return the places without those that hold what one before them holds, byte for byte.

    Only files by themselves count: nobody has one open, and nothing beside it says more of it.
    Raises ``OSError`` for one that cannot be read any more.
    """
    files = {place.named: place.main for place in places if place.main and _is_alone(place)}
    marks: dict[str, tuple[object, ...]] = dict.fromkeys(files, ())
    for mark in (_size, sample, digest):
        marks = {name: (*marks[name], mark(files[name])) for name in _shared(marks)}
    kept: dict[object, Place] = {}
    for place in places:
        content = marks.get(place.named, place.named)
        first = kept.get(content)
        kept[content] = place if first is None else replace(first, alike=first.alike + 1)
    return list(kept.values())


def _shared(marks: dict[str, tuple[object, ...]]) -> list[str]:
    """Return what has the same mark as another."""
    times = Counter(marks.values())
    return [name for name, mark in marks.items() if times[mark] > 1]


def _size(path: Path) -> int:
    return path.stat().st_size


def _is_alone(place: Place) -> bool:
    if place.kind is not SourceKind.DATABASE or not place.status.at_rest or place.main is None:
        return False
    sides = place.status.sides
    ledger = place.main.with_name(f"{place.main.name}{SIDE_FILES['ledger.json']}")
    return not (sides.wal or sides.journal or ledger.exists())
