"""``find`` from options to an exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hermes_repair.app import find_words as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import ExitCode
from hermes_repair.model.words import count, day
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, as_asked

SHOWN_PER_SESSION = 3


def find(target: Target, words: str) -> int:
    """Say where the words are, in every home that is meant."""

    def work(home: Home, environment: Environment) -> tuple[ExitCode, dict[str, Any] | None]:
        found = app.find(home, environment, words)
        if target.as_json:
            return ExitCode.OK, {
                **json_documents.envelope(str(home.root), place_of(home)),
                "places": [asdict(place) for place in found.places],
                "notes": list(found.notes),
            }
        target.say([*heading(home), *_lines(found, target)])
        return ExitCode.OK, None

    return each_home(target, work)


def _lines(found: app.Found, target: Target) -> list[Line]:
    groups: dict[str, list[app.Place]] = {}
    for place in found.places:
        groups.setdefault(place.session_id, []).append(place)
    lines: list[Line] = []
    if not groups:
        return [
            Line("No message has these words: not in the database, not in a file, not in a copy."),
            *_notes(found),
        ]
    for session, places in groups.items():
        lines.append(Line(f"{session}: {count(len(places), 'message')}", "head"))
        kept = places if target.verbose else places[:SHOWN_PER_SESSION]
        lines += [Line(f"  {_words(place)}") for place in kept]
        if len(kept) < len(places):
            lines.append(Line(f"  and {len(places) - len(kept)} more; -v lists all", "dim"))
    return [*as_asked(lines), *_notes(found)]


def _notes(found: app.Found) -> list[Line]:
    return [Line(f"Note: {note}", "dim") for note in found.notes]


def _words(place: app.Place) -> str:
    when = day(place.at) if isinstance(place.at, float) else str(place.at or "no time")[:10]
    if place.where == "file":
        return f"{place.path}, line {place.line}, {when}, {place.role}"
    index = ", not in the search index" if place.indexed is False else ""
    where = "database" if place.where == "database" else place.path
    return f"{where}, id {place.id}, {when}, {place.role}, {place.state}{index}"
