"""One session as lineage sees it, where its ``_delegate_from`` mark came from, and all titles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from sys import intern

from hermes_repair.model.values import Row, Value, number, text
from hermes_repair.schema.session_titles import ASCII_LOWER

ORPHANED_TAG = "__orphaned__"
"""What schema step 16 (0.17.0) writes into ``_delegate_from`` of sessions without a parent."""


class DelegateMark(Enum):
    """Who wrote ``model_config._delegate_from``.

    ``STEP_16``: the migration step, which tags by shape and also hits a person's chats. It is the
    only writer of ``__orphaned__``, and the only one that goes through SQLite's ``json_set``, which
    leaves the JSON minified; releases themselves write it with Python's separators (0.17.0 to
    0.19.0 read and run). ``DELEGATE``: everything else.
    """

    NONE = "none"
    STEP_16 = "step-16"
    DELEGATE = "delegate"


@dataclass(frozen=True, slots=True)
class SessionNode:
    """One row of ``sessions`` with what its messages add up to.

    Times are epoch seconds, ``None`` where the column holds no finite number. ``title`` is ``None``
    where there is none or it is not valid UTF-8; ``titled`` tells the two apart. ``branched_from``
    and ``delegate_from`` are what SQLite's ``json_extract`` gives, as text; both are ``None`` where
    ``config_valid`` is false. ``rows`` counts every row of ``messages``, ``active_rows`` those that
    a release shows. Columns that the schema does not have yet read as their default.
    """

    id: str
    source: str | None = None
    parent_id: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    end_reason: str | None = None
    title: str | None = None
    titled: bool = False
    config_valid: bool = True
    config_minified: bool = False
    branched_from: str | None = None
    delegate_from: str | None = None
    archived: int | None = 0
    session_key: str | None = None
    chat_type: str | None = None
    chat_id: str | None = None
    message_count: int | None = 0
    api_call_count: int | None = 0
    rewind_count: int | None = 0
    rows: int = 0
    active_rows: int = 0
    last_message_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether its row has no time of ending, which is what Hermes asks for."""
        return self.ended_at is None

    @property
    def delegate_mark(self) -> DelegateMark:
        """Say who tagged this session as a delegate's, if anybody did."""
        if self.delegate_from is None:
            return DelegateMark.NONE
        if self.delegate_from == ORPHANED_TAG or self.config_minified:
            return DelegateMark.STEP_16
        return DelegateMark.DELEGATE


def node_from_row(row: Row) -> SessionNode:
    """Turn one row of :func:`hermes_repair.lineage.queries.node_query` into a node.

    Values of a wrong type read as ``None`` (numbers) or as text with their bytes kept
    (``surrogateescape``), so that a damaged id still equals the same damaged id elsewhere.
    """
    title = row["title"]
    return SessionNode(
        id=text(row["id"]) or "",
        source=_interned(row["source"]),
        parent_id=text(row["parent_session_id"]),
        started_at=number(row["started_at"]),
        ended_at=number(row["ended_at"]),
        end_reason=_interned(row["end_reason"]),
        title=title if isinstance(title, str) else None,
        titled=title is not None,
        config_valid=bool(row["config_valid"]),
        config_minified=bool(row["config_minified"]),
        branched_from=text(row["branched_from"]),
        delegate_from=text(row["delegate_from"]),
        archived=_whole(row["archived"]),
        session_key=text(row["session_key"]),
        chat_type=_interned(row["chat_type"]),
        chat_id=text(row["chat_id"]),
        message_count=_whole(row["message_count"]),
        api_call_count=_whole(row["api_call_count"]),
        rewind_count=_whole(row["rewind_count"]),
        rows=_whole(row["row_count"]) or 0,
        active_rows=_whole(row["active_count"]) or 0,
        last_message_at=number(row["last_message_at"]),
    )


def _whole(value: Value) -> int | None:
    finite = number(value)
    return None if finite is None else int(finite)


def _interned(value: Value) -> str | None:
    """Share one string among the many rows that hold the same few words."""
    word = text(value)
    return None if word is None else intern(word)


@dataclass(frozen=True, slots=True)
class Titles:
    """All titles of a database, ready to be resolved as Hermes does.

    ``exact`` maps a title to its session; ``numbered`` maps what comes before a `` #`` in a title,
    in lower case, to the (start time, session) pairs that the LIKE finds, earliest row first.
    """

    exact: Mapping[str, str]
    numbered: Mapping[str, tuple[tuple[float, str], ...]]

    @classmethod
    def of(cls, nodes: Iterable[SessionNode]) -> Titles:
        """Index the titles of these sessions."""
        exact: dict[str, str] = {}
        numbered: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for node in nodes:
            if node.title is None:
                continue
            exact.setdefault(node.title, node.id)
            start = float("-inf") if node.started_at is None else node.started_at
            lower = node.title.translate(ASCII_LOWER)
            for match in re.finditer(" #", lower):
                numbered[lower[: match.start()]].append((start, node.id))
        return cls(exact, {base: tuple(numbers) for base, numbers in numbered.items()})

    def resolve(self, title: str, without: Collection[str] = ()) -> str | None:
        """Return what ``resolve_session_by_title`` returns were ``without`` not titled so."""
        numbers = self.numbered.get(title.translate(ASCII_LOWER), ())
        latest = max(
            (pair for pair in numbers if pair[1] not in without),
            key=lambda pair: pair[0],
            default=None,
        )
        if latest is not None:
            return latest[1]
        session_id = self.exact.get(title)
        return None if session_id in without else session_id
