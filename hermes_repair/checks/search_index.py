"""The search index: does it find every message, and can it be read and written (FT...)?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.search_index import SearchTable
from hermes_repair.model.actions import IndexRefill
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.route import message_bounds
from hermes_repair.schema.route_preview import room_to_fill
from hermes_repair.schema.search import TABLES
from hermes_repair.schema.search_rebuild import rebuild
from hermes_repair.store.file_state import SideFile

LINES = 20
KEEP = "Keep a copy of state.db. The conversations can be read without a repair."
READ = ("messages", "sessions")


@check(
    "FT001", "search-rows-missing", Severity.WARNING, Remedy.SAFE, tables=READ, stage=Stage.SEARCH
)
def search_rows_missing(scene: Scene) -> Iterator[Finding]:
    """Messages are not in the search index, so searching does not find them.

    What it means: the chats are whole, but Hermes' search leaves these messages out, without a word
    about it. Rows that a schema leaves out on purpose (results of tools, runs of timers and
    delegates) do not count.

    How it happens: an index was emptied or rebuilt halfway, its triggers were missing for a while,
    or rows were copied in beside them (Hermes #66724, #89293, #33865). SQLite's checks and Hermes'
    own health probe call such an index sound.

    What repair does: it makes the search table anew in the layout that is there and fills it from
    the messages, in one transaction, after a backup. It comes last in a run, and waits while Hermes
    has the database open.

    How safe it is: an index holds nothing that is not in the messages. Before the change is kept,
    the ids of index and messages are compared both ways.
    """
    for table in _compared(scene):
        found = table.coverage
        if found is not None and found.missing:
            remedy, hint = _remedy(scene)
            yield search_rows_missing.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} lacks {found.missing:,} of {count(found.rows, 'message')}: searching"
                f" does not find {verb(found.missing, 'it', 'them')}.",
                hint,
                remedy=remedy,
                data={"missing": found.missing, "rows": found.rows},
                identity=(found.missing, found.rows),
                messages=found.missing,
                fix=partial(_make_anew, scene, table.name),
            )


@check("FT002", "search-rows-stale", Severity.WARNING, Remedy.SAFE, tables=READ, stage=Stage.SEARCH)
def search_rows_stale(scene: Scene) -> Iterator[Finding]:
    """The search index has rows of messages that are gone, or an earlier text of some.

    What it means: searching gives hits that lead nowhere, and words of deleted messages stay
    readable in the index.

    How it happens: messages were deleted or changed while the triggers of the index were missing,
    or by a program that writes around them.

    What repair does: it makes the search table anew in the layout that is there and fills it from
    the messages, in one transaction, after a backup.

    How safe it is: an index holds nothing that is not in the messages; the backup keeps the index
    as it was. Another text is only looked for with --deep.
    """
    for table in _compared(scene):
        found = table.coverage
        if found is None or not (found.extra or found.stale):
            continue
        parts = [f"{count(found.extra, 'row')} of no message"] if found.extra else []
        parts += [f"{count(found.stale, 'row')} with an earlier text"] if found.stale else []
        remedy, hint = _remedy(scene)
        yield search_rows_stale.finding(
            {"kind": "table", "table": table.name},
            f"{table.name} has {' and '.join(parts)}.",
            hint,
            remedy=remedy,
            data={"extra": found.extra, "stale": found.stale},
            identity=(found.extra, found.stale),
            fix=None if found.missing else partial(_make_anew, scene, table.name),
        )


@check(
    "FT003",
    "search-index-damaged",
    Severity.ERROR,
    Remedy.MANUAL,
    file_level=True,
    stage=Stage.STRUCTURE,
)
def search_index_damaged(scene: Scene) -> Iterator[Finding]:
    """Storage of the search index is damaged or missing; the conversations are not.

    What it means: searching fails or finds too little, and Hermes may be unable to store messages,
    because each one is indexed as it is written. Without the record of its structure no release
    opens the database at all. The messages themselves are in a table of their own.

    How it happens: a full disk, a power cut, or two processes that lost each other's locks, in the
    part of the file that changes most (Hermes #50502, #66724). A table of the index is missing
    where somebody dropped it, or a tool brought only a part of the database back.

    What repair does: where the file itself is sound, it makes the search table anew and fills it
    from the messages, in one transaction, after a backup; before anything else, because nothing can
    be written to the messages until then. Where pages of the file are damaged it does nothing:
    conversations are still repaired, one step at a time, and a step that the damaged index blocks
    is rolled back and named.

    How safe it is: an index holds nothing that is not in the messages.
    """
    if scene.file.side is SideFile.STALE:
        return
    soundness = scene.file.soundness
    torn = soundness.search if soundness is not None else ()
    for table in scene.search_index.tables:
        if table.damaged and not torn:
            remedy, hint = _remedy(scene)
            yield search_index_damaged.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} is damaged: {'; '.join(table.damaged)}. The conversations can be"
                " read.",
                hint,
                remedy=remedy,
                data={"damage": list(table.damaged)},
                identity=table.damaged,
                fix=partial(_make_anew, scene, table.name),
            )
    if torn:
        tables = sorted({line.partition(": ")[0] for line in torn})
        yield search_index_damaged.finding(
            {"kind": "database"},
            f"The storage of the search index is damaged ({', '.join(tables)}:"
            f" {count(len(torn), 'line')}); the conversations can be read.",
            KEEP,
            data={"tables": tables, "lines": list(torn[:LINES])},
            identity=tuple(tables),
        )


@check("FT004", "search-triggers-missing", Severity.WARNING, Remedy.SAFE, stage=Stage.SEARCH)
def search_triggers_missing(scene: Scene) -> Iterator[Finding]:
    """Triggers that keep the search index up to date are missing, or are of another build.

    What it means: messages that come from now on are not found (0.13.0 to 0.15.2), or deleted ones
    still are. On a database of schema 23 or later 0.16.0 and 0.19.0 empty and refill the index
    wrongly as soon as they open it.

    How it happens: they were dropped by hand, by a tool that copied only the tables, or by a
    migration that stopped.

    What repair does: it makes the search table anew with its triggers, because nobody knows what
    passed it by, in one transaction, after a backup.

    How safe it is: an index holds nothing that is not in the messages.
    """
    search = scene.recognition.search
    if search.layout is None:
        return
    for table in _compared(scene):
        others = [name for name in TABLES if name != table.name and name.startswith(table.name)]
        names = [
            name
            for name in (*search.missing, *search.different)
            if name.startswith((f"trigger {table.name}_", f"view {table.name}_"))
            and not any(name.split(" ")[1].startswith(f"{other}_") for other in others)
        ]
        if names:
            remedy, hint = _remedy(scene)
            whole = not table.damaged and (
                table.coverage is None or not (table.coverage.missing or table.coverage.extra)
            )
            yield search_triggers_missing.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} is not kept up to date: {', '.join(names)}"
                f" {verb(len(names), 'is', 'are')} missing or of another build.",
                hint,
                remedy=remedy,
                data={"objects": names},
                identity=tuple(names),
                fix=partial(_make_anew, scene, table.name) if whole else None,
            )


def _compared(scene: Scene) -> tuple[SearchTable, ...]:
    """Return the search tables; none where the messages themselves are in question (DB003)."""
    soundness = scene.file.soundness
    damaged = soundness is not None and bool(soundness.damage)
    return () if damaged or scene.file.side is SideFile.STALE else scene.search_index.tables


def _remedy(scene: Scene) -> tuple[Remedy, Hint]:
    """Return who makes a search table anew here, and what to type."""
    if scene.recognition.family is Family.OLD:
        return Remedy.MIGRATE, advice("First run: {}", command("migrate"))
    if scene.recognition.search.cjk_triggers or scene.recognition.family is Family.NEWER:
        return Remedy.MANUAL, "Not repaired here: hermes-repair does not know this search index."
    return Remedy.SAFE, command("repair")


def _make_anew(scene: Scene, table: str, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Make one search table anew."""
    layout = scene.recognition.search.layout
    if layout is None:
        return
    # Beside a live Hermes the plan is only shown, and a pass over all ids would keep it waiting.
    bounds = () if scene.look.live else message_bounds(scene.look.rows)
    steps = rebuild(scene.structure, layout, table, bounds)
    yield Unit(
        kind="search",
        subject=table,
        summary=f"make the search table {table} anew from the messages",
        actions=tuple(IndexRefill(table, (sql,)) for sql in steps),
        safety=Safety.SAFE,
        live=False,
        findings=tuple(finding.fingerprint for finding in findings),
        finding_ids=tuple(sorted({finding.id for finding in findings})),
        room=room_to_fill(table, scene.look.scan),
    )
