"""A private copy of a source that can be compared: whole, sound, and at the schema of the home.

A -wal is read with its database only where it is of its moment: laid over one that has moved on,
it passes every check of SQLite's and hides rows that are there. A damaged source, and a -wal
without its database, go through salvage. An older one is brought to the home's schema by our own
route, whose data steps take no person's chat for a delegate's run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.app.environment import Run, folder_of
from hermes_repair.app.file_status import copy_private
from hermes_repair.app.filled_capture import fill_capture, fill_made
from hermes_repair.app.merge_sources import NOT_A_SOURCE, Place, Source, SourceKind
from hermes_repair.app.migrate import route_of
from hermes_repair.app.open_scene import open_scene
from hermes_repair.app.receipts import gather
from hermes_repair.app.salvage import SIDE_FILES, reading
from hermes_repair.app.source_export import SEARCH, from_export
from hermes_repair.home.layout import DATABASE, Home, open_home, routing_file
from hermes_repair.host.regular_files import read_if_there
from hermes_repair.model.actions import Action, Ddl, IndexRefill
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.model.receipt_history import NO_HISTORY, ReceiptHistory
from hermes_repair.model.salvage_ledger import from_document
from hermes_repair.model.words import count, verb
from hermes_repair.repair.apply import apply
from hermes_repair.repair.row_writes import Rows
from hermes_repair.salvage import Bundle, NoPages
from hermes_repair.schema.catalogue import NEWEST_TARGET
from hermes_repair.schema.recognise import holds_conversations, recognise
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.attached_pair import Which
from hermes_repair.store.backup import copy_live
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import IN_QUESTION, SideFile, Sides, at_rest, main_alone
from hermes_repair.store.integrity import soundness
from hermes_repair.store.look import Look
from hermes_repair.store.private_copies import scratch
from hermes_repair.store.two_databases import side_by_side
from hermes_repair.store.writer import writing

LEDGER = SIDE_FILES["ledger.json"]
_LONGEST_LEDGER = 64 << 20  # bytes; it names the sessions that lost something
ASIDE = "aside-wal"
GROWTH = 3
"""How often the size of a source its copies take: the copy, its salvage or joined view, journal."""


@contextmanager
def opened(run: Run, places: Sequence[Place], number: int, home: Look) -> Iterator[list[Source]]:
    """Copy sources to private files and bring them to schema ``number``; gone on the way out.

    ``home`` is asked here only: what a captured -wal goes on from is taken of it.

    Raises :class:`Refused` for one that is newer than the home, that has no conversations or that
    is no database, and where no folder has the room.
    """
    need = GROWTH * sum(_size(place) for place in places)
    with scratch(need) as folder:
        sources: list[Source] = []
        for place in places:
            for one in _copies(run, place, folder, number):
                started = _bring(run, one, number, place)
                if one.capture:
                    fill_capture(home, one.database, one.made)
                else:
                    fill_made(home, one.database, one.made)
                sources.append(replace(one, started=started, history=_history(place)))
        yield sources


def where_it_lies(place: Place, number: int) -> Source | None:
    """Return a source that can be looked at without a copy; None where it takes one.

    That is a database at rest, with nothing beside it, at schema ``number``. Whether it is sound,
    and lay still while it was read, the caller has to ask.
    """
    if place.main is None or place.kind is SourceKind.CAPTURE or not place.status.is_one_file:
        return None
    source = _source(place, place.main)
    with main_alone(place.main) as look:
        structure = read_structure(look.rows)
    recognition = recognise(structure)
    target = min(number, NEWEST_TARGET)
    as_the_home = recognition.number == number and (number > target or not recognition.missing)
    if source.made or not holds_conversations(structure) or not as_the_home:
        return None
    return replace(source, started=recognition.number, history=_history(place))


def _history(place: Place) -> ReceiptHistory | None:
    """Return what our records say of a source; None of a database: its own may be elsewhere."""
    if place.home is not None:
        return gather(folder_of(open_home(place.home)))
    return None if place.kind is SourceKind.DATABASE else NO_HISTORY


def _size(place: Place) -> int:
    sides = place.status.sides
    return sides.main + sides.wal + sides.journal


def _new(folder: Path) -> Path:
    made = folder / f"source-{sum(1 for _ in folder.iterdir()) + 1}"
    made.mkdir(mode=0o700)
    return made / DATABASE


def _copies(run: Run, place: Place, folder: Path, number: int) -> Iterator[Source]:
    """Yield the private copies that a place gives: of two files of two moments, one each."""
    if place.kind is SourceKind.EXPORT:
        yield from_export(place, _new(folder), number)
        return
    run.environment.tell(f"copying {place.named}")
    if place.main is None:
        assert place.file is not None
        yield _pages_of_wal(run, place, place.file, _new(folder))
        return
    target = _new(folder)
    if not place.status.at_rest:
        copy_live(place.main, target)
        yield _source(place, target)
        return
    pairs = [
        (source, copy)
        for source, copy in place.status.copies(place.main, target)
        if not copy.name.endswith("-shm")
    ]
    contradiction = copy_private(pairs)
    made = _judged(run, place, target, _Beside(contradiction, place.kind is SourceKind.CAPTURE))
    for wal in (target.with_name(f"{target.name}-wal"), target.with_name(ASIDE)):
        if wal.exists() and wal.stat().st_size:
            # Of another moment: what it alone has is read alone.
            try:
                with_rows = _pages_of_wal(run, place, wal, _new(folder))
            except Refused:
                made = replace(made, notes=(*made.notes, "Its -wal has no message to be read."))
            else:
                yield replace(with_rows, name=f"{place.named} (its -wal alone)")
    yield made


def _source(place: Place, copy: Path) -> Source:
    partial, made = (False, frozenset[str]())
    if place.main is not None:
        partial, made = _salvaged_before(place.main)
    notes: tuple[str, ...] = ()
    if place.alike:
        has = verb(place.alike, "has", "have")
        notes = (f"{count(place.alike, 'other file')} that you named {has} the same bytes.",)
    named, kind = place.named, place.kind
    return Source(named, named, kind, copy, 0, partial=partial, made=made, notes=notes)


def _salvaged_before(database: Path) -> tuple[bool, frozenset[str]]:
    """Return whether a ledger beside a database says that rows of it may be missing, and the
    sessions that it made because their own row was lost.
    """
    written = read_if_there(database.with_name(f"{database.name}{LEDGER}"), _LONGEST_LEDGER)
    if written is None:
        return False, frozenset()
    try:
        ledger = from_document(json.loads(written))
    except (ValueError, TypeError, LookupError):
        return True, frozenset()  # something lies there that says nothing of the database
    return not ledger.complete, frozenset(one.session_id for one in ledger.sessions if one.made)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known of the -wal beside a copy: what proves that it is of another moment, if
    anything, and whether both were captured together."""

    contradiction: str | None
    captured: bool


