"""What ``copies`` says of a copy: values, and what of them is remembered for the next look."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from hermes_repair.app.remembered_copies import Identity
from hermes_repair.evidence.opened_copies import Contents
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy

WORDS = ("never_here", "removed_or_lost", "unknown")
"""Why a copy may have something that the home has not."""


class State(Enum):
    """What a copy is good for."""

    SOUND = "sound"
    DAMAGED = "damaged"  # SQLite's own check complains about tables or the file
    UNREADABLE = "unreadable"  # no database, or not one that SQLite opens
    EXPORT = "export"  # sessions as `hermes sessions export` writes them
    WAL_ALONE = "wal-alone"  # a captured -wal without its main file
    CLOSED = "closed"  # it may not be read now


@dataclass(frozen=True, slots=True)
class Share:
    """Chats and messages of a copy that this home has not, for one reason; ids of the chats."""

    sessions: tuple[str, ...] = ()
    messages: int = 0


NOTHING = Share()


@dataclass(frozen=True, slots=True)
class Chat:
    """One session of a copy, so that a person can tell which it is; no title is kept of it."""

    session_id: str
    started_at: float | None
    source: str | None
    messages: int


SALVAGED_BYTES = 256 << 20
"""Of a damaged copy so many bytes are read page by page, some twenty seconds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A copy held against this home.

    ``relation`` is a word of :class:`~hermes_repair.merging.common_past.Relation`. ``never_here``,
    ``removed_or_lost`` and ``unknown`` are what only the copy has. ``brought`` are the sessions of
    the copy that a merge brings unasked, ``asked`` those that it brings when they are named.
    ``chats`` says of each session that is named here what it is.
    """

    relation: str
    never_here: Share = NOTHING
    removed_or_lost: Share = NOTHING
    unknown: Share = NOTHING
    brought: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    chats: tuple[Chat, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the copy has anything of its own."""
        shares = (self.never_here, self.removed_or_lost, self.unknown)
        return any(share.messages for share in shares)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is in one file, by itself: what a second look need not read again."""

    state: State
    why: str = ""
    contents: Contents | None = None


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """One copy. ``same_as`` is the newest file with the same bytes, where that is another one.

    ``identity`` has its bytes, with what lies beside the main file, and the time of its last
    change. ``compared`` is None where it could not be held against this home.
    """

    copy: DatabaseCopy
    identity: Identity
    inspected: Inspected
    same_as: DatabaseCopy | None = None
    compared: Difference | None = None

    @property
    def to_be_read(self) -> bool:
        """Whether it has first to be made a database: a captured -wal, an export, what is damaged.

        An archive is not, as a merge does not take it, and no more is another profile.
        """
        made = self.inspected.state in (State.DAMAGED, State.UNREADABLE, State.EXPORT)
        aside = (CopyKind.ARCHIVE, CopyKind.PROFILE)
        return self.copy.kind is CopyKind.CAPTURE or (made and self.copy.kind not in aside)

    @property
    def can_be_compared(self) -> bool:
        """Whether what is in it can be read, in a time that somebody waits for."""
        if self.to_be_read:
            return self.identity.bytes <= SALVAGED_BYTES
        return self.inspected.contents is not None

    def is_at(self, schema: int) -> bool:
        """Whether a merge reads it as it lies: a database at this schema number."""
        contents = self.inspected.contents
        return not self.to_be_read and contents is not None and contents.schema == schema


@dataclass(frozen=True, slots=True)
class Copies:
    """Every copy of a home's database, newest first of each kind.

    ``database`` is what was read of state.db, None where it cannot be read; ``why_not`` says why
    the copies were not held against it then. ``notes`` are what could not be looked at.
    """

    copies: tuple[KnownCopy, ...]
    database: dict[str, Any] | None
    why_not: str = ""
    notes: tuple[str, ...] = ()


def as_json(value: Inspected | Difference) -> dict[str, Any]:
    """Return a value as it is remembered."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(value), default=lambda one: one.value))
    return plain


def inspected_from(known: Any) -> Inspected | None:
    """Return what was remembered of a file by itself, None where that is not what it seems."""
    try:
        held = known["contents"]
        return Inspected(
            State(known["state"]), known["why"], Contents(**held) if held is not None else None
        )
    except (TypeError, KeyError, ValueError):
        return None


def difference_from(known: Any) -> Difference | None:
    """Return what was remembered of a comparison, None where that is not what it seems."""
    try:
        shares = {
            word: Share(tuple(known[word]["sessions"]), int(known[word]["messages"]))
            for word in WORDS
        }
        brought, asked = (tuple(map(str, known[word])) for word in ("brought", "asked"))
        chats = tuple(Chat(**one) for one in known["chats"])
        return Difference(
            str(known["relation"]), **shares, brought=brought, asked=asked, chats=chats
        )
    except (TypeError, KeyError, ValueError):
        return None
