"""What a look has seen and what not, so that "nothing is wrong" says of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hermes_repair.app.coverage import PROFILES, LeftOut, LookedAt
from hermes_repair.model.words import count
from hermes_repair.report.lines import Line


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
    yield Line(f"Checked: {told}.", "dim")
    left_out = "; ".join(one.why for one in _left_out(seen, every_profile))
    if left_out:
        yield Line(f"Not checked: {left_out}.", "dim")


def _left_out(seen: LookedAt, every_profile: bool) -> Iterator[LeftOut]:
    """Yield what this run leaves out: the other profiles are none of it where it visits all."""
    for one in seen.left_out:
        if not (every_profile and one.what == PROFILES):
            yield one
