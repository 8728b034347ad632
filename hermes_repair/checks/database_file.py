"""The file itself: can it be read, is it sound, and what lies beside it (DB001 to DB006)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import RemainingFiles, find_remaining_files
from hermes_repair.model.commands_to_type import Hint, advice, command, quoted
from hermes_repair.model.escape import shown_id
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count, moment, verb
from hermes_repair.schema.recognise import STORE, holds_conversations
from hermes_repair.store.chats import Chat
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import FileState, SideFile
from hermes_repair.store.integrity import Disagreement

DATABASE = {"kind": "database"}
LINES = 20
"""So many of SQLite's complaints are kept of a damaged file."""
NAMED = 5
"""So many sessions are named in a sentence; the data has all."""
LEAVE_IT = "Do not start Hermes with it."
LIST_BACKUPS = command("backup list")
LOOK_FOR_COPIES = advice(
    f"{LEAVE_IT} Look for copies: `{{}}`, state-snapshots/, *.bak next to it.", LIST_BACKUPS
)


@check("DB001", "database-unreadable", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_unreadable(scene: Scene) -> Iterator[Finding]:
    """Nothing can be read from state.db: SQLite cannot open it, or it has no conversations.

    What it means: the file is empty, is not a database, has a damaged first page, or lacks Hermes'
    tables of sessions and messages. Opening it with Hermes can make things worse: SQLite deletes a
    -wal beside an empty file.

    How it happens: an update or a crash truncated the file, a sync tool or an editor replaced it,
    or the disk lost its first page (Hermes #68474, #97568, #98017).

    What repair does: nothing. The data has to come from a copy or from a recovery tool; see
    `hermes-repair backup list` and the JSONL files in sessions/.

    How safe it is: nothing is changed.
    """
    if scene.file.unreadable is not None:
        yield _unreadable(
            scene,
            f"state.db cannot be read: {scene.file.unreadable.rstrip('.')}.",
            LOOK_FOR_COPIES,
            scene.file.unreadable,
        )
    elif taken := _taken_names(scene):
        yield _unreadable(
            scene,
            f"state.db has no conversations that Hermes can write to: {' and '.join(taken)} is not"
            " a table.",
            f"{LEAVE_IT} DB009 says what has that name, and what to do.",
            "no table",
        )
    elif not holds_conversations(scene.structure):
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


def _unreadable(scene: Scene, message: str, without_copies: Hint, identity: str) -> Finding:
    """Return DB001 with what the home has besides: files of chats, and copies to put back."""
    remaining_files = find_remaining_files(scene.home)
    return database_unreadable.finding(
        DATABASE,
        f"{message} {remaining_files.files}".rstrip(),
        _put_back(remaining_files) or without_copies,
        data={
            "transcripts": remaining_files.transcripts,
            "session_logs": remaining_files.logs,
            "copies": [str(copy.path) for copy in remaining_files.copies],
        },
        identity=(identity,),
    )


def _put_back(remaining_files: RemainingFiles) -> Hint | None:
    """Return the hint that names the copies, None where there are none."""
    if not remaining_files.copies:
        return None
    return advice(
        "{} {} `{}` restores a sound one.",
        LEAVE_IT,
        remaining_files.named_copies,
        command("restore", "FILE"),
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
        yield stale_wal.finding(
            DATABASE,
            "The -wal beside state.db does not belong to it: without it the database is sound,"
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
        told = f"{count(len(side.chats), 'session')}, {count(side.messages, 'message')}"
        last = f", the last from {moment(side.latest)}" if side.latest is not None else ""
        yield f"{which} it: {told}{last}."
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
    found: dict[str, object] = {
        which: None
        if side is None
        else {"sessions": len(side.chats), "messages": side.messages, "latest": side.latest}
        for which, side in (("without_wal", file.alone), ("with_wal", file.joined))
    }
    return {
        **found,
        "differing_sessions": [
            {
                "session_id": id,
                "without_wal": without.messages if without else None,
                "with_wal": joined.messages if joined else None,
            }
            for id, without, joined in _differing(file)
        ],
    }


@check("DB003", "database-damaged", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_damaged(scene: Scene) -> Iterator[Finding]:
    """SQLite's own check of the file finds damage.

    What it means: pages or rows of tables inside state.db are broken, or two tables claim one page.
    What can still be read may be incomplete, and writing to it makes it worse. Pages that belong to
    nothing are only a note: a rebuilt index leaves them, or a table that is older than they are.

    How it happens: a full disk, a power cut, two processes that lost each other's locks, or a
    library with SQLite's WAL-reset bug (Hermes #45383, #89737).

    What repair does: nothing; it refuses to write to a damaged file. The way back is an older copy,
    or a recovery into a new file.

    How safe it is: nothing is changed.
    """
    found = scene.file.soundness
    if found is None or scene.file.unreadable is not None or scene.file.side is SideFile.STALE:
        return
    if found.damage:
        yield database_damaged.finding(
            DATABASE,
            f"SQLite finds damage in state.db ({count(len(found.damage), 'line')}).",
            _put_back(find_remaining_files(scene.home)) or LOOK_FOR_COPIES,
            data={"quick_check": list(found.damage[:LINES])},
            identity=found.damage[:LINES],
        )
    elif found.lost:
        pages = count(found.lost, "page")
        yield database_damaged.finding(
            DATABASE,
            f"{pages} of state.db {verb(found.lost, 'belongs', 'belong')} to nothing; no table or"
            " index lacks them.",
            "Nothing needs to be done: VACUUM frees the space.",
            severity=Severity.INFO,
            data={"pages": found.lost},
        )


@check("DB004", "foreign-key-violation", Severity.ERROR, Remedy.MANUAL)
def foreign_key_violation(scene: Scene) -> Iterator[Finding]:
    """Rows of a table refer to a session that does not exist.

    What it means: token counts, topic bindings or the like belong to a session that is gone.
    Messages and child sessions whose session is missing have findings of their own (MS003, LN001).

    How it happens: rows were deleted by a program that does not enforce foreign keys, or a copy was
    incomplete.

    What repair does: nothing; the rows alone do not tell which one is wrong.

    How safe it is: nothing is changed.
    """
    counted: dict[tuple[str, str], int] = {}
    covered = {("sessions", "sessions"), ("messages", "sessions")}
    for table in scene.structure.tables.values():
        for key in table.foreign_keys:
            if (table.name, key.table) in covered or len(key.columns) != 1:
                continue
            parent = scene.structure.tables.get(key.table)
            target = key.references[0] or (parent.key[0] if parent and parent.key else None)
            if parent is None or target is None:
                continue
            row = scene.look.one(
                f'SELECT COUNT(*) FROM "{table.name}" c WHERE c."{key.columns[0]}" IS NOT NULL AND'
                f' NOT EXISTS (SELECT 1 FROM "{key.table}" p WHERE p."{target}" ='
                f' c."{key.columns[0]}")'
            )
            if row and isinstance(row[0], int) and row[0]:
                counted[table.name, key.table] = row[0]
    for (table_name, parent_name), number in sorted(counted.items()):
        yield foreign_key_violation.finding(
            {"kind": "table", "table": table_name},
            f"{count(number, 'row')} of {table_name} {verb(number, 'refers', 'refer')} to"
            f" {parent_name} that do not exist.",
            "Nothing needs to be done: Hermes does not show these rows.",
            data={"rows": number, "parent": parent_name},
            identity=(number,),
        )


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


@check("DB006", "index-disagrees", Severity.ERROR, Remedy.MANUAL, file_level=True)
def index_disagrees(scene: Scene) -> Iterator[Finding]:
    """An index does not have the rows of its table.

    What it means: whoever reads through that index, Hermes included, misses rows that exist, or
    sees rows that are gone. The rows themselves are complete. A UNIQUE index that lost entries lets
    in a second session with the same id or title.

    How it happens: a page of the index was not written, or an older one came back: a full disk, a
    power cut, a copy of a database in use, or two processes that lost each other's locks (Hermes
    #63398, #68653). SQLite's quick_check does not see it.

    What repair does: nothing yet. Until the index is fixed, nothing that reads through it is
    checked or repaired, because existing rows would look lost. Stop Hermes, keep a copy of
    state.db, and let SQLite rebuild the index (`REINDEX`) with the command that the doctor prints.
    Locks are still freed.

    How safe it is: REINDEX reads the table and writes only the index. It is not offered where the
    index has entries that the table lacks, because then the table may have lost rows and the index
    may be right. Nor where a UNIQUE index let something in twice: SQLite refuses, and only you can
    say which of the two goes.
    """
    if scene.file.side is SideFile.STALE:
        return
    for found in scene.file.disagreeing:
        yield index_disagrees.finding(
            {"kind": "index", "index": found.index, "table": found.table},
            f"{found.words()}.",
            _make_anew(scene, found),
            data={
                "rows": found.rows,
                "entries": found.entries,
                "missing": found.missing,
                "surplus": found.surplus,
                "doubled": found.doubled,
            },
        )


def _make_anew(scene: Scene, found: Disagreement) -> Hint:
    """Return what to type: SQLite through Python, for who has Hermes has that."""
    if found.surplus:
        return advice(
            "Stop Hermes and keep a copy of state.db. Either the index is old, or the table lost"
            " rows: only an older copy can tell. `{}` shows yours.",
            LIST_BACKUPS,
        )
    if found.doubled:
        return advice(
            "Stop Hermes. `hermes-repair explain DB006` says why SQLite cannot rebuild it, and"
            " `{}` shows older copies.",
            LIST_BACKUPS,
        )
    index = found.index if found.index.isidentifier() else quote(found.index)
    path, sql = str(scene.home.database), f"REINDEX {index}"
    code = f"import sqlite3; sqlite3.connect({json.dumps(path)}).execute({json.dumps(sql)})"
    return f"Stop Hermes and keep a copy of state.db, then: python3 -c {quoted(code)}"
