"""What a copy has that its home has not: all rows of both held against each other.

Apart from :mod:`.kept_copies`, because few looks get as far, and what compares takes long to load.
"""

from __future__ import annotations

from collections.abc import Collection

from hermes_repair.evidence.ownership import LineageEvidence
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy
from hermes_repair.merging.common_past import Relation
from hermes_repair.merging.compare_sides import Brought
from hermes_repair.merging.read_sides import compare_databases, counting
from hermes_repair.merging.verdicts_of_chats import Comparison
from hermes_repair.model.receipt_history import NO_HISTORY, ReceiptHistory
from hermes_repair.store.look import Look


def held_against(
    evidence: LineageEvidence,
    copy: Look,
    there: ReceiptHistory | None = None,
    *,
    partial: bool = False,
    named: Collection[str] = (),
) -> Comparison:
    """Return what a copy has that a home has not.

    What our own runs did here is known, and ``there`` what they did in the copy, None where its
    receipts are not at hand. ``partial``: rows may be missing from it. ``named``: the only sessions
    that are to be brought, where some are.
    """
    brought = brought_by_us(evidence.receipt_history, there)
    return compare_databases(evidence.look, copy, brought=brought, partial=partial, named=named)


def brought_by_us(here: ReceiptHistory, there: ReceiptHistory | None = None) -> Brought:
    """Return what our receipts say that merges brought, here and into the source."""
    theirs = NO_HISTORY if there is None else there
    return Brought(
        here.merged,
        theirs.merged,
        here.inserted,
        theirs.inserted,
        here.withdrawn,
        here.counted,
        told=there is not None,
        undone=here.undone,
    )


def was_here(copy: DatabaseCopy, compared: Comparison) -> bool:
    """Whether what a copy alone has was in this home, or is none of its business.

    Our own backups are of this home, and who put an older one back saw what goes. Another folder of
    Hermes' with nothing in common is another home.
    """
    if copy.kind is CopyKind.BACKUP:
        return True
    return copy.kind is CopyKind.HOME and compared.relation is Relation.UNRELATED


def never_here(compared: Comparison) -> dict[str, int]:
    """Return the chats with messages that were never here, and how many, by session."""
    return {
        id: verdict.rows.never_here
        for id, verdict in compared.verdicts.items()
        if verdict.unasked and verdict.rows.never_here
    }


def short_sessions(evidence: LineageEvidence) -> dict[str, int]:
    """Return how many messages those sessions have that count more than they have.

    No release leaves that behind.
    """
    nodes = counting(evidence.node, evidence.receipt_history.counted).values()
    return {n.id: n.rows for n in nodes if (n.message_count or 0) > n.rows}
