"""What a target schema asks for, object by object, each with the step that brings it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from hermes_repair.schema.catalogue import Step, default_catalogue
from hermes_repair.schema.structure import Column


@dataclass(slots=True)
class StepObjects:
    """The objects of one step that count for a target.

    A table stands at the first step that names it, with its last definition; a search table and its
    triggers stand at the step of their last definition, because making them costs a full pass.
    ``tables`` and ``indexes`` map names to SQL; ``search`` maps a search table to its statements,
    the table first; ``columns`` are (table, column) pairs that ALTER statements bring.
    """

    step: Step
    tables: dict[str, str] = field(default_factory=dict)
    columns: list[tuple[str, str]] = field(default_factory=list)
    indexes: dict[str, str] = field(default_factory=dict)
    search: dict[str, list[str]] = field(default_factory=dict)


def objects_by_step(target: int) -> list[StepObjects]:
    """Return every step up to ``target``, in order, with the objects that it is to ensure."""
    steps = [step for step in default_catalogue().steps.values() if step.number <= target]
    result = {step.number: StepObjects(step) for step in steps}
    first: dict[str, int] = {}
    search: dict[str, tuple[int, list[str]]] = {}
    for step in steps:
        for item in step.objects:
            match item.kind:
                case "table":
                    owner = first.setdefault(item.name, step.number)
                    result[owner].tables[item.name] = item.sql
                case "column":
                    table, _, column = item.name.partition(".")
                    result[step.number].columns.append((table, column))
                case "index":
                    result[step.number].indexes[item.name] = item.sql
                case "virtual table":
                    search[item.name] = (step.number, [item.sql])
                case "trigger":
                    search[item.name.rpartition("_")[0]][1].append(item.sql)
    for table, (number, statements) in search.items():
        result[number].search[table] = statements
    return list(result.values())


def missed(by_step: Iterable[StepObjects], missing: Collection[str], start: int) -> frozenset[int]:
    """Return the steps that the number counts as done, and whose tables or columns are missing.

    ``missing`` are names that every build of the number has (:mod:`.recognise`). Such a step never
    ran, whatever the number says, and so neither did what it does to rows.
    """
    return frozenset(
        objects.step.number
        for objects in by_step
        if objects.step.number <= start
        and not {*objects.tables, *(".".join(pair) for pair in objects.columns)}.isdisjoint(missing)
    )


def column_words(column: Column) -> str | None:
    """Return the definition of ``column`` for ADD COLUMN, ``None`` where SQLite cannot add it.

    A reference is left out, as Hermes' own reconcile does (0.12.0 and later).
    """
    if column.pk or column.hidden or (column.not_null and column.default is None):
        return None
    words = [f'"{column.name}"', column.type]
    if column.not_null:
        words.append("NOT NULL")
    if column.default is not None:
        words.append(f"DEFAULT {column.default}")
    return " ".join(words)
