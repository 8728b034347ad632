"""Whose a session is, and whose rows it begins with, asked of one scene.

The proof itself is :mod:`hermes_repair.lineage.person_proof`; here is the reading that it needs, in
batches: counts first, and rows only for the few sessions that open with another one's words. What
schema step 16 of 0.17.0 and later would mark as a delegate's run, and what it should, rests on it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hermes_repair.evidence.database_history import HistoryEvidence
from hermes_repair.lineage.compared_messages import Nature, begins_with, copied_rows, origin_of
from hermes_repair.lineage.graph import CLEARLY, EdgeKind, Graph, early_children
from hermes_repair.lineage.links import waits_for
from hermes_repair.lineage.person_proof import (
    NEVER_A_PERSON,
    MessageCounts,
    PersonFacts,
    counts_from_row,
    person_facts,
    person_proof,
)
from hermes_repair.lineage.queries import facts_query, first_words_query, trace_query
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.values import text
from hermes_repair.program_texts import CARRIED, default_harness
from hermes_repair.schema.data_steps import (
    Decisions,
    delegates_to_tag,
    read_candidates,
    would_tag,
)

_BATCH = 1000  # sessions per query
_LIVE_BATCH = 50  # beside a live Hermes a query has 50 to 200 ms
_TOO_MANY = 50  # sessions that open alike: what they open with says nothing


@dataclass(frozen=True, slots=True)
class Trace:
    """What a session begins with.

    ``carried``: a summary or task list of a compression stands among its first rows. ``alike``: its
    first message of a user is its parent's.
    """

    carried: bool = False
    alike: bool = False


@dataclass
class LineageEvidence(HistoryEvidence):
    """A snapshot with the session graph and with whose each session is; each is asked once."""

    _counts: dict[str, MessageCounts] = field(default_factory=dict, repr=False)
    _traces: dict[str, Trace] = field(default_factory=dict, repr=False)
    _proofs: dict[str, str | None] = field(default_factory=dict, repr=False)

    @cached_property
    def graph(self) -> Graph:
        """The session graph."""
        return Graph.build(self.nodes, early=self.early)

    @cached_property
    def early(self) -> frozenset[str]:
        """Children that began before their parent was compressed and continue nothing."""
        return find_early(self)

    def proof(self, session_id: str) -> str | None:
        """Return why a session is a person's chat, None where nothing proves it."""
        return self.proofs([session_id]).get(session_id)

    def proofs(self, session_ids: Sequence[str]) -> dict[str, str]:
        """Return those of these sessions that are a person's chat; each is asked once."""
        asked = [session_id for session_id in session_ids if session_id not in self._proofs]
        proofs = prove(self, asked)
        self._proofs.update({session_id: proofs.get(session_id) for session_id in asked})
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


