"""Which transcript files a home holds, by name; and what those have that are no JSONL.

=============================  =====================================================================
``<session id>.jsonl``         gateway transcript up to 0.14.0; from 0.20 on written again while the
                               database cannot be
``<session id>.bak.jsonl``     a copy of one, made by a person, an editor or a program that syncs
``session_<session id>.json``  the agent's own log of its message list, without times
``request_dump_<id>_*.json``   a failed API request; its body may be the last copy of a turn
``pending_messages/*.json``    messages that 0.20 and later could not write (beside ``sessions/``)
=============================  =====================================================================

A log is one object with ``messages`` (no times; assistant text may be changed: 0.15 and later
redact secrets) behind ``session_id``, ``platform``, ``session_start`` (when the agent began),
``last_updated`` (when the list was written), the system prompt, the tools and ``message_count``;
0.13.0 to 0.19.0 indent it by two. A spool file holds one message (``transcript_cap_drop``), the
text of an undelivered one, or an agent's whole list. Each message is found with the bytes of its
record, so that a receipt can name them; of a torn file the complete messages are kept.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from hermes_repair.host.regular_files import CLOSED_TO_OWNER, is_closed_to_owner, open_regular
from hermes_repair.transcripts.clock import parse_time
from hermes_repair.transcripts.reader import (
    DEEPEST,
    MOST_PARTS,
    STRING,
    TOO_LARGE,
    BadLine,
    Line,
    Record,
    decode_record,
)
from hermes_repair.transcripts.sequences import AWARE, FileSequence, session_meta

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


MAX_LOG = 64 * 1024 * 1024
MOST_HEAD = 4 * 1024 * 1024
MOST_TOKENS = 16 * MOST_PARTS
"""Texts and brackets up to which a file is taken apart: tens of thousands of messages have less."""
LISTED = ("messages", "*")
SPOOLED = ("data", "message")
DUMPED = ("request", "body", "messages", "*")
CAP_DROP = "transcript_cap_drop"

_TOKEN = re.compile(STRING + rb"|[\[\]{}]", re.DOTALL)
_KEY = re.compile(rb"[ \t\r\n]*:")
# No string of JSON holds a line feed, so what begins a line is no part of a text.
_COUNT = re.compile(rb',\n  "message_count": (\d{1,15}),')
_PROMPT = b',\n  "system_prompt": '
_MESSAGES = b'\n  "messages": '
_PART = 64 * 1024


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file: what it says about itself, and its messages in order.

    ``header`` is the outermost object without the messages, empty where the file is damaged.
    """

    header: dict[str, Any]
    sequence: FileSequence


@dataclass(frozen=True, slots=True)
class LogHead:
    """What a session log says before its messages. ``updated``: (seconds, aware) or ``None``."""

    session_id: str | None
    platform: str | None
    messages: int
    updated: tuple[float, bool] | None


def read_head(path: Path) -> LogHead | None:
    """Read a session log as far as its number of messages, a small part of it.

    ``None`` where that is not as Hermes writes it: only the whole file says then what it holds.
    Raises ``OSError`` where it cannot be opened or read.
    """
    head = b""
    with open_regular(path) as file:
        while (messages := _COUNT.search(head)) is None:
            chunk = file.read(_PART)
            if not chunk or len(head) > MOST_HEAD or _MESSAGES in head:
                return None
            head += chunk
    try:
        header = decode_record(head[: head.index(_PROMPT)] + b"}")
    except ValueError:
        return None
    session_id, platform = header.get("session_id"), header.get("platform")
    return LogHead(
        session_id=session_id if isinstance(session_id, str) else None,
        platform=platform if isinstance(platform, str) else None,
        messages=int(messages[1]),
        updated=parse_time(header.get("last_updated")),
    )


def read_log(path: Path) -> LogFile:
    """Read a session log, or an agent's list in the spool. Raises ``OSError`` as opening does.

    The first message gets the time at which the log says that the agent began, the last one that at
    which it was written.
    """
    log = _read(path, LISTED)
    sequence, header = log.sequence, log.header
    sequence.meta = session_meta(header)
    began, ended = parse_time(header.get("session_start")), parse_time(header.get("last_updated"))
    if len(sequence) and ended is not None:
        _stamp(sequence, len(sequence) - 1, ended)
    if len(sequence) > 1 and began is not None and (ended is None or began <= ended):
        _stamp(sequence, 0, began)
    return log


