"""One look at one home, from the question who has it open to a scene for the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.past import folder_of, gather
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Scene, Wishes
from hermes_repair.home.installed import Surroundings, find_installed
from hermes_repair.home.layout import Home
from hermes_repair.host import Openers, OpenStatus, RawFacts
from hermes_repair.model.errors import DatabaseUnreadable, NoInstall, Refused
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.store.look import Look
from hermes_repair.store.views import FileState, Sides, WalChoice, at_rest, beside_others


@dataclass(frozen=True, slots=True)
class Outside:
    """The file from outside: its bytes' facts and who has it open."""

    facts: RawFacts
    openers: Openers

    @property
    def alone(self) -> bool:
        """Whether nobody else has it open, so that it may be read as it lies."""
        return self.openers.status is OpenStatus.NOBODY

    @property
    def at_rest(self) -> bool:
        """Whether the bytes can be read as they lie: nobody, or unknown and no connection's trace.

        On a network filesystem nothing proves that nobody is there; a WAL database without its
        ``-shm`` has no connection, and joining would create one (R1).
        """
        if self.alone:
            return True
        unknown = self.openers.status is OpenStatus.UNKNOWN and not self.openers.processes
        return unknown and self.facts.wal_mode and not self.facts.shm.exists

    @property
    def sides(self) -> Sides:
        """The sizes of the main file and of what lies beside it."""
        return Sides(self.facts.main.size, self.facts.wal.size, self.facts.journal.size)

    @property
    def marks(self) -> str:
        """What changes whenever somebody writes: the base that a plan is made on."""
        return ";".join(
            f"{part.inode}:{part.size}:{part.mtime_ns}" if part.exists else "-"
            for part in (self.facts.main, self.facts.wal, self.facts.journal)
        )


def from_outside(home: Home) -> Outside:
    """Look at the files without opening them as a database.

    Raises :class:`NoInstall` where there is no state.db, :class:`Refused` where it may not be read.
    """
    facts = host.probe(home.database)
    if not facts.main.exists:
        raise NoInstall(
            f"{home.root} has no state.db.",
            "Name the Hermes folder: hermes-repair doctor --home PATH",
        )
    if facts.main.errno is not None:
        raise Refused(
            f"{home.database} may not be read by this user.",
            "Run this as the owner of the Hermes folder.",
        )
    return Outside(facts, host.who_has_open(home.database))


def copy_private(pairs: list[tuple[Path, Path]]) -> None:
    """Copy database files for a private look; they need not survive a power cut."""
    host.copy_files(pairs, fsync=False)


@contextmanager
def visit(
    home: Home,
    world: World,
    wishes: Wishes,
    *,
    choice: WalChoice | None = None,
    check_file: bool = True,
    outside: Outside | None = None,
) -> Iterator[Scene]:
    """Give a scene of one home; nothing in the home changes (R1)."""
    seen = outside or from_outside(home)
    with ExitStack() as stack:
        if seen.at_rest:
            look, state = stack.enter_context(
                at_rest(home.database, seen.sides, copy_private, choice, check_file=check_file)
            )
        else:
            look, state = stack.enter_context(
                beside_others(home.database, wal_mode=seen.facts.wal_mode, check_file=check_file)
            )
        structure, state = _structure(look, state, seen)
        yield Scene(
            home=home,
            look=look,
            file=state,
            structure=structure,
            recognition=recognise(structure),
            openers=seen.openers,
            installed=find_installed(
                home.root, Surroundings(world.environ, world.user_home, world.platform)
            ),
            past=gather(folder_of(home)),
            wishes=wishes,
            now=world.now(),
            zone=world.zone,
        )


def _structure(look: Look, state: FileState, seen: Outside) -> tuple[Structure, FileState]:
    if seen.facts.main.size == 0:
        held = f"; its -wal holds {seen.facts.wal.size} bytes" if seen.facts.wal.size else ""
        return Structure(), replace(state, unreadable=f"it is empty (0 bytes){held}")
    if not seen.facts.is_sqlite:
        return Structure(), replace(state, unreadable="it is not a SQLite database")
    try:
        return read_structure(look.rows), state
    except DatabaseUnreadable as error:
        return Structure(), replace(state, unreadable=error.message)
