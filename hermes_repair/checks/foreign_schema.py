"""What no release of Hermes creates and what has a say in its tables (DB009)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.commands_to_type import Hint, advice, command, quoted
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.schema.foreign_objects import ForeignObject, find_foreign_objects
from hermes_repair.store.connections import quote


@check("DB009", "foreign-schema-object", Severity.WARNING, Remedy.MANUAL, file_level=True)
def foreign_schema_object(scene: Scene) -> Iterator[Finding]:
    """Something that no release of Hermes creates controls one of Hermes' tables.

    What it means: a trigger runs whenever Hermes writes there, or a view, a virtual table, a
    generated column or a reference with CASCADE or SET NULL changes what a write does. It can drop
    a new message, delete others or change values, and nobody, not even Hermes, would notice. One
    that only keeps a log does Hermes no harm.

    How it happens: a person or another program added it: for an audit, against duplicates, for a
    sync. Hermes itself only creates triggers for its search index, and from schema 30 on for the
    order of messages; those are recognised by name and text and are not reported.

    What repair does: nothing, and it does not write to the tables named; other tables are repaired.
    `migrate` does nothing at all, because rebuilding a table would lose its triggers.

    How safe it is: nothing is changed. Only you can know whether it is still needed.
    """
    for foreign in find_foreign_objects(scene.structure, scene.recognition.number):
        if foreign.certain:
            listed = " and ".join(foreign.tables)
            yield foreign_schema_object.finding(
                {"kind": "table", "table": foreign.tables[0]},
                f"{_sentence(foreign, listed)} Nothing is written to {listed} while it exists.",
                _hint(foreign, str(scene.home.database)),
                severity=Severity.ERROR if foreign.replaces else None,
                data={"object": foreign.kind, "name": foreign.name, "tables": list(foreign.tables)},
                identity=(foreign.kind, foreign.name),
            )


def _sentence(foreign: ForeignObject, tables: str) -> str:
    match foreign.kind:
        case "trigger":
            does = f"runs whenever {_events(foreign)} {tables}"
        case "view" | "virtual table":
            return f"Hermes' table {tables} is missing: a {foreign.kind} has its name."
        case "generated column":
            does = "is computed by the database and cannot be written"
        case _:
            does = f"changes or deletes rows of {tables} by itself"
    return f"The {foreign.kind} {foreign.name}, which no release of Hermes creates, {does}."


def _events(trigger: ForeignObject) -> str:
    words = {"insert": "a row is added to", "update": "a row is changed in"}
    words["delete"] = "a row is deleted from"
    return " or ".join(words[event] for event in sorted(trigger.events))


def _hint(foreign: ForeignObject, database: str) -> Hint:
    """Return how to look at it, and what to do about it, in commands that can be typed."""
    look = f"Look at it: sqlite3 {quoted(database)} '.schema {foreign.tables[-1]}'."
    if foreign.replaces:
        return advice(
            "{} Restore the table under its name, or restore a copy: `{}`, then `{}`.",
            look,
            command("backup list"),
            command("restore", "BACKUP"),
        )
    remedy = {
        "trigger": f"DROP TRIGGER {quote(foreign.name)}",
        "generated column": _drop_column(foreign),
    }.get(foreign.kind)
    if remedy is None:
        return f"{look} Whoever added it has to rebuild the table without it."
    return advice(
        "{} If nothing of yours needs it, stop Hermes, make a copy (`{}`) and remove it: {}",
        look,
        command("backup"),
        f"sqlite3 {quoted(database)} {shlex.quote(remedy)}",
    )


def _drop_column(foreign: ForeignObject) -> str:
    table, _, column = foreign.name.partition(".")
    return f"ALTER TABLE {quote(table)} DROP COLUMN {quote(column)}"
