"""What checks read: one look at one home, and what several checks derive from it, once.

A scene is made by ``app`` for one look and thrown away with it. Everything on it is a value or is
derived on first use; checks change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from itertools import count

from hermes_repair.evidence.active_messages import read_messages
from hermes_repair.evidence.compared_transcripts import Compared, Comparisons, compare_all
from hermes_repair.evidence.database_history import database_birth, first_missing_id
from hermes_repair.evidence.judged_locks import JudgedLock, judged_locks
from hermes_repair.evidence.ownership import (
    Trace,
    find_early,
    find_origins,
    prove,
    read_counts,
    read_traces,
)
from hermes_repair.evidence.session_logs import compare_logs
from hermes_repair.evidence.sessions_elsewhere import (
    Continuation,
    Place,
    find_continuations,
    find_elsewhere,
)
from hermes_repair.evidence.suspect_rows import Suspects, find_suspects
from hermes_repair.gateway_routing import Routing, build_routing
from hermes_repair.home.installs import Installed
from hermes_repair.home.layout import Home, routing_file
from hermes_repair.host import Openers
from hermes_repair.host.regular_files import real_path
from hermes_repair.lineage.fork_resolution import Method
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.message_nature import Message
from hermes_repair.lineage.person_proof import MessageCounts, Proof
from hermes_repair.lineage.queries import node_query
from hermes_repair.lineage.session_node import SessionNode, node_from_row
from hermes_repair.model.errors import Refused
from hermes_repair.model.receipt_history import ReceiptHistory
from hermes_repair.schema.recognise import Recognition
from hermes_repair.schema.session_titles import Titles
from hermes_repair.schema.structure import Structure
from hermes_repair.store.file_state import FileState
from hermes_repair.store.look import Look

LARGEST_ID = 2**63 - 1  # of a row in SQLite


class NoIdLeft(Refused):
    """There is no id above the largest that ``messages`` gave out."""


@dataclass(frozen=True, slots=True)
class ForkOptions:
    """How forks are to be resolved (``forks --resolve``), and which siblings are to be kept."""

    method: Method
    keep: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LookOptions:
    """What the user said that changes what is found. ``timezone`` is an IANA name.

    ``sessions`` narrow a report; ``named`` are asked for by name, and everything is looked at.
    ``before`` (epoch seconds): of transcripts, only those that ended before it are brought back.
    """

    timezone: str | None = None
    release: str | None = None
    sessions: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    deep: bool = False
    before: float | None = None
    forks: ForkOptions | None = None


@dataclass
class Scene:
    """One look at one home.

    ``notes`` are sentences about what could not be looked at, ``left_out`` the checks that were not
    run by their id, each with the reason in a word (see :mod:`hermes_repair.app.coverage`).
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
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = field(default=lambda _sentence: None, repr=False)
    _counts: dict[str, MessageCounts] = field(default_factory=dict, repr=False)
    _traces: dict[str, Trace] = field(default_factory=dict, repr=False)
    _proofs: dict[str, Proof | None] = field(default_factory=dict, repr=False)

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
            self.notes.append(
                f"{unnamed} with an id that is no text: such sessions are left alone."
            )
        return tuple(nodes)

    @cached_property
    def graph(self) -> Graph:
        """The session graph."""
        return Graph.build(self.nodes, early=self.early)

    @cached_property
    def early(self) -> frozenset[str]:
        """Children that began before their parent was compressed and continue nothing."""
        return find_early(self)

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

    def messages(self, session_id: str) -> tuple[Message, ...]:
        """Return the active messages of one session as lineage compares them, by id."""
        return tuple(read_messages(self.look, session_id))

    def proof(self, session_id: str) -> Proof | None:
        """Return why a session is a person's chat, None where nothing proves it."""
        return self.proofs([session_id]).get(session_id)

    def proofs(self, session_ids: Sequence[str]) -> dict[str, Proof]:
        """Return those of these sessions that are a person's chat; each is asked once."""
        asked = [session_id for session_id in session_ids if session_id not in self._proofs]
        found = prove(self, asked)
        self._proofs.update({session_id: found.get(session_id) for session_id in asked})
        known = ((session_id, self._proofs[session_id]) for session_id in session_ids)
        return {session_id: proof for session_id, proof in known if proof is not None}

    def counts(self, session_ids: Sequence[str]) -> dict[str, MessageCounts]:
        """Return what a person's words look like in these sessions; each is asked once."""
        asked = [session_id for session_id in session_ids if session_id not in self._counts]
        if asked:
            self._counts.update(dict.fromkeys(asked, MessageCounts()))
            self._counts.update(read_counts(self, asked))
        return {session_id: self._counts[session_id] for session_id in session_ids}

    def traces(self, session_ids: Sequence[str]) -> dict[str, Trace]:
        """Return what these sessions begin with; each is asked once."""
        asked = [session_id for session_id in session_ids if session_id not in self._traces]
        if asked:
            self._traces.update(dict.fromkeys(asked, Trace()))
            self._traces.update(read_traces(self, asked))
        return {session_id: self._traces[session_id] for session_id in session_ids}

    @cached_property
    def origins(self) -> Mapping[str, str]:
        """The surviving session whose rows an orphan begins with, where the rows name one."""
        return find_origins(self)

    @cached_property
    def elsewhere(self) -> Mapping[str, tuple[Place, ...]]:
        """Where the missing parents of orphans still are, by the parent's id."""
        return find_elsewhere(self)

    @cached_property
    def continued_elsewhere(self) -> Mapping[str, tuple[Continuation, ...]]:
        """What continues, in other profiles, the sessions that nothing here continues, by id."""
        return find_continuations(self)

    @cached_property
    def comparisons(self) -> Comparisons:
        """Every transcript file compared with its session."""
        return compare_all(self)

    @cached_property
    def logs(self) -> Mapping[str, Compared]:
        """Session logs that have messages which neither rows nor transcripts have."""
        return compare_logs(self)

    @cached_property
    def suspects(self) -> Suspects:
        """Where messages with odd values are, and such as may be summaries."""
        return find_suspects(self.look, deep=self.look_options.deep)

    @cached_property
    def new_message_ids(self) -> Iterator[int]:
        """Ids above the largest that ``messages`` ever gave out, each once for the whole plan.

        Raises :class:`NoIdLeft` where there is none.
        """
        row = self.look.one(
            "SELECT MAX((SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name ="
            " 'messages'), (SELECT COALESCE(MAX(id), 0) FROM messages))"
        )
        newest = row[0] if row and isinstance(row[0], int) else 0
        return map(_possible, count(newest + 1))

    @cached_property
    def locked(self) -> frozenset[str]:
        """Sessions with a compression lock of any kind, alive or not."""
        return frozenset(lock.session for lock in self.locks)

    @cached_property
    def locks(self) -> tuple[JudgedLock, ...]:
        """Every compression lock with its verdict."""
        return judged_locks(self.look, self.home.database, self.openers, self.now)

    @cached_property
    def birth(self) -> float | None:
        """The earliest time of anything that this database ever held."""
        return database_birth(self)

    @cached_property
    def first_missing(self) -> tuple[int | None, float | None]:
        """The smallest message id that no row has; see :func:`.first_missing_id`."""
        return first_missing_id(self)


def _possible(message_id: int) -> int:
    if message_id > LARGEST_ID:
        raise NoIdLeft(
            f"A message has the largest id that there is ({LARGEST_ID:,}), so no message can be"
            " added; Hermes cannot add one either."
        )
    return message_id
