"""What ``copies`` says, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hermes_repair.app.known_copies import Copies, Difference, KnownCopy, Share, State
from hermes_repair.home.other_databases import CopyKind
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.words import SessionLabel, count, day, minute, shown_id, size
from hermes_repair.report.audience import Audience, notes
from hermes_repair.report.lines import Line

NAMED = 3
"""Sessions that are named for one reason; -v names all."""
RELATIONS = {
    "identical": "the same chats as state.db",
    "ancestor": "an earlier state of state.db",
    "descendant": "state.db, and what came later",
    "apart": "went apart from state.db",
    "unrelated": "nothing in common with state.db",
    "home-new": "state.db has never held anything",
    "home-emptied": "state.db was emptied since",
}
_STATES = {
    State.DAMAGED: "damaged",
    State.UNREADABLE: "cannot be read",
    State.EXPORT: "an export: what Hermes shows of its chats",
    State.WAL_ALONE: "a -wal without its main file",
    State.CLOSED: "could not be looked at",
}


def document(seen: Copies) -> dict[str, Any]:
    """Return the copies as JSON: paths, counts, times and ids."""
    return {
        "copies": [_entry(one) for one in seen.copies],
        "compared": seen.database is not None,
        "why_not": seen.why_not,
        "notes": list(seen.notes),
    }


def _entry(one: KnownCopy) -> dict[str, Any]:
    contents = one.inspected.contents
    return {
        "path": str(one.copy.named),
        "kind": one.copy.kind.name.lower().replace("_", "-"),
        "size": one.identity.bytes,
        "modified": one.identity.modified,
        "state": one.inspected.state.value,
        "why": one.inspected.why,
        "schema": contents.schema if contents else None,
        "sessions": contents.sessions if contents else None,
        "messages": contents.messages if contents else None,
        "oldest": contents.oldest if contents else None,
        "newest": contents.newest if contents else None,
        "same_as": str(one.same_as.named) if one.same_as is not None else None,
        "relation": one.compared.relation if one.compared else None,
        "alone": _alone_entry(one.compared) if one.compared else None,
        "brought": list(one.compared.brought) if one.compared else None,
        "asked": list(one.compared.asked) if one.compared else None,
        "chats": [asdict(chat) for chat in one.compared.chats] if one.compared else None,
    }


def _alone_entry(compared: Difference) -> dict[str, Any]:
    return {
        "never_here": asdict(compared.never_here),
        "removed_or_lost": asdict(compared.removed_or_lost),
        "unknown": asdict(compared.unknown),
    }


def lines(seen: Copies, audience: Audience) -> Iterator[Line]:
    """Yield the copies, those first that have something of their own; the same ones together."""
    yield Line("")
    if not seen.copies:
        make_one = advice("There is no copy of this database; `{}` makes one.", command("backup"))
        yield Line(audience.typed(make_one), asked=True)
        return
    if seen.why_not:
        yield Line(f"What each has was not compared: {seen.why_not.rstrip('.')}.", "error", True)
    different = [one for one in seen.copies if one.same_as is None]
    total = sum(one.identity.bytes for one in seen.copies)
    others = "" if len(different) == len(seen.copies) else f", {len(different):,} different"
    yield Line(f"{count(len(seen.copies), 'copy')}{others}, {size(total)} in all.", "head")
    same = Counter(one.same_as.path for one in seen.copies if one.same_as is not None)
    for one in sorted(different, key=_rank):
        yield Line("")
        yield from _lines(one, same[one.copy.path], audience)
        if seen.database is None and one.inspected.state is State.SOUND:
            yield from _put_back(one, audience)
        if audience.verbose:
            alike = (o for o in seen.copies if o.same_as is not None)
            yield from (
                Line(f"  the same: {other.copy.named}", "dim", asked=True)
                for other in alike
                if other.same_as == one.copy
            )
    if seen.notes:
        yield Line("")
    yield from notes(seen.notes)


def _rank(one: KnownCopy) -> int:
    """Return a smaller number for a copy that says more."""
    if one.compared is None:
        return 3
    if one.copy.kind is CopyKind.PROFILE:
        return 5
    if one.compared.never_here.messages:
        return 0
    return 1 if one.compared.unknown.messages else 2 if one.compared.alone else 4


def _lines(one: KnownCopy, same: int, audience: Audience) -> Iterator[Line]:
    yield Line(str(one.copy.named), "head", asked=True)
    parts = [one.copy.kind.value, minute(one.identity.modified), size(one.identity.bytes)]
    if same:
        parts.append(f"and {count(same, 'other copy')} with the same bytes")
    yield Line(f"  {', '.join(parts)}", asked=True)
    contents = one.inspected.contents
    if contents is not None:
        schema = f"schema {contents.schema}" if contents.schema is not None else "no known schema"
        said = [schema, count(contents.sessions, "session"), count(contents.messages, "message")]
        if contents.oldest is not None and contents.newest is not None:
            said.append(f"{day(contents.oldest)} to {day(contents.newest)}")
        yield Line(f"  {', '.join(said)}", asked=True)
    if one.inspected.state is not State.SOUND:
        why = f": {one.inspected.why}" if one.inspected.why else ""
        style = "" if one.inspected.state is State.EXPORT else "error"
        yield Line(f"  {_STATES[one.inspected.state]}{why}", style, asked=True)
    if one.compared is not None:
        yield from _difference(one, one.compared, audience)
    elif one.inspected.state in (State.WAL_ALONE, State.DAMAGED):
        yield _next("To see what can be read of it", one, audience, "--dry-run")


def _put_back(one: KnownCopy, audience: Audience) -> Iterator[Line]:
    """Yield how a sound copy is put back where there is no state.db that it could be held against.

    `restore` takes a file that is whole without anything beside it, and no other profile's.
    """
    yield Line("  sound", asked=True)
    whole = not one.identity.sides and one.copy.kind is not CopyKind.ARCHIVE
    if whole and one.copy.kind is not CopyKind.PROFILE:
        hint = advice("  -> To put it back: {}", command("restore", str(one.copy.path)))
        yield Line(audience.typed(hint), asked=True)


def _difference(one: KnownCopy, compared: Difference, audience: Audience) -> Iterator[Line]:
    sound = "sound, " if one.inspected.state is State.SOUND else "what can be read of it: "
    if one.copy.kind is CopyKind.PROFILE:
        yield Line(f"  {sound}its chats belong to that profile", asked=True)
        return
    relation = RELATIONS[compared.relation]
    if not compared.alone:
        yield Line(f"  {sound}{relation}; it has nothing that is not here", asked=True)
        return
    yield Line(f"  {sound}{relation}; it alone has:", asked=True)
    for word, share in _shares(compared):
        if share.messages:
            what = f"{count(len(share.sessions), 'chat')}, {count(share.messages, 'message')}"
            yield Line(f"    {word:<21} {what}", asked=True)
            yield from _chats(share, compared, audience)
    if one.copy.kind is CopyKind.ARCHIVE:
        yield Line("  -> To bring any of it, unpack its state.db, and merge that file.", asked=True)
        return
    if compared.brought:
        yield _next("To bring what was never here", one, audience)
    if compared.asked:
        named_ones = [word for id in compared.asked[:NAMED] for word in ("--session", id)]
        yield _next("To bring what you name", one, audience, *named_ones)


def _shares(compared: Difference) -> tuple[tuple[str, Share], ...]:
    return (
        ("never here", compared.never_here),
        ("removed here or lost", compared.removed_or_lost),
        ("unknown", compared.unknown),
    )


def _chats(share: Share, compared: Difference, audience: Audience) -> Iterator[Line]:
    """Yield which chats they are, each with the day, the place and the messages that it has."""
    known = {chat.session_id: chat for chat in compared.chats}
    shown = share.sessions if audience.verbose else share.sessions[:NAMED]
    for id in shown:
        chat = known.get(id)
        label = SessionLabel(chat.started_at, chat.source, chat.messages).words() if chat else ""
        yield Line(f"      {shown_id(id)}{f' [{label}]' if label else ''}", asked=True)
    if more := len(share.sessions) - len(shown):
        yield Line(f"      and {more:,} more; -v lists all", "dim", asked=True)


def _next(what: str, one: KnownCopy, audience: Audience, *words: str) -> Line:
    hint = advice(f"  -> {what}: {{}}", command("merge", str(one.copy.named), *words))
    return Line(audience.typed(hint), asked=True)
