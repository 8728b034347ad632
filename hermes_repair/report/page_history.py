"""The page that ``history --html`` writes: every run, and its chats before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hermes_repair.app.run_details import ChatChanged, RunDetails
from hermes_repair.home.layout import Home
from hermes_repair.model.commands_to_type import command
from hermes_repair.model.words import count, day, minute, shorten, shown_id
from hermes_repair.report.audience import Audience
from hermes_repair.report.history_text import Unread
from hermes_repair.report.html_page import render
from hermes_repair.report.page_drawing import Strip, strip
from hermes_repair.report.page_hints import Typed, typed_parts

_STATES = {"done": "good", "undone": "note", "nothing done": "note", "unfinished": "error"}


@dataclass(frozen=True, slots=True)
class HistoryOfHome:
    """What was done in one home. ``why_not``: why its database could not be looked at."""

    home: Home
    runs: Sequence[RunDetails]
    unread: Unread
    next_to_undo: str | None
    why_not: str | None
    audience: Audience


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One chat before and after."""

    id: str
    name: str
    about: str
    change: str
    strip: Strip | None
    when: str
    picture: str


@dataclass(frozen=True, slots=True)
class ShownRun:
    """One run on the page; ``undo`` is the command that takes it back, where one would."""

    name: str
    command: str
    when: str
    state: str
    tone: str
    came_back: str
    steps: Sequence[tuple[str, str, str]]
    chats: Sequence[ShownChange]
    undo: Typed
    is_next: bool
    told: bool


def page(histories: Sequence[HistoryOfHome], made_at: float) -> str:
    """Return the page of these homes; titles stand in it where their audience may see them."""
    homes = [
        {
            "root": str(one.home.root),
            "profile": one.home.profile,
            "runs": [_run(run, one) for run in one.runs],
            "unread": [(path.stem, error.message) for path, error in one.unread],
            "why_not": one.why_not,
            "headline": _headline(one.runs),
        }
        for one in histories
    ]
    titles = any(one.audience.titles for one in histories)
    return render("history", made_at, homes=homes, titles=titles)


def _headline(runs: Sequence[RunDetails]) -> str:
    standing = [run for run in runs if run.entry.state == "done"]
    added = sum(chat.added for run in standing for chat in run.chats)
    chats = len({chat.session_id for run in standing for chat in run.chats if chat.added})
    if added:
        return f"{count(added, 'message')} came back in {count(chats, 'chat')}."
    if standing:
        return f"{count(len(standing), 'run')} changed something here."
    return "Nothing that was done here stands now." if runs else "Nothing was changed here yet."


def _run(run: RunDetails, of: HistoryOfHome) -> ShownRun:
    entry = run.entry
    added = sum(chat.added for chat in run.chats)
    undo: Typed = ()
    if entry.name == of.next_to_undo:
        undo = typed_parts(command("undo"), of.audience.home_option)
    elif entry.can_be_undone:
        undo = typed_parts(command("undo", entry.name), of.audience.home_option)
    return ShownRun(
        name=entry.name,
        command=entry.header.command,
        when=minute(entry.header.created),
        state=entry.state if entry.replaced_by is None else "replaced by a restore",
        tone=_STATES[entry.state] if entry.replaced_by is None else "note",
        came_back=count(added, "message") if added else "",
        steps=[(", ".join(step.findings), step.summary, step.state.value) for step in run.steps],
        chats=[_change(chat, of.audience) for chat in run.chats],
        undo=undo,
        is_next=entry.name == of.next_to_undo,
        told=run.told,
    )


def _change(chat: ChatChanged, audience: Audience) -> ShownChange:
    label = chat.label
    title = label.title if audience.titles and label is not None else None
    about = []
    if label is not None:
        about = [day(label.started_at)] if label.started_at is not None else []
        about += [shorten(label.source, 20)] if label.source else []
    parts = [f"{count(chat.added, 'message')} added"] if chat.added else []
    parts += [f"{count(chat.removed, 'double')} removed"] if chat.removed else []
    times = [t for part in chat.stretches if not part.database for t in (part.first, part.last)]
    known = [time for time in times if time is not None]
    had = sum(part.messages for part in chat.stretches if part.database)
    return ShownChange(
        id=shown_id(chat.session_id),
        name=shorten(title, 60) if title else shown_id(chat.session_id),
        about=" · ".join(about),
        change=", ".join(parts) or "rows moved",
        strip=strip(chat.stretches) if chat.stretches else None,
        when=f"{minute(min(known))} to {minute(max(known))}" if known else "",
        picture=f"Before: {count(had, 'message')}. After: {count(had + chat.added, 'message')}.",
    )
