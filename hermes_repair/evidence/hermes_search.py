"""Would Hermes' own search show a message, and if not, why?

The query is read as the release reads it and put to the index that is there, with the release's
rule of which rows are shown. Where a message is not among the hits, its text as the layout indexes
it tells whether the index lacks it or the words do not match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial

from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.search_coverage import Rebuild
from hermes_repair.home.installs import serving
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import Value
from hermes_repair.schema.search_query import (
    FIRST_MENDING_TRIGGERS,
    FIRST_REPAIRED_INDEX,
    SearchQuery,
    SearchRules,
    Shows,
    Way,
    read_query,
    rules_of,
)
from hermes_repair.schema.search_source import SearchSource, search_sources
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
    REBUILDING = "rebuilding"  # Hermes is to make the index anew, or has not come to this message
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
    """One search as the Hermes of this home runs it.

    ``hits`` are the ids that the index gives, None where they are ``unknown``. ``understood`` is
    whether anything can be found with the query, ``texts`` what tries it on the text of a message,
    None where no index is asked.
    """

    look: Look
    nodes: Mapping[str, SessionNode]
    sources: Mapping[str, SearchSource]
    rules: SearchRules
    query: SearchQuery
    hits: frozenset[Value] | None
    unknown: Why | None
    rebuild: Rebuild | None
    texts: TextSearch | None
    understood: bool

    def answers(self, rows: Sequence[Row]) -> list[Answer]:
        """Say of some messages, each once, whether the search shows them, and why not."""
        whys = {row.id: why for row in rows if (why := self._why(row)) is not None}
        whys |= self._why_no_hit([row for row in rows if row.id not in whys])
        return [self._answer(row, whys[row.id]) for row in rows]

    def _answer(self, row: Row, why: Why) -> Answer:
        shows = None if why in UNKNOWN else why in (Why.SHOWN, Why.NOT_FOR_THE_AGENT)
        return Answer(shows, why, self._has_entry("messages_fts", row.id))

    def _why(self, row: Row) -> Why | None:
        """Say why without a look at the text; None where that decides."""
        if self.hits is None:
            return self.unknown or Why.UNKNOWN
        node = self.nodes.get(row.session_id)
        if node is None:
            return Why.NO_SESSION
        if self.query.way is not Way.SCAN and (hidden := self._hidden(row)):
            return hidden
        if row.id in self.hits:
            roles, sources = self.rules.agent_roles, self.rules.agent_hides
            kept = (roles is None or row.role in roles) and node.source not in sources
            return Why.SHOWN if kept else Why.NOT_FOR_THE_AGENT
        return None if self.understood else Why.QUERY

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

    def _why_no_hit(self, rows: Sequence[Row]) -> dict[int, Why]:
        if not rows:
            return {}
        source = self.sources.get(self.query.way.value)
        if source is None or self.texts is None:
            return {row.id: self._why_other(row, read=False) for row in rows}
        indexed: set[int] = set()
        match = self.query.match
        due = self.texts.matching(match, self._indexed_texts(source, rows, indexed))
        others = [row for row in rows if row.id in indexed and row.id not in due]
        read = self.texts.matching(match, self._read_texts(source, others))
        whys = {row.id: self._why_other(row, read=row.id in read) for row in others}
        for row in rows:
            if row.id in due:
                whys[row.id] = self._why_not_indexed(row)
            elif row.id not in indexed:
                left_out = Why.TOOL_LEFT_OUT if row.role == "tool" else Why.SESSION_LEFT_OUT
                whys[row.id] = left_out
        return whys

    def _indexed_texts(
        self, source: SearchSource, rows: Sequence[Row], indexed: set[int]
    ) -> Iterator[tuple[int, tuple[Value, ...]]]:
        """Yield what the layout indexes of messages; ``indexed`` gets those that it covers."""
        values = ", ".join(source.values)
        for row in rows:
            sql = f"SELECT {values} FROM {source.rows} WHERE s.id = ?"
            texts = self.look.one(sql, [row.id])
            if texts is not None:
                indexed.add(row.id)
                yield row.id, texts

    def _read_texts(
        self, source: SearchSource, rows: Sequence[Row]
    ) -> Iterator[tuple[int, tuple[Value, ...]]]:
        """Yield messages as a person reads them: whole, and without the escapes of JSON."""
        for row in rows:
            read = stored_text(self._content(row))
            yield row.id, (read, *[None] * (len(source.columns) - 1))

    def _why_not_indexed(self, row: Row) -> Why:
        rebuild = self.rebuild
        waits = rebuild is not None and rebuild.done < row.id <= rebuild.end
        return Why.REBUILDING if waits else Why.NOT_INDEXED

    def _why_other(self, row: Row, *, read: bool) -> Why:
        """Say why the indexed text does not match; ``read``: whether that of a reader does."""
        content = self._content(row)
        as_json = isinstance(content, str) and content.startswith(SENTINEL)
        if as_json and (read or self.texts is None):
            return Why.STORED_AS_JSON
        return Why.CUT if read and row.role == "tool" else Why.OTHER_WORDS

    def _content(self, row: Row) -> Value:
        stored = self.look.one("SELECT content FROM messages WHERE id = ?", [row.id])
        return stored[0] if stored else None

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
    unknown, rebuild = _unknown(scene, query, number)
    with ExitStack() as stack:
        texts, hits = None, None
        source = sources.get(query.way.value)
        if unknown is None and source is not None:
            try:
                texts = stack.enter_context(text_search(source.columns, source.tokenizer))
            except ValueError:  # our own SQLite lacks FTS5 or its trigram tokenizer
                unknown = Why.UNKNOWN
        understood = query.way is Way.SCAN or (texts is not None and texts.understands(query.match))
        if unknown is None:
            hits, unknown = _hits(scene.look, query, understood)
        yield HermesSearch(
            look=scene.look,
            nodes=scene.node,
            sources=sources,
            rules=rules,
            query=query,
            hits=hits,
            unknown=unknown,
            rebuild=rebuild,
            texts=texts,
            understood=understood,
        )


def _unknown(scene: Scene, query: SearchQuery, number: int) -> tuple[Why | None, Rebuild | None]:
    """Say why the index cannot be asked, and which rebuild of it did not end."""
    recognition = scene.recognition
    search = recognition.search
    old = recognition.number < FIRST_REPAIRED_INDEX
    if old or search.layout is None or search.outdated or search.cjk_triggers:
        return Why.UNKNOWN, None
    if number >= FIRST_MENDING_TRIGGERS and (search.missing or search.different):
        return Why.REBUILDING, None
    try:
        index = scene.search_index
    except DatabaseUnreadable:
        return Why.INDEX_DAMAGED, None
    rebuild = index.rebuild
    if rebuild is None and search.unfinished:
        rebuild = Rebuild(done=-(2**63), end=2**63 - 1)  # other marks do not say how far it came
    if any(table.damaged for table in index.tables):
        return Why.INDEX_DAMAGED, rebuild  # with one of them unreadable Hermes may not even start
    if query.way in (Way.NOWHERE, Way.SCAN):
        return None, rebuild
    known = any(table.name == query.way.value for table in index.tables)
    return None if known else Why.UNKNOWN, rebuild


def _hits(look: Look, query: SearchQuery, understood: bool) -> tuple[frozenset[Value] | None, Why]:
    """Return the ids that the index gives, whatever rows are shown; and why, if nobody knows."""
    if not understood:
        return frozenset(), Why.UNKNOWN
    name = quote(query.way.value)
    sql, values = f"SELECT rowid FROM {name} WHERE {name} MATCH ?", [query.match]
    if query.way is Way.SCAN:
        sql, values = _scan(query)
    try:
        ask = partial(_ids, sql=sql, values=values)
        return look.within_limit(ask), Why.UNKNOWN
    except DatabaseUnreadable:
        # Of a scan it is the number of words, which would be too much for Hermes as well.
        return None, Why.UNKNOWN if query.way is Way.SCAN else Why.INDEX_DAMAGED


def _ids(look: Look, sql: str, values: Sequence[Value]) -> frozenset[Value]:
    return frozenset(row[0] for row in look.rows(sql, values))


def _scan(query: SearchQuery) -> tuple[str, list[str]]:
    escaped = [
        word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in query.words
    ]
    columns = ("content", "tool_name", "tool_calls")
    likes = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for _ in escaped for column in columns)
    values = [f"%{word}%" for word in escaped for _ in columns]
    return f"SELECT id FROM messages NOT INDEXED WHERE {likes}", values
