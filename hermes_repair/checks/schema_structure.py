"""What Hermes' own migrations left undone: stopped rebuilds, lost indexes, NULL flags (SC...).

All of it is mended by the parts of the migration to the database's own number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE, LOOK_AT_MIGRATION, MIGRATED
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import Action, RowUpdate
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Value, whole
from hermes_repair.model.words import count, verb
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.data_steps import read_title_updates
from hermes_repair.schema.recognise import Family
from hermes_repair.schema.route import (
    NULL_ACTIVE,
    Route,
    makes_search_anew,
    message_bounds,
    read_crowded,
    route,
)
from hermes_repair.schema.route_parts import Part, RouteFacts
from hermes_repair.schema.route_preview import room_for
from hermes_repair.schema.table_rebuild import OWNERS, Leftover, NotBrought, not_brought


def _remedy(scene: Scene) -> tuple[Remedy, Hint]:
    """Return who mends the structure of this database, and what to type."""
    recognition = scene.recognition
    if recognition.family not in MIGRATED:
        return Remedy.MANUAL, "Not repaired from schema 23 on: Hermes' own code migrates there."
    if recognition.family is Family.OLD or recognition.missing:
        return Remedy.MIGRATE, LOOK_AT_MIGRATION
    return Remedy.SAFE, command("repair", "--dry-run")


def _parts(scene: Scene, finding: str) -> Iterator[Part]:
    """Yield the parts of the migration to the database's own number that mend a finding."""
    query, structure, recognition = scene.look.rows, scene.structure, scene.recognition
    number = recognition.number
    # Beside a live Hermes the plan is only shown, and a pass over all ids would keep it waiting.
    anew = makes_search_anew(structure, recognition, number)
    facts = RouteFacts(
        message_bounds=message_bounds(query) if anew and not scene.look.live else (),
        null_active=bool(recognition.active_nullable and scene.look.one(NULL_ACTIVE)),
        titles=read_title_updates(query, structure),
        crowded=read_crowded(query, structure, number),
    )
    for part in route(structure, number, facts).parts:
        if part.finding == finding:
            yield part


def _unit(scene: Scene, findings: Sequence[Finding], summary: str, first: Sequence[Action]) -> Unit:
    id = findings[0].id
    parts = tuple(_parts(scene, id))
    actions = (*first, *(action for part in parts for action in part.actions))
    renamed = (
        a.key.get("id") for a in actions if isinstance(a, RowUpdate) and a.table == "sessions"
    )
    unit = Unit(
        kind="database",
        subject="state.db",
        summary=summary,
        actions=actions,
        safety=Safety.SAFE,
        live=False,
        findings=tuple(finding.fingerprint for finding in findings),
        finding_ids=(id,),
        sessions=frozenset(name for name in renamed if isinstance(name, str)),
    )
    number = scene.recognition.number
    return replace(unit, room=room_for(Route(number, number, parts), scene.look.scan))


@check("SC004", "interrupted-migration", Severity.ERROR, Remedy.SAFE, stage=Stage.STRUCTURE)
def interrupted_migration(scene: Scene) -> Iterator[Finding]:
    """A migration by Hermes stopped halfway, and Hermes never finishes it.

    What it means: rows are left in a table that no program reads any more, or indexes still belong
    to it; or a table has a different key than Hermes gives it, so that counting tokens fails; or
    search misses what tools said.

    How it happens: Hermes rebuilds a table by renaming it, creating a new one and copying, without
    a transaction. If it is killed in between, the next start finds the new table and continues
    without the rows (0.19.0; Hermes #73541, #73823). A lost version row makes it skip the rebuild
    of the search index. A database that was put together by hand can have any key.

    What repair does: it moves the rows of the leftover table to the table they belong to, adds up
    usage that was counted on both sides, recreates the indexes and removes the leftover. Tables
    with another key and search tables are rebuilt with every row, and with columns that no release
    has. A table whose rows do not fit the key is left alone: only you can say which of them stay
    (remove the others with SQLite while Hermes is stopped).

    How safe it is: it does what Hermes' own code does, in one transaction, after a backup. Rows
    whose session is gone are not moved, as Hermes' own tables demand; the finding counts them, and
    the backup keeps them. Where two rows compete for one place and nothing tells which is right, it
    is done only with --unsafe, and the row that Hermes reads now stays.
    """
    recognition = scene.recognition
    if recognition.family is Family.EMPTY:
        return
    remedy, hint = _remedy(scene)
    if remedy is Remedy.SAFE and _contested(scene):
        named = command("repair", "--select", "SC004", "--unsafe")
        remedy, hint = Remedy.UNSAFE, advice("If you want it: {}", named)
    damages = [
        *_leftovers(scene),
        *(_wrong_keys(scene) if recognition.family in MIGRATED else ()),
        *(_outdated_search(scene) if recognition.family in MIGRATED else ()),
    ]
    fix = partial(_finish_migration, scene)
    for damage in damages:
        yield interrupted_migration.finding(
            {"kind": "table", "table": damage.table},
            damage.message,
            hint,
            remedy=remedy,
            data={"damage": damage.kind, "rows": damage.rows},
            identity=(damage.kind, damage.rows),
            fix=fix,
        )


