"""What the search index says of messages: its copy of their text, and that they were counted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

from hermes_repair.model.values import RawText, Row, decode_text
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.cells import rows_of
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.schema.search import TABLES

COPIES = tuple(f"{table}_content" for table in TABLES)
_SEGMENTS = tuple(f"{table}_data" for table in TABLES)
COUNTS = tuple(f"{table}_docsize" for table in TABLES)
UNDECIDED = "one of them"
"""Stands for the pages that are of one of the search tables, and nothing tells of which."""
COPIED = ("content", "tool_name", "tool_calls")
"""The columns that one text of the copy is made of, a space between each two (schema 11 to 22)."""

_LONGEST_COUNT = 40
_HIGHEST_MESSAGE = 1 << 37
"""Where FTS5 numbers its segments from, in a table whose rows look like the counts."""


CopiedText: TypeAlias = tuple[int, str | RawText]
"""The text that the search index keeps of a message, after its rowid."""


def copied_text(values: Row) -> str | RawText | None:
    """Return the text that the index has for a message; None where it is not known how it would.

    (A number that is no integer is written by SQLite in its own way.)
    """
    own = ["" if (value := values.get(name)) is None else value for name in COPIED]
    try:
        return " ".join(own)  # type: ignore[arg-type]
    except TypeError:  # one is no str
        return _joined(values)


def _joined(values: Row) -> str | RawText | None:
    """Return the text of a message that has other values than texts there."""
    parts: list[bytes] = []
    for name in COPIED:
        match values.get(name):
            case None:
                parts.append(b"")
            case str() as text:
                parts.append(text.encode("utf-8", "surrogatepass"))
            case RawText(data):
                parts.append(data)
            case int() as whole:
                parts.append(str(whole).encode())
            case _:
                return None
    return decode_text(b" ".join(parts))


def copies(
    image: PageImage, assignment: Assignment, table: str, wanted: Sequence[int] | None = None
) -> Iterator[list[CopiedText]]:
    """Yield what each page of one of the copies (or ``UNDECIDED``) has; none of an earlier moment.

    With ``wanted``, rowids in order, pages that cannot have one of them are passed over.
    """
    for leaf in _leaves(assignment, table, COPIES, wanted):
        texts: list[CopiedText] = [
            (rowid, values[1])
            for rowid, values in rows_of(image, leaf)
            if rowid is not None
            and values is not None
            and len(values) == 2
            and isinstance(values[1], str | RawText)
        ]
        if not leaf.stale:
            yield texts


def counted(image: PageImage, assignment: Assignment, table: str) -> Iterator[list[int]]:
    """Yield the ids of the messages whose words one (or ``UNDECIDED``) has counted, by page."""
    for leaf in _leaves(assignment, table, (*COUNTS, *_SEGMENTS)):
        if leaf.stale:
            continue
        found: list[int] = []
        for rowid, values in rows_of(image, leaf):
            if rowid is None or values is None:
                continue
            size = values[-1]
            found.append(rowid)
            if not (
                0 < rowid < _HIGHEST_MESSAGE
                and isinstance(size, bytes)
                and len(size) < _LONGEST_COUNT
            ):
                break
        else:
            yield found


def _leaves(
    assignment: Assignment,
    table: str,
    alike: Collection[str],
    wanted: Sequence[int] | None = None,
) -> Iterator[Leaf]:
    """Yield the pages of a table; ``UNDECIDED``: those that could be of any that is ``alike``."""
    if table in assignment.tables:
        yield from assignment.leaves(table, wanted)
    elif table == UNDECIDED:
        for one in assignment.unassigned:
            if one.candidates and set(one.candidates) <= set(alike):
                yield one.leaf
