"""The session ids of forks that a merge makes: from where two chats went apart, never random."""

from __future__ import annotations

import re
import struct
from collections.abc import Container
from hashlib import blake2b

from hermes_repair.merging.sides import HistoryRow

_FORK = re.compile(r"fork-[0-9a-f]{8}-(.*)", re.DOTALL)
_LONGEST = 100
"""Characters of the other chat's id that are kept; Hermes makes file names of ids."""


def fork_id(session_id: str, shared: int, first: HistoryRow, taken: Container[str]) -> str:
    """Return the id of the fork of a session, none of those that the home has (``taken``).

    ``shared`` is how many rows the two begin with, ``first`` the next one of the source: the same
    source gives the same id, also when it went on. It does not begin as the id of the session does,
    because Hermes takes the beginning of an id for it as long as only one begins so. Where the
    home has that fork already and it became another chat, this is one more.
    """
    time = b"" if first.timestamp is None else struct.pack(">d", first.timestamp)
    hasher = blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=4, person=b"fork")
    hasher.update(shared.to_bytes(8, "big") + first.key + time)
    while (name := f"fork-{hasher.hexdigest()}-{beginning(session_id)}") in taken:
        hasher.update(b"another")
    return name


def origin(session_id: str) -> str | None:
    """Return what a fork that a merge made went apart from: the beginning of its id, which is all
    of it as a rule. None where no merge made the session.
    """
    found = _FORK.fullmatch(session_id)
    return found[1] if found is not None else None


def beginning(session_id: str) -> str:
    """Return as much of an id as forks of it have (:func:`origin`)."""
    return session_id[:_LONGEST]
