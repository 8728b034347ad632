"""What the schema tests share: a plain executor, whole databases as values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.values import Value
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.data_steps import Decisions, delegates_to_tag, read_candidates
from hermes_repair.schema.recognise import Family, Recognition, recognise
from hermes_repair.schema.route import Route, read_facts, route
from hermes_repair.schema.structure import Query, Structure, read_structure


def asking(connection: sqlite3.Connection) -> Query:
    """Return the query function that the schema room wants."""

    def query(sql: str, parameters: Sequence[Value]) -> Iterable[Sequence[Value]]:
        return connection.execute(sql, tuple(parameters))

    return query


def structure_of(connection: sqlite3.Connection) -> Structure:
    """Read the structure of an open database."""
    return read_structure(asking(connection))


def apply(connection: sqlite3.Connection, actions: Iterable[Action]) -> None:
    """Run actions in one transaction, each row update against its before-image."""
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN IMMEDIATE")
    for action in actions:
        if isinstance(action, Ddl):
            connection.execute(action.sql)
            continue
        assert isinstance(action, RowUpdate), action
        asked = {**action.key, **action.before}
        where = " AND ".join(f'"{name}" IS ?' for name in asked)
        given = ", ".join(f'"{name}" = ?' for name in action.after)
        done = connection.execute(
            f"UPDATE {action.table} SET {given} WHERE {where}",
            (*action.after.values(), *asked.values()),
        )
        assert done.rowcount == 1, action
    connection.execute("COMMIT")


def plan(
    connection: sqlite3.Connection,
    target: int,
    persons: Iterable[str] = (),
    copies: Iterable[str] = (),
    entries: dict[str, Any] | None = None,
) -> tuple[Route, Decisions]:
    """Read everything that the route asks for and return the route with the step-16 decisions."""
    structure = structure_of(connection)
    recognition = recognise(structure)
    decisions = Decisions()
    if recognition.number < 16 <= target:
        candidates = list(read_candidates(asking(connection), structure))
        decisions = delegates_to_tag(candidates, target, set(persons), set(copies))
    facts = read_facts(asking(connection), structure, target, decisions, entries or {})
    return route(structure, target, facts), decisions


def migrate(connection: sqlite3.Connection, target: int) -> tuple[Route, Decisions]:
    """Take a database to ``target`` in one transaction."""
    way, decisions = plan(connection, target)
    apply(connection, way.actions)
    return way, decisions


def rows_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the rows of every table by column name, shadow tables of the search index aside."""
    structure = structure_of(connection)
    tables = [*structure.tables, *structure.virtual_tables, "sqlite_sequence"]
    found = {}
    for table in tables:
        cursor = connection.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = sorted(
            json.dumps(dict(zip(names, row, strict=True)), sort_keys=True, default=repr)
            for row in cursor
        )
    for table in structure.virtual_tables:
        found[f"{table} ids"] = sorted(
            str(row[0]) for row in connection.execute(f'SELECT id FROM "{table}_docsize"')
        )
    return found


def answers(connection: sqlite3.Connection, words: Sequence[str]) -> dict[str, list[int]]:
    """Return what both search tables answer to each word."""
    return {
        f"{table} {word}": [
            row[0]
            for row in connection.execute(
                f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid", (f'"{word}"',)
            )
        ]
        for table in structure_of(connection).virtual_tables
        for word in words
    }


def check_search(connection: sqlite3.Connection) -> None:
    """Run FTS5's own integrity check on every search table; raises where one is damaged."""
    for table in structure_of(connection).virtual_tables:
        connection.execute(f"INSERT INTO {table}({table}) VALUES('integrity-check')")


def known(number: int) -> Structure:
    """Return the structure of a number from the catalogue."""
    return default_catalogue().structure(number)


def interrupted(found: Recognition) -> bool:
    """Whether an earlier migration of Hermes stopped half-way (SC004); 23 and later aside."""
    stopped = found.unfinished or found.search.outdated
    return bool(stopped) and found.family in (Family.OLD, Family.REPAIRED)
