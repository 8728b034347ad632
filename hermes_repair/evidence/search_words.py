"""Does a search table have the words that its messages have now?

FTS5's own check can tell (``integrity-check`` with 1), but has to write, and where a table keeps
the text itself it compares it with that copy. So a search table of ours is made in SQLite's
temporary database, over the messages, and gets the storage of the one in question: nothing is
written to the database, and the words of every layout are held against the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hermes_repair.evidence.fts5_storage import read_numbers
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.schema.search_source import SearchSource
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look

_COPY = "temp.hermes_repair_words"
_SOURCE = "hermes_repair_source"
_AS_INDEXED = "hermes_repair_as_indexed"
_COPIED = ("config", "data", "docsize", "idx")


def words_agree(look: Look, source: SearchSource) -> bool | None:
    """Whether the entries of a search table have the words of their messages, at their places.

    Every id of the one has to be in the other. None where SQLite has no room for a temporary copy
    of the index, or is built so that nobody may write to the storage of a search table. Needs the
    size of the index on disk and little memory.

    Raises :class:`DatabaseUnreadable` where the storage is damaged.
    """
    try:
        with _copied(look, source):
            return _checks(look)
    except DatabaseUnreadable as error:
        if error.damage is not None:
            raise
        return None


@contextmanager
def _copied(look: Look, source: SearchSource) -> Iterator[None]:
    name = _COPY.partition(".")[2]
    look.connection.create_function(_AS_INDEXED, 3, _as_indexed, deterministic=True)
    _run(look, "PRAGMA temp_store = FILE")
    try:
        _run(look, f"CREATE TEMP VIEW {_SOURCE} AS {_select(source)}")
        _run(look, f"CREATE VIRTUAL TABLE {_COPY} USING fts5({', '.join(_arguments(source))})")
        for part in _COPIED:
            _run(look, f"DELETE FROM temp.{name}_{part}")
            theirs = quote(f"{source.table}_{part}")
            _run(look, f"INSERT INTO temp.{name}_{part} SELECT * FROM main.{theirs}")
        yield
    finally:
        _run(look, f"DROP TABLE IF EXISTS {_COPY}")
        _run(look, f"DROP VIEW IF EXISTS temp.{_SOURCE}")
        look.connection.create_function(_AS_INDEXED, 3, None)


def _checks(look: Look) -> bool:
    name = _COPY.partition(".")[2]
    try:
        _run(look, f"INSERT INTO {_COPY}({name}, rank) VALUES ('integrity-check', 1)")
    except DatabaseUnreadable as error:
        if error.damage is None:
            raise
        return False
    return True


def _run(look: Look, sql: str) -> None:
    for _ in look.rows(sql):
        pass


def _arguments(source: SearchSource) -> Iterator[str]:
    """Yield how the copy is declared: as theirs, but over the messages."""
    yield from source.columns
    yield from source.tokenizer
    yield from (f"content = '{_SOURCE}'", "content_rowid = 'id'")


def _select(source: SearchSource) -> str:
    """Return the messages that have an entry, each with the text that the entry is made of."""
    entries = f"main.{quote(f'{source.table}_docsize')}"
    texts = ", ".join(
        f"{_text(source, place, value)} AS {column}"
        for place, (column, value) in enumerate(zip(source.columns, source.values, strict=True))
    )
    return f"SELECT s.id, {texts} FROM {source.rows} JOIN {entries} AS e ON e.id = s.id"


def _text(source: SearchSource, place: int, value: str) -> str:
    if not any("trigram" in option for option in source.tokenizer):
        return value
    as_indexed = f"CAST({_AS_INDEXED}(CAST({value} AS BLOB), e.sz, {place}) AS TEXT)"
    return f"CASE WHEN instr({value}, char(0)) THEN {as_indexed} ELSE {value} END"


def _as_indexed(text: bytes, sizes: object, place: int) -> bytes:
    """Return a text with a NUL as the library read it that indexed it by three letters.

    Hermes keeps a message with a picture as ``\\0json:``. SQLite 3.40 stops at a NUL, 3.51 passes
    over it. The number of words that the entry has (``sz``) tells which one wrote it.
    """
    cut = text.partition(b"\0")[0]
    numbers = tuple(read_numbers(sizes)) if isinstance(sizes, bytes) else ()
    stopped = place < len(numbers) and numbers[place] == _trigrams(cut)
    return cut if stopped else text.replace(b"\0", b"")


def _trigrams(text: bytes) -> int:
    return max(0, len(text.decode("utf-8", "replace")) - 2)
