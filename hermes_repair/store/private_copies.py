"""Private folders for copies: 0700, outside the home, gone after us and after runs that died."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hermes_repair import host
from hermes_repair.model.errors import Refused

PREFIX = "hermes-repair-"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def parents() -> tuple[Path, ...]:
    """Return the folders that scratch space may lie in, best first."""
    candidates = [Path(tempfile.gettempdir()), Path("/var/tmp")]
    with suppress(RuntimeError):  # a user whom the system does not know, without HOME
        candidates.append(Path.home() / ".cache")
    return tuple(path for path in dict.fromkeys(candidates) if os.access(path, os.W_OK))


def run_name() -> str:
    """Return what tells this process from any other, as long as the machine runs."""
    import psutil  # as below: takes longer to import than `locks clean` takes for a look

    return f"{os.getpid()}-{int(psutil.Process().create_time())}"


def is_dead(run: str) -> bool:
    """Whether the process of :func:`run_name` is over: gone, or another one now."""
    import psutil

    pid, _, start = run.partition("-")
    if not pid.isdigit():
        return False
    try:
        return start != str(int(psutil.Process(int(pid)).create_time()))
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _base(parent: Path) -> Path | None:
    """Return our folder below ``parent``, or nothing where none can be made.

    Somebody else may have put a folder, a file or a link of that name there.
    """
    base = parent / f"{PREFIX}{_user()}"
    try:
        with suppress(FileExistsError):
            base.mkdir(mode=0o700)
        status = base.lstat()
        ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if not (stat.S_ISDIR(status.st_mode) and ours):
            return None
        base.chmod(0o700)
    except OSError:
        return None
    for folder in base.iterdir():
        if is_dead(folder.name):
            # What cannot be removed now is tried again by the next run.
            shutil.rmtree(folder, ignore_errors=True)
    return base


@contextmanager
def scratch(need: int) -> Iterator[Path]:
    """Give a folder with room for ``need`` bytes, removed on the way out.

    Raises :class:`Refused` where no folder has the room; a third more is asked for than needed.
    """
    asked_for = need + need // 3 + (1 << 20)
    roomiest, closed = 0, ""
    for parent in parents():
        free = shutil.disk_usage(parent).free
        if free < asked_for:
            roomiest = max(roomiest, free)
            continue
        base = _base(parent)
        if base is None:
            closed = closed or f" {parent / PREFIX}{_user()} does not belong to this user."
            continue
        own = base / run_name()
        own.mkdir(mode=0o700, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=own))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            if not any(own.iterdir()):
                own.rmdir()
        return
    raise Refused(
        f"A private copy needs {asked_for:,} bytes, and no temporary folder has that much room"
        f" ({roomiest:,} at most).{closed}",
        "Free some space or set TMPDIR to a folder with room, then run this again.",
    )


def copy_private(pairs: list[tuple[Path, Path]]) -> str | None:
    """Copy database files for a private look; they need not survive a power cut.

    Returns what proves that a -wal among them is not of the database's present state, if anything.
    """
    host.copy_files(pairs, fsync=False)
    main = pairs[0][1]
    wal = main.with_name(f"{main.name}-wal")
    copied = any(target == wal for _, target in pairs)
    return host.read_wal(main, wal).contradiction() if copied else None
