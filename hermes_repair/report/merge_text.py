"""A merge before and after, in words and as JSON. No title but for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hermes_repair.app.compared_sources import Held
from hermes_repair.app.merge_into_home import Merged, Preview
from hermes_repair.app.merge_into_profile import Moved
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.merging.common_past import Relation
from hermes_repair.merging.verdicts_of_chats import ChatVerdict, Reason, Verdict
from hermes_repair.model.commands_to_type import Command, advice, command, quoted
from hermes_repair.model.words import SessionLabel, count, shown_id, verb
from hermes_repair.report import json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.disk_text import space_entry, space_lines, wal_lines
from hermes_repair.report.lines import Line, as_asked

RELATIONS: Mapping[Relation, str] = {
    Relation.IDENTICAL: "has the same chats and messages as this home",
    Relation.ANCESTOR: "may be an earlier state of this home",
    Relation.DESCENDANT: "went on from what this home is",
    Relation.APART: "went its own way from a common past with this home",
    Relation.UNRELATED: "has no past in common with this home",
    Relation.HOME_NEW: "is merged into a home that never had a chat",
    Relation.HOME_EMPTIED: "has chats, and every message of this home was removed",
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.NEW: "new",
    Verdict.CONTINUED: "goes on",
    Verdict.FORK: "went two ways",
    Verdict.REMOVED_OR_LOST: "was here",
    Verdict.ASK: "in question",
    Verdict.EMPTY: "without messages",
    Verdict.SAME: "the same",
    Verdict.HOME_AHEAD: "ahead here",
}
REASONS: Mapping[Reason, str] = {
    Reason.REMOVED_HERE: "this home had it and has it no more",
    Reason.BROUGHT_BEFORE: "an earlier merge brought it, and it was removed since",
    Reason.HOME_EMPTIED: "every message of this home was removed",
    Reason.MAYBE_EARLIER_STATE: "the source may be an earlier state of this home",
    Reason.UNPROVEN_ROWS: "nothing proves that this home never had some of it",
    Reason.BEGAN_BEFORE: "it began before the two went apart, and all its messages are new",
    Reason.NO_SESSION_ROW: "its messages have no session of their own, here or there",
    Reason.WRONG_CLOCK: "its ids are new and its times are old",
    Reason.NEW_AFTER_REMOVED: "it goes on from messages that this home removed",
    Reason.UNDONE_HERE: "it goes on from what was undone here",
    Reason.PARENT_NOT_BROUGHT: "what it continues is not brought",
    Reason.TAKES_PLACE: "Hermes would open it in place of a chat that is here, or the reverse",
    Reason.CHILD_NOT_BROUGHT: "the source opens another session in its place; both come at once",
    Reason.CYCLE: "its parents lead back to it",
    Reason.UNREADABLE: "it has a value that no Hermes can read",
    Reason.PARTIAL_SOURCE: "messages before it may be missing from the source",
}


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return what a merge would do as JSON."""
    return {
        "sources": [_source_entry(held) for held in preview.held],
        "space": space_entry(preview.space),
    }


def _source_entry(held: Held) -> dict[str, Any]:
    source, compared = held.source, held.comparison
    return {
        "name": source.name,
        "kind": source.kind.value,
        "schema": source.started,
        "partial": source.partial,
        "notes": list(source.notes),
        "relation": compared.relation.value,
        "sessions": len(compared.source.sessions),
        "messages": compared.source.messages,
        "same": compared.same,
        "rows": _counts(compared.rows),
        "chats": _counts(compared.chats),
        "brought": [_chat_entry(one) for one in held.wanted],
        "left": [_chat_entry(one) for one in held.left],
    }


def _counts(counts: Any) -> dict[str, int]:
    return {
        "never_here": counts.never_here,
        "removed_or_lost": counts.removed_or_lost,
        "unknown": counts.unknown,
    }