def _judged(run: Run, place: Place, copy: Path, beside: _Beside) -> Source:
    """Return a copy that is sound, joined with its -wal or journal, or what salvage makes of it.

    A -wal of another moment is called :data:`ASIDE` then: whoever opens the copy is not to join it.
    """
    wal, journal = (copy.with_name(f"{copy.name}-{end}") for end in ("wal", "journal"))
    sides = Sides(*(p.stat().st_size if p.exists() else 0 for p in (copy, wal, journal)))
    source = _source(place, copy)
    if not place.status.facts.is_sqlite and not place.status.perhaps_headless:
        return _salvaged(run, source, Bundle(copy))
    try:
        with at_rest(copy, sides, lambda pairs: _again(pairs, beside), check_file=True) as (
            look,
            state,
        ):
            moved_on = beside.captured and state.side is SideFile.CRASH and _hides(look, copy)
    except DatabaseUnreadable:
        return _salvaged(run, source, Bundle.beside(copy))
    if state.side in IN_QUESTION or moved_on:
        note = f"The -wal beside {place.named} is of another moment: it was read by itself."
        source = replace(source, notes=(*source.notes, note))
        wal.rename(copy.with_name(ASIDE))
        return _without_side(run, source, copy)
    if state.damaged:
        use_wal = wal if wal.exists() and beside.contradiction is None else None
        return _salvaged(run, source, Bundle(copy, use_wal, journal if journal.exists() else None))
    if state.side is not SideFile.NONE:
        _settle(copy)
    if state.disagreeing:
        _reindex(copy)
    return source


def _hides(joined: Look, copy: Path) -> bool:
    """Whether the -wal of a capture hides messages that the main file beside it has.

    Hermes copies state.db as it lies at that time; another process may have gone on with it since
    the -wal began. Laid over that, the pages of the -wal show messages under the ids of others.
    """
    with main_alone(copy) as main, side_by_side(main, joined) as two:
        return two.settle().alone[Which.HOME] > 0


def _again(pairs: list[tuple[Path, Path]], beside: _Beside) -> str | None:
    copy_private(pairs)
    return beside.contradiction


def _without_side(run: Run, source: Source, copy: Path) -> Source:
    with main_alone(copy) as look:
        judged = soundness(look)
    if judged.damage:
        return _salvaged(run, source, Bundle(copy))
    if judged.disagreeing:
        _reindex(copy)
    return source


