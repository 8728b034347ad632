"""One look at one home, from the question who has it open to a scene for the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from hermes_repair.app.outside import Outside, copy_private, folder_of, from_outside, naming
from hermes_repair.app.past import at_work_on, gather
from hermes_repair.app.target import installed_for
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Scene, Wishes
from hermes_repair.home.installed import unread
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.schema.recognise import recognise
from hermes_repair.schema.structure import Structure, read_structure
from hermes_repair.store.look import Look, integrity_check
from hermes_repair.store.views import FileState, WalChoice, at_rest, beside_others


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
    with naming(seen), ExitStack() as stack:
        if seen.at_rest:
            look, state = stack.enter_context(
                at_rest(
                    home.database,
                    seen.sides,
                    copy_private,
                    choice,
                    check_file=check_file,
                    ours=at_work_on(folder),
                )
            )
        else:
            look, state = stack.enter_context(
                beside_others(home.database, wal_mode=seen.facts.wal_mode, check_file=check_file)
            )
        notes = []
        if check_file and state.damage is None:
            notes.append("The check of the file itself takes too long beside others; it waits.")
        if wishes.deep and not look.live:
            state = replace(state, damage=integrity_check(look))
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
