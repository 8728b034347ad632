"""CP001 to CP004: the copies around a database: what only they have, which are no use, how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.evidence.kept_copies import Alone, Unusable
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.words import count, size, verb

COPIES = command("copies")
NAMED = 3
"""Copies that are named in a sentence; the data has all."""
MANY = 20
"""So many copies of states that others hold too are a pile, whatever their size."""
LARGE = 1 << 30
"""So many bytes of such copies are one, however few they are."""


@check("CP001", "only-in-copy", Severity.ERROR, Remedy.MANUAL, concerns=Concerns.COPIED)
def only_in_copy(scene: Scene) -> Iterator[Finding]:
    """A copy of the database has chats or messages that state.db has not.

    What it means: a .bak, a snapshot or another Hermes folder holds what no release can show you
    here. It is an error where state.db never held it (its message ids were never given here, and it
    is later than all that both have), or where a chat here counts more messages than it has, so
    that they were lost. It is only a note where state.db held it once: then you, `hermes sessions
    delete` or prune may have removed it on purpose.

    How it happens: state.db was put back from an older copy, two machines or folders went on from
    one copy, a damaged file was replaced (Hermes #41517, #89332, #100960), or a chat was deleted.

    What repair does: nothing by itself. `hermes-repair copies` lists every copy with what it alone
    has, and `hermes-repair merge FILE` brings what was never here; what may have been removed on
    purpose it brings only when you name the session.

    How safe it is: nothing is changed. A doctor compares a limited number of bytes, and every copy
    with `--deep`; `hermes-repair copies` always compares them all.
    """
    for alone in scene.copies.alone:
        if alone.copy.kind is not CopyKind.CAPTURE:
            yield only_in_copy.finding(
                _subject(alone.copy),
                f"{_whose(scene, alone.copy)} {_has(alone)}.",
                _to_bring(alone),
                data=_data(alone),
                identity=alone.chats,
                sessions=alone.new_chats,
                messages=alone.new_messages,
            )
    removed = scene.copies.removed
    if removed is not None:
        number = len(removed.chats)
        them = verb(number, "it", "them")
        yield only_in_copy.finding(
            DATABASE,
            f"{count(number, 'chat')} that may have been in state.db once"
            f" {verb(number, 'is', 'are')} only in copies of it now; {_short(scene, removed.copy)}"
            f" has {removed.most:,}.",
            advice(f"If you did not delete {them}, `{{}}` says where.", COPIES),
            severity=Severity.INFO,
            remedy=Remedy.NONE,
            data={"sessions": list(removed.chats), "copy": str(removed.copy.named)},
            identity=("removed", *removed.chats),
        )
    if scene.copies.uncompared:
        scene.notes.append(_not_compared(scene, scene.copies.uncompared))


def _not_compared(scene: Scene, copies: Sequence[DatabaseCopy]) -> str:
    """Return the sentence about copies that may have something, and were too much for a look."""
    more = f" and {count(len(copies) - 1, 'other copy')}" if len(copies) > 1 else ""
    have = verb(len(copies), "has", "have")
    named = f"{_short(scene, copies[0])}{more}"
    return f"What {named} {have} was not compared with state.db (--deep does it)."


@check("CP002", "capture-unmerged", Severity.ERROR, Remedy.MANUAL, concerns=Concerns.COPIED)
def capture_unmerged(scene: Scene) -> Iterator[Finding]:
    """Hermes set a -wal aside, and messages in it are not in state.db.

    What it means: a folder `state.db.retired-wal-...` beside state.db holds a -wal that was deleted
    or replaced while a process still wrote to it. What was committed there is in no other file, and
    Hermes does not merge it. Where its main file was too large to be captured with it (above 512
    MiB), or is too large for a look, it is a warning: what it has is not known yet.

    How it happens: a second process deletes state.db-wal under a running gateway; releases after
    0.19.0 notice, stop writing, and keep what they still hold (Hermes #110054, #109727, #109786).

    What repair does: nothing by itself. `hermes-repair copies` says what each capture has that
    state.db has not, and `hermes-repair merge FOLDER` brings it.

    How safe it is: nothing is changed. Keep the folder until what it has is here.
    """
    for alone in scene.copies.alone:
        if alone.copy.kind is CopyKind.CAPTURE:
            yield capture_unmerged.finding(
                _subject(alone.copy),
                f"{_short(scene, alone.copy)} {_has(alone)}: Hermes set that -wal aside and did"
                " not merge it.",
                _to_bring(alone),
                data=_data(alone),
                identity=alone.chats,
                sessions=alone.new_chats,
                messages=alone.new_messages,
            )
    for copy in scene.copies.unread:
        why = "without its main file" if copy.wal_alone else "and cannot be compared here"
        yield capture_unmerged.finding(
            _subject(copy),
            f"{_short(scene, copy)} holds a -wal that Hermes set aside {why}: it may have messages"
            " that state.db has not.",
            advice("To see what it has: {}", COPIES),
            severity=Severity.WARNING,
            data={"path": str(copy.named), "kind": copy.kind.name.lower()},
            identity=(copy.named.name,),
        )


@check("CP003", "copy-damaged", Severity.WARNING, Remedy.MANUAL)
def copy_damaged(scene: Scene) -> Iterator[Finding]:
    """A copy that you may count on is no use: damaged, cut off, empty, or without state.db.

    What it means: the file could not be put back. Of copies of a damaged database, which Hermes and
    hermes-repair call so by their names, nothing is said. A snapshot of `hermes update` leaves
    state.db out where that is above 1 GiB, says so in one line among many, and looks like any
    other (Hermes #66726).

    How it happens: a full disk, a copy made with `cp` while Hermes was writing, a bad disk; or
    state.db has grown above what Hermes still copies.

    What repair does: nothing. `hermes-repair backup` makes a copy that is verified, of any size.

    How safe it is: nothing is changed. A doctor lets SQLite check some copies page by page, newest
    first, and all of them with `--deep`; `hermes-repair copies` always checks all.
    """
    for one in scene.copies.unusable:
        yield copy_damaged.finding(
            _subject(one.copy),
            f"{_whose(scene, one.copy)} cannot be put back: {_reason(one)}.",
            advice("To make a verified copy: {}", command("backup")),
            data={"path": str(one.copy.named), "kind": one.copy.kind.name.lower(), "why": one.why},
            identity=(one.copy.named.name, one.why),
        )
    folder = scene.copies.incomplete
    if folder is not None:
        yield copy_damaged.finding(
            {"kind": "file", "path": str(folder)},
            f"Hermes' newest snapshot ({folder.name}) has no state.db: Hermes leaves files above 1"
            " GiB out of it. None of your chats is in it.",
            advice("To make a verified copy: {}", command("backup")),
            data={"path": str(folder), "kind": "snapshot", "why": "it has no state.db"},
            identity=(folder.name,),
        )


@check("CP004", "copies-pile-up", Severity.INFO, Remedy.MANUAL)
def copies_pile_up(scene: Scene) -> Iterator[Finding]:
    """Many copies beside state.db are copies of the same few states.

    What it means: they take room on the disk and say no more than one of each would. A full disk is
    itself a cause of damage.

    How it happens: releases from 0.17.0 on copy a state.db that they cannot open each time that
    they try to repair it: one install had 505 such files, 89 GB, of two states (Hermes #86747).

    What repair does: nothing: no copy is ever deleted for you. `hermes-repair copies` compares them
    byte for byte, and says which are the same and what each alone has.

    How safe it is: keep one file of each state until all that it has is in state.db.
    """
    pile = scene.copies.pile
    same = pile.copies - pile.states
    if same < MANY and pile.surplus < LARGE:
        return
    yield copies_pile_up.finding(
        DATABASE,
        f"{count(pile.copies, 'copy')} beside state.db take {size(pile.size)} and hold"
        f" {count(pile.states, 'state')}: {size(pile.surplus)} of them say nothing that another"
        " does not.",
        advice("To see which are the same: {}", COPIES),
        data={
            "copies": pile.copies,
            "states": pile.states,
            "bytes": pile.size,
            "surplus_bytes": pile.surplus,
        },
        identity=(pile.states,),
    )


def _subject(copy: DatabaseCopy) -> dict[str, Any]:
    return {"kind": "file", "path": str(copy.named)}


def _short(scene: Scene, copy: DatabaseCopy) -> str:
    return copy.below(scene.home.root)


def _whose(scene: Scene, copy: DatabaseCopy) -> str:
    return f"{_short(scene, copy)} ({copy.kind.value})"


def _has(alone: Alone) -> str:
    """Return what a copy has, as the end of a sentence."""
    parts = []
    chats = len(alone.chats)
    if alone.messages:
        parts.append(f"{count(alone.messages, 'message')} that state.db never held")
    if alone.lost:
        parts.append(f"{count(alone.lost, 'message')} that were lost here")
    return f"has {' and '.join(parts)} ({count(chats, 'chat')})"


def _to_bring(alone: Alone) -> Hint:
    """Return how to bring what a copy has: unasked what was never here, else by its name."""
    words = [str(alone.copy.named)]
    if not alone.messages:
        words += [word for id in alone.chats[:NAMED] for word in ("--session", id)]
    return advice("To see what it has: `{}`. To bring it: {}", COPIES, command("merge", *words))


def _data(alone: Alone) -> dict[str, Any]:
    return {
        "path": str(alone.copy.named),
        "kind": alone.copy.kind.name.lower(),
        "sessions": list(alone.chats),
        "never_here": alone.messages,
        "lost": alone.lost,
    }


def _reason(one: Unusable) -> str:
    return one.why.rstrip(".")
