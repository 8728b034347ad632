"""Transcript files that messages are taken from, kept as compressed, verified copies (R2).

Hermes' prune deletes ``<id>.jsonl`` of sessions it has rows for, so importing from a file is what
may later cost the file; it is copied first.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from hermes_repair.host.regular_files import open_regular
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.records.folder import HALF, Folder
from hermes_repair.records.plan_database import sync, sync_alone
from hermes_repair.records.plan_file import MAKE_PLAN

_CHUNK = 1 << 20


def keep(folder: Folder, receipt: Path, actions: Iterable[FileCopy], home: Path) -> list[Path]:
    """Copy the first ``size`` bytes of each file to the receipt's sources, durable on return.

    They are read back. Raises :class:`Refused` where a file is not what the plan saw; nothing of it
    has changed then.
    """
    kept = [_keep(folder, receipt, action, home) for action in actions]
    for place in {target.parent for target in kept}:
        sync(place)
    return kept


def _keep(folder: Folder, receipt: Path, action: FileCopy, home: Path) -> Path:
    """Copy one file; what the folder says of it is not durable yet."""
    if action.target in ("", ".", "..") or Path(action.target).name != action.target:
        raise Refused(
            f"A copy cannot be called {action.target!r}: it has to be below {folder.sources}.",
            advice("Nothing was copied. Make a new plan with `{}`.", MAKE_PLAN),
        )
    target = folder.make(folder.source_dir(receipt)) / action.target
    if target.is_file() and _hash_of(target, action.size) == action.sha256:
        return target
    source = home / action.source
    hasher = hashlib.sha256()
    left = action.size
    temporary = target.with_name(target.name + HALF)
    with (
        os.fdopen(folder.create(temporary), "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=0) as packed,
        open_regular(source) as stream,
    ):
        while left and (chunk := stream.read(min(_CHUNK, left))):
            hasher.update(chunk)
            packed.write(chunk)
            left -= len(chunk)
    if left or hasher.hexdigest() != action.sha256:
        temporary.unlink()
        raise Refused(
            f"{source} changed after the plan was made.",
            advice("Nothing was imported from it. Run `{}` again.", command("repair")),
        )
    if _hash_of(temporary, action.size) != action.sha256:
        temporary.unlink()
        raise Refused(
            f"The copy of {source} did not read back as it was written.",
            "Check the disk of the Hermes folder.",
        )
    folder.own(temporary)
    sync_alone(temporary)
    temporary.replace(target)
    return target


def _hash_of(packed: Path, size: int) -> str | None:
    """Return the hash of a packed file, None where it is none of ``size`` bytes.

    No more than that is unpacked: some bytes can stand for more than any disk holds.
    """
    hasher = hashlib.sha256()
    left = size
    try:
        with gzip.open(packed, "rb") as stream:
            while chunk := stream.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    return None
                hasher.update(chunk)
    except (OSError, EOFError, zlib.error):
        return None
    return hasher.hexdigest() if not left else None
