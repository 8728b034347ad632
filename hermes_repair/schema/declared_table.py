"""The table that a CREATE TABLE declares, read from its text.

SQLite would say the same (``PRAGMA table_xinfo``), but what stands in the schema of a damaged
database may be anything. What the text alone does not tell (:func:`asked`) SQLite is asked in an
empty database in memory, if it is nothing but a list of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from hermes_repair.schema.sql_text import split_arguments, tokens
from hermes_repair.schema.structure import Column, Table
from hermes_repair.store.asked_in_memory import AskedTable, asked_table

_CONSTRAINTS = {"primary": "key", "foreign": "key", "unique": "(", "check": "("}
_AFTER_TYPE = frozenset(
    ("constraint", "primary", "not", "null", "unique", "check", "default", "collate", "references",
     "generated", "as", "on")
)  # fmt: skip
_MOST_COLUMNS = 2000  # SQLITE_MAX_COLUMN
_HIDDEN = {"virtual": 2, "stored": 3}


def declared_table(sql: str) -> Table | None:
    """Return the table of one CREATE TABLE; None for any other text. Foreign keys are left out.

    Names are in lower case. SQLite takes no notice of case in them.
    """
    words = list(tokens(sql))
    while words and words[-1] == ";":
        words.pop()
    if "(" not in words or words[:2] != ["create", "table"]:
        return None
    begin = words.index("(")
    end = _closing(words, begin)
    if end is None:
        return None
    name = _unquoted(words[begin - 1])
    columns: list[Column] = []
    key: list[str] = []
    autoincrement = False
    for part in split_arguments(words[begin + 1 : end]):
        if part[0] == "constraint" or part[1:2] == [_CONSTRAINTS.get(part[0], "")]:
            key = _key_of(part) or key
            continue
        columns.append(_column(part))
        if columns[-1].pk:
            key = [columns[-1].name]
            autoincrement = autoincrement or "autoincrement" in part
    if not columns or len(columns) > _MOST_COLUMNS:
        return None
    options = split_arguments(words[end + 1 :])
    # SQLite stores a column that the key names twice once, at its first place.
    places = {column: at for at, column in enumerate(dict.fromkeys(key), 1)}
    without_rowid = ["without", "rowid"] in options
    return Table(
        name,
        tuple(
            Column(
                column.name,
                column.type,
                column.not_null or (without_rowid and column.name in places),
                column.default,
                places.get(column.name, 0),
                column.hidden,
            )
            for column in columns
        ),
        autoincrement=autoincrement,
        without_rowid=without_rowid,
    )


def asked(sql: str) -> AskedTable:
    """Return what SQLite says of a CREATE TABLE; nothing for one that makes it run a query."""
    words = list(tokens(sql))
    alone = "select" not in words and "values" not in words and ";" not in words[:-1]
    return asked_table(sql) if alone and declared_table(sql) is not None else AskedTable()


def is_strict(sql: str) -> bool:
    """Whether a CREATE TABLE ends in STRICT: then a column of the type ANY converts nothing."""
    words = list(tokens(sql))
    end = max((at for at, word in enumerate(words) if word == ")"), default=len(words))
    return "strict" in words[end:]


def _column(part: Sequence[str]) -> Column:
    kind = list(takewhile(lambda word: word not in _AFTER_TYPE, part[1:]))
    rest = list(part[1 + len(kind) :])
    words = " ".join(rest)
    generated = next((at for at, word in enumerate(rest) if word == "as"), None)
    if kind == ["integer"] and "primary key desc" in words:
        kind = [
            "int"
        ]  # the same affinity, and as here it is no name of the rowid (lang_createtable)
    hidden = 0
    if generated is not None:
        hidden = _HIDDEN["stored" if "stored" in rest[generated:] else "virtual"]
    return Column(
        name=_unquoted(part[0]),
        type=" ".join(kind).replace(" ( ", "(").replace(" )", ")").replace(" , ", ",").upper(),
        not_null="not null" in words,
        default=_default(rest),
        pk=int("primary key" in words),
        hidden=hidden,
    )


def _default(rest: Sequence[str]) -> str | None:
    """Return the text after DEFAULT: an expression in parentheses, or a literal with its sign."""
    if "default" not in rest:
        return None
    after = rest[rest.index("default") + 1 :]
    if after[:1] == ["("]:
        end = _closing(after, 0)
        return None if end is None else " ".join(after[1:end])
    return " ".join(after[: 2 if after[:1] in (["-"], ["+"]) else 1]) or None


def _key_of(part: Sequence[str]) -> list[str]:
    """Return the columns of a PRIMARY KEY that stands by itself, else none."""
    if "primary" not in part[:3] or "(" not in part:
        return []
    begin = part.index("(")
    end = _closing(part, begin)
    return [_unquoted(one[0]) for one in split_arguments(part[begin + 1 : end])]


def _closing(words: Sequence[str], begin: int) -> int | None:
    depth = 0
    for at in range(begin, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0:
            return at
    return None


def _unquoted(word: str) -> str:
    """Return a name as SQLite has it; one in single quotes is a name here too (FTS5 does that)."""
    if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0]:
        return word[1:-1]
    return word
