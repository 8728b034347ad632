"""One look at one home, from the question who has it open to a scene, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from hermes_repair.app.environment import Run, folder_of
from hermes_repair.app.file_status import (
    DOCTOR_SAYS_MORE,
    FileStatus,
    copy_private,
    naming,
    read_file_status,
    steady,
)
from hermes_repair.app.receipts import gather, left_by_us
from hermes_repair.app.target_release import installed_for, surroundings
from hermes_repair.checks.stale_locks import LOCKS
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import unread
from hermes_repair.home.layout import Home
from hermes_repair.home.named_homes import named_homes
from hermes_repair.model.choices import LookOptions, WalChoice
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, Refused, UnknownSession
from hermes_repair.model.plans import Outline
from hermes_repair.model.words import count, verb
from hermes_repair.records import plan_database
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.store.file_state import FileState, SideFile, WalAnswer, at_rest, beside_others
from hermes_repair.store.integrity import require_agreement
from hermes_repair.store.look import Look, View
from hermes_repair.store.repeated_objects import repeated_schema
from hermes_repair.transcripts.session_files import list_sessions

T = TypeVar("T")

EVERYTHING = LookOptions()
NAMED = 3
"""Tables that are named; the rest is counted."""


@contextmanager
def open_scene(
    run: Run,
    look_options: LookOptions,
    *,
    choice: WalChoice | None = None,
    check_file: bool = True,
    file_status: FileStatus | None = None,
) -> Iterator[Scene]:
    """Give a scene of one home; nothing in the home changes (R1)."""
    file_status = file_status or read_file_status(run.home)
    folder = run.folder
    left = left_by_us(folder, file_status)
    with naming(file_status), ExitStack() as stack:
        if file_status.at_rest:
            look, state = stack.enter_context(
                at_rest(
                    run.home.database,
                    file_status.sides,
                    copy_private,
                    WalAnswer(choice, left_by_us=left is not None),
                    check_file=check_file,
                )
            )
        else:
            look, state = stack.enter_context(
                beside_others(
                    run.home.database,
                    wal_mode=file_status.facts.wal_mode,
                    check_file=check_file,
                    at_least=LOCKS,
                )
            )
        notes = []
        if left is not None and state.side is SideFile.CRASH:
            notes.append(
                f"The -wal beside state.db is what {left.stem} could not merge (a full disk, a"
                " kill). The two belong together; the next repair, or Hermes, merges it."
            )
        if state.soundness is not None and state.soundness.unchecked:
            tables = state.soundness.unchecked
            notes.append(
                f"Whether {_listed(tables)} and {verb(len(tables), 'its', 'their')} indexes match"
                " takes too long to check while others use the database."
            )
        installed = installed_for(run, file_status.openers)
        notes += unread(installed)
        structure, state = _structure(look, state, file_status)
        yield Scene(
            home=run.home,
            look=look,
            file=state,
            structure=structure,
            recognition=recognise(structure),
            openers=file_status.openers,
            installed=installed,
            receipt_history=gather(folder),
            look_options=look_options,
            now=run.now(),
            zone=run.environment.zone,
            wal_mode=file_status.facts.wal_mode,
            named_homes=named_homes(run.home, surroundings(run)),
            notes=notes,
            tell=run.environment.now_and_then(),
        )


def ask_scene(
    run: Run,
    ask: Callable[[Scene], T],
    look_options: LookOptions = EVERYTHING,
) -> T:
    """Return what ``ask`` makes of a scene; asked again where the files moved under the look.

    The file is not checked: that is for looks that a repair may be planned on.
    """

    def look(file_status: FileStatus) -> T:
        with open_scene(run, look_options, check_file=False, file_status=file_status) as scene:
            return ask(scene)

    return steady(run, look)


def _listed(tables: Sequence[str]) -> str:
    """Return some names, the rest counted."""
    more = len(tables) - NAMED
    named = ", ".join(tables[:NAMED])
    return f"{named} and {count(more, 'more table')}" if more > 0 else named


def _structure(
    look: Look, state: FileState, file_status: FileStatus
) -> tuple[Structure, FileState]:
    if file_status.facts.main.size == 0:
        wal = file_status.facts.wal.size
        held = f"; its -wal holds {wal} bytes, and opening it deletes them" if wal else ""
        return Structure(), replace(
            state, unreadable=f"it is empty (0 bytes){held}", nothing_there=not wal
        )
    if not file_status.facts.is_sqlite:
        headless = file_status.perhaps_headless and state.view is View.JOINED
        if not headless or state.soundness is None or not state.soundness.sound:
            return Structure(), replace(
                state, unreadable="it is not a SQLite database", foreign=True
            )
        state = replace(state, headless=True)
    if file_status.in_the_way is not None:
        return Structure(), replace(state, unreadable=file_status.in_the_way)
    try:
        return read_structure(look.rows), state
    except DatabaseUnreadable as error:
        repeated = repeated_schema(look) if error.damage is not None else None
        return Structure(), replace(state, unreadable=error.message, repeated=repeated)


def readable(scene: Scene) -> bool:
    """Whether there are conversations to look at."""
    return scene.file.unreadable is None and scene.has_conversations


def no_conversations(scene: Scene) -> Refused:
    """Return what is said where there are none."""
    return Refused(f"{scene.home.database} has no conversations.", DOCTOR_SAYS_MORE)


def require_readable(scene: Scene) -> None:
    """Raise :class:`Refused` where there are no conversations, or an index hides some (DB006).

    For what reads sessions and messages without the doctor's checks.
    """
    if not readable(scene):
        raise no_conversations(scene)
    require_agreement(scene.look, "sessions", "messages")


def require_known(scene: Scene, named: Collection[str], planned: Iterable[Outline] = ()) -> None:
    """Raise :class:`UnknownSession` for an id that no row, file, plan or receipt of a home has.

    A chat may be there without a row of its own: as a transcript or log, as messages or a lock that
    its row left behind, as what an earlier run of ours took away.
    """
    unknown = set(named) - scene.node.keys()
    for outline in planned:
        unknown -= outline.unit.sessions | {outline.unit.subject}
    if unknown:
        unknown -= scene.locked.union(_of_files(scene.home))
        unknown = {session for session in unknown if not _has_messages(scene, session)}
    if unknown:
        unknown.difference_update(_of_receipts(scene.home))
    if unknown:
        raise UnknownSession(
            f"There is no session {min(unknown)!r} here: no row, file or receipt has that id.",
            advice(
                "`{}` lists sessions with findings, `{}` those with these words.",
                command("doctor"),
                command("find", "WORDS"),
            ),
        )


def _of_files(home: Home) -> Iterator[str]:
    for folder in {home.sessions_dir, home.logs_dir}:
        for file in list_sessions(folder).files:
            if file.session_id is not None:
                yield file.session_id


def _has_messages(scene: Scene, session: str) -> bool:
    row = scene.look.one("SELECT 1 FROM messages WHERE session_id = ? LIMIT 1", [session])
    return row is not None


def _of_receipts(home: Home) -> Iterator[str]:
    paths = folder_of(home).receipt_paths()
    for _, named in plan_database.read_each(paths, PlanFile.subjects):
        yield from named
