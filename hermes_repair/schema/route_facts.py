"""Ask a database what the route must know of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_repair.schema.catalogue import Catalogue, default_catalogue
from hermes_repair.schema.delegate_marks import Decisions
from hermes_repair.schema.gateway_step import read_gateway_updates
from hermes_repair.schema.recognise import Recognition
from hermes_repair.schema.route import makes_search_anew
from hermes_repair.schema.route_parts import RouteFacts
from hermes_repair.schema.structure import Query, Structure
from hermes_repair.schema.table_rebuild import CONVERSATIONS, REBUILT, without_place
from hermes_repair.schema.target_objects import missed, wanted_objects
from hermes_repair.schema.title_step import read_title_updates

ROWS_PER_CHUNK = 20_000

MESSAGE_BOUNDS = """
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM messages)
WHERE place % ? = 0 ORDER BY id
"""
"""Ids at which to cut a pass over ``messages``; one parameter, the rows per cut."""

NULL_ACTIVE = "SELECT 1 FROM messages WHERE active IS NULL LIMIT 1"
GATEWAY_STEP = 18


def read_facts(
    query: Query,
    structure: Structure,
    recognition: Recognition,
    target: int,
    decisions: Decisions,
    entries: Mapping[str, Any],
    catalogue: Catalogue | None = None,
) -> RouteFacts:
    """Return the facts for :func:`.route.route`; asks only what this route needs.

    ``decisions`` come from :func:`.delegate_marks.delegates_to_tag` and count only where the route
    passes 16; ``entries`` is the parsed ``sessions.json`` of the home, for 18.
    """
    known = catalogue or default_catalogue()
    number = recognition.number
    gateway = number < GATEWAY_STEP <= target or GATEWAY_STEP in missed(
        wanted_objects(known, target), recognition.missing, number
    )
    search = makes_search_anew(structure, recognition, target, known)
    return RouteFacts(
        message_bounds=message_bounds(query) if search else (),
        null_active=recognition.active_nullable and bool(list(query(NULL_ACTIVE, ()))),
        titles=read_title_updates(query, structure),
        delegates=decisions.tag,
        gateway=read_gateway_updates(query, structure, entries) if gateway else (),
        crowded=read_crowded(query, structure, target, known),
    )


def read_crowded(
    query: Query, structure: Structure, target: int, catalogue: Catalogue
) -> frozenset[str]:
    """Return the tables whose rows do not fit the key that they have at ``target``.

    A key that Hermes itself changed has a place for what was written under the earlier one.
    """
    found = set()
    for name, wanted in catalogue.structure(target).tables.items():
        live = structure.tables.get(name)
        if live is None or live.key == wanted.key or name in REBUILT | CONVERSATIONS:
            continue
        if next(iter(query(without_place(live, wanted), ())))[0]:
            found.add(name)
    return frozenset(found)


def message_bounds(query: Query, rows: int = ROWS_PER_CHUNK) -> tuple[int, ...]:
    """Return the last id of each full chunk of ``rows`` messages; reads the key index only."""
    found = (row[0] for row in query(MESSAGE_BOUNDS, (rows,)))
    return tuple(value for value in found if isinstance(value, int))
