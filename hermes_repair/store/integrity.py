"""Is a file sound: every page in one place, every tree in order, every index as its table is.

``quick_check`` says ok of an index that lost its rows, and queries that go through one are wrong
without a word: so tables are compared with their indexes first of all. The search tables are kept
out. From 3.44 on SQLite asks them too when it checks a whole file, which takes ten times as long
and calls the index of an undamaged home malformed where another version of SQLite wrote it and a
message has a NUL (Hermes stores a picture as ``\\0json:``). Of them only the pages count.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.model.values import whole
from hermes_repair.store.connections import quote
from hermes_repair.store.index_comparison import Disagreement, compare_index, reads_whole
from hermes_repair.store.look import Look

ASKS_SEARCH = sqlite3.sqlite_version_info >= (3, 44)
"""Whether this SQLite asks virtual tables when it checks a whole file."""

LIVE_BYTES_PER_SECOND = 1 << 30
"""What SQLite checks in a second of what the system has in memory: 880 MB took 0.6 s. Before 3.42
it does not let itself be interrupted within a tree, so beside others a large file is not begun."""

_NAMES_AN_INDEX = re.compile(r"\bindex (.+)$", re.DOTALL)
_NAMES_A_TREE = re.compile(r"^(?:Tree|On tree page|Page) (\d+)\b")
_NAMES_A_PAGE = re.compile(
    r"^(?!.*(2nd reference|Rowid))((On tree page|Page) \d+\b|.* of page \d+$)"
)
_NEVER_USED = re.compile(r"^Page \d+(: | is )never used$")
_TWICE = "2nd reference"
_NO_DAMAGE = re.compile(r"(ok|\*\*\* in database main \*\*\*)$|fts5: |.*\bFTS5 table\b")


@dataclass(frozen=True, slots=True)
class Soundness:
    """What speaks against a file.

    ``damage`` are SQLite's lines about tables and about the file itself, ``tables`` the tables that
    such lines are about, ``search`` those about the
    storage of search tables; ``lost`` are pages that belong to nothing, which harm nobody, where
    nothing else tells whose they were. ``unchecked`` are tables that there was no time for beside
    others; ``pages_unchecked``: whether two trees claim one page could not be asked.
    """

    damage: tuple[str, ...] = ()
    disagreeing: tuple[Disagreement, ...] = ()
    search: tuple[str, ...] = ()
    lost: int = 0
    unchecked: tuple[str, ...] = ()
    pages_unchecked: bool = False
    tables: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing that was looked at speaks against the file."""
        return not self.complaints

    @property
    def complaints(self) -> tuple[str, ...]:
        """All that speaks against it, the worst first, each without the full stop."""
        lost = (f"{self.lost:,} pages that belong to nothing",) if self.lost else ()
        disagreements = tuple(one.words() for one in self.disagreeing)
        return (*self.damage, *disagreements, *self.search, *lost)


def soundness(look: Look, *, at_least: Collection[str] = ()) -> Soundness:
    """Ask SQLite about the whole file, and where it complains about each table by itself.

    Beside others it is asked about each table alone, and of a file that takes longer than a reader
    may only about the tables of ``at_least``.
    """
    try:
        return _beside_others(look, at_least) if look.live else _at_rest(look)
    except DatabaseUnreadable as error:
        return Soundness(damage=(error.message,))


def require_sound(judged: Soundness, tables: Collection[str] | None = None) -> None:
    """Raise :class:`Refused` where what is read of a database may not be what is there.

    It names the finding: DB003 for damage, DB006 for an index that does not have its table's rows.
    With ``tables`` only their indexes count.
    """
    reasons = [f"DB003: SQLite's own check finds damage in it ({line})" for line in judged.damage]
    reasons += [
        f"DB006: {one.words()}"
        for one in judged.disagreeing
        if tables is None or one.table in tables
    ]
    if reasons:
        more = advice("Nothing was changed. `{}` says more.", command("doctor"))
        raise Refused(f"{reasons[0]}.", more)


def require_agreement(look: Look, *tables: str, however_large: bool = False) -> None:
    """Raise :class:`Refused` (DB003, DB006) where these tables cannot be read as they are.

    Beside others what takes longer than a reader may is not asked; ``however_large`` the file is,
    where its tables are known to be small.
    """
    for table in tables if however_large or not _is_large(look) else ():
        answer = look.within_limit(partial(_of_table, table=table))
        if answer is not None:
            require_sound(Soundness(*_judge(look, table, answer)))


@dataclass(frozen=True, slots=True)
class _Answer:
    """SQLite's complaints in order; ``error`` is why it could not go on after them."""

    lines: tuple[str, ...]
    error: str | None = None


def _at_rest(look: Look) -> Soundness:
    kinds = _kinds(look)
    whole = _whole(look, kinds)
    if whole == _Answer(()) and not ASKS_SEARCH:
        return Soundness()
    damage: list[str] = []
    disagreeing: list[Disagreement] = []
    search: list[str] = []
    told_by_table: set[str] = set()
    tables: list[str] = []
    for table in kinds.get("table", ()):
        answer = _of_table(look, table)
        told_by_table.update(answer.lines)
        own, indexes = _judge(look, table, answer)
        damage += own
        disagreeing += indexes
        tables += [table] if own else []
    for table in kinds.get("shadow", ()) if whole != _Answer(()) else ():
        answer = _of_table(look, table)
        told_by_table.update(answer.lines)
        # A page that two trees claim is given away while the other one uses it: no search matter.
        damage += (line for line in answer.lines if _TWICE in line)
        search += (f"{table}: {line}" for line in answer.lines if _TWICE not in line)
        if answer.error is not None and not answer.lines:
            search.append(f"{table}: {answer.error}")
    rest = [line for line in (whole.lines if whole else ()) if line not in told_by_table]
    lost = sum(_NEVER_USED.match(line) is not None for line in rest)
    damage += (line for line in rest if not _NEVER_USED.match(line))
    if whole is not None and whole.error and not (damage or disagreeing or search):
        damage.append(whole.error)
    if damage or disagreeing or search:
        lost = 0  # they are of the tree that lost its way to them
    return Soundness(
        tuple(damage),
        tuple(disagreeing),
        tuple(search),
        lost,
        pages_unchecked=whole is None,
        tables=tuple(tables),
    )


