"""From a live structure to a target number: every statement, in order, for one transaction.

The route asks what the target wants and the live structure lacks, step by step (design 6.5), so it
serves as well where columns are ahead of the number, behind it, or where Hermes was interrupted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.schema.catalogue import NEWEST_TARGET, Catalogue, default_catalogue
from hermes_repair.schema.ddl import read_index, read_table
from hermes_repair.schema.leftovers import OWNERS
from hermes_repair.schema.rebuild import REBUILT, merge_leftover, rebuild_table
from hermes_repair.schema.recognise import Family, Recognition, recognise
from hermes_repair.schema.refill import is_right, refill
from hermes_repair.schema.sqltext import quote
from hermes_repair.schema.structure import Structure, Table
from hermes_repair.schema.titles import TITLE_INDEX
from hermes_repair.schema.versionrow import version_actions
from hermes_repair.schema.wanted import Wanted, column_words, wanted_objects


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What the route needs to know of the rows; see :func:`.facts.read_facts`.

    ``message_bounds`` are the message ids at which the filling of a search table is cut,
    ``null_active`` is whether a message has NULL in a nullable ``active`` column. The row
    updates are computed by the rules of :mod:`.titles`, :mod:`.delegates` and :mod:`.gateway`.
    """

    message_bounds: tuple[int, ...] = ()
    null_active: bool = False
    titles: tuple[RowUpdate, ...] = ()
    delegates: tuple[RowUpdate, ...] = ()
    gateway: tuple[RowUpdate, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Route:
    """The way from ``start`` to ``target``; ``parts`` in the order in which they must run."""

    start: int
    target: int
    parts: tuple[Part, ...]

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
    builder = _Builder(structure, recognition, known, target, facts)
    for wanted in wanted_objects(known, target):
        builder.step(wanted)
    builder.side_tables(known)
    builder.version_row()
    return Route(recognition.number, target, tuple(builder.parts))


def check_target(recognition: Recognition, target: int, catalogue: Catalogue) -> None:
    """Raise where there is no way from this database to ``target``; see :func:`route`."""
    if target not in catalogue.known_numbers() or target > NEWEST_TARGET:
        raise UsageError(
            f"Schema {target} is not a number that hermes-repair migrates to.",
            f"Known targets go up to {NEWEST_TARGET}; `hermes-repair migrate --list` shows them.",
        )
    if recognition.family is Family.EMPTY:
        raise Refused(
            "This database has no table of sessions and messages, so there is nothing to migrate.",
            "Hermes makes them on its next start.",
        )
    if recognition.family in (Family.LATER, Family.NEWER):
        raise Refused(
            f"This database is at schema {recognition.number}, which Hermes' own code migrates.",
            "`hermes-repair doctor` says which findings still apply.",
        )
    if target < recognition.number:
        raise Refused(
            f"This database is at schema {recognition.number}; there is no way back to {target}.",
            "`hermes-repair undo` takes back a migration that hermes-repair made.",
        )


class _Builder:
    """Walks the steps over a picture of the live structure that each part changes."""

    def __init__(
        self,
        structure: Structure,
        recognition: Recognition,
        catalogue: Catalogue,
        target: int,
        facts: RouteFacts,
    ) -> None:
        self.structure = structure
        self.recognition = recognition
        self.start = recognition.number
        self.target = target
        self.final = catalogue.structure(target)
        self.side = catalogue.side
        self.early = catalogue.versions[self.target].early
        self.facts = facts
        self.tables = dict(structure.tables)
        self.indexes = dict(structure.indexes)
        self.parts: list[Part] = []

    def step(self, wanted: Wanted) -> None:
        """Append what one step needs: tables, columns, rows, indexes, search tables."""
        label = wanted.step.label
        behind = wanted.step.number > self.start
        for name, sql in wanted.tables.items():
            self._table(name, sql, label, None if behind else "SC002")
        self._columns(wanted, label, None if behind else "SC002")
        self._rows(wanted)
        for name, sql in wanted.indexes.items():
            self._index(name, sql, label, None if behind else "SC006")
        for name, statements in wanted.search.items():
            self._search(wanted, name, statements)

    def side_tables(self, catalogue: Catalogue) -> None:
        """Append what finishes the rebuild of a table beside the numbered schema, if one stopped.

        Without a leftover these tables are left alone: Hermes changes them on its own occasions.
        """
        label = "tables beside the schema"
        for item in catalogue.side_objects:
            owner = item.name if item.kind == "table" else read_index(item.sql).table
            if owner not in {leftover.owner for leftover in self.recognition.leftovers}:
                continue
            if item.kind == "table":
                self._table(item.name, item.sql, label, "SC004")
            else:
                self._index(item.name, item.sql, label, "SC004")

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

    def _table(self, name: str, create: str, label: str, finding: str | None) -> None:
        wanted = read_table(create)
        live = self.tables.get(name)
        if live is None:
            self._sql(label, f"table {name}", [create], finding)
            self.tables[name] = wanted
        elif live.key != wanted.key or (
            live.name in REBUILT and live.foreign_keys != wanted.foreign_keys
        ):
            begun = live.name in self.recognition.wrong_keys or finding == "SC004"
            self._rebuild(live, wanted, create, label, "SC004" if begun else None)
        for leftover, owner in OWNERS.items():
            if owner == name and leftover in self.tables:
                self._merge(leftover, wanted, label)

    def _rebuild(
        self, live: Table, wanted: Table, create: str, label: str, finding: str | None
    ) -> None:
        if live.name not in REBUILT:
            raise Refused(
                f"Table {live.name} has another primary key than every known schema; "
                "it was not made by Hermes.",
                "`hermes-repair doctor -v` shows the differences.",
            )
        hanging = [index for index in self.indexes.values() if index.table == live.name]
        statements = rebuild_table(live, wanted, create, hanging)
        what = f"table {live.name} made anew with its own key"
        self._sql(label, what, statements, finding)
        for index in hanging:
            del self.indexes[index.name]
        self.tables[live.name] = wanted

    def _merge(self, name: str, wanted: Table, label: str) -> None:
        leftover = self.tables.pop(name)
        self._sql(label, f"rows of {name}", merge_leftover(leftover, wanted), "SC004")
        for index in list(self.indexes.values()):
            if index.table == name:
                del self.indexes[index.name]

    def _columns(self, wanted: Wanted, label: str, finding: str | None) -> None:
        named: dict[str, set[str]] = {}
        for table, added in wanted.columns:
            named.setdefault(table, set()).add(added)
        for name, sql in wanted.tables.items():
            named.setdefault(name, set()).update(c.name for c in read_table(sql).columns)
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
                    raise Refused(
                        f"Table {name} lacks its column {column.name}, which cannot be added; "
                        "it was not made by Hermes.",
                        "`hermes-repair doctor -v` shows the differences.",
                    )
                early = f"{name}.{column.name}" in self.early
                self._sql(
                    label,
                    f"column {name}.{column.name}",
                    [f"ALTER TABLE {quote(name)} ADD COLUMN {words}"],
                    None if early else finding,
                )
                live = replace(live, columns=(*live.columns, column))
            self.tables[name] = live

    def _rows(self, wanted: Wanted) -> None:
        step = wanted.step
        rules = {"delegates": self.facts.delegates, "gateway": self.facts.gateway}
        for data in step.data:
            if data.nullable:
                table, _, column = data.nullable.partition(".")
                live = self.tables[table].column(column)
                if live is not None and not live.not_null and self.facts.null_active:
                    self._sql(step.label, data.what, [data.sql], "SC007", data.count)
            elif step.number > self.start:
                if data.by:
                    self._add(step.label, data.what, list(rules[data.by]))
                else:
                    count = self._countable(data.count)
                    self._sql(step.label, data.what, [data.sql], None, count)

    def _countable(self, sql: str) -> str:
        """Return a count query for the database as it is: columns to come are their defaults."""
        for name, table in self.final.tables.items():
            live = self.structure.tables.get(name)
            for column in table.columns if live else ():
                if live is not None and live.column(column.name) is None:
                    sql = re.sub(rf"\b{column.name}\b", column.default or "NULL", sql)
        return sql

    def _index(self, name: str, sql: str, label: str, finding: str | None) -> None:
        live = self.indexes.get(name)
        if live == read_index(sql):
            return
        if name == TITLE_INDEX:
            self._add(label, "titles that sessions share", list(self.facts.titles), finding)
        statements = [sql] if live is None else [f"DROP INDEX {quote(name)}", sql]
        early = f"index {name}" in self.early
        self._sql(label, f"index {name}", statements, None if early else finding)
        self.indexes[name] = read_index(sql)

    def _search(self, wanted: Wanted, table: str, statements: list[str]) -> None:
        behind = wanted.step.number > self.start
        if behind or not is_right(self.structure, table, statements):
            fill = wanted.step.fills[table]
            damage = "SC004" if self.recognition.search_outdated else "FT001"
            bounds = self.facts.message_bounds
            self._sql(
                wanted.step.label,
                f"search table {table} made anew",
                refill(self.structure, table, statements, fill, bounds),
                None if behind else damage,
                "SELECT COUNT(*) FROM messages",
            )


def makes_search_anew(
    structure: Structure, recognition: Recognition, target: int, catalogue: Catalogue
) -> bool:
    """Whether the way to ``target`` fills a search table, which takes a pass over all messages.

    On the way to its own step a search table is made anew whatever it looks like, because Hermes
    may have been killed in the middle of that step (10 to 11).
    """
    return any(
        wanted.step.number > recognition.number or not is_right(structure, table, statements)
        for wanted in wanted_objects(catalogue, target)
        for table, statements in wanted.search.items()
    )
