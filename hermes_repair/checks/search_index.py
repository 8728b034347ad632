"""The search index: does it find every message, and can it be read and written (FT...)?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.search_coverage import SearchTable, asked_of_whole_tables
from hermes_repair.model.actions import Action, IndexRefill, RowDelete
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.words import count, verb
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.route import message_bounds
from hermes_repair.schema.route_preview import room_to_fill
from hermes_repair.schema.search import TABLES
from hermes_repair.schema.search_rebuild import rebuild
from hermes_repair.schema.structure import Structure
from hermes_repair.store.file_state import SideFile
from hermes_repair.store.readable_rows import readable_rows

LINES = 20
KEEP = "Keep a copy of state.db. The conversations can be read without a repair."
READ = ("messages", "sessions")


@check(
    "FT001",
    "search-rows-missing",
    Severity.WARNING,
    Remedy.SAFE,
    tables=READ,
    stage=Stage.SEARCH,
    asks=lambda scene: asked_of_whole_tables(scene.look, scene.structure, scene.recognition),
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
    for table in compared_tables(scene):
        coverage = table.coverage
        if coverage is not None and coverage.missing:
            remedy, hint = who_makes_anew(scene)
            yield search_rows_missing.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} lacks {coverage.missing:,} of {count(coverage.rows, 'message')}:"
                f" searching does not find {verb(coverage.missing, 'it', 'them')}.",
                hint,
                remedy=remedy,
                data={"missing": coverage.missing, "rows": coverage.rows},
                identity=(coverage.missing, coverage.rows),
                messages=coverage.missing,
                fix=make_anew(scene, table.name),
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
    as it was. Another text is only looked for with --deep, and not while Hermes has the database
    open: every word of the index is held against the messages, in a temporary copy of the index.
    """
    for table in compared_tables(scene):
        coverage = table.coverage
        if coverage is None:
            continue
        other_words = coverage.words_agree is False
        if not (coverage.extra or coverage.stale or other_words):
            continue
        parts = [f"{count(coverage.extra, 'row')} of no message"] if coverage.extra else []
        parts += [f"{count(coverage.stale, 'row')} with an earlier text"] if coverage.stale else []
        parts = parts or ["other words than its messages have now"]
        remedy, hint = who_makes_anew(scene)
        if remedy is Remedy.SAFE and not coverage.extra:
            hint = command("repair", "--deep")
        yield search_rows_stale.finding(
            {"kind": "table", "table": table.name},
            f"{table.name} has {' and '.join(parts)}.",
            hint,
            remedy=remedy,
            data={"extra": coverage.extra, "stale": coverage.stale, "other_words": other_words},
            identity=(coverage.extra, coverage.stale, other_words),
            fix=make_anew(scene, table.name),
        )


