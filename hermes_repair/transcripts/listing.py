"""Which transcript files a home holds, as values; nothing is opened.

=============================  =====================================================================
``<session id>.jsonl``         gateway transcript up to 0.14.0; from 0.20 on written again while the
                               database cannot be
``<session id>.bak.jsonl``     a copy of one, made by a person, an editor or a program that syncs
``session_<session id>.json``  the agent's own log of its message list, without times
``request_dump_<id>_*.json``   a failed API request; its body may be the last copy of a turn
``pending_messages/*.json``    messages that 0.20 and later could not write (beside ``sessions/``)
=============================  =====================================================================
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from hermes_repair.host.regular_files import CLOSED_TO_OWNER, is_closed_to_owner

_DUMP = re.compile(r"request_dump_(?P<id>.+)_\d{8}_\d{6}_\d+\.json")
_SESSION_ID = re.compile(r"\d{8}_\d{6}_[0-9a-f]{6,8}")  # as every release makes them
_COPY_BEFORE = re.compile(r"\A(?:(?i:copy (?:\(\d+\) )?of |backup of )|\.[_~#]?)")
_COPY_AFTER = re.compile(
    r"""(?ix)
    (?: [-_.\ ]+ (?: copy | bak | backup | old | orig | original | saved? | te?mp | conflict )
        (?: [-_.\ ]? \d+ )?
    | \.sync-conflict-\d{8}-\d{6} (?: -\w+ )?    # Syncthing
    | _conflict-\d{8}-\d{6}                     # ownCloud
    | [ ]? \( [^()]* conflict [^()]* \)          # Dropbox, Nextcloud, Seafile, Unison
    | [ ]? \( \d+ \) | [ ]\d{1,2} | ~            # browsers, Windows, macOS, editors
    )\Z
    """
)


class FileKind(Enum):
    """What a file is, by its name."""

    TRANSCRIPT = "transcript"
    COPY = "copy"
    LOG = "log"
    DUMP = "dump"
    SPOOL = "spool"


_Namer: TypeAlias = Callable[[str], tuple[FileKind, str | None] | None]


@dataclass(frozen=True, slots=True)
class TranscriptFile:
    """One file. ``problem`` says why it cannot be read, ``None`` where it can.

    ``session_id`` is what the name says (``None`` for a spool file, whose content says it); for a
    copy of a transcript it is the session of what it copies.
    ``size`` (bytes) and ``mtime_ns`` are 0 where the entry has none.
    """

    kind: FileKind
    session_id: str | None
    path: Path
    size: int
    mtime_ns: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one folder by name; ``problem`` says why the folder cannot be listed."""

    files: tuple[TranscriptFile, ...]
    problem: str | None


def list_sessions(folder: Path) -> Listing:
    """Return the transcripts, logs and request dumps in a ``sessions`` folder."""
    return _list(folder, _named)


def list_spool(folder: Path) -> Listing:
    """Return the files of a ``pending_messages`` folder."""
    return _list(folder, lambda name: (FileKind.SPOOL, None) if name.endswith(".json") else None)


def _named(name: str) -> tuple[FileKind, str | None] | None:
    """Return kind and session id of a file name, ``None`` for a file of another kind."""
    if name.endswith(".jsonl"):
        kind, session_id = FileKind.TRANSCRIPT, name.removesuffix(".jsonl")
    elif (dump := _DUMP.fullmatch(name)) is not None:
        kind, session_id = FileKind.DUMP, dump["id"]
    elif name.startswith("session_") and name.endswith(".json"):
        kind, session_id = FileKind.LOG, name.removeprefix("session_").removesuffix(".json")
    else:
        return None
    return (kind, session_id) if session_id else None


def _list(folder: Path, named: _Namer) -> Listing:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return Listing((), None)
    except NotADirectoryError:
        return Listing((), "it is not a folder")
    except OSError as error:
        return Listing((), error.strerror or type(error).__name__)
    meanings = {name: meaning for name in names if (meaning := named(name)) is not None}
    files = []
    for name, (kind, session_id) in meanings.items():
        copied = copied_session(session_id or "") if kind is FileKind.TRANSCRIPT else None
        if copied and (f"{copied}.jsonl" in meanings or _SESSION_ID.fullmatch(copied)):
            kind, session_id = FileKind.COPY, copied
        files.append(_described(folder / name, kind, session_id))
    return Listing(tuple(files), None)


def copied_session(stem: str) -> str | None:
    """Return what is left of a file name without the marks of a copy, ``None`` if it has none.

    ``stem`` is the name without ``.jsonl``. Marks are those of people, editors, browsers and
    programs that sync: ``X.bak``, ``X-copy``, ``Copy of X``, ``.X``, ``X (1)``,
    ``X.sync-conflict-20260502-101500-ABCDEFG``, ``X (Jo's conflicted copy 2026-05-02)``.
    """
    left = stem
    while not _SESSION_ID.fullmatch(left):
        shorter = _COPY_AFTER.sub("", _COPY_BEFORE.sub("", left))
        if shorter == left:
            break
        left = shorter
    return left if left and left != stem else None


def _described(path: Path, kind: FileKind, session_id: str | None) -> TranscriptFile:
    size = mtime_ns = 0
    try:
        status = path.stat()
    except FileNotFoundError:
        problem: str | None = "it is a broken link" if path.is_symlink() else "it is gone"
    except OSError as error:
        problem = error.strerror or type(error).__name__
    else:
        size, mtime_ns = status.st_size, status.st_mtime_ns
        problem = _unreadable(path, status)
    if session_id is not None and not _is_utf8(session_id):
        problem = "its name is not UTF-8"
    return TranscriptFile(kind, session_id, path, size, mtime_ns, problem)


def _unreadable(path: Path, status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    if not os.access(path, os.R_OK):
        return "no permission to read it"
    return CLOSED_TO_OWNER if is_closed_to_owner(path) else None


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
