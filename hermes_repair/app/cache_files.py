"""What a look keeps for the next one: a file for each home in the cache folder of who looks.

Not in the home: looking creates nothing there (R1). Whoever deletes the folder loses nothing but
time. What is damaged, of another release or another SQLite, or what somebody else may write is as
good as none.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hermes_repair import __version__
from hermes_repair.app.environment import Run
from hermes_repair.host.regular_files import parse_json, read_small, real_path

MOST_HEAD = 200  # bytes
SETTLED_SECONDS = 2.0  # some file systems count their times in whole seconds
_MADE_BY = f"made by release {__version__}, SQLite {sqlite3.sqlite_version}, {sys.byteorder} endian"


def cache_file(run: Run, kind: str) -> Path | None:
    """Return where what is kept of a home lies; ``kind`` is what it is of, a folder.

    None where the cache folder is in the home itself (a container may have one folder for all).
    """
    environment = run.environment
    named = environment.environ.get("XDG_CACHE_HOME", "")
    root = Path(named) if named.startswith(os.sep) else environment.user_home / ".cache"
    home = blake2b(os.fsencode(run.home.root.absolute()), digest_size=12).hexdigest()
    if real_path(root).is_relative_to(real_path(run.home.base)):
        return None
    return root / "hermes-repair" / kind / f"{home}.json"


def read_cache(file: Path | None, most: int) -> Mapping[str, Any]:
    """Return what a file of up to ``most`` bytes keeps: only our own, which nobody else may write.

    Empty where there is none, or where one byte of it is not as it was written.
    """
    if file is None:
        return {}
    try:
        status = file.lstat()
        ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if not stat.S_ISREG(status.st_mode) or not ours or stat.S_IMODE(status.st_mode) & 0o022:
            return {}
        head, _, body = read_small(file, most).partition(b"\n")
        if head != _head(body):
            return {}
        known = parse_json(body)
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def write_cache(file: Path | None, known: Mapping[str, Any], most: int) -> None:
    """Replace what a file keeps. Where that cannot be, the next look takes as long."""
    if file is None:
        return
    body = json.dumps(known, separators=(",", ":")).encode("ascii")
    if len(body) > most - MOST_HEAD:
        return
    with suppress(OSError):
        # The cache folder alone: a service whose user has no folder is not given one.
        file.parents[2].mkdir(mode=0o700, exist_ok=True)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.parent.name}-")
        try:
            with os.fdopen(handle, "wb") as made:
                made.write(_head(body) + b"\n" + body)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _head(body: bytes) -> bytes:
    """Return the first line of a file: who made it, and the digest of the rest."""
    return f"{_MADE_BY}, {blake2b(body, digest_size=16).hexdigest()}".encode("ascii")
