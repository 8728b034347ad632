"""SQL as tokens: split statements and compare them without regard to layout, case and quoting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from string import ascii_uppercase

_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string> [xX]?'(?:[^']|'')*' )
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<word> (?: [A-Za-z_$] | [^\x00-\x7f] ) [\w$]* )
    | (?P<number> \d[\w.]* )
    | (?P<operator> ->> | -> | \|\| | <= | >= | <> | != | == | << | >> | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"(?:[a-z_$]|[^\x00-\x7f])[\w$]*\Z")
_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}
_CREATE = frozenset({"table", "index", "trigger", "view"})


def tokens(sql: str) -> Iterator[str]:
    """Yield the tokens of ``sql``: words in lower case, identifiers unquoted, strings as they are.

    White space and comments are left out. Text that is not SQL gives tokens too, never an error.
    """
    for match in _TOKEN.finditer(sql):
        match match.lastgroup:
            case "space":
                continue
            case "quoted":
                text = match.group()
                inner = folded(text[1:-1].replace(text[0] * 2, text[0]))
                yield inner if _PLAIN.match(inner) else f'"{inner}"'
            case "string":
                yield match.group()
            case _:
                yield folded(match.group())


def folded(name: str) -> str:
    """Return a name in the form in which SQLite compares names: A to Z alone have two cases."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


@lru_cache(maxsize=256)  # one number has most statements of the one before it
def normal(sql: str) -> str:
    """Return one statement in the form in which two spellings of the same thing are equal."""
    words = list(tokens(sql))
    while words and words[-1] == ";":
        words.pop()
    if words[:1] == ["create"]:
        at = next((i for i, token in enumerate(words[:5]) if token in _CREATE), 0) + 1
        if words[at : at + 3] == ["if", "not", "exists"]:
            del words[at : at + 3]
    return " ".join(words)


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script of ours, each without its ``;`` and comments before it."""
    begin = 0
    words: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(script):
        if match.lastgroup == "space":
            if not words:
                begin = match.end()
            continue
        word = match.group().lower()
        if word == ";" and depth == 0:
            if words:
                yield script[begin : match.start()].strip()
            words, begin = [], match.end()
            continue
        words.append(word)
        if words[:2] == ["create", "trigger"] and word in ("begin", "case"):
            depth += 1
        elif depth and word == "end":
            depth -= 1
    if words:
        yield script[begin:].strip()


def kind_of(sql: str) -> tuple[str, str]:
    """Return what a statement of ours is (``table``, ``column``, ``index``, ...) and its name.

    ``column`` is ``ALTER TABLE t ADD COLUMN c ...``, named ``t.c``. Raises ``ValueError`` for
    anything else.
    """
    match list(islice(tokens(sql), 6)):
        case ["create", "virtual", "table", name, *_]:
            return "virtual table", name
        case ["create", "unique", "index", name, *_]:
            return "index", name
        case ["create", ("table" | "index" | "trigger" | "view") as kind, name, *_]:
            return kind, name
        case ["alter", "table", table, "add", "column", column]:
            return "column", f"{table}.{column}"
    raise ValueError(f"not a statement of a schema file: {sql[:60]}")


def split_arguments(tokens: Sequence[str]) -> list[list[str]]:
    """Split the tokens between a pair of parentheses at the commas of the outermost level."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        if token == "," and depth == 0:
            parts.append([])
            continue
        depth += (token == "(") - (token == ")")
        parts[-1].append(token)
    return [part for part in parts if part]
