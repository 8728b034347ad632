"""The parts of a route: what one step after another wants and the live structure lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.schema.catalogue import default_catalogue, made_table
from hermes_repair.schema.data_steps import TITLE_INDEX, version_actions
from hermes_repair.schema.recognise import Recognition
from hermes_repair.schema.search_rebuild import is_right, refill
from hermes_repair.schema.structure import Index, Structure, Table
from hermes_repair.schema.structure_difference import diff
from hermes_repair.schema.table_rebuild import (
    CONVERSATIONS,
    OWNERS,
    REBUILT,
    merge_leftover,
    not_brought,
    rebuild_table,
)
from hermes_repair.schema.target_objects import StepObjects, column_words, missed, objects_by_step
from hermes_repair.store.connections import quote


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What the route needs to know of the rows; see :func:`.route.read_facts`.

    ``message_bounds`` are the message ids at which the filling of a search table is cut,
    ``null_active`` is whether a message has NULL in a nullable ``active`` column. The row
    updates are computed by the rules of :mod:`.data_steps`, :mod:`.data_steps` and
    :mod:`.data_steps`. ``crowded`` are tables with rows that the key they are to have has no
    place for.
    """

    message_bounds: tuple[int, ...] = ()
    null_active: bool = False
    titles: tuple[RowUpdate, ...] = ()
    delegates: tuple[RowUpdate, ...] = ()
    gateway: tuple[RowUpdate, ...] = ()
    crowded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """Some actions that belong together.

    ``step`` is the label of the step. ``finding`` is the damage that the part mends where the
    number has it already (SC002, SC004 to SC007; FT001 where a search table of the right kind
    lacks a trigger), ``None`` for the way to a later number.
    ``count`` is a query for the number of rows that a data step will touch, empty without one.
    """

    step: str
    what: str
    actions: tuple[Action, ...]
    finding: str | None = None
    count: str = ""


