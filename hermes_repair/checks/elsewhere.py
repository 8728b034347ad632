"""Where else a session is that this database lacks: other profiles, backups, snapshots, files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_repair import host
from hermes_repair.home.copies import CopyKind, DatabaseCopy, other_databases
from hermes_repair.lineage.node import text
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.store.views import Sides, at_rest
from hermes_repair.transcripts.files import FileKind, list_sessions

if TYPE_CHECKING:
    from hermes_repair.checks.scene import Scene

IN_A_FILE = {FileKind.TRANSCRIPT: "a transcript file", FileKind.LOG: "an agent's log file"}


@dataclass(frozen=True, slots=True)
class Place:
    """One place that has the session: ``kind`` in words, the file, and whether it is a database."""

    kind: str
    path: Path
    database: bool

    def __str__(self) -> str:
        return f"{self.kind} ({self.path})"


def find_elsewhere(scene: Scene) -> Mapping[str, tuple[Place, ...]]:
    """Return where the missing parents of orphans still are, by the parent's id.

    Nothing that somebody has open is opened; what could not be looked at is in ``scene.notes``.
    """
    wanted = {scene.node[name].parent_id or "" for name in scene.graph.orphans}
    if not wanted:
        return {}
    found: defaultdict[str, list[Place]] = defaultdict(list)
    folders = {scene.home.sessions_dir: None, scene.home.logs_dir: None}
    for folder in folders:
        for file in list_sessions(folder).files:
            if file.session_id in wanted and file.kind in IN_A_FILE:
                found[file.session_id].append(Place(IN_A_FILE[file.kind], file.path, False))
    for copy in other_databases(scene.home):
        for session_id in _sessions_in(scene, copy, sorted(wanted)):
            found[session_id].append(Place(copy.kind.value, copy.path, True))
    return {session_id: tuple(places) for session_id, places in found.items()}


def _sessions_in(scene: Scene, copy: DatabaseCopy, wanted: list[str]) -> list[str]:
    if copy.kind is CopyKind.PROFILE:
        openers = host.who_has_open(copy.path)
        if not openers.nobody:
            scene.notes.append(f"{copy.path} is in use and was not looked at for missing parents.")
            return []
    # The main file alone, as it lies: a -wal beside a copy may belong to another one.
    alone = Sides(1, 0, 0)
    try:
        with at_rest(copy.path, alone, _no_copies, None, check_file=False) as (look, _):
            rows = look.rows(
                "SELECT id FROM sessions WHERE id IN (SELECT value FROM json_each(?))",
                [json.dumps(wanted)],
            )
            return [text(row[0]) or "" for row in rows]
    except DatabaseUnreadable as error:
        scene.notes.append(f"{copy.path} could not be looked at for missing parents: {error}")
        return []


def _no_copies(pairs: list[tuple[Path, Path]]) -> None:
    raise AssertionError(f"a main file alone needs no private copy: {pairs}")
