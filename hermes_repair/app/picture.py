"""What a page shows of a home beside its findings: chats, their lineage, their days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hermes_repair.checks.forked_sessions import forks, reviews
from hermes_repair.evidence.chat_timelines import Day, FileAccount, days, file_accounts
from hermes_repair.evidence.copied_messages import MOST_CHATS, CopyAccount, messages_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.family_tree import Tree, grow
from hermes_repair.lineage.forks import Holds
from hermes_repair.lineage.graph import Graph
from hermes_repair.model.words import SessionLabel, count


@dataclass(frozen=True, slots=True)
class Chat:
    """One session, or one that only a file or a copy has.

    ``stored`` counts its rows in the database; ``copies`` is None where no copy was asked or has
    anything of it.
    """

    id: str
    label: SessionLabel
    stored: int
    last: float | None
    file: FileAccount | None
    copies: CopyAccount | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What there is to look at.

    ``other_halves`` names, for each half of a fork with words of its own that lists do not show,
    the half that is shown: no release shows both.
    """

    chats: tuple[Chat, ...]
    trees: tuple[Tree, ...]
    other_halves: Mapping[str, str]
    days: tuple[Day, ...]


def picture_of(scene: Scene) -> Picture:
    """Look at everything that a page shows; asks for no more than the checks did."""
    accounts = file_accounts(scene)
    copied = _copied(scene)
    graph = Graph.build(scene.nodes, reviews(scene), scene.early)
    return Picture(
        chats=tuple(_chats(scene, accounts, copied)),
        trees=tuple(grow(graph, scene.routing)),
        other_halves=_other_halves(scene),
        days=days(scene),
    )


def _copied(scene: Scene) -> dict[str, CopyAccount]:
    """Return what copies have, by session: of the chats that a file or a copy has more of."""
    if "copies" not in vars(scene):  # no check asked for them
        return {}
    held = scene.copies.messages
    if more := scene.copies.not_drawn:
        scene.notes.append(
            f"What copies have is drawn of {count(MOST_CHATS, 'chat')}; of"
            f" {count(more, 'more chat')} a copy has something that state.db has not."
        )
    here = messages_of(scene.look, tuple(held))
    found = {}
    for session in held:
        compared = scene.comparisons.answers.get(session)
        answer = compared.comparison if compared is not None else None
        fill = answer.fill if answer is not None else None
        if account := held.account(session, here.get(session, {}), fill):
            found[session] = account
    return found


def _chats(
    scene: Scene, accounts: Mapping[str, FileAccount], copied: Mapping[str, CopyAccount]
) -> list[Chat]:
    chats = [
        Chat(
            node.id,
            SessionLabel(node.started_at, node.source, node.active_rows, node.title),
            node.rows,
            node.last_message_at,
            accounts.get(node.id),
            copied.get(node.id),
        )
        for node in scene.nodes
    ]
    for session_id in (accounts.keys() | copied.keys()) - scene.node.keys():
        account, copies = accounts.get(session_id), copied.get(session_id)
        known = copies or account
        parts = known.stretches if known is not None else ()
        times = [part.first for part in parts if part.first is not None]
        ends = [part.last for part in parts if part.last is not None]
        label = SessionLabel(min(times, default=None), None, 0)
        stored = sum(part.messages for part in parts if part.database)
        chats.append(Chat(session_id, label, stored, max(ends, default=None), account, copies))
    return sorted(chats, key=lambda chat: (chat.label.started_at or 0.0, chat.id), reverse=True)


def _other_halves(scene: Scene) -> dict[str, str]:
    return {
        sibling.session_id: fork.live.session_id or fork.live.suggestion
        for fork in forks(scene)
        for sibling in fork.others(fork.live.session_id or fork.live.suggestion)
        if sibling.holds is Holds.WORDS
    }
