"""What ``backfill --report`` and ``find`` say, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hermes_repair.app.backfill_report import Report
from hermes_repair.app.find_words import Found, Place
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile
from hermes_repair.evidence.hermes_search import Why
from hermes_repair.model.commands_to_type import Command, Hint, advice, command
from hermes_repair.model.words import count, day
from hermes_repair.report.audience import Audience, notes
from hermes_repair.report.lines import Line
from hermes_repair.transcripts.verdicts import Comparison, Verdict

QUIET = (Verdict.EQUAL, Verdict.NOTHING_IN_FILE)
COPIES = command("copies")
SHOWN_PER_SESSION = 3

NOT_FOUND = "not found by Hermes: "
SEARCH = {
    Why.SHOWN: "found by Hermes",
    Why.NOT_FOR_THE_AGENT: "found by Hermes, not by the agent's session_search",
    Why.QUERY: "not found by Hermes",
    Why.NO_SESSION: f"{NOT_FOUND}its session is gone",
    Why.UNDONE: f"{NOT_FOUND}it was undone",
    Why.COMPACTED: f"{NOT_FOUND}it was compacted",
    Why.TOOL_LEFT_OUT: f"{NOT_FOUND}this index has no tool results",
    Why.SESSION_LEFT_OUT: f"{NOT_FOUND}this index has no runs of timers and delegates",
    Why.NOT_INDEXED: f"{NOT_FOUND}the search index lacks it",
    Why.CUT: f"{NOT_FOUND}of a long tool result only the start is indexed",
    Why.STORED_AS_JSON: f"{NOT_FOUND}it is stored as JSON, beside a picture",
    Why.OTHER_WORDS: f"{NOT_FOUND}it has the words only as parts of others",
    Why.INDEX_DAMAGED: "the search index is damaged",
    Why.REBUILDING: "Hermes has yet to finish its search index",
    Why.UNKNOWN: "",
}
"""What is said of a message in the database, by why Hermes' search shows it or does not."""


def report_document(report: Report) -> dict[str, Any]:
    """Return how every file and its session stand to each other, as JSON."""
    return {
        "classification": report.tally(),
        "sessions": [_entry(comparison) for comparison in report.comparisons],
        "only_in_database": list(report.only_in_database),
        "witnesses": [asdict(auxiliary_file) for auxiliary_file in report.auxiliary_files],
        "unread": [{"file": name, "problem": why} for name, why in report.unread],
    }


def _entry(comparison: Comparison) -> dict[str, Any]:
    return {
        "session_id": comparison.session_id,
        "verdict": comparison.verdict.value,
        "finding": comparison.finding,
        "safe": comparison.safe,
        "reason": comparison.reason,
        "counts": asdict(comparison.counts),
    }


def report_lines(report: Report, audience: Audience) -> Iterator[Line]:
    """Yield how every file and its session stand to each other; equal ones only with -v."""
    for verdict, number in sorted(report.tally().items(), key=lambda item: -item[1]):
        yield Line(f"{verdict:<24} {count(number, 'session')}")
    yield Line("")
    for comparison in report.comparisons:
        if audience.verbose or comparison.verdict not in QUIET:
            counts = comparison.counts
            yield Line(
                f"{comparison.session_id}  {comparison.verdict.value}"
                f"{' (proven)' if comparison.safe else ''}: {count(counts.file, 'message')} in the"
                f" file, {counts.database:,} in the database, {counts.missing:,} only in the"
                f" file, {counts.later:,} from after the file's end. {comparison.reason}"
            )
    for auxiliary_file in report.auxiliary_files:
        if auxiliary_file.problem is not None:
            yield Line(f"{auxiliary_file.path}: {auxiliary_file.problem}")
        if auxiliary_file.only_here:
            yield Line(audience.typed(_only_there(auxiliary_file)))
    for name, why in report.unread:
        yield Line(f"{name} could not be read: {why}")


def _only_there(auxiliary_file: AuxiliaryFile) -> Hint:
    session = auxiliary_file.session_id
    text = "{}: only {} has {} of its {}; see them with `{}`"
    parts: list[Command | str] = [
        session or "no session",
        auxiliary_file.path,
        str(auxiliary_file.only_here),
        count(auxiliary_file.messages, "message"),
        command("find", "WORDS"),
    ]
    if auxiliary_file.offered:
        text += ", `{}` brings {} of them back"
        parts += [command("backfill", session or ""), str(auxiliary_file.offered)]
    return advice(f"{text}.", *parts)


def find_document(result: Found) -> dict[str, Any]:
    """Return where the words are as JSON: places, no text."""
    return {"places": [asdict(place) for place in result.places], "notes": list(result.notes)}


def find_lines(result: Found, audience: Audience) -> Iterator[Line]:
    """Yield where the words are, by session; with -v each message has its line."""
    sessions: dict[str, list[Place]] = {}
    for place in result.places:
        sessions.setdefault(place.session_id, []).append(place)
    if not sessions:
        yield Line("No message has these words: not in the database, not in a file, not in a copy.")
    if any(place.search_reason == Why.QUERY.value for place in result.places):
        yield Line(
            "Hermes' own search cannot read these words as typed; put them in double quotes there.",
            asked=True,
        )
    for session, places in sessions.items():
        yield Line(f"{session}: {count(len(places), 'message')}", "head", asked=True)
        shown = places if audience.verbose else places[:SHOWN_PER_SESSION]
        yield from (Line(f"  {_place(place)}", asked=True) for place in shown)
        if len(shown) < len(places):
            more = f"  and {len(places) - len(shown)} more; -v lists all"
            yield Line(more, "dim", asked=True)
    if any(all(place.where == "copy" for place in places) for places in sessions.values()):
        ever = advice("What is only in a copy: `{}` says whether it was ever here.", COPIES)
        yield Line(audience.typed(ever))
    yield from notes(result.notes)


def _place(place: Place) -> str:
    when = day(place.at) if isinstance(place.at, float) else str(place.at or "no time")[:10]
    if place.where == "file":
        return f"{place.path}, line {place.line}, {when}, {place.role}"
    inside = place.where == "database"
    search = SEARCH[Why(place.search_reason)] if inside and place.id is not None else ""
    where = "database" if inside else place.path
    parts = [where, f"id {place.id}", when, place.role, place.state, search]
    return ", ".join(part for part in parts if part)
