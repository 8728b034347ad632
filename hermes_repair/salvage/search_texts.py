"""What the search index says of messages: its copy of their text, and that they were counted."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, TypeAlias
from unicodedata import ucd_3_2_0

from hermes_repair.model.values import RawText, Row, Value, decode_text, whole
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.cells import rows_of
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.schema.search import TABLES

COPIES = tuple(f"{table}_content" for table in TABLES)
_SEGMENTS = tuple(f"{table}_data" for table in TABLES)
COUNTS = tuple(f"{table}_docsize" for table in TABLES)
TRIGRAM_COUNTS = COUNTS[1]
UNDECIDED = "one of them"
"""Stands for the pages that are of one of the search tables, and nothing tells of which."""
COPIED = ("content", "tool_name", "tool_calls")
"""The columns that one text of the copy is made of, a space between each two (schema 11 to 22)."""

_TOOL_NAME = re.compile(r"[\w.:/-]{1,128}")
_CALLS = re.compile(r" \[\{")
_MOST_TRIED = 50
_WORD = re.compile(r"[^\W_]+")
_INDEXED_OF_TOOLS = 8192
_LONGEST_COUNT = 40
_HIGHEST_MESSAGE = 1 << 37
"""Where FTS5 numbers its segments from, in a table whose rows look like the counts."""


CopiedText: TypeAlias = tuple[int, str | RawText]
"""The text that the search index keeps of a message, after its rowid."""


class Parts(NamedTuple):
    """The three columns that one text of the copy was made of."""

    content: str
    tool_name: str | None
    tool_calls: str | None

    @property
    def role(self) -> str | None:
        """Who alone can have written such a message: users and assistants look alike in the text.

        Tools have a name, and assistants make calls (0.13.0 to 0.19.0).
        """
        if self.tool_name is not None:
            return "tool" if self.tool_calls is None else None
        return "assistant" if self.tool_calls is not None else None


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


def counted(
    image: PageImage, assignment: Assignment, table: str, wanted: Sequence[int] | None = None
) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the ids of the messages whose words one (or ``UNDECIDED``) has counted, by page.

    With the counts as the index stores them: a variable-length integer for each of its columns.
    With ``wanted`` as :func:`copies`.
    """
    for leaf in _leaves(assignment, table, (*COUNTS, *_SEGMENTS), wanted):
        if leaf.stale:
            continue
        found: list[tuple[int, bytes]] = []
        for rowid, values in rows_of(image, leaf):
            if rowid is None or values is None:
                continue
            sizes = values[-1]
            if not (
                0 < rowid < _HIGHEST_MESSAGE
                and isinstance(sizes, bytes)
                and len(sizes) < _LONGEST_COUNT
            ):
                break
            found.append((rowid, sizes))
        else:
            yield found


def trigram_counts(values: Row, columns: int) -> bytes | None:
    """Return what the trigram index of schema 23 and later stores as the counts of a message.

    It has the first ``columns`` of COPIED, and of a text of n characters n - 2 trigrams (SQLite
    3.34 and later). None where it is not known how it would count.
    """
    found = bytearray()
    for name in COPIED[:columns]:
        value = values.get(name)
        if value is not None and (type(value) is not str or "\0" in value):
            return None
        number = max(len(value or "") - 2, 0)
        if number < 128:
            found.append(number)
        else:
            found += _varint(number)
    return bytes(found)


def is_miscounted(values: Row, counts: bytes, *, apart: bool) -> bool:
    """Whether the word index of Hermes counted other words than a message has.

    It has a column for each of COPIED, or one for the content (schema 10 and earlier) or for all in
    one. ``apart``: it is certain that the last is not so. Of a tool's content it has the first
    8,192 characters (schema 30).
    """
    own = [_words(values.get(name)) for name in COPIED]
    cut = values.get("content")
    cut = cut[:_INDEXED_OF_TOOLS] if isinstance(cut, str) else None
    ways = [own, own[:1]]
    ways += [] if apart else [[None if None in own else sum(map(whole, own))]]
    ways += [[_words(cut), *own[1:]]] if values.get("role") == "tool" else []
    columns = sum(byte < 128 for byte in counts)
    known = [way for way in ways if len(way) == columns]
    if not known or any(None in way for way in known):
        return False
    return counts not in {b"".join(map(_varint, map(whole, way))) for way in known}


def _words(value: Value) -> int | None:
    """Return how many words FTS5's ``unicode61`` finds in a value; None where that is not sure.

    Letters and digits are words. So are characters for it that it does not know yet (the feather of
    Unicode 13, in SQLite 3.40).
    """
    if value is None:
        return 0
    if type(value) is not str or "\0" in value:
        return None
    others = {character for character in value if character > "\x7f"}
    if any(ucd_3_2_0.category(one)[0] in "MC" for one in others):  # C: unknown then, or private
        return None
    return sum(1 for _ in _WORD.finditer(value))


def _varint(number: int) -> bytes:
    """Return a number below 2**56 as SQLite writes it."""
    parts = [number & 127]
    while number := number >> 7:
        parts.append(number & 127 | 128)
    return bytes(reversed(parts))


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


def split_text(text: str) -> Parts | None:
    """Take a text of the search copy apart; None where it can be read in more ways than one.

    It is ``content || ' ' || tool_name || ' ' || tool_calls``, with nothing for NULL. A name has no
    space, calls are a JSON list, and so it is told where each ends. Content that is absent and
    content that is empty look alike: it is given as empty.
    """
    if text.endswith(" "):
        head, calls = text[:-1], None
    else:
        found = list(_calls(text))
        if len(found) != 1:
            return None
        head, calls = text[: found[0]], text[found[0] + 1 :]
    content, space, name = head.rpartition(" ")
    if not space or (name and not _TOOL_NAME.fullmatch(name)):
        return None
    return Parts(content, name or None, calls)


def _calls(text: str) -> Iterator[int]:
    """Yield where the space stands that goes before calls to the end of a text."""
    for tried, match in enumerate(_CALLS.finditer(text)):
        if tried >= _MOST_TRIED:
            return
        try:
            json.loads(text[match.start() + 1 :])
        except (ValueError, RecursionError):
            continue
        yield match.start()