@check(
    "FT003",
    "search-index-damaged",
    Severity.ERROR,
    Remedy.SAFE,
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
    for name in _dropped(scene.structure):
        remedy, hint = who_makes_anew(scene)
        yield search_index_damaged.finding(
            {"kind": "table", "table": name},
            f"The search table {name} is gone and its triggers are there: no message can be stored."
            f" {_messages(scene)}",
            hint,
            remedy=remedy,
            data={"damage": ["dropped"]},
            identity=("dropped",),
            fix=make_anew(scene, name),
        )
    strangers = _strangers(scene.structure)
    for name, what in strangers.items():
        yield search_index_damaged.finding(
            {"kind": "table", "table": name},
            f"{what} is there in the place of a part of the search index; Hermes did not create"
            f" it. {_messages(scene)}",
            KEEP,
            remedy=Remedy.MANUAL,
            data={"damage": ["foreign"]},
            identity=("foreign",),
        )
    for table in scene.search_index.tables:
        if table.damaged and not torn and table.name not in strangers:
            remedy, hint = who_makes_anew(scene)
            yield search_index_damaged.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} is damaged: {'; '.join(table.damaged)}. {_messages(scene)}",
                hint,
                remedy=remedy,
                data={"damage": list(table.damaged)},
                identity=table.damaged,
                fix=make_anew(scene, table.name),
            )
    if torn:
        tables = sorted({line.partition(": ")[0] for line in torn})
        yield search_index_damaged.finding(
            {"kind": "database"},
            f"The storage of the search index is damaged ({', '.join(tables)}:"
            f" {count(len(torn), 'line')}). {_messages(scene)}",
            KEEP,
            remedy=Remedy.MANUAL,
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
    for table in compared_tables(scene):
        others = [name for name in TABLES if name != table.name and name.startswith(table.name)]
        names = [
            name
            for name in (*search.missing, *search.different)
            if name.startswith((f"trigger {table.name}_", f"view {table.name}_"))
            and not any(name.split(" ")[1].startswith(f"{other}_") for other in others)
        ]
        if names:
            remedy, hint = who_makes_anew(scene)
            yield search_triggers_missing.finding(
                {"kind": "table", "table": table.name},
                f"{table.name} is not kept up to date: {', '.join(names)}"
                f" {verb(len(names), 'is', 'are')} missing or of another build.",
                hint,
                remedy=remedy,
                data={"objects": names},
                identity=tuple(names),
                fix=make_anew(scene, table.name),
            )


@check("FT005", "search-rebuild-stuck", Severity.INFO, Remedy.UNSAFE, stage=Stage.SEARCH)
def search_rebuild_stuck(scene: Scene) -> Iterator[Finding]:
    """Hermes began to rebuild the search index and did not finish.

    What it means: until it does, messages that it has not come to are not found, and each search
    may be slow. Schema 23 and later keep marks of such work in the database.

    How it happens: Hermes was stopped in the middle of it, or another process that has the database
    open keeps it from going on (Hermes #76832, #93155, #106393).

    What repair does: nothing by itself, because Hermes goes on with it when it starts. When you
    name it, every search table is made anew and the marks are removed, in one transaction, after a
    backup.

    How safe it is: an index holds nothing that is not in the messages. Whether Hermes is about to
    finish by itself, the database does not tell.
    """
    marks = sorted(scene.recognition.search.unfinished)
    if not marks or not compared_tables(scene):
        return
    remedy, hint = who_makes_anew(scene)
    rebuild = scene.search_index.rebuild
    left = f" It has come to message {rebuild.done:,} of {rebuild.end:,}." if rebuild else ""
    yield search_rebuild_stuck.finding(
        {"kind": "database"},
        f"Hermes has not finished a rebuild of the search index ({', '.join(marks)}).{left}",
        hint,
        remedy=remedy,
        data={"marks": marks},
        identity=tuple(marks),
        fix=make_anew(scene, TABLES[0]),
    )


def _messages(scene: Scene) -> str:
    """Return how many messages can be read as a sentence: that only the index is damaged."""
    found = None if scene.look.live else readable_rows(scene.look, "messages")
    if found is None:
        return "The conversations can be read."
    only = "Only the index is: " if found.whole else ""
    return f"{only}{found.words()}."


def _strangers(structure: Structure) -> dict[str, str]:
    """Return what stands in the place of a search table or of its storage, by the search table."""
    others = structure.tables.keys() | structure.views.keys()
    strangers: dict[str, str] = {}
    for name in TABLES:
        there = structure.virtual_tables.get(name)
        for part in (name, *(there.storage if there is not None else ())):
            if part in others and part not in structure.shadow_tables:
                strangers[name] = part
    return strangers


def _dropped(structure: Structure) -> list[str]:
    """Return the search tables that are gone and whose triggers still write to them."""
    taken = structure.virtual_tables.keys() | structure.tables.keys() | structure.views.keys()
    return [
        name
        for name in TABLES
        if name not in taken
        and any(f"{name}_{event}" in structure.triggers for event in ("delete", "insert", "update"))
    ]


def compared_tables(scene: Scene) -> tuple[SearchTable, ...]:
    """Return the search tables; none where the messages themselves are in question (DB003).

    Nor where they are of another generation than the schema: SC004 makes those anew.
    """
    soundness = scene.file.soundness
    damaged = soundness is not None and bool(soundness.damage)
    if damaged or scene.file.side is SideFile.STALE or scene.recognition.search.outdated:
        return ()
    return scene.search_index.tables


def who_makes_anew(scene: Scene) -> tuple[Remedy, Hint]:
    """Return who makes a search table anew here, and what to type."""
    if scene.file.unproven & {*READ}:
        # It is made of what the tables say, and says what they had: they come first.
        return Remedy.MANUAL, "DB006 comes first."
    if scene.recognition.family is Family.OLD:
        return Remedy.MIGRATE, advice("First run: {}", command("migrate"))
    if scene.recognition.search.cjk_triggers or scene.recognition.family is Family.NEWER:
        return Remedy.MANUAL, "Not repaired here: hermes-repair does not know this search index."
    if scene.recognition.search.unfinished:
        finish = command("repair", "--select", "FT", "--unsafe")
        return Remedy.UNSAFE, advice("Hermes goes on with it when it starts. Or now: {}", finish)
    return Remedy.SAFE, command("repair")


def make_anew(scene: Scene, table: str) -> MakeAnew:
    """Return the fix of a search table: of all of them where Hermes' marks of a rebuild must go."""
    unfinished = scene.recognition.search.unfinished
    all_tables = (*(each.name for each in scene.search_index.tables), table)
    names = tuple(dict.fromkeys(all_tables)) if unfinished else (table,)
    return MakeAnew(names, scene)


@dataclass(frozen=True, slots=True)
class MakeAnew:
    """Makes search tables anew, at once for all that is found about them."""

    tables: tuple[str, ...]
    scene: Scene = field(compare=False, repr=False)

    def __call__(self, findings: Sequence[Finding]) -> Iterator[Unit]:
        """Yield the one unit; none where the layout is no release's."""
        scene, search = self.scene, self.scene.recognition.search
        if search.likely is None:
            return
        # Beside a live Hermes the plan is only shown, and a pass over all ids would keep it
        # waiting.
        bounds = () if scene.look.live else message_bounds(scene.look.rows)
        steps: list[Action] = [
            IndexRefill(table, (sql,))
            for table in self.tables
            for sql in rebuild(scene.structure, search.likely, table, bounds)
        ]
        # Hermes would bring in a second time what it had not come to.
        for mark in sorted(search.unfinished):
            rows = scene.look.rows_of("state_meta", "key = ?", [mark])
            steps += (RowDelete("state_meta", {"key": mark}, row) for row in rows)
        named = " and ".join(self.tables)
        asked_for = search.unfinished or all(one.remedy is Remedy.UNSAFE for one in findings)
        yield Unit(
            kind="search",
            subject=named,
            summary=f"make {named} anew from the messages",
            actions=tuple(steps),
            safety=Safety.UNSAFE if asked_for else Safety.SAFE,
            live=False,
            findings=tuple(finding.fingerprint for finding in findings),
            finding_ids=tuple(sorted({finding.id for finding in findings})),
            room=sum(room_to_fill(table, scene.text_to_index) for table in self.tables),
        )
