"""``merge``: what other databases have and this home never had, brought into state.db.

The sources are taken one after the other, in an order that does not depend on how they were named:
each is compared with what the home has by then. What the home perhaps had and took away is listed,
and brought only when its session is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.app.apply_units import Applied, Draft, Job, apply_units, close_receipt, needed
from hermes_repair.app.compared_sources import Held, hold, in_order
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, left_wal, read_file_status, steady
from hermes_repair.app.identical_sources import each_once
from hermes_repair.app.merge_rows import BothDatabases
from hermes_repair.app.merge_sources import Place, Source, find_sources, lies_still
from hermes_repair.app.merge_units import MERGE, UnitMaker, read_peers, read_titles
from hermes_repair.app.migrate import require_no_obstacle
from hermes_repair.app.open_scene import no_conversations, open_scene, readable
from hermes_repair.app.preflight import Space, disk_space, require_alone, single_run
from hermes_repair.app.receipts import header_of
from hermes_repair.app.recover import recover
from hermes_repair.app.scene_facts import facts
from hermes_repair.app.source_copies import opened, where_it_lies
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.actions import RowInsert, RowRef
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import (
    Changed,
    HermesRepairError,
    Refused,
    UnknownSession,
    from_os,
)
from hermes_repair.model.plans import Outline, Unit, outline
from hermes_repair.model.values import Row
from hermes_repair.records import plan_database
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import Soundness
from hermes_repair.store.look import Look
from hermes_repair.store.private_copies import scratch
from hermes_repair.store.second_reader import second_reader


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What to merge: paths of sources, and the only sessions that are meant where some are named.

    A session that is named is brought also where only its owner can say whether it should be.
    """

    sources: tuple[Path, ...]
    sessions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would do, source by source in the order in which they are taken.

    ``database`` is what was read of the home; ``space`` what it takes of the disk, None where
    nothing is to be done. ``live`` is who has the home open, so that nothing can be written now.
    """

    held: tuple[Held, ...]
    database: dict[str, object]
    space: Space | None = None
    live: str | None = None

    @property
    def nothing_to_do(self) -> bool:
        """Whether no source has anything that is to be brought."""
        return not any(one.wanted for one in self.held)

    @property
    def asks(self) -> bool:
        """Whether something is left that only the owner can decide."""
        return any(one.left for one in self.held)


@dataclass(slots=True)
class Merged:
    """What a merge did. ``preview`` is what was shown before, ``after`` the same of a fresh look.

    ``stopped`` is why it went no further after something was done, ``wal_left`` the size of a
    ``-wal`` that could not be taken into state.db.
    """

    preview: Preview
    after: list[Held] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    receipt: Path | None = None
    declined: bool = False
    stopped: HermesRepairError | None = None
    wal_left: int = 0

    @property
    def units(self) -> int:
        return sum(applied.units for applied in self.applied)

    @property
    def actions(self) -> int:
        return sum(applied.actions for applied in self.applied)

    @property
    def refused(self) -> list[tuple[Unit, HermesRepairError]]:
        return [pair for applied in self.applied for pair in applied.refused]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done, and nothing is left to ask."""
        return not (self.refused or self.stopped or self.left)

    @property
    def left(self) -> list[Held]:
        """The sources in which something is left that only the owner can decide about."""
        return [one for one in self.after or self.preview.held if one.left]


def preview(run: Run, request: MergeRequest) -> Preview:
    """Compare the sources with the home; changes nothing. Raises as :func:`merge` does."""
    places = each_once(find_sources(run.home, request.sources))
    if (shown := _presumed(run, request, places)) is not None:
        return shown
    with ExitStack() as stack:
        sources = _opened(run, places, stack)
        return _preview(run, request, sources)


