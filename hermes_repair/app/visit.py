"""One look at one home, from the question who has it open to a scene for the checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from hermes_repair.app.outside import Outside, copy_private, folder_of, from_outside, naming
from hermes_repair.app.past import gather, left_by_us
from hermes_repair.app.target import installed_for
from hermes_repair.app.world import World
from hermes_repair.checks.locks import LOCKS
from hermes_repair.checks.scene import Scene, Wishes
from hermes_repair.home.installed import unread
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.report.escape import count, verb
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.store.look import Look
from hermes_repair.store.views import FileState, SideFile, WalChoice, at_rest, beside_others

NAMED = 3
"""Tables that are named; the rest is counted."""


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
    folder = folder_of(home)
    left = left_by_us(folder, seen)
    with naming(seen), ExitStack() as stack:
        if seen.at_rest:
            look, state = stack.enter_context(
                at_rest(
                    home.database,
                    seen.sides,
                    copy_private,
                    choice,
                    check_file=check_file,
                    left_by_us=left is not None,
                )
            )
        else:
            look, state = stack.enter_context(
                beside_others(
                    home.database,
                    wal_mode=seen.facts.wal_mode,
                    check_file=check_file,
                    at_least=LOCKS,
                )
            )
        notes = []
        if left is not None and state.side is SideFile.CRASH:
            notes.append(
                f"The -wal beside state.db is what {left.stem} could not take into it (a full disk,"
                " a kill). The two belong together; the next repair, or Hermes, takes it in."
            )
        if state.soundness is not None and state.soundness.unchecked:
            tables = state.soundness.unchecked
            notes.append(
                f"Whether {_listed(tables)} and {verb(len(tables), 'its', 'their')} indexes agree"
                " takes too long to check beside others; it waits."
            )
        installed = installed_for(home, world, seen)
        notes += unread(installed)
        structure, state = _structure(look, state, seen)
        yield Scene(
            home=home,
            look=look,
            file=state,
            structure=structure,
            recognition=recognise(structure),
            openers=seen.openers,
            installed=installed,
            past=gather(folder),
            wishes=wishes,
            now=world.now(),
            zone=world.zone,
            notes=notes,
            tell=world.now_and_then(),
        )


def _listed(tables: Sequence[str]) -> str:
    """Return some names, the rest counted."""
    more = len(tables) - NAMED
    named = ", ".join(tables[:NAMED])
    return f"{named} and {count(more, 'more table')}" if more > 0 else named


def _structure(look: Look, state: FileState, seen: Outside) -> tuple[Structure, FileState]:
    if seen.facts.main.size == 0:
        held = f"; its -wal holds {seen.facts.wal.size} bytes" if seen.facts.wal.size else ""
        return Structure(), replace(state, unreadable=f"it is empty (0 bytes){held}")
    if not seen.facts.is_sqlite:
        return Structure(), replace(state, unreadable="it is not a SQLite database")
    if seen.in_the_way is not None:
        return Structure(), replace(state, unreadable=seen.in_the_way)
    try:
        return read_structure(look.rows), state
    except DatabaseUnreadable as error:
        return Structure(), replace(state, unreadable=error.message)
