"""From a live structure to a target number: every statement, in order, for one transaction.

The route asks what the target wants and the live structure lacks, step by step, so it
serves as well where columns are ahead of the number, behind it, or where Hermes was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hermes_repair.model.actions import Action
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.schema.catalogue import NEWEST_TARGET, default_catalogue
from hermes_repair.schema.data_steps import Decisions, read_gateway_updates, read_title_updates
from hermes_repair.schema.recognise import Family, Recognition, recognise
from hermes_repair.schema.route_parts import Builder, Part, RouteFacts
from hermes_repair.schema.search_rebuild import is_right
from hermes_repair.schema.structure import Query, Structure
from hermes_repair.schema.table_rebuild import CONVERSATIONS, REBUILT, without_place
from hermes_repair.schema.target_objects import missed, objects_by_step

ROWS_PER_CHUNK = 20_000

MESSAGE_BOUNDS = """
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM messages)
WHERE place % ? = 0 ORDER BY id
"""
"""Ids at which to cut a pass over ``messages``; one parameter, the rows per cut."""

NULL_ACTIVE = "SELECT 1 FROM messages WHERE active IS NULL LIMIT 1"
GATEWAY_STEP = 18


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


def route(structure: Structure, target: int, facts: RouteFacts) -> Route:
    """Return the way to ``target``; at the number itself, what mends the structure there.

    Raises :class:`UsageError` for a number that is no target, :class:`Refused` where this database
    must not or cannot be migrated.
    """
    recognition = recognise(structure)
    check_target(recognition, target)
    builder = Builder(structure, recognition, target, facts)
    for objects in objects_by_step(target):
        builder.step(objects)
    builder.side_tables()
    builder.version_row()
    return Route(recognition.number, target, tuple(builder.parts), builder.kept())


def read_facts(
    query: Query,
    structure: Structure,
    target: int,
    decisions: Decisions,
    entries: Mapping[str, Any],
) -> RouteFacts:
    """Ask a database what :func:`route` must know of its rows; only what this route needs.

    ``decisions`` come from :func:`.data_steps.delegates_to_tag` and count only where the route
    passes 16; ``entries`` is the parsed ``sessions.json`` of the home, for 18.
    """
    recognition = recognise(structure)
    number = recognition.number
    gateway = number < GATEWAY_STEP <= target or GATEWAY_STEP in missed(
        objects_by_step(target), recognition.missing, number
    )
    search = makes_search_anew(structure, recognition, target)
    return RouteFacts(
        message_bounds=message_bounds(query) if search else (),
        null_active=recognition.active_nullable and bool(list(query(NULL_ACTIVE, ()))),
        titles=read_title_updates(query, structure),
        delegates=decisions.tag,
        gateway=read_gateway_updates(query, structure, entries) if gateway else (),
        crowded=read_crowded(query, structure, target),
    )


def check_target(recognition: Recognition, target: int) -> None:
    """Raise where there is no way from this database to ``target``; see :func:`route`."""
    if target not in default_catalogue().known_numbers() or target > NEWEST_TARGET:
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


def makes_search_anew(structure: Structure, recognition: Recognition, target: int) -> bool:
    """Whether the way to ``target`` fills a search table, which takes a pass over all messages.

    On the way to its own step a search table is made anew whatever it looks like, because Hermes
    may have been killed in the middle of that step (10 to 11).
    """
    final = default_catalogue().nearest(target).structure
    return any(
        objects.step.number > recognition.number or not is_right(structure, final, statements)
        for objects in objects_by_step(target)
        for statements in objects.search.values()
    )


def read_crowded(query: Query, structure: Structure, target: int) -> frozenset[str]:
    """Return the tables whose rows do not fit the key that they have at ``target``.

    A key that Hermes itself changed has a place for what was written under the earlier one.
    """
    crowded = set()
    for name, expected in default_catalogue().structure(target).tables.items():
        live = structure.tables.get(name)
        if live is None or live.key == expected.key or name in REBUILT | CONVERSATIONS:
            continue
        if next(iter(query(without_place(live, expected), ())))[0]:
            crowded.add(name)
    return frozenset(crowded)


def message_bounds(query: Query, rows: int = ROWS_PER_CHUNK) -> tuple[int, ...]:
    """Return the last id of each full chunk of ``rows`` messages; reads the key index only."""
    bounds = (row[0] for row in query(MESSAGE_BOUNDS, (rows,)))
    return tuple(bound for bound in bounds if isinstance(bound, int))
