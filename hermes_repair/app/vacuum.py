"""``vacuum``: state.db written anew without its free room, in place of the old file.

The new file is made beside, proven to say the same, and exchanged as a salvaged one is
(:mod:`.install_salvaged`). The old one is kept, and `undo` gives it back to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hermes_repair.app.apply_units import ROOM
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, copy_private, read_file_status
from hermes_repair.app.install_salvaged import Cause, Installed, replace_database
from hermes_repair.app.open_scene import ask_scene
from hermes_repair.app.preflight import (
    Space,
    disk_space,
    kept_name,
    require_alone,
    require_no_question,
    require_writable,
    single_run,
)
from hermes_repair.app.receipts import left_by_us
from hermes_repair.app.recover import recover
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import VACUUM
from hermes_repair.records.folder import SALVAGED
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.schema.recognise import Family, recognise
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.file_state import WalAnswer, at_rest
from hermes_repair.store.integrity import require_sound
from hermes_repair.store.look import Look
from hermes_repair.store.vacuumed import Room, require_equal, room_in, write_vacuumed


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The room that state.db takes, and what making it smaller takes of the disk meanwhile."""

    room: Room
    space: Space


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a run did. ``size`` is that of the new file in bytes.

    ``installed`` is None where it was declined, and where the new file was no smaller (``size`` is
    None where none was made). ``recovered`` tells of runs that had been cut off.
    """

    foreseen: Foreseen
    size: int | None = None
    installed: Installed | None = None
    recovered: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nobody works on the old file."""
        return self.installed is None or not self.installed.late


def foresee(run: Run) -> Foreseen:
    """Return what a VACUUM would give back, and what it needs. Changes nothing."""

    def ask(scene: Scene) -> Foreseen:
        _require_known(scene.look)
        side = 0 if scene.look.live else read_file_status(run.home).sides.wal
        return _foreseen(run, room_in(scene.look), side)

    return ask_scene(run, ask)


def vacuum(run: Run, agree: Callable[[Foreseen], bool]) -> Vacuumed:
    """Write state.db anew and put that in its place.

    ``agree`` hears what is foreseen before anything is written. Raises
    :class:`~hermes_repair.model.errors.InUse` where somebody has it open,
    :class:`~hermes_repair.model.errors.Refused` where it is not sound, there is no room, or SQLite
    did not write the same again; and what
    :func:`~hermes_repair.app.install_salvaged.install` raises.
    """
    folder, home = run.folder, run.home
    require_alone(read_file_status(home))
    with single_run(folder):
        recovered = tuple(recover(run))
        file_status = read_file_status(home)
        require_alone(file_status)
        _require_one_name(file_status)
        with _sound(run, file_status) as look:
            foreseen = _foreseen(run, room_in(look), file_status.sides.wal)
            require_writable(run, foreseen.space.needed)
            if not agree(foreseen):
                return Vacuumed(foreseen, recovered=recovered)
            place = folder.new_backup(SALVAGED, run.now())
            new = place / kept_name(home)
            try:
                run.environment.tell("Writing the new file.")
                write_vacuumed(look, new, wal_mode=file_status.facts.wal_mode)
                folder.own(new)
                run.environment.tell("Comparing every row of it with the old one.")
                require_equal(look, new)
            except BaseException:
                folder.remove_backup(place)
                raise
        try:
            size = new.stat().st_size
            if size >= foreseen.room.file:
                return Vacuumed(foreseen, size, recovered=recovered)
            installed = replace_database(run, new, file_status.marks, Cause(VACUUM))
        finally:
            folder.remove_backup(place)
    return Vacuumed(foreseen, size, installed, recovered)


def _foreseen(run: Run, room: Room, side: int) -> Foreseen:
    """``side`` is what lies in a -wal: with one, a private copy of both is what is read."""
    copied = room.file + side if side else 0
    return Foreseen(room, disk_space(run.home, ROOM + room.needed + side + copied))


@contextmanager
def _sound(run: Run, file_status: FileStatus) -> Iterator[Look]:
    """Look at a database that is sound and that may be written; nothing beside it is in question.

    What an ordinary crash left in a -wal is read with it, from a private copy.
    """
    require_no_question(run, file_status)
    answer = WalAnswer(left_by_us=left_by_us(run.folder, file_status) is not None)
    opened = at_rest(run.home.database, file_status.sides, copy_private, answer, check_file=True)
    with opened as (look, state):
        if state.soundness is not None:
            require_sound(state.soundness)
        _require_known(look)
        yield look


def _require_known(look: Look) -> None:
    """Raise :class:`Refused` for a schema of which only locks are written, or none of Hermes'."""
    structure = read_structure(look.rows)
    recognition = recognise(structure)
    allowed = allowed_writes(recognition, structure)
    if allowed.locks_only or recognition.family is Family.EMPTY:
        raise Refused(f"Nothing is written here: {allowed.reason}.", "Nothing was changed.")


def _require_one_name(file_status: FileStatus) -> None:
    main = file_status.facts.main
    if main.links > 1:
        raise Refused(
            f"{main.path} has {main.links - 1} more name (a hard link), which would go on leading"
            " to the old file.",
            "Nothing was changed. Remove the other name, then run the same command again.",
        )
