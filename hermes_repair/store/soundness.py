"""Is a file sound: every page in one place, every tree in order, every index as its table is.

``quick_check`` says ok of an index that lost its rows, and queries that go through one are wrong
without a word: so tables are compared with their indexes first of all. The search tables are kept
out. From 3.44 on SQLite asks them too when it checks a whole file, which takes ten times as long
and calls the index of an undamaged home malformed where another version of SQLite wrote it and a
message has a NUL (Hermes stores a picture as ``\\0json:``). Of them only the pages are looked at.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.store.connections import name
from hermes_repair.store.look import Look

ASKS_SEARCH = sqlite3.sqlite_version_info >= (3, 44)
"""Whether this SQLite asks virtual tables when it checks a whole file."""

LIVE_BYTES_PER_SECOND = 1 << 30
"""What SQLite checks in a second of what the system has in memory: 880 MB took 0.6 s. Before 3.42
it does not let itself be interrupted within a tree, so beside others a large file is not begun."""

_NAMES_AN_INDEX = re.compile(r"\bindex (.+)$", re.DOTALL)
_NAMES_A_TREE = re.compile(r"^Tree (\d+)\b")
_NAMES_A_PAGE = re.compile(r"^(On tree page|Page) \d+\b")
_NEVER_USED = re.compile(r"^Page \d+(: | is )never used$")
_TWICE = "2nd reference"
_WHERE = re.compile(r"\)\s*WHERE\b(.+)$", re.IGNORECASE | re.DOTALL)
_HEADING = "*** in database main ***"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An index that does not have the rows of its table.

    ``rows`` are those that it has to know, ``entries`` those that it has, ``missing`` the rows that
    are not found through it; None where that cannot be counted. ``doubled`` are values that a
    UNIQUE index let in twice because it did not know the first.
    """

    index: str
    table: str
    rows: int | None = None
    entries: int | None = None
    missing: int | None = None
    doubled: int = 0

    def words(self) -> str:
        """Return what is wrong with it as a sentence, without the full stop."""
        told = f"The index {self.index} of {self.table} "
        if self.entries is None:
            return f"{told}cannot be read"
        if self.rows is None or self.missing is None:
            return f"{told}has {self.entries:,} entries, and not those of its table"
        surplus = self.entries - (self.rows - self.missing)
        parts = [f"lacks {self.missing:,} of {self.rows:,} rows"] if self.missing else []
        parts += [f"has {surplus:,} entries of rows that are not there so"] if surplus > 0 else []
        parts += [f"let {self.doubled:,} values in twice"] if self.doubled else []
        return told + (" and ".join(parts) or "is not in order")

    @property
    def differs(self) -> bool:
        """Whether the numbers alone speak against it."""
        counted = self.entries is not None and self.rows is not None
        return bool(self.missing) or (counted and self.entries != self.rows)