def _presumed(run: Run, request: MergeRequest, places: Sequence[Place]) -> Preview | None:
    """Return the preview of sound databases, read where they lie and checked in the meantime.

    None where any of them is not sound, takes a copy to be read, or moved while it was read: then
    all is done in turn, on copies, which also says what is wrong.
    """
    try:
        file_status = read_file_status(run.home)
        if not file_status.is_one_file:
            return None
        with _ready(run, file_status, check_file=False) as (number, _):
            sources = [source for place in places if (source := where_it_lies(place, number))]
        if len(sources) < len(places):
            return None
        with ExitStack() as stack:
            databases = [run.home.database, *(source.database for source in sources)]
            checks = [stack.enter_context(second_reader(one)).soundness() for one in databases]
            shown = _preview(run, request, in_order(sources))
            sound = all(check.result() == Soundness() for check in checks)
        return shown if sound and all(map(lies_still, places)) else None
    except HermesRepairError:
        return None


def merge(run: Run, request: MergeRequest, agree: Callable[[Preview], bool]) -> Merged:
    """Bring what the sources have and the home never had, after ``agree`` has seen it.

    Raises :class:`UsageError` and :class:`Refused` for a source that cannot be read or a home that
    cannot be written, :class:`UnknownSession` where no source has a session that is named.
    """
    read_file_status(run.home)  # raises where there is no database to change
    places = each_once(find_sources(run.home, request.sources))
    with single_run(run.folder), ExitStack() as stack:
        require_alone(read_file_status(run.home))
        recovered = recover(run)
        sources = _opened(run, places, stack)
        shown = _preview(run, request, sources)
        result = Merged(shown, recovered=recovered)
        if shown.nothing_to_do:
            return result
        if not agree(shown):
            result.declined = True
            return result
        drafts = _Drafts(stack.enter_context(scratch(0)), stack.enter_context(_rows_of(sources)))
        try:
            for one in shown.held:
                if one.wanted:
                    _merge_one(run, request, one, drafts, result)
            if result.receipt is not None:
                close_receipt(run, result.receipt)
            result.wal_left = left_wal(run.home)
            _verify(run, request, result)
        except (HermesRepairError, OSError) as error:
            if result.receipt is None:
                raise
            result.stopped = from_os(error) if isinstance(error, OSError) else error
            close_receipt(run, result.receipt)
    return result


def _opened(run: Run, places: Sequence[Place], stack: ExitStack) -> list[Source]:
    """Check the home and open the sources, which are gone with ``stack``."""
    with _ready(run, check_file=True) as (number, scene):
        return in_order(stack.enter_context(opened(run, places, number, scene.look)))


@dataclass(frozen=True, slots=True)
class _Drafts:
    """Where drafts are made, and what reads rows of the sources again."""

    folder: Path
    resolve: Callable[[RowInsert], Row]


@contextmanager
def _ready(
    run: Run, file_status: FileStatus | None = None, *, check_file: bool
) -> Iterator[tuple[int, Scene]]:
    """Yield the schema number of the home and a scene of it.

    Raises :class:`Refused` where messages must not be written to it.
    """
    with open_scene(run, LookOptions(), check_file=check_file, file_status=file_status) as scene:
        if not readable(scene):
            raise no_conversations(scene)
        if check_file:
            require_no_obstacle(scene)
        allowed = allowed_writes(scene.recognition, scene.structure)
        if not allowed.messages or not allowed.sessions:
            raise Refused(
                f"Nothing can be merged into this home: {allowed.reason}.",
                advice("Nothing was changed. `{}` says more.", command("doctor")),
            )
        yield scene.recognition.number, scene


def _preview(run: Run, request: MergeRequest, sources: Sequence[Source]) -> Preview:
    def look(file_status: FileStatus) -> Preview:
        with _ready(run, file_status, check_file=False) as (_, scene):
            held = tuple(hold(scene, source, request.sessions) for source in sources)
            _require_known(request, held)
            outlines: list[Outline] = []
            for one in held:
                if one.wanted:
                    with _units(scene, one) as units:
                        outlines += (outline(number, unit) for number, unit in enumerate(units, 1))
            database = facts(scene)
        if not outlines:
            return Preview(held, database)
        need = needed(file_status, Draft(tuple(outlines)), backup=False)
        live = None if file_status.alone else f"{file_status.openers.describe()}."
        return Preview(held, database, disk_space(run.home, need), live)

    return steady(run, look)


