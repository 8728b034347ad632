"""The proof that a session is a person's chat and not a delegate's run.

One function for every repair that shows or links a session: LN001, LN006, LN007 and the careful
form of schema step 16. A wrong yes would put subagent runs into a person's list; a wrong no only
means that the person has to name the session.
"""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.gateway_routing import Routing
from hermes_repair.lineage.session_node import DelegateMark, SessionNode
from hermes_repair.model.values import Row, text, whole

NEVER_A_PERSON = frozenset({"subagent", "cron", "tool"})
GENUINE_USERS = 2
"""A delegate has one message of role user that no program text opens: the task it was given. At its
limit it gets a second one, which is program text (0.13.0 to 0.19.0, run)."""


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """What :func:`hermes_repair.lineage.queries.facts_query` adds up for one session.

    ``genuine_users`` counts different texts, so that a repeated task is not taken for a talk.
    """

    genuine_users: int = 0
    platform_rows: int = 0


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Everything that the proof asks about one session.

    ``tied`` is whether a routing entry or a ``session_key`` ties it to a chat. ``copies`` are the
    facts of the session whose rows it begins with, where that one still exists.
    """

    source: str | None
    mark: DelegateMark
    tied: bool
    counts: MessageCounts
    copies: PersonFacts | None = None


def person_facts(
    node: SessionNode,
    counts: MessageCounts,
    routing: Routing,
    copies: PersonFacts | None = None,
) -> PersonFacts:
    """Collect the facts of one session from what the rooms know."""
    tied = routing.has_key(node.id) or node.session_key is not None
    return PersonFacts(node.source, node.delegate_mark, tied, counts, copies)


def counts_from_row(row: Row) -> tuple[str, MessageCounts]:
    """Read one row of ``facts_query``: the session id and its counts."""
    return text(row["session_id"]) or "", MessageCounts(
        genuine_users=whole(row["genuine_users"]),
        platform_rows=whole(row["platform_rows"]),
    )


def person_proof(facts: PersonFacts) -> str | None:
    """Return why this is a person's chat, a plain clause; ``None`` where nothing proves it.

    A session whose source is a delegate's, a cron job's or a tool's never is one, nor is one that
    a release itself tagged as a delegate; the tag of schema step 16 says nothing. A session that
    begins with another one's rows is a person's if that one is.
    """
    current: PersonFacts | None = facts
    while current is not None:
        if current.source in NEVER_A_PERSON or current.mark is DelegateMark.DELEGATE:
            return None
        proof = _own_proof(current)
        if proof is not None and current is not facts:
            return f"it copies a chat that is a person's: {proof}"
        if proof is not None:
            return proof
        current = current.copies
    return None


def _own_proof(facts: PersonFacts) -> str | None:
    if facts.tied:
        return "a gateway chat leads to it or did"
    if facts.counts.platform_rows:
        return "its messages have ids of a message platform"
    if facts.counts.genuine_users >= GENUINE_USERS:
        count = facts.counts.genuine_users
        return f"a person wrote {count} different messages in it"
    return None