class Builder:
    """Walks the steps over a picture of the live structure that each part changes."""

    def __init__(
        self,
        structure: Structure,
        recognition: Recognition,
        target: int,
        facts: RouteFacts,
    ) -> None:
        self.structure = structure
        self.recognition = recognition
        self.start = recognition.number
        self.target = target
        self.final = default_catalogue().structure(target)
        self.facts = facts
        self.tables = dict(structure.tables)
        self.indexes = dict(structure.indexes)
        self.made: set[str] = set()
        self.parts: list[Part] = []
        self.unfinished = recognition.unfinished
        # A table whose rebuild stopped has its rows elsewhere: its step did run.
        absent = set(recognition.missing) - self.unfinished
        self.missed = missed(objects_by_step(target), absent, self.start)

    def step(self, objects: StepObjects) -> None:
        """Append what one step needs: tables, columns, rows, indexes, search tables."""
        label = objects.step.label
        for name, sql in objects.tables.items():
            self._table(name, sql, label)
        self._columns(objects, label)
        self._rows(objects)
        for name, sql in objects.indexes.items():
            self._index(self.final.indexes[name], sql, label)
        for name, statements in objects.search.items():
            self._search(objects, name, statements)

    def kept(self) -> tuple[str, ...]:
        """Return what is otherwise than at the target now and stays so, a line each.

        Tables and their keys only: a route makes every index and search table of a number right.
        """
        indexes = {
            name: index for name, index in self.indexes.items() if index.table not in self.made
        }
        indexes |= {n: i for n, i in self.final.indexes.items() if i.table in self.made}
        picture = Structure(tables=self.tables, indexes=indexes)
        expected = Structure(tables=self.final.tables, indexes=self.final.indexes)
        return tuple(replace(diff(expected, picture), extra=()).lines())

    def side_tables(self) -> None:
        """Append what finishes the rebuild of a table beside the numbered schema, if one stopped.

        Without a leftover these tables are left alone: Hermes changes them on its own occasions.
        """
        label = "tables beside the schema"
        catalogue = default_catalogue()
        for item in catalogue.side_objects:
            index = catalogue.side.indexes.get(item.name)
            owner = item.name if index is None else index.table
            if owner not in self.unfinished:
                continue
            if index is None:
                self._table(item.name, item.sql, label)
            else:
                self._index(index, item.sql, label)

    def version_row(self) -> None:
        """Append what stamps the number."""
        label = f"{self.target} version row"
        finding = "SC005" if self.recognition.stamp.problem else None
        actions = version_actions(self.structure, self.target, label)
        self._add(label, f"the number becomes {self.target}", actions, finding)

    def _add(
        self,
        step: str,
        what: str,
        actions: list[Action],
        finding: str | None = None,
        count: str = "",
    ) -> None:
        if actions:
            self.parts.append(Part(step, what, tuple(actions), finding, count))

    def _sql(
        self, step: str, what: str, statements: list[str], finding: str | None, count: str = ""
    ) -> None:
        self._add(step, what, [Ddl(sql, step) for sql in statements], finding, count)

    def _damage(self, table: str, lacking: bool, finding: str) -> str | None:
        """Return the finding that an object of ``table`` belongs to, ``None`` for a later number.

        What hangs on a table whose rebuild stopped is mended with it, all or nothing.
        """
        if table in self.unfinished:
            return "SC004"
        return finding if lacking else None

    def _table(self, name: str, create: str, label: str) -> None:
        target = made_table(create)
        damage = self._damage(name, name in self.recognition.missing, "SC002")
        live = self.tables.get(name)
        if live is None:
            self._refuse_stranger(name)
            self._sql(label, f"table {name}", [create], damage)
            self.tables[name] = target
            self.made.add(name)
        elif live.key != target.key or (
            live.name in REBUILT and live.foreign_keys != target.foreign_keys
        ):
            self._rebuild(live, target, create, label, damage)
        for leftover, owner in OWNERS.items():
            if owner == name and leftover in self.tables:
                self._merge(leftover, target, label)

    def _refuse_stranger(self, name: str) -> None:
        """Raise where something of another kind has the name that a table is to have."""
        taken = (self.structure.views, self.structure.virtual_tables, self.structure.indexes)
        if any(name in names for names in taken):
            raise _not_of_hermes(f"{name} exists but is not a table")

    def _rebuild(
        self, live: Table, target: Table, create: str, label: str, damage: str | None
    ) -> None:
        if live.name in CONVERSATIONS:
            raise _not_of_hermes(f"Table {live.name} has a primary key of no known schema")
        if live.name in self.facts.crowded:
            raise Refused(
                f"Table {live.name} has a primary key of no known schema, and rows that do not fit"
                " one: they share a key, or lack a value. Hermes did not create it.",
                "Only you can say which of them may go: `hermes-repair explain SC004`.",
            )
        hanging = [index for index in self.indexes.values() if index.table == live.name]
        statements = rebuild_table(live, target, create, hanging)
        what = f"table {live.name} rebuilt with its own key"
        self._sql(label, what, statements, damage)
        for index in hanging:
            del self.indexes[index.name]
        self.tables[live.name] = target
        self.made.add(live.name)

    def _merge(self, name: str, target: Table, label: str) -> None:
        leftover = self.tables.pop(name)
        self._sql(label, f"rows of {name}", merge_leftover(leftover, target), "SC004")
        lost = not_brought(leftover, self.structure.tables.get(target.name), target)
        what = f"table {name} removed, with the rows that have no place; the backup keeps them"
        self._sql(label, what, [f"DROP TABLE {quote(name)}"], "SC004", lost.all)
        for index in list(self.indexes.values()):
            if index.table == name:
                del self.indexes[index.name]

    def _columns(self, objects: StepObjects, label: str) -> None:
        named: dict[str, set[str]] = {}
        for table, added in objects.columns:
            named.setdefault(table, set()).add(added)
        for name, sql in objects.tables.items():
            named.setdefault(name, set()).update(c.name for c in made_table(sql).columns)
        for name, columns in named.items():
            live = self.tables[name]
            lacking = [
                column
                for column in self.final.tables[name].columns
                if column.name in columns and live.column(column.name) is None
            ]
            for column in lacking:
                words = column_words(column)
                if words is None:
                    raise _not_of_hermes(
                        f"Table {name} lacks its column {column.name}, which cannot be added"
                    )
                full = f"{name}.{column.name}"
                self._sql(
                    label,
                    f"column {full}",
                    [f"ALTER TABLE {quote(name)} ADD COLUMN {words}"],
                    self._damage(name, full in self.recognition.missing, "SC002"),
                )
                live = replace(live, columns=(*live.columns, column))
            self.tables[name] = live

    def _rows(self, objects: StepObjects) -> None:
        step = objects.step
        rules = {"delegates": self.facts.delegates, "gateway": self.facts.gateway}
        for data in step.data:
            if data.nullable:
                table, _, column = data.nullable.partition(".")
                live = self.tables[table].column(column)
                if live is not None and not live.not_null and self.facts.null_active:
                    self._sql(step.label, data.what, [data.sql], "SC007", data.count)
            elif step.number > self.start or step.number in self.missed:
                damage = "SC002" if step.number in self.missed else None
                if data.by:
                    self._add(step.label, data.what, list(rules[data.by]), damage)
                else:
                    count = self._countable(data.count)
                    self._sql(step.label, data.what, [data.sql], damage, count)

    def _countable(self, sql: str) -> str:
        """Return a count query for the database as it is: columns to come are their defaults."""
        for name, table in self.final.tables.items():
            live = self.structure.tables.get(name)
            for column in table.columns if live else ():
                if live is not None and live.column(column.name) is None:
                    sql = re.sub(rf"\b{column.name}\b", column.default or "NULL", sql)
        return sql

    def _index(self, target: Index, sql: str, label: str) -> None:
        name = target.name
        live = self.indexes.get(name)
        if live == target:
            return
        recognition = self.recognition
        lacking = name in (*recognition.indexes_missing, *recognition.indexes_elsewhere)
        damage = self._damage(target.table, lacking, "SC006")
        if name == TITLE_INDEX:
            self._add(label, "titles that sessions share", list(self.facts.titles), damage)
        statements = [sql] if live is None else [f"DROP INDEX {quote(name)}", sql]
        self._sql(label, f"index {name}", statements, damage)
        self.indexes[name] = target

    def _search(self, objects: StepObjects, table: str, statements: list[str]) -> None:
        behind = objects.step.number > self.start
        if table in {*self.structure.tables, *self.structure.views}:
            raise _not_of_hermes(f"{table} exists but is not a search table")
        if behind or not is_right(self.structure, self.final, statements):
            fill = objects.step.fills[table]
            damage = "SC004" if self.recognition.search.outdated else "FT001"
            bounds = self.facts.message_bounds
            self._sql(
                objects.step.label,
                f"search table {table} rebuilt",
                refill(self.structure, table, statements, fill, bounds),
                None if behind else damage,
                "SELECT COUNT(*) FROM messages",
            )


def _not_of_hermes(what: str) -> Refused:
    more = advice("`{}` shows the differences.", command("doctor", "-v"))
    return Refused(f"{what}; Hermes did not create it.", more)
