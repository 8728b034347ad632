"""The file itself: can it be read, is it sound, and what lies beside it (DB001 to DB006)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.remaining_files import RemainingFiles, find_remaining_files
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.escape import shown_id
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.printed_commands import quoted
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
LEAVE_IT = "Do not start Hermes on it."
LOOK_FOR_COPIES = (
    f"{LEAVE_IT} Look for copies: `hermes-repair backup list`, state-snapshots/, *.bak beside it."
)


@check("DB001", "database-unreadable", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_unreadable(scene: Scene) -> Iterator[Finding]:
    """Nothing can be read in state.db: SQLite cannot open it, or it has no conversations.

    What it means: the file is empty, is no database, its first page is damaged, or it is a database
    without Hermes' tables of sessions and messages. Opening it with Hermes can make it worse:
    SQLite deletes a -wal that lies beside an empty file.

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
            f"state.db has no conversations that Hermes can write to: {' and '.join(taken)} is no"
            " table there.",
            f"{LEAVE_IT} DB009 says what has its name, and what to do.",
            "no table",
        )
    elif not holds_conversations(scene.structure):
        foreign = STORE.keys() & scene.structure.tables.keys()
        first = "move state.db away and start Hermes once" if foreign else "start Hermes once"
        yield _unreadable(
            scene,
            "state.db has no conversations: Hermes' tables of sessions and messages are not there.",
            f"Without a copy, {first}: it makes the tables. After that `hermes-repair doctor` says"
            " what the files in sessions/ can give back.",
            "no conversations",
        )


def _taken_names(scene: Scene) -> list[str]:
    """Return the tables of conversations whose names something else has (DB009)."""
    taken = {*scene.structure.views, *scene.structure.virtual_tables}
    return [name for name in STORE if name in taken]


def _unreadable(scene: Scene, message: str, without_copies: str, identity: str) -> Finding:
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


def _put_back(remaining_files: RemainingFiles) -> str:
    """Return the hint that names the copies, empty where there are none."""
    if not remaining_files.copies:
        return ""
    named = remaining_files.named_copies
    return f"{LEAVE_IT} {named} `hermes-repair restore FILE` puts a sound one back."


@check("DB002", "stale-wal", Severity.FATAL, Remedy.MANUAL, file_level=True)
def stale_wal(scene: Scene) -> Iterator[Finding]:
    """A -wal file lies beside state.db that does not belong to it.

    What it means: nobody has the database open, yet a -wal is there that was not written to this
    state of the file: joining it damages the database, or numbers that SQLite only ever raises
    prove that it is of another moment. SQLite joins it silently on the next open, and on real
    installs that destroyed the file. The finding says which chats each of the two has.

    How it happens: state.db was restored or copied from another moment than its -wal, or a second
    process replaced one of the two (Hermes #101064, #109786). A crash does not do it: the -wal that
    it leaves is joined, deletes and undone turns in it included, as every SQLite does.

    What repair does: nothing by itself. After you have said which is right, `--wal use` joins it
    and `--wal ignore` sets it aside; both files are kept in hermes-repair/backups/ before that.
    `history` says where; `undo` does not take the answer back.

    How safe it is: only you can know which of the two you want, so no command writes before.
    """
    file = scene.file
    if file.side is SideFile.STALE:
        yield stale_wal.finding(
            DATABASE,
            "The -wal beside state.db does not belong to it: without it the database is sound,"
            f" with it the database is damaged. {' '.join(_two_sides(file))}",
            "Do not start Hermes. Set it aside: hermes-repair repair --wal ignore",
            data={"state": "stale", **_sides_data(file)},
        )
    elif file.side is SideFile.AMBIGUOUS:
        yield stale_wal.finding(
            DATABASE,
            f"The -wal beside state.db is not of its present state: {'; '.join(file.differences)}."
            f" {' '.join(_two_sides(file))}",
            "Do not start Hermes. Say which is right: `hermes-repair repair --wal use` or"
            " `hermes-repair repair --wal ignore`",
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
        last = f", the last of {moment(side.latest)}" if side.latest is not None else ""
        yield f"{which} it: {told}{last}."
    differing = _differing(file)
    if differing:
        named = ", ".join(
            f"{shown_id(id)} ({_held(without)} without it, {_held(joined)} with it)"
            for id, without, joined in differing[:NAMED]
        )
        more = len(differing) - NAMED
        yield f"Not the same: {named}{f' and {more:,} more' if more > 0 else ''}."


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
    What can still be read may be incomplete, and writing on makes it worse. Pages that belong to
    nothing are only a note: an index that was made anew leaves them, or a table that is older than
    they are.

    How it happens: a full disk, a power cut, two processes that lost each other's locks, or a
    library with SQLite's WAL-reset bug (Hermes #45383, #89737).

    What repair does: nothing; it refuses to write to a damaged file. The way back is a copy from
    before, or a recovery into a new file.

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
            f"{pages} of state.db {verb(found.lost, 'belongs', 'belong')} to nothing, and no table"
            " or index lacks any.",
            "Nothing has to be done: VACUUM gives the space back.",
            severity=Severity.INFO,
            data={"pages": found.lost},
        )