def _require_known(request: MergeRequest, held: Sequence[Held]) -> None:
    known = {id for one in held for id in one.comparison.source.sessions}
    known |= {
        verdict.bring.into
        for one in held
        for verdict in one.comparison.verdicts.values()
        if verdict.bring is not None
    }
    unknown = request.sessions - known
    if unknown:
        raise UnknownSession(
            f"No source has a session {min(unknown)!r}.",
            "Without --session all that the sources have is listed.",
        )


@contextmanager
def _units(scene: Scene, held: Held) -> Iterator[Iterator[Unit]]:
    """Yield the units of one source, made one at a time; their texts stay where they are."""
    allowed = allowed_writes(scene.recognition, scene.structure)
    with main_alone(held.source.database) as look:
        maker = UnitMaker(
            databases=BothDatabases(scene.look, look, allowed.everything),
            name=held.source.name,
            ids=scene.new_message_ids,
            children=scene.graph.children,
            titles=read_titles(scene.look),
            peers=read_peers(scene.look, scene.routing.current),
            led=scene.routing.live_ids,
        )
        yield maker.units(held.wanted)


def _draft(run: Run, scene: Scene, held: Held, place: Path, file_status: FileStatus) -> Draft:
    """Write the units of one source to a file."""
    path = place / f"{sum(1 for _ in place.iterdir()) + 1}.db"
    header = header_of(run, MERGE, file_status.marks, schema=scene.recognition.number)
    with _units(scene, held) as units, plan_database.create(path, header) as file:
        outlines = file.append(units)
        digest = file.digest(one.number for one in outlines)
    return Draft(tuple(outlines), path=path, digest=digest)


def _merge_one(
    run: Run, request: MergeRequest, shown: Held, place: _Drafts, result: Merged
) -> None:
    """Compare one source with what the home has by now, and bring what was shown of it."""
    file_status = read_file_status(run.home)
    require_alone(file_status)
    with _ready(run, file_status, check_file=False) as (number, scene):
        held = hold(scene, shown.source, request.sessions).only(shown)
        if not held.wanted:
            return
        draft = _draft(run, scene, held, place.folder, file_status)
        birth = scene.birth
    job = Job(MERGE, number, birth, resolve=place.resolve)
    applied = apply_units(run, file_status, draft, job, result.receipt)
    result.receipt = applied.receipt
    result.applied.append(applied)


@contextmanager
def _rows_of(sources: Sequence[Source]) -> Iterator[Callable[[RowInsert], Row]]:
    """Yield what reads the row that an insert is made of from the private copy of its source."""
    with ExitStack() as stack:
        looks = {one.name: stack.enter_context(main_alone(one.database)) for one in sources}

        def resolve(action: RowInsert) -> Row:
            assert isinstance(action.source, RowRef)
            look: Look = looks[action.source.database]
            listed = ", ".join(map(quote, action.columns))
            asked = f"SELECT {listed} FROM {quote(action.table)} WHERE rowid = ?"
            row = look.one(asked, [action.source.rowid])
            if row is None:
                raise Changed(f"A row of {action.source.database} is gone from its copy.")
            return {**dict(zip(action.columns, row, strict=True)), **action.values}

        yield resolve


def _verify(run: Run, request: MergeRequest, result: Merged) -> None:
    """See in a fresh look that nothing of what was to be brought is left to bring."""
    not_done = {id for unit, _ in result.refused for id in unit.sessions}
    with _ready(run, check_file=False) as (_, scene):
        for shown in result.preview.held:
            after = hold(scene, shown.source, request.sessions)
            result.after.append(after.beside(shown))
            wanted = after.only(shown).wanted
            left = [one.session_id for one in wanted if one.session_id not in not_done]
            if left:
                raise HermesRepairError(
                    f"{min(left)} of {shown.source.name} was merged, and a fresh look still finds"
                    " something to bring.",
                    advice("`{}` takes the merge back. Please report this.", command("undo")),
                )