def _stamp(sequence: FileSequence, index: int, time: tuple[float, bool]) -> None:
    sequence.times[index] = time[0]
    if time[1]:
        sequence.flags[index] |= AWARE


def read_spooled(path: Path) -> LogFile:
    """Read a spool file that holds one message. Raises ``OSError`` as opening does."""
    return _read(path, SPOOLED)


def read_spool(path: Path) -> LogFile:
    """Read a spool file of either shape. Raises ``OSError`` as opening does."""
    one = read_spooled(path)
    return one if len(one.sequence) else read_log(path)


def read_dump(path: Path) -> LogFile:
    """Read what ``request_dump_<id>_*.json`` sent. Raises ``OSError`` as opening does."""
    return _read(path, DUMPED)


def spooled_session(header: dict[str, Any]) -> str | None:
    """Return the session that a spool file's message belongs to, where it says so."""
    data = header.get("data")
    inner = data.get("session_id") if isinstance(data, dict) else None
    key = header.get("session_key") if header.get("reason") == CAP_DROP else None
    for value in (inner, header.get("session_id"), key):
        if isinstance(value, str) and value:
            return value
    return None


def _read(path: Path, keys: tuple[str, ...]) -> LogFile:
    sequence = FileSequence(path)
    with open_regular(path) as file:
        data = file.read(MAX_LOG + 1)
        sequence.mtime_ns = os.fstat(file.fileno()).st_mtime_ns
    sequence.size = len(data)
    outline = _spans(data, keys) if len(data) <= MAX_LOG else None
    if outline is None:
        sequence.add_bad(BadLine(0, len(data), TOO_LARGE))
        return LogFile({}, sequence)
    spans, end = outline
    for record in _records(data, spans, end):
        sequence.add(record)
    return LogFile(_header(data, spans), sequence)


def _records(data: bytes, spans: list[tuple[int, int]], end: int | None) -> Iterator[Record]:
    for start, stop in spans:
        try:
            yield Line(start, stop - start, decode_record(data[start:stop]))
        except ValueError as error:
            yield BadLine(start, stop - start, str(error))
    if end is not None and data.strip():
        yield BadLine(end, len(data) - end, "torn")


def _header(data: bytes, spans: list[tuple[int, int]]) -> dict[str, Any]:
    """Decode the file with an empty object in place of each message."""
    parts = []
    done = 0
    for start, stop in spans:
        parts += [data[done:start], b"{}"]
        done = stop
    try:
        return decode_record(b"".join([*parts, data[done:]]))
    except ValueError:
        return {}


def _spans(data: bytes, keys: tuple[str, ...]) -> tuple[list[tuple[int, int]], int | None] | None:
    """Return the bounds of the objects at the path ``keys`` (``*``: any element of an array).

    The second value is where the text stops making sense: the end of the last complete message
    of a file whose brackets do not close, ``None`` for a whole file. Nothing where it has more
    parts than any log.
    """
    spans: list[tuple[int, int]] = []
    kinds: list[bytes] = []
    path: list[str] = []
    key = ""
    start = 0
    for number, token in enumerate(_TOKEN.finditer(data)):
        text = token.group()
        if number == MOST_TOKENS:
            return None
        if text[:1] == b'"':
            if len(kinds) <= len(keys) and kinds[-1:] == [b"{"] and _KEY.match(data, token.end()):
                key = text[1:-1].decode("utf-8", "replace")
        elif text in (b"{", b"["):
            if len(kinds) > DEEPEST:
                break
            path.append(key if kinds[-1:] == [b"{"] else "*")
            kinds.append(text)
            if text == b"{" and len(path) == len(keys) + 1 and tuple(path[1:]) == keys:
                start = token.start()
        else:
            if not kinds or (kinds[-1] == b"{") != (text == b"}"):
                break
            if text == b"}" and len(path) == len(keys) + 1 and tuple(path[1:]) == keys:
                spans.append((start, token.end()))
            kinds.pop()
            path.pop()
            if not kinds:
                return spans, None
    return spans, spans[-1][1] if spans else 0
