"""What ``backfill --report`` and ``find`` say, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hermes_repair.app.backfill_report import Report
from hermes_repair.app.find_words import Found, Place
from hermes_repair.evidence.auxiliary_files import AuxiliaryFile
from hermes_repair.evidence.hermes_search import Why
from hermes_repair.model.commands_to_type import Command, Hint, advice, command
from hermes_repair.model.words import SessionLabel, count, day, shown_id
from hermes_repair.report.audience import Audience, notes
from hermes_repair.report.lines import Line
from hermes_repair.transcripts.verdicts import Comparison, Verdict

QUIET = (Verdict.EQUAL, Verdict.NOTHING_IN_FILE)
COPIES = command("copies")
SHOWN_PER_SESSION = 3
NAMED = 5  # sessions in one command

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
_MENDED = (Why.NOT_INDEXED.value, Why.INDEX_DAMAGED.value, Why.NO_SESSION.value)


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
    numbers = {id(place): number for number, place in enumerate(result.places)}
    return {
        "messages": [
            {"session_id": same[0].session_id, "places": [numbers[id(place)] for place in same]}
            for same in result.messages
        ],
        "titles": list(result.titled),
        "places": [_public(place) for place in result.places],
        "notes": list(result.notes),
    }


def _public(place: Place) -> dict[str, Any]:
    """Return a place without words of the conversation (R9)."""
    return {name: value for name, value in asdict(place).items() if name not in _NOT_SAID}


_NOT_SAID = ("key", "snippet")


def find_lines(result: Found, audience: Audience) -> Iterator[Line]:
    """Yield where the words are: a line for each message, by session; with -v all of them."""
    labels, found = audience.labels(result.labels), result.messages
    sessions: dict[str, list[tuple[Place, ...]]] = {}
    for same in found:
        sessions.setdefault(same[0].session_id, []).append(same)
    if not (sessions or result.titled):
        yield Line("No message has these words: not in the database, not in a file, not in a copy.")
    if any(place.search_reason == Why.QUERY.value for place in result.places):
        yield Line(
            "Hermes' own search cannot read these words as typed; put them in double quotes there.",
            asked=True,
        )
    for session in result.titled:
        sessions.setdefault(session, [])
    for session, messages in sessions.items():
        what = [count(len(messages), "message")] if messages else []
        what += ["its title"] if session in result.titled else []
        yield Line(f"{_session(session, labels)}: {', '.join(what)}", "head", asked=True)
        shown = messages if audience.verbose else messages[:SHOWN_PER_SESSION]
        for same in shown:
            yield from _message(same, audience)
        if len(shown) < len(messages):
            more = f"  and {len(messages) - len(shown)} more; -v lists all"
            yield Line(more, "dim", asked=True)
    if any(all(place.where == "copy" for place in same) for same in found):
        ever = advice("What is only in a copy: `{}` says whether it was ever here.", COPIES)
        yield Line(audience.typed(ever))
    yield from notes(result.notes)
    yield from _what_next(found, audience)


def _session(session: str, labels: Mapping[str, SessionLabel]) -> str:
    label = labels.get(session)
    return f"{shown_id(session)} ({label.words()})" if label is not None else shown_id(session)


def _message(places: Sequence[Place], audience: Audience) -> Iterator[Line]:
    """Yield one message with every place that it is in."""
    first = places[0]
    when = day(first.at) if isinstance(first.at, float) else str(first.at or "no time")[:10]
    inside = [_inside(place) for place in places if place.where == "database"]
    files = [f"in {p.path}, line {p.line}" for p in places if p.where == "file"]
    copies = [place.path for place in places if place.where == "copy"]
    if len(copies) > 1 and not audience.verbose:
        others = count(len(copies), "other database")
        files.append(f"in {others} ({copies[0]} and {len(copies) - 1} more)")
    else:
        files += [f"in {path}" for path in copies]
    where = "; ".join([*inside, *files])
    style = "" if inside else "warning"
    yield Line(f"  {when}, {first.role}: {where}", style, asked=True)
    snippet = next((place.snippet for place in places if place.snippet), "")
    if snippet and audience.titles:
        yield Line(f"    {snippet}", "dim", asked=True)


def _inside(place: Place) -> str:
    """Return how a message lies in the database; one that every list and search shows is right."""
    shown = place.state == "shown" and place.search_reason != Why.NO_SESSION.value
    search = SEARCH[Why(place.search_reason)] if place.id is not None else ""
    state = "" if place.state == "shown" else place.state
    known = [f"id {place.id}", state, search]
    return f"in the database{' ✓' if shown else ''} ({', '.join(part for part in known if part)})"


def _what_next(found: Sequence[Sequence[Place]], audience: Audience) -> Iterator[Line]:
    """Yield the command for what is out of sight: in files alone, hidden, or not searchable."""
    only_files: dict[str, None] = {}
    unseen = False
    for same in found:
        inside = [place for place in same if place.where == "database"]
        unseen = unseen or any(place.state == "hidden" for place in inside)
        unseen = unseen or any(place.search_reason in _MENDED for place in inside)
        if not inside and any(_of_session(place) for place in same):
            only_files[same[0].session_id] = None
    if only_files:
        yield audience.next(command("backfill", *list(only_files)[:NAMED], "--dry-run"))
    if unseen:
        yield audience.next(command("doctor"))


def _of_session(place: Place) -> bool:
    """Whether a place is in the transcript or the log of its session, which `backfill` reads."""
    name = place.path.rpartition("/")[2]
    return name in (f"{place.session_id}.jsonl", f"session_{place.session_id}.json")