@check("DB004", "foreign-key-violation", Severity.ERROR, Remedy.MANUAL)
def foreign_key_violation(scene: Scene) -> Iterator[Finding]:
    """Rows of a table refer to a session that does not exist.

    What it means: token counts, topic bindings or the like belong to a session that is gone.
    Messages and child sessions without their session have findings of their own (MS003, LN001).

    How it happens: rows were deleted by a program that does not enforce foreign keys, or a copy was
    incomplete.

    What repair does: nothing; which row is wrong cannot be told from the rows alone.

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
            "Nothing has to be done: Hermes does not show these rows.",
            data={"rows": number, "parent": parent_name},
            identity=(number,),
        )


@check("DB005", "hot-journal", Severity.WARNING, Remedy.MANUAL, file_level=True)
def hot_journal(scene: Scene) -> Iterator[Finding]:
    """A write to state.db was cut off and has not been rolled back yet.

    What it means: a -journal lies beside state.db. The main file alone holds half of a write; the
    next program that opens it takes that half back. What is reported here is what is there then.

    How it happens: a crash or power cut in the middle of a write, on installs that use a rollback
    journal instead of a WAL (network and VM filesystems).

    What repair does: nothing for this alone. When it has something else to do, it copies state.db
    and its -journal first; opening the database then rolls the half write back, as Hermes would.

    How safe it is: SQLite's own recovery; the copies stay in hermes-repair/backups/.
    """
    if scene.file.side is SideFile.HOT_JOURNAL:
        yield hot_journal.finding(
            DATABASE,
            "A write was cut off: a -journal lies beside state.db; the next open rolls it back.",
            "Nothing is lost: start Hermes, and SQLite takes the half write back.",
        )


@check("DB006", "index-disagrees", Severity.ERROR, Remedy.MANUAL, file_level=True)
def index_disagrees(scene: Scene) -> Iterator[Finding]:
    """An index does not have the rows of its table.

    What it means: whoever reads through that index, Hermes and its lists included, does not see
    rows that are there, or sees such as are gone. The rows themselves are whole. A UNIQUE index
    that lost entries lets a second session of one id or title in.

    How it happens: a page of the index was not written or an older one came back, by a full disk, a
    power cut, a copy of a database in use, or two processes that lost each other's locks (Hermes
    #63398, #68653). SQLite's quick_check does not see it.

    What repair does: nothing yet, and until it is mended nothing that reads through the index is
    looked for or repaired: it would take rows that are there for lost. Stop Hermes, keep a copy of
    state.db, and let SQLite make the index anew (`REINDEX`) with the command that the doctor
    prints. Locks are freed all the same.

    How safe it is: REINDEX reads the table and writes only the index. It is not offered where the
    index has what the table has not, for rows of the table may be lost then and the index be right;
    and where a UNIQUE index let something in twice: SQLite refuses, and which of the two goes only
    you can say.
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


def _make_anew(scene: Scene, found: Disagreement) -> str:
    """Return what to type: SQLite through Python, for who has Hermes has that."""
    if found.surplus:
        return (
            "Stop Hermes and keep a copy of state.db. Either the index is old or rows of the table"
            " are lost: only a copy from before tells. `hermes-repair backup list` shows yours."
        )
    if found.doubled:
        return (
            "Stop Hermes. `hermes-repair explain DB006` says why SQLite cannot make it anew, and"
            " `hermes-repair backup list` shows copies from before."
        )
    index = found.index if found.index.isidentifier() else quote(found.index)
    path, sql = str(scene.home.database), f"REINDEX {index}"
    code = f"import sqlite3; sqlite3.connect({json.dumps(path)}).execute({json.dumps(sql)})"
    return f"Stop Hermes and keep a copy of state.db, then: python3 -c {quoted(code)}"
