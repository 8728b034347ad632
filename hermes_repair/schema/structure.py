"""The structure of one database as a value, read through a query function of ``store``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from hermes_repair.model.values import RawText, Value, whole
from hermes_repair.schema.sql_text import normal, split_arguments, tokens

Query: TypeAlias = Callable[[str, Sequence[Value]], Iterable[Sequence[Value]]]
"""Runs one SQL text with parameters on a connection that ``store`` opened; rows come back."""

VERSION_ROWS_READ = 1000
SHADOW_SUFFIXES = ("config", "content", "data", "docsize", "idx")


@dataclass(frozen=True, slots=True)
class Column:
    """One column as ``PRAGMA table_xinfo`` tells it; ``default`` is SQL text, ``pk`` from 1."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    pk: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``references`` holds ``None`` where the parent's primary key is meant without a name."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str | None, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class Table:
    """An ordinary table. Columns stand in the order of the live table, which means nothing."""

    name: str
    columns: tuple[Column, ...]
    foreign_keys: frozenset[ForeignKey] = frozenset()
    autoincrement: bool = False
    without_rowid: bool = False

    def column(self, name: str) -> Column | None:
        """Return a column by name, as SQLite would: without regard to ASCII case."""
        lower = name.lower()
        return next((c for c in self.columns if c.name.lower() == lower), None)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key in its order."""
        return tuple(c.name for c in sorted(self.columns, key=lambda c: c.pk) if c.pk)


@dataclass(frozen=True, slots=True)
class Index:
    """``sql`` is the normal text after ``ON``; ``None`` for the index of a key constraint."""

    name: str
    table: str
    unique: bool
    sql: str | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """``sql`` is the whole statement in normal form."""

    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class VirtualTable:
    """``arguments`` in normal form: ``content = 'messages'`` and ``content=messages`` are one."""

    name: str
    module: str
    arguments: tuple[str, ...]

    @property
    def storage(self) -> tuple[str, ...]:
        """The tables that FTS5 keeps this one in, by its options (fts5.html, 4.4)."""
        options = {argument.partition(" = ")[0] for argument in self.arguments if " = " in argument}
        left_out = {"content": "content", "columnsize": "docsize"}
        parts = set(SHADOW_SUFFIXES) - {left_out[name] for name in options & left_out.keys()}
        return tuple(f"{self.name}_{part}" for part in sorted(parts))


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One row of ``schema_version``, its value raw; a table without rowid has numbers from 1."""

    rowid: int
    value: Value


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything of a database but its rows; SQLite's own tables are left out.

    ``version_rows`` are the first thousand rows of ``schema_version`` in Hermes' reading order;
    ``search_markers`` the keys of ``state_meta`` that begin with ``fts_`` (schema 23 and later).
    ``altered_shadows`` are those of the ``shadow_tables`` that lack a column that FTS5 gives them.
    """

    tables: Mapping[str, Table] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    virtual_tables: Mapping[str, VirtualTable] = field(default_factory=dict)
    shadow_tables: frozenset[str] = frozenset()
    altered_shadows: frozenset[str] = frozenset()
    version_rows: tuple[VersionRow, ...] = ()
    search_markers: frozenset[str] = frozenset()

    def has_column(self, table: str, column: str) -> bool:
        """Whether an ordinary table has a column of that name, in any case."""
        known = self.tables.get(table)
        return known is not None and known.column(column) is not None


def read_structure(query: Query, tables_by_sql: dict[str, Table] | None = None) -> Structure:
    """Read the structure of the database behind ``query``; costs some dozens of short queries.

    ``tables_by_sql`` has tables by the text that made them, and gets those that are read here:
    where many databases are alike, none of their tables is asked for twice.

    Virtual tables and views are taken from their SQL text only: asking SQLite about one whose
    tokenizer or module is not loaded (``messages_fts_cjk``, schema 23 and later) is an error.
    """
    tables: dict[str, Table] = {}
    indexes: dict[str, Index] = {}
    triggers: dict[str, Trigger] = {}
    views: dict[str, str] = {}
    virtual: dict[str, VirtualTable] = {}
    plain: list[tuple[str, str]] = []
    rows = query("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid", ())
    for raw_kind, raw_name, raw_table, raw_sql in rows:
        kind, name, table = _text(raw_kind), _text(raw_name), _text(raw_table)
        sql = "" if raw_sql is None else _text(raw_sql)
        if kind == "index":
            indexes[name] = index_of(name, table, sql)
        elif kind == "trigger":
            triggers[name] = Trigger(name, table, normal(sql))
        elif kind == "view":
            views[name] = normal(sql)
        elif kind == "table":
            module = virtual_table_of(name, sql)
            if module is not None:
                virtual[name] = module
            elif not name.startswith("sqlite_"):
                plain.append((name, sql))
    tables_by_sql = {} if tables_by_sql is None else tables_by_sql
    shadows = {f"{owner}_{suffix}" for owner in virtual for suffix in SHADOW_SUFFIXES}
    for name, sql in plain:
        if name not in shadows:
            if sql not in tables_by_sql:
                tables_by_sql[sql] = _read_table(query, name, sql)
            tables[name] = tables_by_sql[sql]
    return Structure(
        tables=tables,
        indexes=indexes,
        triggers=triggers,
        views=views,
        virtual_tables=virtual,
        shadow_tables=frozenset(name for name, _ in plain if name in shadows),
        altered_shadows=frozenset(
            name for name, sql in plain if name in shadows and not _is_shadow_of_fts5(name, sql)
        ),
        version_rows=_read_version_rows(query, tables.get("schema_version")),
        search_markers=_read_search_markers(query, tables.get("state_meta")),
    )


_SHADOW_COLUMNS = {
    "config": {"k", "v"},
    "content": {"id", "c0"},
    "data": {"id", "block"},
    "docsize": {"id", "sz"},
    "idx": {"segid", "term", "pgno"},
}


def _is_shadow_of_fts5(name: str, sql: str) -> bool:
    """Whether the CREATE text of a shadow table has the columns that FTS5 gives to one."""
    words = {word.lower() for word in re.findall(r"[(,]\s*[\"'`\[]?(\w+)", sql)}
    return _SHADOW_COLUMNS.get(name.rpartition("_")[2], set()) <= words


def index_of(name: str, table: str, sql: str) -> Index:
    """Return an index from its CREATE text; an empty text is the index of a constraint."""
    parts = normal(sql).split(" on ", 1)
    if len(parts) < 2:
        return Index(name, table, unique=True, sql=None)
    return Index(name, table, unique=parts[0].startswith("create unique "), sql=parts[1])


def virtual_table_of(name: str, sql: str) -> VirtualTable | None:
    """Return the virtual table that ``sql`` makes, ``None`` for an ordinary one."""
    read = tokens(sql)
    if list(islice(read, 3)) != ["create", "virtual", "table"]:
        return None
    words = list(read)
    if "using" not in words:
        return None
    at = words.index("using")
    module = words[at + 1] if at + 1 < len(words) else ""
    inner = words[at + 3 :]
    while inner and inner[-1] in (";", ")"):
        inner.pop()
    arguments = []
    for part in split_arguments(inner):
        if len(part) == 3 and part[1] == "=" and not part[2].startswith("'"):
            part = [part[0], "=", "'" + part[2].strip('"') + "'"]
        arguments.append(" ".join(part))
    return VirtualTable(name, module, tuple(arguments))


def _read_table(query: Query, name: str, sql: str) -> Table:
    columns = tuple(
        Column(
            name=_text(column),
            type=_text(kind),
            not_null=bool(not_null),
            default=None if default is None else normal(_text(default)),
            pk=whole(pk),
            hidden=whole(hidden),
        )
        for column, kind, not_null, default, pk, hidden in query(
            'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)',
            (name,),
        )
    )
    words = list(tokens(sql))
    return Table(
        name=name,
        columns=columns,
        foreign_keys=_read_foreign_keys(query, name),
        autoincrement="autoincrement" in words,
        without_rowid=words[-2:] == ["without", "rowid"],
    )


def _read_foreign_keys(query: Query, name: str) -> frozenset[ForeignKey]:
    parts: dict[int, list[tuple[str, str, str | None, str, str]]] = {}
    for number, table, column, target, on_update, on_delete in query(
        'SELECT id, "table", "from", "to", on_update, on_delete'
        " FROM pragma_foreign_key_list(?) ORDER BY id, seq",
        (name,),
    ):
        parts.setdefault(whole(number), []).append(
            (
                _text(table),
                _text(column),
                None if target is None else _text(target),
                _text(on_update),
                _text(on_delete),
            )
        )
    return frozenset(
        ForeignKey(
            columns=tuple(part[1] for part in key),
            table=key[0][0],
            references=tuple(part[2] for part in key),
            on_update=key[0][3],
            on_delete=key[0][4],
        )
        for key in parts.values()
    )


def _read_version_rows(query: Query, table: Table | None) -> tuple[VersionRow, ...]:
    if table is None or table.column("version") is None:
        return ()
    limit = f"LIMIT {VERSION_ROWS_READ}"
    if table.without_rowid:
        versions = query(f"SELECT version FROM schema_version {limit}", ())
        return tuple(VersionRow(number, row[0]) for number, row in enumerate(versions, 1))
    rows = query(f"SELECT rowid, version FROM schema_version ORDER BY rowid {limit}", ())
    return tuple(VersionRow(whole(rowid), value) for rowid, value in rows)


def _read_search_markers(query: Query, table: Table | None) -> frozenset[str]:
    if table is None or table.column("key") is None:
        return frozenset()
    rows = query("SELECT key FROM state_meta WHERE key GLOB 'fts_*'", ())
    return frozenset(_text(row[0]) for row in rows)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, RawText):
        return value.data.decode("utf-8", "backslashreplace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return "" if value is None else str(value)
