"""What was read of large copies, for the next look: digests, counts, ids. No text, no titles (R9).

It lies in the cache folder of the user who looks (:mod:`.cache_files`). What is remembered is of
one state of a file, told by its inode, size and times; a file that was written a moment ago is read
again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from hermes_repair.app.cache_files import SETTLED_SECONDS, cache_file, read_cache, write_cache
from hermes_repair.app.environment import Run

MOST = 16 << 20  # bytes; 500 copies take some 200 kilobytes
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

    file: Path | None
    now: float
    known: Mapping[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Memory:
        """Return the memory of one home; empty where there is none."""
        file = cache_file(run, "copies")
        return cls(file, run.now(), read_cache(file, MOST))

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
        """Write what is to be remembered."""
        if self.kept and self.kept != self.known:
            write_cache(self.file, self.kept, MOST)