def batches(snapshot: LineageEvidence, ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list of ids into pieces that one query may ask about."""
    size = _LIVE_BATCH if snapshot.look.live else _BATCH
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def read_counts(
    snapshot: LineageEvidence, ids: Sequence[str]
) -> Iterator[tuple[str, MessageCounts]]:
    """Yield what a person's words look like in those of these sessions that have messages."""
    openings = default_harness().openings()
    sql = facts_query(frozenset(snapshot.look.columns("messages")), openings)
    for batch in batches(snapshot, ids):
        for row in snapshot.look.named(sql, [*openings, json.dumps(batch)]):
            yield counts_from_row(row)


def read_traces(snapshot: LineageEvidence, ids: Sequence[str]) -> Iterator[tuple[str, Trace]]:
    """Yield what these sessions begin with, each with its id."""
    openings = [entry.opening for entry in default_harness().texts if entry.kind in CARRIED]
    sql = trace_query(openings)
    for batch in batches(snapshot, ids):
        for row in snapshot.look.named(sql, [*openings, json.dumps(batch)]):
            yield text(row["session_id"]) or "", Trace(bool(row["carried"]), bool(row["alike"]))


def find_early(snapshot: LineageEvidence) -> frozenset[str]:
    """Return the children that began before their parent was compressed and continue nothing.

    A continuation that is older than its parent's end (the parent was opened and compressed again)
    begins with a summary that is not in the parent; a branch copies one at most.
    """
    asked = early_children(snapshot.node)
    traces = snapshot.traces(asked)
    return frozenset(
        session_id
        for session_id in asked
        if not (traces[session_id].carried and _own_summary(snapshot, snapshot.node[session_id]))
    )


def _own_summary(snapshot: LineageEvidence, node: SessionNode) -> bool:
    above = {row.key for row in snapshot.messages(node.parent_id or "")}
    return any(
        row.nature is Nature.CARRIED and row.key not in above for row in snapshot.messages(node.id)
    )


def copies_parent(snapshot: LineageEvidence, node: SessionNode) -> bool:
    """Whether a session provably begins with the rows of its parent."""
    if node.parent_id is None or node.parent_id == node.id or node.parent_id not in snapshot.node:
        return False
    return begins_with(snapshot.messages(node.parent_id), snapshot.messages(node.id)) > 0


def is_no_delegate(snapshot: LineageEvidence, session_id: str) -> bool:
    """Whether a session is provably no delegate's run and no part of one.

    Up to 0.16.0 a run has no mark. One of a chat that a crash left closed begins after that end, so
    it is like a continuation in every column; only that has a summary or its parent's rows, or,
    where it is empty, began in the moment of that end. What continues a run is a part of the run,
    so this is asked of everything above, up to a session that is a person's or has a title, which
    no run gets. To have no parent is no proof: when a chat is deleted, its runs stay without one.
    """
    for name in (session_id, *snapshot.graph.ancestors(session_id)):
        node, kind = snapshot.node[name], snapshot.graph.kinds.get(name)
        if kind is EdgeKind.BRANCH or snapshot.proof(name) is not None:
            return True
        if kind is None:
            return node.titled and node.source not in NEVER_A_PERSON
        continues = kind is EdgeKind.CONTINUATION and _begins_as_continuation(snapshot, node)
        if not continues and not (kind is EdgeKind.UNKNOWN and copies_parent(snapshot, node)):
            return False
    return False


def _begins_as_continuation(snapshot: LineageEvidence, node: SessionNode) -> bool:
    if node.rows:
        carried = snapshot.traces([node.id])[node.id].carried
        return carried or copies_parent(snapshot, node)
    ended = snapshot.node[node.parent_id or ""].ended_at
    if node.started_at is None or ended is None:
        return False
    return abs(node.started_at - ended) <= CLEARLY


def prove(snapshot: LineageEvidence, ids: Sequence[str]) -> dict[str, str]:
    """Return those of these sessions that are a person's chat, with the reason.

    A session without a proof of its own that begins with its parent's rows has that of its parent,
    and of the parent's parent; an orphan that of the session whose rows it begins with.
    """
    counts = snapshot.counts(ids)
    proofs: dict[str, str] = {}
    unproven = []
    for session_id in ids:
        own = person_facts(snapshot.node[session_id], counts[session_id], snapshot.routing)
        proof = person_proof(own)
        if proof is not None:
            proofs[session_id] = proof
        else:
            unproven.append(session_id)
    snapshot.traces(unproven)  # all at once; what follows asks for each
    for session_id in unproven:
        proof = person_proof(_with_copies(snapshot, session_id))
        if proof is not None:
            proofs[session_id] = proof
    return proofs


def _with_copies(snapshot: LineageEvidence, session_id: str) -> PersonFacts:
    """Return the facts of a session with those of the sessions that it copies, nested."""
    chain = [session_id]
    while (above := _copied(snapshot, chain[-1])) is not None and above not in chain:
        chain.append(above)
    facts: PersonFacts | None = None
    for name in reversed(chain):
        facts = person_facts(
            snapshot.node[name], snapshot.counts([name])[name], snapshot.routing, facts
        )
    assert facts is not None  # the chain has at least the session itself
    return facts


def _copied(snapshot: LineageEvidence, session_id: str) -> str | None:
    node = snapshot.node[session_id]
    if node.parent_id is None:
        return None
    if node.parent_id not in snapshot.node:
        return snapshot.origins.get(session_id)
    alike = snapshot.traces([session_id])[session_id].alike
    return node.parent_id if alike and copies_parent(snapshot, node) else None


def find_origins(snapshot: LineageEvidence) -> Mapping[str, str]:
    """Return for each orphan the surviving session whose rows it begins with, where one is named.

    Of several that it begins with alike (a whole chain shares its first rows) the one that waits
    for a continuation is meant; where none or more than one does, nothing is said.
    """
    orphans = [snapshot.node[name] for name in snapshot.graph.orphans]
    words = _first_words(snapshot, [node.id for node in orphans])
    alike = _opening_with(snapshot, {content for content in words.values() if "\0" not in content})
    origins = {}
    for node in orphans:
        origin = _origin(snapshot, node, alike.get(words.get(node.id, ""), ()))
        if origin is not None:
            origins[node.id] = origin
    return origins


def _first_words(snapshot: LineageEvidence, ids: Sequence[str]) -> dict[str, str]:
    return {
        text(row["session_id"]) or "": row["content"]
        for batch in batches(snapshot, ids)
        for row in snapshot.look.named(first_words_query(), [json.dumps(batch)])
        if isinstance(row["content"], str)
    }


def _opening_with(snapshot: LineageEvidence, contents: Collection[str]) -> dict[str, list[str]]:
    """Return the sessions that have a user's message of these texts, by text; in one scan."""
    by_content: defaultdict[str, dict[str, None]] = defaultdict(dict)
    if contents:
        for session_id, content in snapshot.look.scan(
            "session_id, content",
            "messages",
            "role = 'user' AND content IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(contents))],
        ):
            if isinstance(session_id, str) and isinstance(content, str):
                by_content[content][session_id] = None
    return {content: list(ids) for content, ids in by_content.items()}


def _origin(snapshot: LineageEvidence, node: SessionNode, alike: Sequence[str]) -> str | None:
    family = {node.id, *snapshot.graph.chain(node.id)}
    candidates = [name for name in alike if name in snapshot.node and name not in family]
    if not candidates or len(candidates) > _TOO_MANY:
        return None
    own = snapshot.messages(node.id)
    rows = {name: snapshot.messages(name) for name in candidates}
    named = origin_of(own, rows)
    if named is not None:
        return named
    waiting = [
        name
        for name in candidates
        if waits_for(snapshot.graph, snapshot.node[name], node) and begins_with(rows[name], own)
    ]
    return waiting[0] if len(waiting) == 1 else None


def decide(snapshot: LineageEvidence, target: int) -> Decisions:
    """Decide on every session that step 16 of the release of schema ``target`` would mark.

    For databases below 16. The proofs are those of :mod:`hermes_repair.lineage.person_proof`; a
    copied row or a summary is enough to leave a session alone, because a wrong mark hides it.
    """
    candidates = [
        candidate
        for candidate in read_candidates(snapshot.look.rows, snapshot.structure)
        if candidate.id in snapshot.node and would_tag(candidate, target)
    ]
    ids = [candidate.id for candidate in candidates]
    persons = snapshot.proofs(ids)
    unproven = [session_id for session_id in ids if session_id not in persons]
    copies = {
        session_id
        for session_id, trace in snapshot.traces(unproven).items()
        if trace.carried or (trace.alike and _copies(snapshot, session_id))
    }
    return delegates_to_tag(candidates, target, persons, copies)


def _copies(snapshot: LineageEvidence, session_id: str) -> bool:
    parent = snapshot.node[session_id].parent_id or ""
    return copied_rows(snapshot.messages(parent), snapshot.messages(session_id)) > 0
