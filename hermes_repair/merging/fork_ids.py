"""The session ids of forks that a merge makes: from where two chats went apart, never random."""

from __future__ import annotations

import re
import struct
from hashlib import blake2b

from hermes_repair.merging.sides import HistoryRow

_FORK = re.compile(r"fork-[0-9a-f]{8}-")
_LONGEST = 100
"""Characters of the other chat's id that are kept; Hermes makes file names of ids."""


def fork_id(session_id: str, shared: int, first: HistoryRow) -> str:
    """Return the id of the fork of a session.

    ``shared`` is how many rows the two begin with, ``first`` the next one of the source: the same
    source gives the same id, also when it went on. It does not begin as the id of the session does,
    because Hermes takes the beginning of an id for it as long as only one begins so.
    """
    time = b"" if first.timestamp is None else struct.pack(">d", first.timestamp)
    hasher = blake2b(session_id.encode("utf-8", "surrogatepass"), digest_size=4, person=b"fork")
    hasher.update(shared.to_bytes(8, "big") + first.key + time)
    return f"fork-{hasher.hexdigest()}-{session_id[:_LONGEST]}"


def is_fork_id(session_id: str) -> bool:
    """Whether a merge made the session of this id."""
    return _FORK.match(session_id) is not None
