"""How a Hermes release reads a search: what it asks the index for, and which rows it shows.

``SessionDB.search_messages`` of 0.13.0 to 0.19.0, read and compared release by release. The agent's
tool ``session_search`` and the dashboard both ask it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

LONGEST = 2048  # characters of a query that 0.18.0 and later read
FIRST_REPAIRED_INDEX = 11
"""0.13.0 and later make the search tables of older schemas anew when they open them."""
FIRST_MENDING_TRIGGERS = 14
"""0.16.0 and later fill the search tables anew when they open a database that lacks a trigger."""

_OPERATORS = frozenset({"AND", "OR", "NOT"})
_PHRASE = re.compile(r'"[^"]*"')
_ASIDE = "\0"  # in the place of a phrase; no command line has one
_SYNTAX = '+{}()"^'
_STARS = re.compile(r"(?<!\S)\*+|(?<=\*)\*+")
_JOINS_NOTHING = re.compile(r"\A(?:AND|OR|NOT)\b\s*|\s+(?:AND|OR|NOT)\Z", re.IGNORECASE)
_JOINED = re.compile(r"\w+(?:[._-]\w+)+")
_CJK = (
    (0x3000, 0x303F),  # symbols
    (0x3040, 0x30FF),  # hiragana, katakana
    (0x3400, 0x4DBF),  # extension A
    (0x4E00, 0x9FFF),  # unified ideographs
    (0xAC00, 0xD7AF),  # hangul
    (0x20000, 0x2A6DF),  # extension B
)


class Shows(Enum):
    """Which rows a search shows."""

    ALL = "all"  # up to 0.15.2
    ACTIVE = "active"  # 0.16 and 0.17
    NOT_UNDONE = "not undone"  # 0.18 on: compacted messages too


class Way(Enum):
    """Where a search looks."""

    NOWHERE = "nowhere"  # nothing is left of the query
    WORDS = "messages_fts"
    # Three or more CJK characters in every CJK word; FTS5 passes over words of one or two letters.
    TRIGRAM = "messages_fts_trigram"
    SCAN = "messages"  # LIKE, whatever rows there are, undone ones too


@dataclass(frozen=True, slots=True)
class SearchRules:
    """What one release does.

    ``strips_colon``: ``a:b`` is two words; before 0.17 it asks for a column ``a``. The agent's tool
    gets only messages of ``agent_roles`` (None: all), none of sessions with a source of
    ``agent_hides``.
    """

    shows: Shows
    strips_colon: bool
    longest: int | None
    agent_roles: frozenset[str] | None
    agent_hides: frozenset[str]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search as a release asks it: ``match`` in FTS5's syntax, or ``words`` for LIKE, any."""

    way: Way
    match: str = ""
    words: tuple[str, ...] = ()


def rules_of(number: int) -> SearchRules:
    """Return the rules of the release with this SCHEMA_VERSION; later ones as 0.19.0 (22)."""
    shows = Shows.NOT_UNDONE if number >= 17 else Shows.ACTIVE if number >= 14 else Shows.ALL
    return SearchRules(
        shows,
        strips_colon=number >= 16,
        longest=LONGEST if number >= 17 else None,
        agent_roles=frozenset({"user", "assistant"}) if number >= 13 else None,
        agent_hides=frozenset({"subagent", "tool"} if number >= 16 else {"tool"}),
    )


def read_query(typed: str, rules: SearchRules) -> SearchQuery:
    """Return what a release makes of a search as somebody types it."""
    query = _understood(typed[: rules.longest], rules)
    if not query:
        return SearchQuery(Way.NOWHERE)
    if not _cjk(query):
        return SearchQuery(Way.WORDS, query)
    raw = query.strip('"').strip()
    words = raw.split()
    asked = [word for word in words if word.upper() not in _OPERATORS]
    if _cjk(raw) < 3 or any(0 < _cjk(word) < 3 for word in asked):
        return SearchQuery(Way.SCAN, words=tuple(asked or [raw]))
    match = " ".join(word if word not in asked else _quoted(word) for word in words)
    return SearchQuery(Way.TRIGRAM, match)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _cjk(text: str) -> int:
    return sum(any(low <= ord(c) <= high for low, high in _CJK) for c in text if c >= "\u3000")


def _understood(typed: str, rules: SearchRules) -> str:
    """Return what the release makes of a query so that FTS5 can read it.

    Phrases in quotes stay as they are. Elsewhere the characters of FTS5's syntax are blanks, of
    stars one stays behind a word, an operator that joins nothing goes, and words joined by a dot, a
    dash or an underscore become a phrase.
    """
    phrases = iter(_PHRASE.findall(typed))
    syntax = _SYNTAX + (":" if rules.strips_colon else "")
    plain = _PHRASE.sub(_ASIDE, typed).translate(dict.fromkeys(map(ord, syntax), " "))
    plain = _JOINS_NOTHING.sub("", _STARS.sub("", plain).strip())
    plain = _JOINED.sub(lambda word: f'"{word[0]}"', plain)
    return "".join(next(phrases) if c == _ASIDE else c for c in plain).strip()
