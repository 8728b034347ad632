"""What one look at one home gives before anything is derived from it: rows, files, options.

A snapshot is made by ``app`` for one look and thrown away with it. What stands on it (what the
database ever held, whose a session is, the whole :class:`~hermes_repair.evidence.scene.Scene`)
adds to it, each layer in a module of its own that knows only those below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from pathlib import Path

from hermes_repair.evidence.search_coverage import SearchIndex, read_search_index
from hermes_repair.gateway_routing import Routing, build_routing
from hermes_repair.home.installs import Installed
from hermes_repair.home.layout import Home, routing_file
from hermes_repair.home.named_homes import NamedHomes
from hermes_repair.home.other_databases import DatabaseCopy, every_copy, searched
from hermes_repair.home.sqlite_library import SqliteLibrary, find_library
from hermes_repair.host import Openers, RawFacts, mapped_files, survey_all
from hermes_repair.host.regular_files import real_path
from hermes_repair.lineage.compared_messages import Message, nature_of
from hermes_repair.lineage.queries import node_query
from hermes_repair.lineage.session_node import SessionNode, Titles, node_from_row
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.receipt_history import ReceiptHistory
from hermes_repair.model.values import number, text, whole
from hermes_repair.model.words import count
from hermes_repair.program_texts import default_harness
from hermes_repair.schema.recognise import Recognition, holds_conversations
from hermes_repair.schema.route_preview import text_to_index
from hermes_repair.schema.structure import Structure
from hermes_repair.store.file_state import FileState
from hermes_repair.store.look import Look
from hermes_repair.transcripts.message_keys import call_ids, decode_calls, row_key
from hermes_repair.transcripts.session_files import Listing, list_sessions


@dataclass
class Snapshot:
    """One look at one home.

    ``notes`` are sentences about what could not be looked at, ``left_out`` the checks that were not
    run by their id, each with the reason in a word (see :mod:`hermes_repair.app.coverage`).
    ``wal_mode`` is what the header of the database asks for, ``named_homes`` what of this machine
    names this home and others.
    """

    home: Home
    look: Look
    file: FileState
    structure: Structure
    recognition: Recognition
    openers: Openers
    installed: tuple[Installed, ...]
    receipt_history: ReceiptHistory
    look_options: LookOptions
    now: float
    zone: tzinfo
    wal_mode: bool = False
    named_homes: NamedHomes = field(default_factory=NamedHomes)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = field(default=lambda _sentence: None, repr=False)

    @cached_property
    def has_conversations(self) -> bool:
        """Whether the tables of conversations are there, with what every schema has of them."""
        return holds_conversations(self.structure)

    @cached_property
    def every_copy(self) -> tuple[DatabaseCopy, ...]:
        """Every database, capture and archive around the home: profiles, then newest first."""
        return tuple(every_copy(self.home))

    @cached_property
    def other_databases(self) -> tuple[DatabaseCopy, ...]:
        """Those of them that are searched for chats."""
        return tuple(searched(self.every_copy))

    @cached_property
    def surveyed(self) -> Mapping[Path, tuple[RawFacts, Openers]]:
        """Who has the other profiles' databases open, asked of all at once."""
        return survey_all([copy.path for copy in self.other_databases if copy.kind.in_use])

    @cached_property
    def nodes(self) -> tuple[SessionNode, ...]:
        """Every session with the totals of its messages.

        One whose id is no text (a BLOB, NULL, invalid UTF-8) can be named by nobody, Hermes
        included: it is noted and left alone.
        """
        sessions, messages = self.look.columns("sessions"), self.look.columns("messages")
        cursor = self.look.named(node_query(frozenset(sessions), frozenset(messages)))
        nodes = []
        unnamed = 0
        for row in cursor:
            if isinstance(row["id"], str):
                nodes.append(node_from_row(row))
            else:
                unnamed += 1
        if unnamed:
            unnamed_sessions = count(unnamed, "session")
            self.notes.append(f"{unnamed_sessions} with an id that is not text: left alone.")
        return tuple(nodes)

    @cached_property
    def node(self) -> Mapping[str, SessionNode]:
        """Sessions by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def routing(self) -> Routing:
        """Which chat of the gateway leads to which session now."""
        look = self.look
        return build_routing(
            sessions_json=routing_file(self.home),
            gateway_rows=list(look.rows_of("gateway_routing", "1"))
            if look.has("gateway_routing")
            else (),
            topic_rows=list(look.rows_of("telegram_dm_topic_bindings", "1"))
            if look.has("telegram_dm_topic_bindings")
            else (),
            row_keys={node.id: node.session_key for node in self.nodes if node.session_key},
            scope=str(real_path(self.home.sessions_dir)),
        )

    @cached_property
    def titles(self) -> Titles:
        """Every title, as Hermes resolves them."""
        return Titles.of(self.nodes)

    @cached_property
    def taken_titles(self) -> set[str]:
        """Every title, and those that the plan being made gives: Hermes allows each once."""
        return set(self.titles.exact)

    @cached_property
    def session_files(self) -> Mapping[Path, Listing]:
        """What lies in the folders of transcripts and logs; in most homes they are one."""
        folders = dict.fromkeys((self.home.sessions_dir, self.home.logs_dir))
        return {folder: list_sessions(folder) for folder in folders}

    @cached_property
    def search_index(self) -> SearchIndex:
        """What the search index has of the messages, and whether it can be read."""
        deep = self.look_options.deep
        return read_search_index(self.look, self.structure, self.recognition, deep=deep, words=deep)

    @cached_property
    def text_to_index(self) -> int:
        """The bytes of text that the search index is made of."""
        return text_to_index(self.look.totals)

    @cached_property
    def hermes_sqlite(self) -> SqliteLibrary | None:
        """The SQLite of the Hermes that serves the home, None where nothing tells."""
        running = (one for one in self.openers.processes if one.is_hermes and one.same_namespace)
        return find_library(self.installed, [mapped_files(one.pid) for one in running])

    def messages(self, session_id: str) -> tuple[Message, ...]:
        """Return the active messages of one session as lineage compares them, by id."""
        return tuple(_read_messages(self.look, session_id))


def _read_messages(look: Look, session_id: str) -> Iterator[Message]:
    """Yield the rows that releases show (0.16 on: ``active`` is 1), in the order of their ids."""
    active = " AND active = 1" if "active" in look.columns("messages") else ""
    rows = look.rows(
        "SELECT id, role, content, tool_calls, tool_call_id, timestamp FROM messages"
        f" WHERE session_id = ?{active} ORDER BY id",
        [session_id],
    )
    harness = default_harness()
    for id, role, content, calls, answers, at in rows:
        word = text(role) or ""
        yield Message(
            id=whole(id),
            role=word,
            key=row_key(word, content, calls, answers),
            at=number(at),
            nature=nature_of(word, harness.kind(content)),
            calls=call_ids(decode_calls(calls)),
            answers=text(answers),
        )
