"""What was read of large copies, for the next look: digests, counts, ids. No text, no titles (R9).

It lies in the cache folder of the user who looks, not in the home: looking creates nothing there
(R1). What is remembered is of one state of a file, told by its inode, size and times; a file that
was written a moment ago is read again. Whoever deletes the folder loses nothing but time.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hermes_repair import __version__
from hermes_repair.app.environment import Run
from hermes_repair.host.regular_files import parse_json, read_small

MOST = 16 << 20  # bytes; 500 copies take some 200 kilobytes
SETTLED_SECONDS = 2.0  # some file systems count their times in whole seconds
_SIDES = ("", "-wal", "-journal")


@dataclass(frozen=True, slots=True)
class Identity:
    """One state of a file and of what lies beside it.

    ``bytes`` in all, ``modified`` when the file was written, ``changed`` when anything of the two
    last did, both in epoch seconds; ``sides``: whether a -wal or -journal lies there.
    """

    mark: str
    bytes: int
    modified: float
    changed: float
    sides: bool = False


def identity_of(path: Path) -> Identity:
    """Return which state of a file is there now; raises ``OSError`` for one that is not there."""
    marks, size, modified, changed = [str(path)], 0, 0.0, 0.0
    for suffix in _SIDES:
        try:
            status = path.with_name(path.name + suffix).stat()
        except OSError:
            if not suffix:
                raise
            continue
        marks.append(
            f"{suffix}:{status.st_dev}:{status.st_ino}:{status.st_size}"
            f":{status.st_mtime_ns}:{status.st_ctime_ns}"
        )
        size += status.st_size
        modified = modified or status.st_mtime
        changed = max(changed, status.st_mtime, status.st_ctime)
    mark = blake2b(os.fsencode("|".join(marks)), digest_size=16).hexdigest()
    return Identity(mark, size, modified, changed, sides=len(marks) > 2)


@dataclass
class Memory:
    """What earlier looks at one home's copies found, and what this one adds.

    ``kept`` is what the next look is given: only what this one asked for or added.
    """

    file: Path
    now: float
    known: Mapping[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Memory:
        """Return the memory of one home; empty where there is none, or it is of another release."""
        environment = run.environment
        named = environment.environ.get("XDG_CACHE_HOME", "")
        root = Path(named) if named.startswith(os.sep) else environment.user_home / ".cache"
        home = blake2b(os.fsencode(run.home.root.absolute()), digest_size=12).hexdigest()
        file = root / "hermes-repair" / "copies" / f"{home}.json"
        return cls(file, run.now(), _read(file))

    def recall(self, identity: Identity, what: str) -> Any:
        """Return what was remembered of a state of a file, None where that is not known."""
        key = f"{what}:{identity.mark}"
        value = self.known.get(key)
        if value is not None:
            self.kept[key] = value
        return value

    def remember(self, identity: Identity, what: str, value: Any) -> None:
        """Remember a value that JSON can say, unless the file is still young."""
        if self.now - identity.changed >= SETTLED_SECONDS:
            self.kept[f"{what}:{identity.mark}"] = value

    def keep(self) -> None:
        """Write what is to be remembered. Where that cannot be, the next look takes as long."""
        if not self.kept or self.kept == self.known:
            return
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".copies-")
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump({"version": __version__, "known": self.kept}, file)
            Path(name).replace(self.file)


def _read(file: Path) -> Mapping[str, Any]:
    """Return what a file remembers: only our own, which nobody else may write."""
    try:
        status = file.lstat()
        ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if not stat.S_ISREG(status.st_mode) or not ours or stat.S_IMODE(status.st_mode) & 0o022:
            return {}
        document = parse_json(read_small(file, MOST))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or document.get("version") != __version__:
        return {}
    known = document.get("known")
    return known if isinstance(known, dict) else {}
