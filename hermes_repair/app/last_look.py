"""What the doctor proved about a database that nobody wrote to since, for its next look.

It is asked only for one state of the file, told by its inode, size, times and header, at rest and
without side files, on a file system that stamps every change; and for a day, since the times of a
file say that nobody wrote to it, not that its disk still gives the same bytes. For the same reason
SQLite's check of the file is never taken from here, and where it complains nothing else is. What
was found before this system was started counts no more: a power cut can leave new bytes under old
times, for SQLite sees to it that what it wrote is on disk, and not when (fdatasync; lazytime). Only
`doctor` asks: what a repair rests on is read each time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from hermes_repair.app.cache_files import SETTLED_SECONDS, cache_file, read_cache, write_cache
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus
from hermes_repair.app.remembered_copies import identity_of
from hermes_repair.host import boot_time
from hermes_repair.host.filesystems import filesystem
from hermes_repair.host.regular_files import real_path

MOST = 32 << 20  # bytes; 30,000 transcripts take some 20 megabytes
KEPT_SECONDS = 86400.0
STAMPED = frozenset(
    {
        *("apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "overlay"),
        *("reiserfs", "tmpfs", "xfs", "zfs"),
    }
)
"""Local file systems whose time of change (ctime) no program can set."""


@dataclass
class LastLook:
    """The answers of earlier looks at one state of a database, and those of this one.

    ``since`` is when the oldest of them was found, ``taken`` how many were used of those.
    """

    mark: str
    since: float
    device: int
    before: float
    known: dict[str, Any]
    added: dict[str, Any] = field(default_factory=dict)
    taken: int = 0

    def recall(self, question: str) -> Any:
        """Return the answer to a question, None where it is not known."""
        answer = self.known.get(_key(question))
        self.taken += answer is not None
        return answer

    @property
    def taken_since(self) -> float | None:
        """When the oldest answer that was used was found (epoch seconds), None where none was."""
        return self.since if self.taken else None

    def remember(self, question: str, answer: Any) -> None:
        """Keep an answer for the next look."""
        self.added[_key(question)] = answer


def last_look(run: Run, file_status: FileStatus) -> LastLook | None:
    """Return the answers for the database as it lies there; None where it may change unseen."""
    sides, database = file_status.sides, run.home.database
    if sys.platform == "win32" or not file_status.alone or sides.wal or sides.journal:
        return None
    if filesystem(real_path(database)).kind not in STAMPED:
        return None
    mark = _mark(run, file_status)
    if mark is None:
        return None
    device, before = file_status.facts.main.device, run.now() - SETTLED_SECONDS
    document = read_cache(cache_file(run, "looks"), MOST)
    since, known = document.get("since"), document.get("answers")
    if (
        document.get("mark") == mark
        and isinstance(since, float)
        and isinstance(known, dict)
        and 0 <= run.now() - since < KEPT_SECONDS
        and since > boot_time()
    ):
        return LastLook(mark, since, device, before, known)
    return LastLook(mark, run.now(), device, before, {})


def keep(run: Run, file_status: FileStatus, look: LastLook) -> None:
    """Keep what a look found that came to its end while nobody wrote to the database."""
    if not look.added or _mark(run, file_status) != look.mark:
        return
    answers = {**look.known, **look.added}
    document = {"mark": look.mark, "since": look.since, "answers": answers}
    write_cache(cache_file(run, "looks"), document, MOST)


def _mark(run: Run, file_status: FileStatus) -> str | None:
    """Return which state of the database lies there; None where its times cannot tell that yet."""
    try:
        identity = identity_of(run.home.database)
    except OSError:
        return None
    if identity.changed > run.now() - SETTLED_SECONDS:
        return None
    return f"{identity.mark}:{_digest(file_status.facts.main.head)}"


def _key(question: str) -> str:
    return _digest(question.encode("utf-8", "surrogatepass"))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=12).hexdigest()
