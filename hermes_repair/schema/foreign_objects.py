"""What no release of Hermes makes and what decides over its tables: triggers, views, and the like.

A trigger that somebody else made can drop a row that is written (``RAISE(IGNORE)``), delete others,
or write a value back; a view, a virtual table or a generated column in the place of a table makes a
write something else than it says. So nothing is written to a table that has one (DB009).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from hermes_repair.model.actions import (
    Action,
    Ddl,
    FileCopy,
    FileRewrite,
    IndexRefill,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
)
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.search import CJK, FIRST_WITH_CJK
from hermes_repair.schema.sql_text import tokens
from hermes_repair.schema.structure import Structure, Table, Trigger
from hermes_repair.schema.table_rebuild import OWNERS

_GENERATED = (2, 3)  # what table_xinfo says of virtual and stored generated columns
_ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT")
_EVENTS = ("delete", "insert", "update")

_FIRES: Mapping[type, frozenset[str]] = {
    RowUpdate: frozenset({"update"}),
    RowInsert: frozenset({"insert", "delete"}),  # undo deletes what was inserted
    RowDelete: frozenset({"insert", "delete"}),
    RowMove: frozenset({"insert", "delete"}),
}


@dataclass(frozen=True, slots=True)
class ForeignObject:
    """One object of a database that no release makes, and the tables that it decides over.

    ``kind`` is ``trigger``, ``view``, ``virtual table``, ``generated column`` or ``foreign key``;
    ``name`` that of the object (``table.column``, and ``table(columns)`` of a foreign key).
    ``tables`` are tables of Hermes', ``events`` the writes to them that it has to do with.
    ``certain`` is false where the structure of the schema's number is not known to us, so that it
    may be Hermes' own.
    """

    kind: str
    name: str
    tables: tuple[str, ...]
    events: frozenset[str] = frozenset(_EVENTS)
    certain: bool = True

    @property
    def replaces(self) -> bool:
        """Whether it stands where Hermes has a table."""
        return self.kind in ("view", "virtual table")

    @property
    def reason(self) -> str:
        """Why nothing is written where this is, as a clause."""
        whose = "no release of Hermes creates" if self.certain else "hermes-repair does not know"
        return (
            f"DB009: the {self.kind} {self.name}, which {whose}, affects what is written to"
            f" {' and '.join(self.tables)}"
        )


def find_foreign_objects(structure: Structure, number: int) -> tuple[ForeignObject, ...]:
    """Return what is no release's among the objects that decide over Hermes' tables.

    ``number`` is the schema's, as :func:`.recognise.recognise` tells it. A trigger is a release's
    if one of any layout has its name and its text: layouts mix where a migration stopped. Objects
    on tables of somebody's own are nobody's business, because nothing of ours writes there.
    """
    version = default_catalogue().versions.get(number)
    certain = version is not None and bool(version.shapes)
    tables = tables_of_hermes()
    foreign = [
        *_triggers(structure, number, tables),
        *_in_place_of_tables(structure, tables),
        *_generated_columns(structure, tables),
        *_foreign_keys(structure, tables),
    ]
    ordered = sorted(foreign, key=lambda one: (one.tables, one.kind, one.name))
    return tuple(ordered if certain else (replace(one, certain=False) for one in ordered))


def refusal(foreign_objects: Iterable[ForeignObject], action: Action) -> str:
    """Return why ``action`` must not run beside these, the empty text where it may.

    Of a change of structure it is not known which rows it writes, so any of them stands in its way.
    What may be Hermes' own stands only in the way of the writes that it has to do with.
    """
    if isinstance(action, FileCopy | FileRewrite):
        return ""
    for one in foreign_objects:
        if isinstance(action, Ddl | IndexRefill):
            return one.reason
        if action.table in one.tables and (one.certain or one.events & _FIRES[type(action)]):
            return one.reason
    return ""


@cache
def tables_of_hermes() -> frozenset[str]:
    """Return every table that a release makes or leaves behind, those of the search index aside."""
    shapes = (*_shapes(), default_catalogue().side)
    return frozenset({*OWNERS, *(name for shape in shapes for name in shape.tables)})


def _triggers(structure: Structure, number: int, tables: frozenset[str]) -> Iterator[ForeignObject]:
    releases = {t for shape in _shapes() for t in shape.triggers.values()}
    for trigger in structure.triggers.values():
        if trigger in releases:
            continue
        if number >= FIRST_WITH_CJK and trigger.name.startswith(f"{CJK}_"):
            continue
        event, target = _event_and_table(trigger)
        named = {target, trigger.table.lower()}
        if named & structure.shadow_tables:  # FTS5 writes there whenever messages are written
            yield ForeignObject("trigger", trigger.name, ("messages",))
        elif named & tables:
            events = frozenset({event} if event else _EVENTS)
            yield ForeignObject("trigger", trigger.name, tuple(sorted(named & tables)), events)


def _event_and_table(trigger: Trigger) -> tuple[str, str]:
    """Return what a trigger fires on, and the table, as its own text says; empty where it does not.

    ``create trigger NAME [before|after|instead of] delete|insert|update [of ...] on TABLE``
    """
    after_name = list(tokens(trigger.sql))[3:]
    head = after_name[: after_name.index("on")] if "on" in after_name else []
    event = next((word for word in head if word in _EVENTS), "")
    target = after_name[len(head) + 1 : len(head) + 2]
    return event, target[0].strip('"') if target else ""


def _in_place_of_tables(structure: Structure, tables: frozenset[str]) -> Iterator[ForeignObject]:
    for kind, names in (("view", structure.views), ("virtual table", structure.virtual_tables)):
        for name in names:
            if name.lower() in tables:
                yield ForeignObject(kind, name, (name.lower(),))


def _generated_columns(structure: Structure, tables: frozenset[str]) -> Iterator[ForeignObject]:
    for table in _of_hermes(structure, tables):
        for column in table.columns:
            if column.hidden in _GENERATED:
                name = f"{table.name}.{column.name}"
                yield ForeignObject("generated column", name, (table.name.lower(),))


def _foreign_keys(structure: Structure, tables: frozenset[str]) -> Iterator[ForeignObject]:
    """Yield references that change rows by themselves.

    They never do while we write (``foreign_keys=OFF``), but Hermes writes with them on: what a
    repair leaves, or its undo takes away, Hermes would then see changed by its own next write.
    """
    shapes = (*_shapes(), default_catalogue().side)
    releases = {key for s in shapes for table in s.tables.values() for key in table.foreign_keys}
    for table in _of_hermes(structure, tables):
        for key in table.foreign_keys - releases:
            if key.on_delete in _ACTIONS or key.on_update in _ACTIONS:
                name = f"{table.name}({', '.join(key.columns)})"
                both = {table.name.lower(), key.table.lower()}
                yield ForeignObject("foreign key", name, tuple(sorted(both & tables)))


def _of_hermes(structure: Structure, tables: frozenset[str]) -> Iterator[Table]:
    return (table for name, table in structure.tables.items() if name.lower() in tables)


def _shapes() -> Iterator[Structure]:
    for version in default_catalogue().versions.values():
        yield from version.shapes.values()