@dataclass(frozen=True, slots=True)
class Soundness:
    """What speaks against a file.

    ``damage`` are SQLite's lines about tables and about the file itself, ``search`` those about the
    storage of search tables. ``unchecked`` are tables that there was no time for beside others;
    ``pages_unchecked``: whether two trees claim one page could not be asked.
    """

    damage: tuple[str, ...] = ()
    disagreeing: tuple[Disagreement, ...] = ()
    search: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    pages_unchecked: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing that was looked at speaks against the file."""
        return not (self.damage or self.disagreeing or self.search)


def soundness(look: Look, *, at_least: Collection[str] = ()) -> Soundness:
    """Ask SQLite about the whole file, and where it complains about each table by itself.

    Beside others it is asked about each table alone, and of a file that takes longer than a reader
    may only about the tables of ``at_least``.
    """
    try:
        return _beside_others(look, at_least) if look.live else _at_rest(look)
    except DatabaseUnreadable as error:
        return Soundness(damage=(error.message,))


def require_sound(found: Soundness) -> None:
    """Raise :class:`Refused` where what is read of a database may not be what is there.

    It names the finding: DB003 for damage, DB006 for an index that does not have its table's rows.
    """
    told = [f"DB003: SQLite's own check finds damage in it ({line})" for line in found.damage]
    told += [f"DB006: {one.words()}" for one in found.disagreeing]
    if told:
        raise Refused(f"{told[0]}.", "Nothing was changed. `hermes-repair doctor` says more.")


def require_agreement(look: Look, *tables: str, however_large: bool = False) -> None:
    """Raise :class:`Refused` (DB003, DB006) where these tables cannot be read as they are.

    Beside others what takes longer than a reader may is not asked; ``however_large`` the file is,
    where its tables are known to be small.
    """
    for table in tables if however_large or not _is_large(look) else ():
        lines = look.within_limit(partial(_of_table, table=table))
        require_sound(Soundness(*_judge(look, table, lines or ())))


def _at_rest(look: Look) -> Soundness:
    kinds = _kinds(look)
    whole = _whole(look, kinds)
    if whole == () and not ASKS_SEARCH:
        return Soundness()
    damage: list[str] = []
    disagreeing: list[Disagreement] = []
    search: list[str] = []
    told: set[str] = set()
    for table in kinds.get("table", ()):
        lines = _of_table(look, table)
        told.update(lines)
        own, indexes = _judge(look, table, lines)
        damage += own
        disagreeing += indexes
    for table in kinds.get("shadow", ()) if whole != () else ():
        lines = _of_table(look, table)
        told.update(lines)
        search += (f"{table}: {line}" for line in lines)
    for line in whole or ():
        # Pages of a tree that lost its way to them are nobody's then.
        lost = bool(disagreeing or search) and _NEVER_USED.match(line) is not None
        if line not in told and not lost:
            damage.append(line)
    return Soundness(
        tuple(damage), tuple(disagreeing), tuple(search), pages_unchecked=whole is None
    )


def _beside_others(look: Look, at_least: Collection[str]) -> Soundness:
    """Look at each table in a read transaction of its own, within the limit of a live look."""
    large = _is_large(look)
    damage: list[str] = []
    disagreeing: list[Disagreement] = []
    unchecked: list[str] = []
    for table in _kinds(look).get("table", ()):
        begun = table in at_least or not large
        lines = look.within_limit(partial(_of_table, table=table)) if begun else None
        if lines is None:
            unchecked.append(table)
        own, indexes = _judge(look, table, lines or ())
        damage += own
        disagreeing += indexes
    return Soundness(
        tuple(damage), tuple(disagreeing), unchecked=tuple(unchecked), pages_unchecked=True
    )


def _is_large(look: Look) -> bool:
    """Whether checking the file takes longer than a reader may beside others."""
    if look.limit is None:
        return False
    row = look.one("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    size = row[0] if row is not None and isinstance(row[0], int) else 0
    return size > look.limit * LIVE_BYTES_PER_SECOND


def _kinds(look: Look) -> dict[str, list[str]]:
    """Return the names of the tables by what SQLite says they are: table, virtual, shadow."""
    kinds: dict[str, list[str]] = {}
    for kind, table in look.rows("SELECT type, name FROM pragma_table_list WHERE schema = 'main'"):
        kinds.setdefault(str(kind), []).append(str(table))
    return kinds


def _whole(look: Look, kinds: dict[str, list[str]]) -> tuple[str, ...] | None:
    """Return what SQLite says of all pages, each of which belongs to one tree or is free.

    Before 3.44 indexes are compared with their tables in the same pass. None where it cannot be
    asked, because a search table cannot be opened.
    """
    if not ASKS_SEARCH:
        return tuple(_lines(look, "PRAGMA integrity_check"))
    for table in kinds.get("virtual", ()):
        try:
            look.one(f"SELECT rowid FROM {name(table)} LIMIT 0")  # opens it, while that may be read
        except DatabaseUnreadable:
            return None
    storage = frozenset(kinds.get("shadow", ()))

    def allowed(action: int, table: str | None, *_more: object) -> int:
        kept_out = action == sqlite3.SQLITE_READ and table in storage
        return sqlite3.SQLITE_DENY if kept_out else sqlite3.SQLITE_OK

    look.connection.set_authorizer(allowed)
    try:
        return tuple(_lines(look, "PRAGMA quick_check"))
    finally:
        look.connection.set_authorizer(None)


def _of_table(look: Look, table: str) -> tuple[str, ...]:
    """Return what SQLite says of a table and of its indexes against it."""
    return tuple(_lines(look, f"PRAGMA integrity_check({name(table)})"))


def _lines(look: Look, pragma: str) -> Iterator[str]:
    """Yield SQLite's complaints one by one, also where it cannot go on after some."""
    try:
        for (said,) in look.rows(pragma):
            yield from (line for line in str(said).splitlines() if line not in ("ok", _HEADING))
    except DatabaseUnreadable as error:
        # Kept out of the search tables, it has come to its end with all others.
        if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_AUTH:
            yield error.message