def _beside_others(look: Look, at_least: Collection[str]) -> Soundness:
    """Look at each table in a read transaction of its own, within the limit of a live look."""
    large = _is_large(look)
    damage: list[str] = []
    disagreeing: list[Disagreement] = []
    unchecked: list[str] = []
    tables: list[str] = []
    for table in _kinds(look).get("table", ()):
        begun = table in at_least or not large
        answer = look.within_limit(partial(_of_table, table=table)) if begun else None
        if answer is None:
            unchecked.append(table)
            continue
        own, indexes = _judge(look, table, answer)
        damage += own
        disagreeing += indexes
        tables += [table] if own else []
    return Soundness(
        tuple(damage),
        tuple(disagreeing),
        unchecked=tuple(unchecked),
        pages_unchecked=True,
        tables=tuple(tables),
    )


def _is_large(look: Look) -> bool:
    """Whether checking the file takes longer than a reader may beside others."""
    if look.limit is None:
        return False
    row = look.one("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    size = whole(row[0]) if row is not None else 0
    return size > look.limit * LIVE_BYTES_PER_SECOND


def _kinds(look: Look) -> dict[str, list[str]]:
    """Return the names of the tables by what SQLite says they are: table, virtual, shadow."""
    kinds: dict[str, list[str]] = {}
    for kind, table in look.rows("SELECT type, name FROM pragma_table_list WHERE schema = 'main'"):
        kinds.setdefault(str(kind), []).append(str(table))
    return kinds


def _whole(look: Look, kinds: dict[str, list[str]]) -> _Answer | None:
    """Return what SQLite says of all pages, each of which belongs to one tree or is free.

    Before 3.44 indexes are compared with their tables in the same pass. None where it cannot be
    asked, because a search table cannot be opened.
    """
    if not ASKS_SEARCH:
        return _ask(look, "integrity_check")
    for table in kinds.get("virtual", ()):
        try:
            # Opens it, while its storage may be read.
            look.one(f"SELECT rowid FROM {quote(table)} LIMIT 0")
        except DatabaseUnreadable:
            return None
    storage = frozenset(kinds.get("shadow", ()))

    def allowed(action: int, table: str | None, *_more: object) -> int:
        kept_out = action == sqlite3.SQLITE_READ and table in storage
        return sqlite3.SQLITE_DENY if kept_out else sqlite3.SQLITE_OK

    look.connection.set_authorizer(allowed)
    try:
        return _ask(look, "quick_check")
    finally:
        look.connection.set_authorizer(None)


def _of_table(look: Look, table: str) -> _Answer:
    """Return what SQLite says of a table and of its indexes against it."""
    return _ask(look, "integrity_check", table)


def _ask(look: Look, pragma: str, *table: str) -> _Answer:
    """Return what a check says, of the whole file or of one table.

    Each line is kept as it is made: Python drops the one before an error.
    """
    lines_as_made: list[bytes] = []
    error = None
    encoding = "utf-8"
    look.connection.create_function("hermes_repair_keep", 1, lines_as_made.append)
    source = f"pragma_{pragma}" + ("(?)" if table else "")
    try:
        row = look.one("PRAGMA encoding")  # which is that of a text cast to a BLOB, too
        encoding = str(row[0]) if row is not None else encoding
        for _ in look.rows(
            f"SELECT hermes_repair_keep(CAST({pragma} AS BLOB)) FROM {source}", table
        ):
            pass
    except DatabaseUnreadable as caught:
        # Kept out of the search tables, it has come to its end with all others.
        if getattr(caught.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_AUTH:
            error = caught.message
    made = (line.decode(encoding, "backslashreplace") for line in lines_as_made)
    lines = "\n".join(made).splitlines()
    return _Answer(tuple(line for line in lines if not _NO_DAMAGE.match(line)), error)


def _judge(
    look: Look, table: str, answer: _Answer
) -> tuple[tuple[str, ...], tuple[Disagreement, ...]]:
    """Return what of this is about the table itself, else its indexes that disagree."""
    if answer == _Answer(()):
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
    for line in answer.lines:
        named, page = _NAMES_AN_INDEX.search(line), _NAMES_A_TREE.match(line)
        index = named[1] if named else trees.get(int(page[1])) if page else None
        # A page that two trees claim would be freed under the other one by making an index anew.
        if index is None or index not in indexes or _TWICE in line:
            own.append(line)
        else:
            blamed.add(index)
    compared = {index: compare_index(look, table, index) for index in indexes}
    if answer.error is not None and not own:
        own.append(answer.error)
    if own and all(line == answer.error or _NAMES_A_PAGE.match(line) for line in own):
        # Before 3.42 a line does not name the tree. Where the table can be read to its last value
        # it is of an index that cannot be read, or of one that only lacks rows.
        torn = {
            index
            for index, one in compared.items()
            if not one.readable or (index in blamed and not one.surplus)
        }
        if torn and reads_whole(look, table):
            blamed, own = blamed | torn, []
    if own:
        return tuple(own), ()
    return (), tuple(one for index, one in compared.items() if index in blamed or one.differs)