def _chat_entry(one: ChatVerdict) -> dict[str, Any]:
    bring = one.bring
    return {
        "session": one.session_id,
        "verdict": one.verdict.value,
        "reason": one.reason.value if one.reason is not None else None,
        "into": bring.into if bring is not None else None,
        "messages": bring.messages if bring is not None else 0,
        "shared": one.shared,
        "lost": one.lost,
    }


def preview_lines(preview: Preview, audience: Audience) -> Iterator[Line]:
    """Yield what a merge would do."""
    for held in preview.held:
        yield Line("")
        yield from _source_lines(held, audience)
    if not preview.nothing_to_do:
        yield Line("")
        yield from space_lines(preview.space)
    if preview.live is not None:
        yield Line(f"Nothing can be merged now. {preview.live}", "warning", asked=True)


def _source_lines(held: Held, audience: Audience) -> Iterator[Line]:
    source, compared = held.source, held.comparison
    there = (
        f"{source.name}: {source.kind.value}, schema {source.started},"
        f" {count(len(compared.source.sessions), 'session')},"
        f" {count(compared.source.messages, 'message')}; it {RELATIONS[compared.relation]}."
    )
    yield Line(there, "head", asked=True)
    yield from (Line(f"  Note: {note}", "dim", asked=True) for note in source.notes)
    if compared.same:
        are = verb(compared.same, "is", "are")
        yield Line(f"  {count(compared.same, 'session')} {are} the same here.", "dim")
    if held.wanted:
        yield Line(f"  {_brings(held)}:", asked=True)
        yield from as_asked(_chat_lines(held, held.wanted, audience))
    elif not held.left:
        it = "What can be read of it" if compared.source.partial else "It"
        yield Line(f"  {it} has nothing that this home never had.", "good", asked=True)
    if held.left:
        one = verb(len(held.left), "it is", "they are")
        text = (
            f"  {count(len(held.left), 'chat')} only you can decide about;"
            f" {one} brought when you name the session:"
        )
        yield Line(text, "warning", asked=True)
        yield from as_asked(_chat_lines(held, held.left, audience))
        first = command("merge", source.named, "--session", held.left[0].session_id)
        yield Line(audience.typed(advice("  To bring one: {}", first)), asked=True)


def _brings(held: Held) -> str:
    rows = sum(one.bring.messages for one in held.wanted if one.bring is not None)
    return f"To bring: {count(len(held.wanted), 'chat')} with {count(rows, 'message')}"


def _chat_lines(held: Held, chats: tuple[ChatVerdict, ...], audience: Audience) -> Iterator[Line]:
    nodes = held.comparison.source.sessions
    labels = audience.labels({one.session_id: _label(nodes, one.session_id) for one in chats})
    for one in chats:
        bring = one.bring
        adds = count(bring.messages, "message") if bring is not None else "nothing"
        text = f"    {shown_id(one.session_id)} [{labels[one.session_id].words()}]"
        text += f": {VERDICTS[one.verdict]}, {adds} to add"
        if bring is not None and bring.into != one.session_id:
            text += f", as {bring.into} beside it"
        if one.reason is not None:
            text += f"; {REASONS[one.reason]}"
        if one.lost:
            text += "; this home has lost messages of it"
        yield Line(text)


def _label(nodes: Mapping[str, SessionNode], session_id: str) -> SessionLabel:
    node = nodes.get(session_id)
    if node is None:
        return SessionLabel(None, None, 0)
    return SessionLabel(node.started_at, node.source, node.active_rows, node.title)


def next_lines(preview: Preview, audience: Audience, again: Command) -> Iterator[Line]:
    """Yield what does a merge that was shown."""
    if not preview.nothing_to_do:
        yield Line(audience.typed(advice("Nothing was changed. Next: {}", again)), "head")


