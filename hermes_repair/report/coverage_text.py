"""What a look has seen and what not, so that "nothing is wrong" says of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from hermes_repair.report.escape import count
from hermes_repair.report.lines import Line

PROFILES = "profiles"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not looked at: ``what`` in a word for programs, ``why`` for people.

    ``what`` is ``checks``, ``file``, ``pages``, ``search-index``, ``profiles`` or ``hermes``;
    ``checks`` are ids, where it is about some.
    """

    what: str
    why: str
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expecting:
    """The install of Hermes that the database was held against; ``schema`` is its number."""

    release: str
    schema: int | None
    how: str


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What was looked at: the checks by id, and how much there was for them.

    ``file``: whether SQLite checked the file, its indexes against their tables included, ``whole``,
    in ``part`` or ``not`` at all. ``sessions`` and ``messages`` are None where they cannot be
    counted, ``hermes`` where no install was found.
    """

    checks: tuple[str, ...]
    file: str
    sessions: int | None
    messages: int | None
    transcripts: int
    session_logs: int
    hermes: Expecting | None
    left_out: tuple[LeftOut, ...]


def document(seen: LookedAt, *, every_profile: bool) -> dict[str, Any]:
    """Return the entry ``looked_at`` of the JSON document."""
    return {**asdict(seen), "left_out": [asdict(one) for one in _left_out(seen, every_profile)]}


def lines(seen: LookedAt, *, every_profile: bool) -> Iterator[Line]:
    """Yield what was looked at and what not, a line each."""
    files = {"whole": "the whole file", "part": "a part of the file", "not": ""}
    counted = (
        (seen.sessions, "session"),
        (seen.messages, "message"),
        (seen.transcripts, "transcript"),
        (seen.session_logs, "session log"),
    )
    parts = [count(len(seen.checks), "check"), files[seen.file]]
    parts += [count(number, noun) for number, noun in counted if number]
    told = ", ".join(part for part in parts if part)
    if seen.hermes is not None:
        release = seen.hermes.release or "of an unknown release"
        asks = f" (schema {seen.hermes.schema})" if seen.hermes.schema is not None else ""
        told += f"; the installed Hermes is {release}{asks}"
    yield Line(f"Looked at: {told}.", "dim")
    left_out = "; ".join(one.why for one in _left_out(seen, every_profile))
    if left_out:
        yield Line(f"Not looked at: {left_out}.", "dim")


def _left_out(seen: LookedAt, every_profile: bool) -> Iterator[LeftOut]:
    """Yield what this run leaves out: the other profiles are none of it where it visits all."""
    for one in seen.left_out:
        if not (every_profile and one.what == PROFILES):
            yield one
