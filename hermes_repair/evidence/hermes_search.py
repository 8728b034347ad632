"""Would Hermes' own search show a message, and if not, why?

The query is read as the release reads it and put to the index that is there, with the release's
rule of which rows are shown. Where a message is not among the hits, its text as the layout indexes
it tells whether the index lacks it or the words do not match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum

from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.search_index import Rebuild
from hermes_repair.home.installs import serving
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import Value
from hermes_repair.schema.search_query import (
    FIRST_REPAIRED_INDEX,
    SearchQuery,
    SearchRules,
    Shows,
    Way,
    read_query,
    rules_of,
)
from hermes_repair.schema.search_source import SearchSource, search_sources
from hermes_repair.schema.structure import virtual_table_of
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look
from hermes_repair.store.text_search import TextSearch, text_search
from hermes_repair.transcripts.message_keys import SENTINEL, stored_text


class Why(Enum):
    """Why Hermes' search does not show a message, or why nobody knows (the last three)."""

    SHOWN = ""
    NOT_FOR_THE_AGENT = "not-for-the-agent"  # shown, but not to the agent's tool session_search
    QUERY = "query"  # FTS5 cannot read these words as typed, or nothing of them is left
    NO_SESSION = "no-session"
    UNDONE = "undone"
    COMPACTED = "compacted"
    TOOL_LEFT_OUT = "tool-left-out"
    SESSION_LEFT_OUT = "session-left-out"  # of a timer or a delegate (schema 30)
    NOT_INDEXED = "not-indexed"
    CUT = "cut"  # the words come after what is indexed of a tool's result (schema 30)
    STORED_AS_JSON = "stored-as-json"  # text beside a picture, in the escapes of JSON
    OTHER_WORDS = "other-words"  # search looks for whole words, and these are parts of some
    INDEX_DAMAGED = "index-damaged"
    REBUILDING = "rebuilding"  # Hermes has not come to this message
    UNKNOWN = "unknown"


