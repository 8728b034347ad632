"""The file itself: can it be read, what lies beside it, is it what it was (DB001, 2, 5 and 8).

Whether the database is younger than what lies around it (DB008): each chat that only a file or a
copy has may have been deleted on purpose. Whether most of them ever were in this database can be
told all the same, by two facts about every release:

* Nothing in a database is older than the earliest thing that it ever held, while message id 1 is
  there to show it (:func:`hermes_repair.evidence.database_history.database_birth`).
* A message id is given out once. So a database that gave out few ids held few messages, whatever
  was deleted from it since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE
from hermes_repair.checks.ways_back import LEAVE_IT, ways_back
from hermes_repair.evidence.database_history import ids_without_row
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import (
    OlderCopy,
    find_remaining_files,
)
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, day, moment, shown_id
from hermes_repair.schema.recognise import STORE
from hermes_repair.store.file_state import Chat, FileState, SideFile
from hermes_repair.transcripts.verdicts import Comparison, Verdict

NAMED = 5
"""So many sessions are named in a sentence; the data has all."""
LIST_BACKUPS = command("backup list")


@check("DB001", "database-unreadable", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_unreadable(scene: Scene) -> Iterator[Finding]:
    """Nothing can be read from state.db: SQLite cannot open it, or it has no conversations.

    What it means: the file is empty, is not a database, has a damaged first page, or lacks Hermes'
    tables of sessions and messages. Opening it with Hermes can make things worse: SQLite deletes a
    -wal beside an empty file. Where only the first page of the file is gone and the -wal beside it
    has that page, nothing is lost (a warning): together the two are a whole database.

    How it happens: an update or a crash truncated the file, a sync tool or an editor replaced it,
    or the disk lost its first page (Hermes #68474, #97568, #98017).

    What repair does: nothing. `hermes-repair salvage` reads the file and what lies beside it page
    by page, says what it can read and what is lost, and makes a new database of it; `hermes-repair
    restore` puts a sound copy back.

    How safe it is: nothing is changed.
    """
    if scene.file.repeated is not None:
        return  # DB007
    if scene.file.unreadable is not None:
        yield _unreadable(
            scene,
            f"state.db cannot be read: {scene.file.unreadable.rstrip('.')}.",
            ways_back(scene),
            scene.file.unreadable,
        )
    elif scene.file.headless:
        yield database_unreadable.finding(
            DATABASE,
            "The first page of state.db is gone, and the -wal beside it has it: together they are"
            " whole.",
            "Nothing is lost: Hermes puts it back when it starts. Until then keep both together.",
            severity=Severity.WARNING,
            identity=("first page in the -wal",),
        )
    elif taken := _taken_names(scene):
        yield _unreadable(
            scene,
            f"state.db has no conversations that Hermes can write to: {' and '.join(taken)} is not"
            " a table.",
            f"{LEAVE_IT} DB009 says what has that name, and what to do.",
            "no table",
        )
    elif not scene.has_conversations:
        foreign = STORE.keys() & scene.structure.tables.keys()
        first = "move state.db away and start Hermes once" if foreign else "start Hermes once"
        yield _unreadable(
            scene,
            "state.db has no conversations: Hermes' tables of sessions and messages are missing.",
            advice(
                f"If there is no copy, {first}: it creates the tables. Then `{{}}` says what the"
                " files in sessions/ can bring back.",
                command("doctor"),
            ),
            "no conversations",
        )


def _taken_names(scene: Scene) -> list[str]:
    """Return the tables of conversations whose names something else has (DB009)."""
    taken = {*scene.structure.views, *scene.structure.virtual_tables}
    return [name for name in STORE if name in taken]


def _unreadable(scene: Scene, message: str, hint: Hint, identity: str) -> Finding:
    """Return DB001 with what the home has besides: files of chats, and copies."""
    remaining_files = find_remaining_files(scene.home)
    return database_unreadable.finding(
        DATABASE,
        " ".join(filter(None, [message, remaining_files.files, remaining_files.named_copies])),
        hint,
        data={
            "transcripts": remaining_files.transcripts,
            "session_logs": remaining_files.logs,
            "copies": [str(copy.path) for copy in remaining_files.copies],
        },
        identity=(identity,),
    )


IGNORE_WAL = command("repair", "--wal", "ignore")


@check("DB002", "stale-wal", Severity.FATAL, Remedy.MANUAL, file_level=True)
def stale_wal(scene: Scene) -> Iterator[Finding]:
    """The -wal beside state.db does not belong to it.

    What it means: nobody has the database open, yet there is a -wal that was not written for this
    state of the file: merging it damages the database, or numbers that SQLite only ever raises
    prove that it is from another moment. SQLite merges it silently on the next open, and on real
    installs that destroyed the file. The finding says which chats each of the two has.

    How it happens: state.db was restored or copied from another moment than its -wal, or a second
    process replaced one of the two (Hermes #101064, #109786). A crash does not cause it: the -wal
    that a crash leaves is merged, with the deletes and undone turns in it, as SQLite always does.

    What repair does: nothing by itself. Once you have decided which is right, `--wal use` merges it
    and `--wal ignore` sets it aside; both files are first copied to hermes-repair/backups/.
    `history` says where; `undo` does not revert your answer.

    How safe it is: only you can know which of the two you want, so no command writes until you have
    answered.
    """
    file = scene.file
    if file.side is SideFile.STALE:
        journal = not Path(f"{scene.home.database}-wal").exists()
        which = "rollback journal" if journal else "-wal"
        yield stale_wal.finding(
            DATABASE,
            f"The {which} beside state.db does not belong to it: without it the database is sound,"
            f" with it the database is damaged. {' '.join(_two_sides(file))}",
            advice("Do not start Hermes. To set it aside: {}", IGNORE_WAL),
            data={"state": "stale", **_sides_data(file)},
        )
    elif file.side is SideFile.AMBIGUOUS:
        yield stale_wal.finding(
            DATABASE,
            "The -wal beside state.db does not match its present state:"
            f" {'; '.join(file.differences)}. {' '.join(_two_sides(file))}",
            advice(
                "Do not start Hermes. Choose which is right: `{}` or `{}`",
                command("repair", "--wal", "use"),
                IGNORE_WAL,
            ),
            data={
                "state": "ambiguous",
                "differences": list(file.differences),
                **_sides_data(file),
            },
            identity=file.differences,
        )


def _two_sides(file: FileState) -> Iterator[str]:
    """Yield a sentence for each side, and one for the chats in which they differ."""
    for which, side in (("Without", file.alone), ("With", file.joined)):
        if side is None:
            yield f"{which} it the chats cannot be read."
            continue
        contents = f"{count(len(side.chats), 'session')}, {count(side.messages, 'message')}"
        last = f", the last from {moment(side.latest)}" if side.latest is not None else ""
        yield f"{which} it: {contents}{last}."
    differing = _differing(file)
    if differing:
        named = ", ".join(
            f"{shown_id(id)} ({_held(without)} without it, {_held(joined)} with it)"
            for id, without, joined in differing[:NAMED]
        )
        more = len(differing) - NAMED
        yield f"They differ in {named}{f' and {more:,} more' if more > 0 else ''}."


def _held(chat: Chat | None) -> str:
    return "none" if chat is None else str(chat.messages)


def _differing(file: FileState) -> list[tuple[str, Chat | None, Chat | None]]:
    """Return the sessions whose messages are not the same on both sides, with those."""
    without, joined = (side.chats if side else {} for side in (file.alone, file.joined))
    if file.alone is None or file.joined is None:
        return []
    return [
        (id, without.get(id), joined.get(id))
        for id in sorted(without.keys() | joined.keys())
        if without.get(id) != joined.get(id)
    ]


def _sides_data(file: FileState) -> dict[str, object]:
    """Return what each side has, for programs; None for one that cannot be read."""
    compared: dict[str, object] = {
        which: None
        if side is None
        else {"sessions": len(side.chats), "messages": side.messages, "latest": side.latest}
        for which, side in (("without_wal", file.alone), ("with_wal", file.joined))
    }
    return {
        **compared,
        "differing_sessions": [
            {
                "session_id": id,
                "without_wal": without.messages if without else None,
                "with_wal": joined.messages if joined else None,
            }
            for id, without, joined in _differing(file)
        ],
    }


@check("DB005", "hot-journal", Severity.WARNING, Remedy.MANUAL, file_level=True)
def hot_journal(scene: Scene) -> Iterator[Finding]:
    """A write to state.db was interrupted and has not been rolled back yet.

    What it means: there is a -journal beside state.db. The main file alone holds half of a write;
    the next program that opens it rolls that half back. This report describes the database after
    that.

    How it happens: a crash or power cut in the middle of a write, on installs that use a rollback
    journal instead of a WAL (network and VM filesystems).

    What repair does: nothing for this alone. If it has something else to do, it first copies
    state.db and its -journal; opening the database then rolls the half write back, as Hermes would.

    How safe it is: SQLite's own recovery; the copies stay in hermes-repair/backups/.
    """
    if scene.file.side is SideFile.HOT_JOURNAL:
        yield hot_journal.finding(
            DATABASE,
            "A write was interrupted: there is a -journal beside state.db; the next open rolls it"
            " back.",
            "Nothing is lost: start Hermes, and SQLite rolls the half write back.",
        )


COPIES_NAMED = 2
"""Copies that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around a database and never was in it: chats and messages of files, and copies."""

    chats: int
    messages: int
    copies: tuple[OlderCopy, ...]


@check("DB008", "database-replaced", Severity.ERROR, Remedy.UNSAFE)
def database_replaced(scene: Scene) -> Iterator[Finding]:
    """The database is newer than most chats in the files or copies around it.

    What it means: state.db was started from scratch, or replaced by another one. Hermes shows only
    what was said since; older chats are in transcript files, or in copies of the database.

    How it happens: a damaged database was moved away and Hermes created an empty one (#97568), a
    folder was restored without state.db, writes to it failed (#2914), or somebody wanted a fresh
    start.

    What repair does: nothing by itself. `hermes-repair backfill --all` shows every chat that a
    transcript file still has, and brings it back; `--before DATE` or session ids narrow it, and
    `undo` reverts it. `hermes-repair restore` replaces state.db by a whole copy of a database, and
    keeps the present one.

    How safe it is: it is proven that this database never held most of them: they ended before
    anything in it began, or it never gave out that many message ids. Whether you wanted them gone
    is not: any of them may have been deleted from the database before this one. If you did want a
    fresh start, accept the finding (`hermes-repair ack`).
    """
    around = _around(scene)
    if around is None:
        return
    began = _began(scene)
    since = f" (started on {day(began)})" if began is not None else ""
    listed = [f"{_chats(around.chats, around.messages)} only in files"] if around.chats else []
    listed += [
        f"{_chats(copy.sessions, copy.messages)} only in {copy.path}"
        for copy in around.copies[:COPIES_NAMED]
    ]
    more = len(around.copies) - COPIES_NAMED
    listed += [f"more in {count(more, 'other database')}"] if more > 0 else []
    what, what_not = ("most of what", "most of it not") if around.chats else ("what", "not")
    yield database_replaced.finding(
        DATABASE,
        f"state.db{since} never held {what} is around it: {'; '.join(listed)}. Any of it may have"
        f" been deleted on purpose, but {what_not} from this database.",
        _replace_hint(around),
        remedy=Remedy.UNSAFE if around.chats else Remedy.MANUAL,
        data={
            "began": began,
            "chats": around.chats,
            "messages": around.messages,
            "copies": [{**asdict(copy), "path": str(copy.path)} for copy in around.copies],
        },
        identity=(around.chats, len(around.copies)),
        sessions=around.chats,
        messages=around.messages,
    )


def _around(scene: Scene) -> Around | None:
    """Return what lies around the database, None where it is not younger than most of that."""
    alone = list(_not_here(scene))
    missing = sum(comparison.counts.missing for comparison in alone)
    older = sum(comparison.counts.missing for comparison in alone if comparison.before_database)
    freed = ids_without_row(scene) if missing > 2 * older else None
    never = max(older, 0 if freed is None else missing - freed)
    replaced = 2 * never > missing
    copies = scene.older_copies
    if not replaced and not copies:
        return None
    return Around(len(alone) if replaced else 0, missing if replaced else 0, copies)


def _not_here(scene: Scene) -> Iterator[Comparison]:
    """Yield the chats of which a transcript file has all, or a part from before this database.

    Session logs say nothing: every delete leaves them.
    """
    for answer in scene.comparisons.answers.values():
        comparison = answer.comparison
        if comparison is None or comparison.safe or not comparison.counts.missing:
            continue
        if comparison.verdict is Verdict.ONLY_IN_FILE or comparison.before_database:
            yield comparison


def _began(scene: Scene) -> float | None:
    if scene.birth is not None:
        return scene.birth
    return min((node.started_at for node in scene.nodes if node.started_at), default=None)


def _chats(chats: int, messages: int) -> str:
    return f"{count(chats, 'chat')} with {count(messages, 'message')}"


def _replace_hint(around: Around) -> Hint:
    if around.chats:
        return advice("To see what comes back: {}", command("backfill", "--all", "--dry-run"))
    return advice(
        "`{}` shows what each copy has. To see what comes back: {}",
        command("copies"),
        command("merge", str(around.copies[0].path), "--dry-run"),
    )
