"""Damage inside the file: pages, references, indexes (DB003, DB004, DB006, DB007)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from hermes_repair.checks.database_file import LIST_BACKUPS
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import DATABASE, REPAIR
from hermes_repair.checks.ways_back import ways_back
from hermes_repair.evidence.damaged_stores import damaged_stores
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.side_stores import store_name
from hermes_repair.model.actions import Ddl, IndexRefill
from hermes_repair.model.commands_to_type import Hint, advice, command, salvage_command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import SCHEMA_ENTRIES, Safety, Stage, Unit
from hermes_repair.model.words import count, verb
from hermes_repair.schema.recognise import FIRST_UNKNOWN, STORE
from hermes_repair.schema.search import TABLES
from hermes_repair.schema.structure import Index
from hermes_repair.schema.table_rebuild import BINDINGS
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import SideFile
from hermes_repair.store.index_comparison import Disagreement
from hermes_repair.store.readable_rows import ReadableRows, readable_rows
from hermes_repair.store.repeated_objects import RepeatedObject, RepeatedSchema

NAMED = 5
"""So many damaged tables are named; the rest is counted."""
LINES = 20
"""So many of SQLite's complaints are kept of a damaged file."""


@check("DB003", "database-damaged", Severity.FATAL, Remedy.MANUAL, file_level=True)
def database_damaged(scene: Scene) -> Iterator[Finding]:
    """SQLite's own check of the file finds damage.

    What it means: pages or rows of tables inside state.db are broken, or two tables claim one page.
    The finding names the tables, and how many of their rows can be read. What can be read may still
    be incomplete, and writing to the file makes it worse. Damage of an index alone (DB006) or of
    the search index alone (FT003) is not meant: with those all conversations can be read. Pages
    that belong to nothing are only a note: a rebuilt index leaves them, or a table that is older
    than they are. Where another file is named, such as kanban.db, that one is damaged, and the
    chats are not (an error): `salvage --store` reads it.

    How it happens: a full disk, a power cut, two processes that lost each other's locks, or a
    library with SQLite's WAL-reset bug (Hermes #45383, #89737).

    What repair does: nothing; it refuses to write to a damaged file. `hermes-repair salvage` reads
    it page by page, says what it can read and what is lost, and makes a new database of it;
    `hermes-repair restore` puts a sound copy back.

    How safe it is: nothing is changed.
    """
    for store in damaged_stores(scene.home, scene.notes):
        name = store_name(scene.home, store.path)
        yield database_damaged.finding(
            {"kind": "file", "path": name},
            f"SQLite finds damage in {name}, which is not the database of the chats"
            f" ({count(len(store.damage), 'line')}).",
            advice(
                "Stop Hermes. `{}` shows what can be read of it, and makes a new file of that.",
                salvage_command(name),
            ),
            severity=Severity.ERROR,
            data={"quick_check": list(store.damage[:LINES])},
            identity=(name, *store.damage[:LINES]),
        )
    soundness = scene.file.soundness
    if soundness is None or scene.file.unreadable is not None or scene.file.side is SideFile.STALE:
        return
    if soundness.damage:
        counted = [] if scene.look.live else list(_readable(scene, soundness.tables))
        yield database_damaged.finding(
            DATABASE,
            " ".join(
                [
                    f"SQLite finds damage in state.db ({count(len(soundness.damage), 'line')}).",
                    *_what_is_left(soundness.tables, counted),
                ]
            ),
            ways_back(scene),
            data={
                "quick_check": list(soundness.damage[:LINES]),
                "damaged": list(soundness.tables),
                "readable": [
                    {"table": one.table, "read": one.read, "rows": one.rows, "tried": one.tried}
                    for one in counted
                ],
            },
            identity=soundness.damage[:LINES],
        )
    elif soundness.lost:
        pages = count(soundness.lost, "page")
        yield database_damaged.finding(
            DATABASE,
            f"{pages} of state.db {verb(soundness.lost, 'belongs', 'belong')} to nothing; no table"
            " or index lacks them.",
            "Nothing needs to be done: VACUUM frees the space.",
            severity=Severity.INFO,
            data={"pages": soundness.lost},
        )


def _readable(scene: Scene, damaged: Sequence[str]) -> Iterator[ReadableRows]:
    """Yield what can be read of the tables that are damaged and of those with the conversations."""
    for table in dict.fromkeys((*damaged[:NAMED], *STORE)):
        found = readable_rows(scene.look, table)
        if found is not None:
            yield found