UNKNOWN = frozenset({Why.INDEX_DAMAGED, Why.REBUILDING, Why.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Row:
    """What of a message decides: ``active`` and ``compacted`` as a release takes them."""

    id: int
    session_id: str
    role: str
    active: bool
    compacted: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """``shows`` is None where it is not known; ``indexed`` where there is no index to ask."""

    shows: bool | None
    why: Why
    indexed: bool | None


@dataclass(frozen=True, slots=True)
class HermesSearch:
    """One search as the Hermes of this home runs it, and the ids that it finds (None: unknown)."""

    look: Look
    nodes: Mapping[str, SessionNode]
    sources: Mapping[str, SearchSource]
    rules: SearchRules
    query: SearchQuery
    hits: frozenset[Value] | None
    unknown: Why | None
    rebuild: Rebuild | None
    texts: TextSearch | None

    def answer(self, row: Row) -> Answer:
        """Say whether the search shows this message, and why not."""
        indexed = self._has_entry("messages_fts", row.id)
        why = self._why(row)
        shows = None if why in UNKNOWN else why in (Why.SHOWN, Why.NOT_FOR_THE_AGENT)
        return Answer(shows, why, indexed)

    def _why(self, row: Row) -> Why:
        if self.hits is None:
            return self.unknown or Why.UNKNOWN
        node = self.nodes.get(row.session_id)
        if node is None:
            return Why.NO_SESSION
        if self.query.way is not Way.SCAN and (hidden := self._hidden(row)):
            return hidden
        if row.id in self.hits:
            roles = self.rules.agent_roles
            kept = (roles is None or row.role in roles) and node.source not in (
                self.rules.agent_hides
            )
            return Why.SHOWN if kept else Why.NOT_FOR_THE_AGENT
        return self._why_no_hit(row)

    def _hidden(self, row: Row) -> Why | None:
        """Say why a row is not shown although it is found."""
        shown = {
            Shows.ALL: True,
            Shows.ACTIVE: row.active,
            Shows.NOT_UNDONE: row.active or row.compacted,
        }
        if shown[self.rules.shows]:
            return None
        return Why.COMPACTED if row.compacted else Why.UNDONE

    def _why_no_hit(self, row: Row) -> Why:
        source = self.sources.get(self.query.way.value)
        if source is None or self.texts is None:
            return self._why_no_match(row, 0)
        if not self.texts.understands(self.query.match):
            return Why.QUERY
        values = ", ".join(source.values)
        text = self.look.one(f"SELECT {values} FROM {source.rows} WHERE s.id = ?", [row.id])
        if text is None:
            return Why.TOOL_LEFT_OUT if row.role == "tool" else Why.SESSION_LEFT_OUT
        if self.texts.matches(self.query.match, text):
            rebuild = self.rebuild
            waits = rebuild is not None and rebuild.done < row.id <= rebuild.end
            return Why.REBUILDING if waits else Why.NOT_INDEXED
        return self._why_no_match(row, len(text))

    def _why_no_match(self, row: Row, columns: int) -> Why:
        """Say why the text as it is indexed does not match, where the message has the words."""
        if self.query.way is Way.NOWHERE:
            return Why.QUERY
        found = self.look.one("SELECT content FROM messages WHERE id = ?", [row.id])
        content = found[0] if found else None
        as_json = isinstance(content, str) and content.startswith(SENTINEL)
        if self.texts is None:
            return Why.STORED_AS_JSON if as_json else Why.OTHER_WORDS
        read = [stored_text(content), *[None] * (columns - 1)]
        if self.texts.matches(self.query.match, read):
            return Why.STORED_AS_JSON if as_json else Why.CUT
        return Why.OTHER_WORDS

    def _has_entry(self, table: str, id: int) -> bool | None:
        entries = f"{table}_docsize"
        if not self.look.has(entries):
            return None
        try:
            entry = self.look.one(f"SELECT 1 FROM {quote(entries)} WHERE id = ?", [id])
        except DatabaseUnreadable:
            return None
        return entry is not None


@contextmanager
def hermes_search(scene: Scene, typed: str) -> Iterator[HermesSearch]:
    """Run a search as the Hermes that serves the home would, or one of the database's number."""
    recognition = scene.recognition
    install = serving(scene.installed)
    number = install.number if install and install.number is not None else recognition.number
    rules = rules_of(number)
    query = read_query(typed, rules)
    layout = recognition.search.layout
    sources = search_sources(layout) if layout is not None else {}
    unknown, rebuild = _unknown(scene, query)
    with ExitStack() as stack:
        texts, hits = None, None
        source = sources.get(query.way.value)
        if unknown is None and source is not None:
            try:
                texts = stack.enter_context(text_search(source.columns, _options(source)))
            except ValueError:  # our own SQLite lacks FTS5 or its trigram tokenizer
                unknown = Why.UNKNOWN
        if unknown is None:
            hits, unknown = _hits(scene.look, query, source, texts)
        yield HermesSearch(
            scene.look, scene.node, sources, rules, query, hits, unknown, rebuild, texts
        )


def _options(source: SearchSource) -> list[str]:
    declared = virtual_table_of(source.table, source.create)
    arguments = declared.arguments if declared is not None else ()
    return [argument for argument in arguments if argument.startswith("tokenize =")]


def _unknown(scene: Scene, query: SearchQuery) -> tuple[Why | None, Rebuild | None]:
    """Say why the index cannot be asked, and which rebuild of it did not end."""
    recognition = scene.recognition
    search = recognition.search
    old = recognition.number < FIRST_REPAIRED_INDEX
    if old or search.layout is None or search.outdated or search.cjk_triggers:
        return Why.UNKNOWN, None
    try:
        index = scene.search_index
    except DatabaseUnreadable:
        return Why.INDEX_DAMAGED, None
    if query.way in (Way.NOWHERE, Way.SCAN):
        return None, index.rebuild
    table = next((table for table in index.tables if table.name == query.way.value), None)
    if table is None:
        return Why.UNKNOWN, index.rebuild
    return Why.INDEX_DAMAGED if table.damaged else None, index.rebuild


def _hits(
    look: Look, query: SearchQuery, source: SearchSource | None, texts: TextSearch | None
) -> tuple[frozenset[Value] | None, Why]:
    """Return the ids that the index gives, whatever rows are shown, or why nobody knows."""
    if query.way is Way.SCAN:
        return _ask(look, *_scan(query)), Why.UNKNOWN
    if source is None or texts is None or not texts.understands(query.match):
        return frozenset(), Why.SHOWN
    name = quote(source.table)
    hits = _ask(look, f"SELECT rowid FROM {name} WHERE {name} MATCH ?", [query.match])
    return hits, Why.INDEX_DAMAGED


def _scan(query: SearchQuery) -> tuple[str, list[Value]]:
    escaped = [
        word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in query.words
    ]
    columns = ("content", "tool_name", "tool_calls")
    likes = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for _ in escaped for column in columns)
    values: list[Value] = [f"%{word}%" for word in escaped for _ in columns]
    return f"SELECT id FROM messages NOT INDEXED WHERE {likes}", values


def _ask(look: Look, sql: str, values: list[Value]) -> frozenset[Value] | None:
    try:
        return look.within_limit(lambda live: frozenset(row[0] for row in live.rows(sql, values)))
    except DatabaseUnreadable:
        return None