def _judge(
    look: Look, table: str, lines: Sequence[str]
) -> tuple[tuple[str, ...], tuple[Disagreement, ...]]:
    """Return what of these lines is about the table itself, else its indexes that disagree."""
    if not lines:
        return (), ()
    indexes = {
        str(index): root
        for index, root in look.rows(
            "SELECT name, rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = ?",
            [table],
        )
    }
    trees = {root: index for index, root in indexes.items()}
    blamed: set[str] = set()
    own: list[str] = []
    for line in lines:
        named, tree = _NAMES_AN_INDEX.search(line), _NAMES_A_TREE.match(line)
        index = named[1] if named else trees.get(int(tree[1])) if tree else None
        # A page that two trees claim would be freed under the other one by making an index anew.
        if index is None or index not in indexes or _TWICE in line:
            own.append(line)
        else:
            blamed.add(index)
    if own and all(_NAMES_A_PAGE.match(line) and _TWICE not in line for line in own):
        # Before 3.42 such a line does not tell the tree: ask which of them cannot be read.
        torn = {index for index in indexes if _entries(look, table, index) is None}
        if torn and _reads(look, table):
            blamed |= torn
            own = []
    if own:
        return tuple(own), ()
    compared = (_compare(look, table, index) for index in indexes)
    return (), tuple(one for one in compared if one.index in blamed or one.differs)


def _compare(look: Look, table: str, index: str) -> Disagreement:
    """Count what an index has and lacks, by the table read without any index."""
    columns = [
        name(column) if isinstance(column, str) else None
        for (column,) in look.rows("SELECT name FROM pragma_index_xinfo(?) WHERE key", [index])
    ]
    covered = _covered(look, index)
    rows = _number(look, f"SELECT COUNT(*) FROM {name(table)} NOT INDEXED WHERE {covered}")
    entries = _entries(look, table, index)
    if None in columns:
        return Disagreement(index, table, rows, entries)  # of an expression
    same = " AND ".join(["e.rowid = r.rowid", *(f"e.{column} IS r.{column}" for column in columns)])
    missing = _number(
        look,
        f"SELECT COUNT(*) FROM {name(table)} AS r NOT INDEXED WHERE ({covered}) AND NOT EXISTS"
        f" (SELECT 1 FROM {name(table)} AS e INDEXED BY {name(index)}"
        f" WHERE ({covered}) AND {same})",
    )
    row = look.one('SELECT "unique" FROM pragma_index_list(?) WHERE name = ?', [table, index])
    doubled = None
    if row is not None and row[0]:
        known = " AND ".join(f"{column} IS NOT NULL" for column in columns)  # NULLs are no double
        doubled = _number(
            look,
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {name(table)} NOT INDEXED WHERE ({covered})"
            f" AND {known} GROUP BY {', '.join(map(str, columns))} HAVING COUNT(*) > 1)",
        )
    return Disagreement(index, table, rows, entries, missing, doubled or 0)


def _covered(look: Look, index: str) -> str:
    """Return the condition of a partial index, of any other one that all rows meet."""
    row = look.one("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", [index])
    found = _WHERE.search(row[0]) if row is not None and isinstance(row[0], str) else None
    return found[1] if found else "1"


def _entries(look: Look, table: str, index: str) -> int | None:
    """Return how many rows are found through an index, None where it cannot be read.

    Also where SQLite does not want to: ``active IS NULL`` of a column that is NOT NULL needs none.
    """
    return _number(
        look,
        f"SELECT COUNT(*) FROM {name(table)} INDEXED BY {name(index)}"
        f" WHERE {_covered(look, index)}",
    )


def _reads(look: Look, table: str) -> bool:
    """Whether every value of a table can be read by its own tree."""
    values = ", ".join(f"MAX({name(column)})" for column in look.columns(table))
    try:
        look.one(f"SELECT {values} FROM {name(table)} NOT INDEXED")
    except (DatabaseUnreadable, Refused):
        return False
    return True


def _number(look: Look, sql: str) -> int | None:
    """Return one number, None where the file does not give it."""
    try:
        row = look.one(sql)
    except (DatabaseUnreadable, Refused):
        return None
    return row[0] if row is not None and isinstance(row[0], int) else None