def result_document(result: Merged) -> dict[str, Any]:
    """Return what a merge did as JSON."""
    receipt = None
    if result.receipt is not None:
        receipt = {
            "id": result.receipt.stem,
            "path": str(result.receipt),
            "units": result.units,
            "actions": result.actions,
        }
    return {
        **preview_document(result.preview),
        "still_left": [
            {"source": held.source.name, **_chat_entry(one)}
            for held in result.left
            for one in held.left
        ],
        "recovered": result.recovered,
        "declined": result.declined,
        "receipt": receipt,
        "refused": [
            {"unit": unit.summary, **json_documents.reason(error)} for unit, error in result.refused
        ],
        "stopped": json_documents.reason(result.stopped) if result.stopped is not None else None,
        "wal_left": result.wal_left,
    }


def result_lines(result: Merged, audience: Audience, *, shown: bool) -> Iterator[Line]:
    """Yield what a merge did and what it left; ``shown``: the reader has seen what it would do."""
    yield from map(Line, result.recovered)
    if not shown:
        yield from preview_lines(result.preview, audience)
        yield Line("")
    if result.declined:
        yield Line("Nothing was changed.", asked=True)
        return
    if result.receipt is not None and result.units:
        chats = count(result.units, "chat")
        text = advice(
            f"Merged {chats} ({count(result.actions, 'change')}) and looked again. Receipt"
            f" {result.receipt.stem}; `{{}}` takes it back.",
            command("undo"),
        )
        yield Line(audience.typed(text), "good", asked=True)
    elif result.left and not result.refused:
        yield Line("Nothing was merged: all that is left needs your decision.", asked=True)
    elif not result.refused:
        yield Line("There was nothing to merge.", "good", asked=True)
    for unit, error in result.refused:
        text_of = f"Not done: {unit.summary}. {error.message} {audience.typed(error.hint)}"
        yield Line(text_of, "error", asked=True)
    left = sum(len(held.left) for held in result.left)
    if left and result.units:
        text = advice(
            f"{count(left, 'chat')} {verb(left, 'is', 'are')} left for you to decide about; `{{}}`"
            " lists them.",
            command("merge", *dict.fromkeys(h.source.named for h in result.left), "--dry-run"),
        )
        yield Line(audience.typed(text), "warning", asked=True)
    if result.stopped is not None:
        stopped = advice(
            "It stopped there: {} What is listed above as merged is done and stays. {}",
            result.stopped.message,
            result.stopped.hint,
        )
        yield Line(audience.typed(stopped), "error", asked=True)
    yield from wal_lines(result.wal_left)


def moving_lines(profile: str, sessions: Sequence[str]) -> Iterator[Line]:
    """Yield what a move to another profile is about."""
    listed = ", ".join(map(shown_id, sessions))
    text = f"To profile {profile}, and archived here: {count(len(sessions), 'session')} ({listed})."
    yield Line(text, asked=True)


def moved_document(done: Moved, profile: str) -> dict[str, Any]:
    """Return what became of a lineage that was to go to another profile, as JSON."""
    return {
        **result_document(done.merged),
        "moved": {
            "profile": profile,
            "sessions": list(done.sessions),
            "archived": done.archived,
            "receipt": done.receipt.stem if done.receipt is not None else None,
            "stays": done.stays or None,
        },
    }


def moved_lines(done: Moved, audience: Audience, *, shown: bool) -> Iterator[Line]:
    """Yield what became of a lineage that was to go to another profile."""
    there = replace(audience, home_option=f" --home {quoted(str(done.there))}")
    yield from result_lines(done.merged, there, shown=shown)
    if done.merged.declined:
        return
    if done.stays:
        yield Line(f"Not archived here: {done.stays}.", "warning", asked=True)
    elif done.receipt is not None:
        text = advice(
            f"Archived here: {count(done.archived, 'session')}. Receipt {done.receipt.stem};"
            " `{}` brings them back.",
            command("undo"),
        )
        yield Line(audience.typed(text), "good", asked=True)
