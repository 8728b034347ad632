"""What ``forks`` says: halves side by side, and what each release makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hermes_repair.app.lineage_views import Forks, Half, Led, Seen, Spoken
from hermes_repair.lineage.forks import Holds
from hermes_repair.model.commands_to_type import command, typed
from hermes_repair.model.words import SessionLabel, cells, count, moment, pad, shorten
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line, as_asked

HOLDS = {
    Holds.WORDS: "words of its own",
    Holds.COPIES: "copies only",
    Holds.REVIEW: "a background review",
    Holds.NOTHING: "nothing",
}
CONTENT_LENGTH = 100
"""Characters of a message that ``--show-content`` shows."""


def lines(forked: Forks, audience: Audience) -> Iterator[Line]:
    """Yield the forks side by side, and what to type where nothing is to be resolved yet."""
    if not forked.forks:
        yield Line("No conversation here is forked.", "good")
        return
    for fork in forked.forks:
        yield from as_asked(_fork(fork, audience))
    if all(fork.outcome is None for fork in forked.forks):
        words = ["SESSION", "--resolve", "branch"]
        if len(forked.forks) == 1:
            words[0] = forked.forks[0].fork.parent_id
            live = forked.forks[0].fork.live
            if live.session_id is None:  # without a proof of which half is live it has to be named
                words += ["--keep", str(live.suggestion)]
        yield Line("")
        yield audience.next(command("forks", *words, "--dry-run"))


def reasons(refused: Sequence[Seen], audience: Audience) -> str:
    """Return why these forks cannot be resolved as wished, of the first three."""
    sentences = [
        f"{fork.fork.parent_id}: {typed(fork.outcome.reason, audience.home_option)}"
        for fork in refused[:3]
        if fork.outcome is not None
    ]
    more = len(refused) - len(sentences)
    return "; ".join(sentences) + (f"; and {count(more, 'more fork')}" if more else "")


def _labels(view: Seen) -> dict[str, SessionLabel]:
    nodes = [view.parent, *(half.node for half in view.halves)]
    return {
        node.id: SessionLabel(node.started_at, node.source, node.active_rows, node.title)
        for node in nodes
    }


def _fork(view: Seen, audience: Audience) -> Iterator[Line]:
    """Yield one fork as text, with what the reader may see of each session (R9)."""
    fork, labels = view.fork, audience.labels(_labels(view))
    yield Line("")
    yield Line(
        f"{fork.parent_id} ({labels[fork.parent_id].words()}) was continued"
        f" {len(fork.siblings)} times",
        "head",
    )
    yield from (Line(f"  {row}", verbatim=True) for row in _table(view, labels))
    for led in view.led:
        yield Line(f"  {_releases(led)} {_leads(led)}", "dim")
    for half in view.halves:
        yield from _own_words(half)
    if view.outcome is not None and not view.outcome.possible:
        reason = audience.typed(view.outcome.reason)
        yield Line(f"  cannot be resolved this way: {reason}", "error")


def _table(view: Seen, labels: Mapping[str, SessionLabel]) -> Iterator[str]:
    """Yield the halves side by side, one row for each thing that is told of them."""
    columns = [dict(_facts(view, half, labels)) for half in view.halves]
    rows = [
        [name, *(column[name] or "-" for column in columns)]
        for name in columns[0]
        if any(column[name] for column in columns)
    ]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(pad, row, widths)).rstrip()


def _facts(view: Seen, half: Half, labels: Mapping[str, SessionLabel]) -> Iterator[tuple[str, str]]:
    sibling, live = half.sibling, view.fork.live
    yield "session", sibling.session_id
    yield "title", shorten(labels[sibling.session_id].title or "", 28)
    state = "live" if sibling.session_id == live.session_id else ""
    if live.session_id is None and sibling.session_id == live.suggestion:
        state = "suggested"
    yield "state", state
    yield "routed", "yes" if sibling.session_id in live.routed else "no"
    yield "began", moment(half.node.started_at)
    yield "ended", half.node.end_reason or ("open" if half.node.is_open else "yes")
    yield "shared", count(sibling.shared, "message")
    yield "splits at", moment(sibling.diverges_at)
    yield "its own", count(len(sibling.own), "message")
    yield "from", ", ".join(f"{n} {role}" for role, n in _roles(half.own).items())
    yield "latest", moment(sibling.latest)
    yield "holds", HOLDS[sibling.holds]
    yield "continues in", ", ".join(sibling.chain[1:])


def _roles(own: Sequence[Spoken]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for message in own:
        numbers[message.role] = numbers.get(message.role, 0) + 1
    return numbers


def _releases(led: Led) -> str:
    return led.first if led.first == led.last else f"{led.first} to {led.last}"


def _leads(led: Led) -> str:
    if led.lists == led.resumes:
        return f"list and resume {led.lists}"
    return f"list {led.lists} and resume {led.resumes}"


def _own_words(half: Half) -> Iterator[Line]:
    """Yield the messages that only this half has, where their text was asked for."""
    messages = [message for message in half.own if message.content is not None]
    if messages:
        yield Line(f"  only in {half.sibling.session_id}:")
    for message in messages:
        words = shorten(message.content or "", CONTENT_LENGTH)
        yield Line(f"    {moment(message.at)}  {message.role}: {words}")


def document(forked: Forks) -> dict[str, Any]:
    """Return the forks as JSON: ids, counts and times only."""
    return {"forks": [_entry(fork) for fork in forked.forks]}


def _entry(view: Seen) -> dict[str, Any]:
    fork, outcome = view.fork, view.outcome
    document: dict[str, Any] = {
        "parent": fork.parent_id,
        "live": fork.live.session_id,
        "by": fork.live.by.value,
        "suggestion": fork.live.suggestion,
        "siblings": [_sibling(view, half) for half in view.halves],
        "releases": [
            {"from": led.first, "to": led.last, "lists": led.lists, "resumes": led.resumes}
            for led in view.led
        ],
    }
    if outcome is not None:
        document["resolution"] = {
            "keep": outcome.keep,
            "possible": outcome.possible,
            "safety": outcome.safety,
            "reason": str(outcome.reason),
            "merged": dict(outcome.merged),
            "left_out": {name: dict(reasons) for name, reasons in outcome.left_out.items()},
        }
    return document


def _sibling(view: Seen, half: Half) -> dict[str, Any]:
    sibling, node = half.sibling, half.node
    return {
        "session_id": sibling.session_id,
        "live": sibling.session_id == view.fork.live.session_id,
        "routed": sibling.session_id in view.fork.live.routed,
        "started_at": node.started_at,
        "ended_at": node.ended_at,
        "end_reason": node.end_reason,
        "messages": node.active_rows,
        "shared": sibling.shared,
        "own": len(sibling.own),
        "own_roles": _roles(half.own),
        "diverges_at": sibling.diverges_at,
        "latest": sibling.latest,
        "holds": sibling.holds.value,
        "chain": list(sibling.chain),
    }