def _settle(copy: Path) -> None:
    """Take a -wal or journal into a copy of ours, so that it is one file."""
    with writing(copy, live=False) as writer:
        writer.query("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.query("PRAGMA journal_mode=DELETE")


def _reindex(copy: Path) -> None:
    """Make the indexes of a copy anew: what is read through them is what its tables have."""
    with writing(copy, live=False) as writer:
        for table in ("sessions", "messages"):
            writer.execute(f"REINDEX {quote(table)}")


def _pages_of_wal(run: Run, place: Place, wal: Path, target: Path) -> Source:
    """Return the rows on the pages that a -wal has, without the database that it was laid over."""
    copied = target.with_name("captured")
    copy_private([(wal, copied)])
    note = f"{place.named} was read without its database: only the rows that it has itself."
    source = replace(_source(place, target), kind=SourceKind.CAPTURE, notes=(note,))
    return replace(_salvaged(run, source, Bundle(None, copied)), capture=True)


def _salvaged(run: Run, source: Source, bundle: Bundle) -> Source:
    """Return what can be read of a damaged copy, as a sound one."""
    place = source.database.with_name("salvaged.db")
    environment = run.environment
    try:
        with reading(bundle, environment.now_and_then(), environment.now()) as opened_bundle:
            made = opened_bundle.make(place)
    except NoPages as error:
        raise Refused(f"{source.name} has nothing of a database in it.", NOT_A_SOURCE) from error
    lost = sum(table.lost_rows for table in made.ledger.tables)
    _require_messages(source, made.database)
    note = f"{source.name} is damaged: {count(lost, 'row')} of it {verb(lost, 'is', 'are')} lost."
    if not lost:
        note = f"{source.name} is damaged, and no row of it is known to be lost."
    notes = source.notes if bundle.main is None else (*source.notes, note)
    gone = frozenset(one.session_id for one in made.ledger.sessions if one.made)
    return replace(
        source, database=made.database, partial=True, notes=notes, made=source.made | gone
    )


def _require_messages(source: Source, made: Path) -> None:
    """Raise :class:`Refused` where nothing that was said could be read of a damaged copy.

    Then nothing is known of what it has, and not that it has nothing.
    """
    with main_alone(made) as look:
        if not look.has("messages") or look.one("SELECT 1 FROM messages LIMIT 1") is None:
            raise Refused(
                f"{source.name} is damaged, and none of its messages can be read.",
                advice("Nothing was changed. Look for another copy: `{}`", command("copies")),
            )


# --- To the schema of the home --------------------------------------------------------------------


def _bring(run: Run, source: Source, number: int, place: Place) -> int:
    """Bring a private copy to schema ``number``; return the number that it had.

    Search tables stay as they are: nothing asks them here.
    """
    root = source.database.parent
    home = Home(root, "default", source.database, root / "sessions", root)
    with main_alone(source.database) as look:
        structure = read_structure(look.rows)
        recognition = recognise(structure)
    if not holds_conversations(structure):
        raise Refused(
            f"{source.name} has no conversations: it is no database of Hermes.", NOT_A_SOURCE
        )
    if recognition.number > number:
        raise Refused(
            f"{source.name} is at schema {recognition.number} and this home at {number}: a merge"
            " goes from an older schema to a newer one.",
            advice(
                "Nothing was changed. First bring this home there: `{}`, or start a newer Hermes.",
                command("migrate"),
            ),
        )
    target = min(number, NEWEST_TARGET)
    if recognition.number > target or (recognition.number == target and not recognition.missing):
        return recognition.number
    routing = routing_file(open_home(place.home)) if place.home is not None else None
    if routing is not None:
        home.logs_dir.mkdir()
        (home.logs_dir / "sessions.json").write_bytes(routing)
    run.environment.tell(f"bringing a copy of {source.name} to schema {target}")
    with open_scene(Run(home, run.environment), LookOptions(), check_file=False) as scene:
        way, _ = route_of(scene, target)
    with writing(source.database, live=False) as writer:
        writer.begin(0.0, run.environment.random)
        for name, trigger in structure.triggers.items():
            if trigger.table == "messages":
                writer.execute(f"DROP TRIGGER {quote(name)}")
        rows = Rows(writer)
        for action in way.actions:
            if not _is_of_search(action):
                apply(rows, action, lambda insert: insert.values, lambda _move, _row: None)
        writer.commit()
    return recognition.number


def _is_of_search(action: Action) -> bool:
    return isinstance(action, IndexRefill) or (isinstance(action, Ddl) and SEARCH in action.sql)