@dataclass(frozen=True, slots=True)
class _Damage:
    """What is wrong with one table, in a word and in a sentence, and how many rows it has."""

    table: str
    kind: str
    rows: int
    message: str


def _leftovers(scene: Scene) -> Iterator[_Damage]:
    for left in scene.recognition.leftovers:
        if left.table not in OWNERS:
            continue  # 23 and later: what an unfinished optimize-storage keeps, and Hermes clears
        rows = _count(scene, left.table)
        number = len(left.indexes)
        hanging = (
            f" {count(number, 'index')} of {left.owner} {verb(number, 'is', 'are')} still on it."
            if left.indexes
            else ""
        )
        yield _Damage(
            left.table,
            "leftover",
            rows,
            f"{left.table} has {count(rows, 'row')} that {verb(rows, 'belongs', 'belong')} to"
            f" {left.owner}, left behind by an interrupted migration."
            f"{hanging}{_left_out(scene, left)}",
        )


def _left_out(scene: Scene, left: Leftover) -> str:
    """Return sentences about the rows that cannot be brought back, empty where all can."""
    lost = _not_brought(scene, left)
    queries = (
        (lost.gone, "of a session that is gone"),
        (lost.older, "older than what is there"),
        (lost.contested, "whose place another row takes"),
    )
    counted = [(_ask(scene, query), words) for query, words in queries]
    named = [f"{count(number, 'row')} {words}" for number, words in counted if number]
    return f" Not moved, but kept in the backup: {', '.join(named)}." if named else ""


def _contested(scene: Scene) -> bool:
    """Whether bringing rows back would take the place of others, or leave a person's row out."""
    return any(
        _ask(scene, _not_brought(scene, left).contested)
        for left in scene.recognition.leftovers
        if left.table in OWNERS
    )


def _not_brought(scene: Scene, left: Leftover) -> NotBrought:
    known = default_catalogue()
    tables = scene.structure.tables
    nearest = known.nearest(scene.recognition.number).structure.tables
    owner = nearest.get(left.owner) or known.side.tables[left.owner]
    return not_brought(tables[left.table], tables.get(left.owner), owner)


def _ask(scene: Scene, query: str) -> int:
    row = scene.look.one(query) if query else None
    return whole(row[0]) if row is not None else 0


_MISLEADS = {"schema_version": ", as in a database made by hand"}
"""What such a key does to a table, where it is no failure."""


def _wrong_keys(scene: Scene) -> Iterator[_Damage]:
    for table in scene.recognition.wrong_keys:
        rows = _count(scene, table)
        yield _Damage(
            table,
            "key",
            rows,
            f"{table} ({count(rows, 'row')}) has a different key than Hermes gives"
            f" it{_MISLEADS.get(table, ': writing to it fails')}.",
        )


def _outdated_search(scene: Scene) -> Iterator[_Damage]:
    if scene.recognition.search.outdated:
        rows = _count(scene, "messages")
        yield _Damage(
            "messages_fts",
            "search",
            rows,
            f"The search tables are not those of schema {scene.recognition.number}: searching"
            f" {count(rows, 'message')} misses tool calls and their results.",
        )


def _count(scene: Scene, table: str) -> int:
    return sum(whole(row[0]) for row in scene.look.scan("COUNT(*)", table))