def _what_is_left(damaged: Sequence[str], counted: Sequence[ReadableRows]) -> Iterator[str]:
    """Yield a sentence for each table that is damaged or that cannot be read to its end."""
    by_table = {one.table: one for one in counted}
    for table in damaged[:NAMED]:
        found = by_table.pop(table, None)
        yield f"{table} is damaged{f': {found.words()}' if found is not None else ''}."
    more = len(damaged) - NAMED
    if more > 0:
        yield f"{count(more, 'more table')} {verb(more, 'is', 'are')} damaged."
    for found in by_table.values():
        words = found.words()
        yield f"{words[0].upper()}{words[1:]}."
    if not all(found.whole for found in counted):
        yield "A salvage also reads what SQLite cannot reach, so its count may be higher."


@check("DB004", "foreign-key-violation", Severity.ERROR, Remedy.MANUAL)
def foreign_key_violation(scene: Scene) -> Iterator[Finding]:
    """Rows of a table refer to a session that does not exist.

    What it means: token counts or the like belong to a session that is gone. Messages, child
    sessions and topic bindings whose session is missing have findings of their own (MS003, LN001,
    GW003).

    How it happens: rows were deleted by a program that does not enforce foreign keys, or a copy was
    incomplete.

    What repair does: nothing; the rows alone do not tell which one is wrong.

    How safe it is: nothing is changed.
    """
    counted: dict[tuple[str, str], int] = {}
    covered = {("sessions", "sessions"), ("messages", "sessions"), (BINDINGS, "sessions")}
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


@check(
    "DB006",
    "index-disagrees",
    Severity.ERROR,
    Remedy.SAFE,
    file_level=True,
    stage=Stage.STRUCTURE,
)
def index_disagrees(scene: Scene) -> Iterator[Finding]:
    """An index does not have the rows of its table.

    What it means: whoever reads through that index, Hermes included, misses rows that exist, or
    sees rows that are gone. Where only the index is damaged, the rows themselves are complete. A
    UNIQUE index that lost entries lets in a second session with the same id or title.

    How it happens: a page of the index was not written, or an older one came back: a full disk, a
    power cut, a copy of a database in use, or two processes that lost each other's locks (Hermes
    #63398, #68653). SQLite's quick_check does not see it.

    What repair does: it lets SQLite make the index anew from the table (`REINDEX`), first of all,
    after a backup. Until then nothing that reads through it is checked or repaired, because
    existing rows would look lost. Locks are still freed.

    How safe it is: REINDEX reads the table and writes only the index. It is safe where all else
    that knows the rows agrees with the table, other indexes and the search index: if not, an older
    page of the table may have come back, with rows that were deleted since, and it is done only
    when you name it. The same goes for an index of some rows only (titles). It is not offered where
    the index has entries that the table lacks, because then the table may have lost rows and the
    index may be right. Nor where a UNIQUE index let something in twice: SQLite refuses, and only
    you can say which of the two goes.
    """
    if scene.file.side is SideFile.STALE:
        return
    for disagreement in scene.file.disagreeing:
        remedy, hint = _way_of(scene, disagreement)
        yield index_disagrees.finding(
            {"kind": "index", "index": disagreement.index, "table": disagreement.table},
            f"{disagreement.words()}.",
            hint,
            remedy=remedy,
            data={
                "rows": disagreement.rows,
                "entries": disagreement.entries,
                "missing": disagreement.missing,
                "surplus": disagreement.surplus,
                "doubled": disagreement.doubled,
            },
            fix=each(partial(_make_anew, disagreement, remedy)),
        )


def _way_of(scene: Scene, disagreement: Disagreement) -> tuple[Remedy, Hint]:
    """Return who makes an index anew, and what to type."""
    if disagreement.surplus:
        return Remedy.MANUAL, advice(
            "Stop Hermes and keep a copy of state.db. Either the index is old, or the table lost"
            " rows: only an older copy can tell. `{}` shows yours.",
            LIST_BACKUPS,
        )
    if disagreement.doubled:
        return Remedy.MANUAL, advice(
            "Stop Hermes. `hermes-repair explain DB006` says why SQLite cannot rebuild it, and"
            " `{}` shows older copies.",
            LIST_BACKUPS,
        )
    if _has_witness(scene, disagreement):
        return Remedy.SAFE, REPAIR
    return Remedy.UNSAFE, advice(
        "Nothing else tells whether the index lost rows, or an older page of the table came back."
        " If you want the index to follow the table: {}",
        command("repair", "--select", "DB006", "--unsafe"),
    )


def _has_witness(scene: Scene, disagreement: Disagreement) -> bool:
    """Whether all else that knows the rows of the table agrees with it, and something does.

    What a partial index lacks, or one of an expression, nothing else can tell: an older page of the
    table may have values that were changed since.
    """
    own = scene.structure.indexes.get(disagreement.index)
    if disagreement.missing is None or own is None or _is_partial(own):
        return False
    others = [
        index for index in scene.structure.indexes.values() if index.table == disagreement.table
    ]
    disagreeing = {one.index for one in scene.file.disagreeing}
    if any(index.name in disagreeing for index in others if index is not own):
        return False
    searched = [] if disagreement.table != "messages" else _searched(scene)
    witnesses = [index for index in others if index is not own and not _is_partial(index)]
    return bool(witnesses or searched) and all(searched)


