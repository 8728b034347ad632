"""Nothing from the data reaches a terminal as a command (R9)."""

from __future__ import annotations

import unicodedata

_SHOWN = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escape(text: str) -> str:
    """Return text on one line with every control, format and surrogate character spelled out.

    rich lets ESC and OSC sequences pass, and right-to-left overrides reorder what is read.
    """
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if character in _SHOWN:
        return _SHOWN[character]
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character


def shorten(text: str, length: int) -> str:
    """Return escaped text of at most ``length`` characters."""
    text = escape(text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def shown_id(session: str) -> str:
    """Return the id of a session for a reader, who sees nothing where it is empty."""
    return session or "(empty id)"


def count(number: int, noun: str) -> str:
    """Return ``1 session``, ``1,234 sessions``."""
    ending = "es" if noun.endswith(("s", "sh", "ch", "x")) else "s"
    return f"{number:,} {noun if number == 1 else noun + ending}"


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
