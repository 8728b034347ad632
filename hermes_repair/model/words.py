"""What a reader sees of numbers, times, sessions and texts of the data.

Nothing that comes from the data reaches a terminal as a command (R9).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

TITLE_LENGTH = 40
_CODES = 8  # characters that one column may take: a family of emoji has up to 11 in two
_JOINERS = "\u200c\u200d"
_SHOWN = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def minute(at: float) -> str:
    """Return local date, minute and zone of epoch seconds; the number outside the calendar."""
    return _in_words(at, "%Y-%m-%d %H:%M %z", None)


def second(at: float) -> str:
    """Return local date, time and zone of epoch seconds; the number outside the calendar."""
    return _in_words(at, "%Y-%m-%d %H:%M:%S %z", None)


def day(at: float) -> str:
    """Return the local day of epoch seconds; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d", None)


def utc_day(at: float) -> str:
    """Return the day of epoch seconds in UTC; the number itself outside the calendar."""
    return _in_words(at, "%Y-%m-%d", UTC)


def _in_words(at: float, form: str, zone: tzinfo | None) -> str:
    try:
        then = datetime.fromtimestamp(at, zone).astimezone(zone)
        return then.strftime(form).replace("+0000", "UTC")
    except (OverflowError, OSError, ValueError):
        return f"time {at:g}"


def count(number: int, noun: str) -> str:
    """Return ``1 session``, ``1,234 sessions``."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith(('s', 'sh', 'ch', 'x')) else 's'}"


def verb(number: int, one: str, many: str) -> str:
    """Return the word that goes with a number: ``1 row belongs``, ``2 rows belong``."""
    return one if number == 1 else many


def size(number: int) -> str:
    """Return a number of bytes for a reader."""
    amount = float(number)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit always fits")


def moment(seconds: float | None) -> str:
    """Return a local date and time, empty for none, or the bare number where it is no time."""
    return "" if seconds is None else second(seconds)


def escape(text: str) -> str:
    """Return text on one line with every control, format and surrogate character spelled out.

    rich lets ESC and OSC sequences pass, and right-to-left overrides reorder what is read. Two
    format characters only join the letters or pictures on both sides of them, in Hindi, Persian or
    a family of emoji, and stay there.
    """
    if text.isascii() and text.isprintable():
        return text
    around = f" {text} "
    return "".join(
        character
        if character in _JOINERS and _joins(around[place], around[place + 2])
        else _spelled(character)
        for place, character in enumerate(text)
    )


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between two characters can have an effect: ASCII has nothing to join."""
    return all(not c.isascii() and unicodedata.category(c)[0] in "LMS" for c in (before, after))


def _spelled(character: str) -> str:
    if character in _SHOWN:
        return _SHOWN[character]
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character


def cells(text: str) -> int:
    """Return how many columns of a terminal an escaped text takes.

    What is drawn as one takes the room of one: a letter with its marks, a family of emoji, a flag.
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # `locks clean` has seldom a use for it

    return cell_len(text)


def pad(text: str, width: int) -> str:
    """Return an escaped text with as many spaces behind it as fill ``width`` columns."""
    return text + " " * (width - cells(text))


def shorten(text: str, width: int) -> str:
    """Return escaped text of at most ``width`` columns of a terminal, cut between two letters."""
    whole = len(text) <= _CODES * width
    text = escape(text[: _CODES * width])
    if whole and cells(text) <= width:
        return text
    from rich.cells import split_text

    return split_text(text, width - 1)[0].rstrip() + "…"


def shown_id(session: str) -> str:
    """Return the id of a session for a reader, who sees nothing where it is empty."""
    return session or "(empty id)"


@dataclass(frozen=True, slots=True)
class SessionLabel:
    """What lets a person tell which chat is meant. ``title`` only where it may be shown (R9)."""

    started_at: float | None
    source: str | None
    messages: int
    title: str | None = None

    def words(self, after: int | None = None) -> str:
        """Return ``2026-05-02, telegram, 12 messages, "Trip to ..."``.

        Where there are more or fewer of them ``after`` a repair: ``12 -> 16 messages``.
        """
        parts = []
        if self.started_at is not None:
            parts.append(day(self.started_at))
        if self.source:
            parts.append(shorten(self.source, 20))
        changes = after is not None and after != self.messages
        before = f"{self.messages:,} -> " if changes else ""
        parts.append(before + count(self.messages if after is None else after, "message"))
        if self.title:
            parts.append(f'"{shorten(self.title, TITLE_LENGTH)}"')
        return ", ".join(parts)