def _is_partial(index: Index) -> bool:
    return " where " in (index.sql or "")


def _searched(scene: Scene) -> list[bool]:
    """Say of each search table whether it has an entry of each message, and of nothing else."""
    return [
        table.coverage is not None and table.coverage.every and table.coverage.same_rows
        for table in scene.search_index.tables
        if table.coverage is None or table.coverage.every
    ]


def _make_anew(disagreement: Disagreement, remedy: Remedy, finding: Finding) -> Iterator[Unit]:
    """Let SQLite make the index anew."""
    safety = Safety.SAFE if remedy is Remedy.SAFE else Safety.UNSAFE
    yield Unit(
        kind="index",
        subject=disagreement.index,
        summary=f"make the index {disagreement.index} anew from {disagreement.table}",
        actions=(IndexRefill(disagreement.table, (f"REINDEX {quote(disagreement.index)}",)),),
        safety=safety,
        live=False,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
    )


@check(
    "DB007",
    "schema-duplicated",
    Severity.FATAL,
    Remedy.SAFE,
    file_level=True,
    stage=Stage.STRUCTURE,
)
def schema_duplicated(scene: Scene) -> Iterator[Finding]:
    """The schema of state.db lists a table, an index or a trigger twice.

    What it means: SQLite refuses every statement ("malformed database schema"), so nothing shows
    the chats, but no row is lost. Hermes 0.13.0 and 0.16.0 do not start with such a file; 0.17.0,
    0.18.2 and 0.19.0 remove the entries that came later when they open it.

    How it happens: two processes created the object at the same time over a broken lock, or a
    recovery put it in a second time.

    What repair does: it removes all entries of an object but the first, before anything else, after
    a backup that `undo` puts back. First it does so on a private copy, and goes on only where that
    opens and SQLite finds it sound.

    How safe it is: the entries say the same, so nothing goes but the repetition. Where the later
    one of an index or of a search table leads to other pages, those become free: such a table holds
    nothing that is not in the messages. Where the entries of anything else differ, only an older
    copy can tell which one is right, and nothing is changed.
    """
    repeated = scene.file.repeated
    if repeated is None:
        return
    objects = repeated.objects
    named = ", ".join(f"{one.kind} {one.name}" for one in objects[:LINES])
    differing = [f"{one.kind} {one.name}" for one in objects if not _is_repetition(one)]
    newer = repeated.number is not None and repeated.number >= FIRST_UNKNOWN
    safe = not (differing or newer) and repeated.messages is not None
    if repeated.messages is None:
        readable, other = "The messages cannot be read", ", and"
    else:
        readable, other = f"{count(repeated.messages, 'message')} can be read", ", but"
    other = f"{other} the entries of {_listed(differing)} differ" if differing else ""
    yield schema_duplicated.finding(
        DATABASE,
        f"The schema of state.db has more than one entry of {named}, so SQLite refuses the file."
        f" {readable}{other}.",
        REPAIR if safe else ways_back(scene),
        remedy=Remedy.SAFE if safe else Remedy.MANUAL,
        data={
            "objects": [
                {
                    "type": one.kind,
                    "name": one.name,
                    "entries": one.rows,
                    "alike": _is_repetition(one),
                }
                for one in objects[:LINES]
            ],
            "messages": repeated.messages,
        },
        identity=tuple(f"{one.kind} {one.name}" for one in objects),
        fix=each(partial(_remove_repetition, repeated)) if safe else None,
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LINES
    return ", ".join(names[:LINES]) + (f" and {more} more" if more > 0 else "")


def _is_repetition(found: RepeatedObject) -> bool:
    """Whether nothing is lost with the later entries: they say the same, of pages that are derived
    from others where they are not the same ones too."""
    derived = found.kind == "index" or found.name.startswith(f"{TABLES[0]}_")
    return found.alike and (found.one_place or derived)


def _remove_repetition(repeated: RepeatedSchema, finding: Finding) -> Iterator[Unit]:
    """Remove the later entries, and say that the schema changed."""
    removed = (
        f"DELETE FROM sqlite_master WHERE rowid = {rowid} AND type = {_text(one.kind)}"
        f" AND name = {_text(one.name)} COLLATE NOCASE"
        for one in repeated.objects
        for rowid in one.later
    )
    statements = (*removed, f"PRAGMA schema_version = {repeated.cookie + 1}")
    number = len(statements) - 1
    yield Unit(
        kind=SCHEMA_ENTRIES,
        subject="sqlite_master",
        summary=f"remove {number:,} {verb(number, 'entry', 'entries')} that the schema has twice",
        actions=tuple(Ddl(sql, "schema entries") for sql in statements),
        safety=Safety.SAFE,
        live=False,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
