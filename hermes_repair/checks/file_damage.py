"""Damage inside the file: pages, references, indexes (DB003, DB004, DB006, DB007)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hermes_repair.checks.database_file import LIST_BACKUPS, LOOK_FOR_COPIES, put_back
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import DATABASE, REPAIR
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import find_remaining_files
from hermes_repair.model.actions import IndexRefill
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb
from hermes_repair.schema.structure import Index
from hermes_repair.schema.table_rebuild import BINDINGS
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import SideFile
from hermes_repair.store.integrity import Disagreement

LINES = 20
"""So many of SQLite's complaints are kept of a damaged file."""
UPGRADE = (
    "Stop Hermes and keep a copy of state.db. Hermes 0.17.0 or later removes the second entry when"
    " it starts; 0.16.0 and earlier do not start with it."
)


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
    soundness = scene.file.soundness
    if soundness is None or scene.file.unreadable is not None or scene.file.side is SideFile.STALE:
        return
    if soundness.damage:
        yield database_damaged.finding(
            DATABASE,
            f"SQLite finds damage in state.db ({count(len(soundness.damage), 'line')}).",
            put_back(find_remaining_files(scene.home)) or LOOK_FOR_COPIES,
            data={"quick_check": list(soundness.damage[:LINES])},
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


@check("DB007", "schema-duplicated", Severity.FATAL, Remedy.MANUAL, file_level=True)
def schema_duplicated(scene: Scene) -> Iterator[Finding]:
    """The schema of state.db lists a table, an index or a trigger twice.

    What it means: SQLite refuses every statement ("malformed database schema"), so nothing shows
    the chats, but no row is lost. Hermes 0.13.0 and 0.16.0 do not start with such a file; 0.17.0,
    0.18.2 and 0.19.0 remove the entries that came later when they open it.

    How it happens: two processes created the object at the same time over a broken lock, or a
    recovery put it in a second time.

    What repair does: nothing. Where all entries of an object are alike, what Hermes removes is
    only the repetition. Where they differ, it keeps the first, and only an older copy can tell
    whether that is the right one.

    How safe it is: nothing is changed.
    """
    repeated = scene.file.repeated
    if repeated is None:
        return
    objects = repeated.objects
    named = ", ".join(f"{one.kind} {one.name}" for one in objects[:LINES])
    alike = all(one.alike for one in objects)
    if repeated.messages is None:
        readable = "The messages cannot be read"
    else:
        readable = f"{count(repeated.messages, 'message')} can be read"
    yield schema_duplicated.finding(
        DATABASE,
        f"The schema of state.db has more than one entry of {named}, so SQLite refuses the file."
        f" {readable}{'' if alike else ', but the entries differ'}.",
        UPGRADE if alike else put_back(find_remaining_files(scene.home)) or LOOK_FOR_COPIES,
        data={
            "objects": [
                {"type": one.kind, "name": one.name, "entries": one.rows, "alike": one.alike}
                for one in objects[:LINES]
            ],
            "messages": repeated.messages,
        },
        identity=tuple(f"{one.kind} {one.name}" for one in objects),
    )
