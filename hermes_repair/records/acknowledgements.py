"""Findings that a user accepts: out of the exit code, not out of the report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from hermes_repair.host.regular_files import parse_json, read_small
from hermes_repair.model.errors import Refused
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_database import sync

FILE = "acknowledged.json"
_MOST = 8 << 20  # bytes: more findings than anybody accepts one by one


def acknowledged(folder: Path) -> Mapping[str, str]:
    """Return fingerprint -> reason; empty where nothing was acknowledged yet.

    Raises :class:`Refused` where the file is not what we wrote, rather than forget decisions.
    """
    path = folder / FILE
    try:
        data = parse_json(read_small(path, _MOST))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Refused(
            f"{path} cannot be read: {error}.", "Fix or remove that file, then run this again."
        ) from error
    if not isinstance(data, dict):
        raise Refused(
            f"{path} is not a list of findings.", "Remove that file, then run this again."
        )
    return {str(key): str(value) for key, value in data.items()}


def acknowledged_or_why(folder: Path) -> tuple[Mapping[str, str], str | None]:
    """Return :func:`acknowledged`; nothing, and why, where the file cannot be read."""
    try:
        return acknowledged(folder), None
    except Refused as error:
        return {}, error.message


def acknowledge(folder: Folder, fingerprint: str, reason: str) -> None:
    """Remember that a finding is accepted, and why."""
    folder.prepare()
    known = dict(acknowledged(folder.path))
    known[fingerprint] = reason
    path = folder.path / FILE
    temporary = path.with_name(FILE + ".part")
    with os.fdopen(folder.create(temporary), "w", encoding="utf-8") as file:
        file.write(json.dumps(known, indent=1, sort_keys=True) + "\n")
    folder.own(temporary)
    sync(temporary)
    temporary.replace(path)
    sync(path)
