"""From a live structure to a target number: every statement, in order, for one transaction.

The route asks what the target wants and the live structure lacks, step by step, so it
serves as well where columns are ahead of the number, behind it, or where Hermes was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.model.actions import Action
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.schema.catalogue import NEWEST_TARGET, Catalogue, default_catalogue
from hermes_repair.schema.recognise import Family, Recognition, recognise
from hermes_repair.schema.route_parts import Builder, Part, RouteFacts
from hermes_repair.schema.search_refill import is_right
from hermes_repair.schema.structure import Structure
from hermes_repair.schema.target_objects import wanted_objects


@dataclass(frozen=True, slots=True)
class Route:
    """The way from ``start`` to ``target``; ``parts`` in the order in which they must run.

    ``kept`` is what somebody made otherwise than every release and what stays so, a line each.
    """

    start: int
    target: int
    parts: tuple[Part, ...]
    kept: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions in order; to run with foreign keys off, in one transaction."""
        return tuple(action for part in self.parts for action in part.actions)


def route(
    structure: Structure, target: int, facts: RouteFacts, catalogue: Catalogue | None = None
) -> Route:
    """Return the way to ``target``; at the number itself, what mends the structure there.

    Raises :class:`UsageError` for a number that is no target, :class:`Refused` where this database
    must not or cannot be migrated.
    """
    known = catalogue or default_catalogue()
    recognition = recognise(structure, known)
    check_target(recognition, target, known)
    builder = Builder(structure, recognition, known, target, facts)
    for wanted in wanted_objects(known, target):
        builder.step(wanted)
    builder.side_tables(known)
    builder.version_row()
    return Route(recognition.number, target, tuple(builder.parts), builder.kept())


def check_target(recognition: Recognition, target: int, catalogue: Catalogue) -> None:
    """Raise where there is no way from this database to ``target``; see :func:`route`."""
    if target not in catalogue.known_numbers() or target > NEWEST_TARGET:
        raise UsageError(
            f"hermes-repair does not migrate to schema {target}.",
            advice(
                f"Known targets go up to {NEWEST_TARGET}; `{{}}` shows them.",
                command("migrate", "--list"),
            ),
        )
    if recognition.family is Family.EMPTY:
        raise Refused(
            "This database has no sessions or messages table, so there is nothing to migrate.",
            "Hermes creates them on its next start.",
        )
    if recognition.family in (Family.LATER, Family.NEWER):
        raise Refused(
            f"This database is at schema {recognition.number}, which Hermes' own code migrates.",
            advice("`{}` says which findings still apply.", command("doctor")),
        )
    if target < recognition.number:
        raise Refused(
            f"This database is at schema {recognition.number}; it cannot go back to {target}.",
            advice("`{}` reverts a migration by hermes-repair.", command("undo")),
        )


def makes_search_anew(
    structure: Structure, recognition: Recognition, target: int, catalogue: Catalogue
) -> bool:
    """Whether the way to ``target`` fills a search table, which takes a pass over all messages.

    On the way to its own step a search table is made anew whatever it looks like, because Hermes
    may have been killed in the middle of that step (10 to 11).
    """
    final = catalogue.nearest(target).structure
    return any(
        wanted.step.number > recognition.number or not is_right(structure, final, statements)
        for wanted in wanted_objects(catalogue, target)
        for statements in wanted.search.values()
    )
