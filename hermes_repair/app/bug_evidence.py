"""What a bug report needs of one home: what was found, the structure, the runs, the versions."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hermes_repair import __version__
from hermes_repair.app import history as runs
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Run
from hermes_repair.app.open_scene import ask_scene, require_readable
from hermes_repair.app.run_details import RunDetails, details
from hermes_repair.evidence.scene import Scene
from hermes_repair.host.regular_files import read_if_there
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.errors import HermesRepairError

LOGS = "hermes-repair-*.log"
NAMES_SESSIONS = re.compile("session|parent|child|continu|sibling|live|keep|origin")
"""Keys of a finding's data below which ids of sessions stand."""
LOG_LIMIT = 1 << 16  # bytes; a traceback without values has a few hundred


@dataclass(frozen=True, slots=True)
class BugEvidence:
    """What a report tells. ``structure`` are differences to the nearest known one, a line each.

    ``ids`` are all sessions that any of it may name; ``log`` is the newest traceback of ours.
    """

    diagnosis: Diagnosis
    structure: Sequence[str]
    runs: Sequence[RunDetails]
    versions: dict[str, Any]
    ids: frozenset[str]
    log: str | None


def collect(run: Run) -> BugEvidence:
    """Look at a home and gather what a report tells; changes nothing."""
    diagnosis = diagnose(run, LookOptions(picture=True), Selection())
    entries = runs.history(run.home, [])
    done, _ = details(run, entries)
    try:
        structure, versions = ask_scene(run, _of_scene)
    except HermesRepairError as error:
        structure, versions = [f"not read: {error.message}"], {}
    return BugEvidence(
        diagnosis=diagnosis,
        structure=structure,
        runs=done,
        versions={**_of_machine(), **versions},
        ids=_ids(diagnosis, done),
        log=_newest_log(Path(tempfile.gettempdir())),
    )


def _of_scene(scene: Scene) -> tuple[list[str], dict[str, Any]]:
    require_readable(scene)
    return scene.recognition.differences.lines(), {
        "schema": scene.recognition.number,
        "family": scene.recognition.family.value,
        "hermes": [
            {"release": one.release, "schema": one.number, "how": one.how, "problem": one.problem}
            for one in scene.installed
        ],
    }


def _of_machine() -> dict[str, Any]:
    return {
        "hermes_repair": __version__,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
    }


def _ids(diagnosis: Diagnosis, done: Sequence[RunDetails]) -> frozenset[str]:
    ids = {finding.session_id for finding in diagnosis.findings}
    ids |= {id for finding in diagnosis.findings for id in _named(finding.data)}
    ids |= {chat.session_id for one in done for chat in one.chats}
    if diagnosis.picture is not None:
        ids |= {chat.id for chat in diagnosis.picture.chats}
        leaves = (leaf for tree in diagnosis.picture.trees for leaf in tree.leaves)
        ids |= {leaf.node.parent_id for leaf in leaves}
    return frozenset(id for id in ids if id)


def _named(data: Any, *, is_id: bool = False) -> Iterator[str]:
    """Yield the sessions, of this database or of another, that the data of a finding names."""
    if isinstance(data, str) and is_id:
        yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _named(value, is_id=is_id or bool(NAMES_SESSIONS.search(str(key))))
    elif isinstance(data, list | tuple | set | frozenset):
        for value in data:
            yield from _named(value, is_id=is_id)


def _newest_log(folder: Path) -> str | None:
    """Return the newest traceback of ours: names of our modules and lines, no values.

    Everybody may write to the folder, so only files of this user count.
    """
    found = [(path.lstat(), path) for path in folder.glob(LOGS)]
    own = [(facts.st_mtime, path) for facts, path in found if facts.st_uid == os.getuid()]
    for _, path in sorted(own, reverse=True):
        data = read_if_there(path, LOG_LIMIT)
        if data is not None:
            return data.decode("utf-8", "replace")
    return None
