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