def _finish_migration(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Finish the rebuilds of all tables at once."""
    named = {str(finding.subject["table"]) for finding in findings}
    tables = ", ".join(sorted(named))
    lost = "".join(
        _left_out(scene, left) for left in scene.recognition.leftovers if left.table in OWNERS
    )
    by_hand = named <= set(scene.recognition.wrong_keys)
    what = "rebuild with Hermes' own key" if by_hand else "finish the interrupted migration"
    summary = f"{what}: {tables}" + (f".{lost}" if lost else "")
    unit = _unit(scene, findings, summary.rstrip("."), ())
    yield replace(unit, safety=Safety.UNSAFE) if _contested(scene) else unit


@check("SC006", "index-missing", Severity.WARNING, Remedy.SAFE, stage=Stage.STRUCTURE)
def index_missing(scene: Scene) -> Iterator[Finding]:
    """Indexes of this schema are missing, or their names are used for another table or column.

    What it means: lists and reads scan whole tables, and on big installs Hermes runs into its short
    timeouts. Without the index of titles two sessions can have the same title.

    How it happens: statements of Hermes' own migration failed while another process held the lock,
    or an index was dropped by hand. Hermes creates missing ones on its next start, but never one
    whose name is taken.

    What repair does: it creates them as this schema has them. Where sessions share a title the
    newest keeps it, and the others get one of their own with their date.

    How safe it is: an index holds no data of its own; the receipt lists the titles that were given.
    """
    recognition = scene.recognition
    if recognition.family not in MIGRATED:
        return
    expected = default_catalogue().nearest(recognition.number).structure.indexes
    names = [
        name
        for name in (*recognition.indexes_missing, *recognition.indexes_elsewhere)
        if name in expected and expected[name].table not in recognition.unfinished
    ]
    if names:
        remedy, hint = _remedy(scene)
        yield index_missing.finding(
            DATABASE,
            f"{count(len(names), 'index')} of schema {recognition.number} {_is(names)} missing:"
            f" {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}.",
            hint,
            remedy=remedy,
            data={"indexes": names},
            identity=tuple(names),
            fix=partial(_make_indexes, scene, len(names)),
        )


def _is(names: Sequence[Any]) -> str:
    return "is" if len(names) == 1 else "are"


def _make_indexes(scene: Scene, number: int, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Make every missing index."""
    yield _unit(scene, findings, f"create {count(number, 'missing index')}", ())


@check(
    "SC007",
    "active-flag-null",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.STRUCTURE,
    concerns=Concerns.UNSEEN,
)
def active_flag_null(scene: Scene) -> Iterator[Finding]:
    """Messages have no value in the flag that makes them visible.

    What it means: 0.16.0 to 0.18.0 neither show nor search them: the chats look empty. Later
    releases set the flag on every start.

    How it happens: a build that was never released added the column as one that may be NULL (Hermes
    #51646), and the step that fills it never ran.

    What repair does: it sets the flag to 1, as 0.18.1 and later do.

    How safe it is: a message that was undone has 0, not NULL, and stays that way.
    """
    recognition = scene.recognition
    if not recognition.active_nullable or recognition.family is Family.EMPTY:
        return
    counted: Counter[Value] = Counter()
    for session_id, number in scene.look.scan(
        "session_id, COUNT(*)", "messages", _IS_NULL, tail="GROUP BY session_id"
    ):
        counted[session_id] += whole(number)
    if not counted:
        return
    messages = counted.total()
    remedy, hint = _remedy(scene)
    if recognition.family is Family.LATER:
        hint = "Hermes sets it on its next start."
    elif remedy is Remedy.SAFE and recognition.number < FIRST_WITH_FLAG:
        remedy, hint = Remedy.MIGRATE, LOOK_AT_MIGRATION
    yield active_flag_null.finding(
        {"kind": "table", "table": "messages"},
        f"{count(messages, 'message')} {verb(messages, 'has', 'have')} no active flag: 0.16.0 to"
        f" 0.18.0 do not show {verb(messages, 'it', 'them')}.",
        hint,
        remedy=remedy,
        data={"messages": messages},
        identity=(messages,),
        sessions=len(counted),
        messages=messages,
        fix=partial(_set_flags, scene),
    )


_IS_NULL = "active IS NULL"
FIRST_WITH_FLAG = 14


def _set_flags(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Set the flags at once, the first by itself: it shows after a kill what became of the rest."""
    row = scene.look.one(f"SELECT MIN(id) FROM messages WHERE {_IS_NULL}")
    first = RowUpdate("messages", {"id": row[0] if row else None}, {"active": None}, {"active": 1})
    messages = sum(finding.messages for finding in findings)
    summary = f"show {count(messages, 'message')} again: set the active flag"
    yield _unit(scene, findings, summary, (first,))
